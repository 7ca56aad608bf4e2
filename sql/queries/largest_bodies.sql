-- The largest bodies, and how well they compress; body_json(body_zstd) gives the JSON itself.
select signature, slot, block_time, length(body_json(body_zstd)) as json_characters, octet_length(body_zstd) as zstd_bytes
from raw_transactions
order by json_characters desc, signature
limit 20

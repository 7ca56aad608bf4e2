-- Every mint seen: its decimals, its token program, and where it was seen first.
select mint, arg_min(decimals, (first_slot, first_signature)) as decimals,
       coalesce(arg_min(token_program, (first_slot, first_signature)) filter (token_program <> ''), '') as token_program,
       min(first_slot) as first_slot, arg_min(first_block_time, (first_slot, first_signature)) as first_block_time,
       arg_min(first_signature, (first_slot, first_signature)) as first_signature
from (
    select mint, decimals, token_program, first_slot, first_block_time, first_signature from parquet_token_facts
    union all
    select mint, decimals, token_program, first_slot, first_block_time, first_signature from hot_token_facts
)
group by mint

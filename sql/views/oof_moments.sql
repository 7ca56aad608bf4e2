-- What a wallet could have done better, with every input in explain_json: json_extract_string(explain_json, '$.signature').
-- With `bucket = wallet_bucket('ADDRESS')` beside the wallet in the condition, one bucket's file is read instead of all.
select * from parquet_oof_moments

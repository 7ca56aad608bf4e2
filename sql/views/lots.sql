-- Units that came in together, what they cost, and where they are now: remaining, sold, moved out or in pools.
-- With `bucket = wallet_bucket('ADDRESS')` beside the wallet in the condition, one bucket's file is read instead of all.
select * from parquet_lots

-- A wallet's holding of a mint from nothing to nothing; a number above 1 is a re-entry.
-- With `bucket = wallet_bucket('ADDRESS')` beside the wallet in the condition, one bucket's file is read instead of all.
select * from parquet_episodes

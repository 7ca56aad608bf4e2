-- What sells, exchange transfers and burns realised: a row a cost mint and basis status. Dollars are null without a price.
-- With `bucket = wallet_bucket('ADDRESS')` beside the wallet in the condition, one bucket's file is read instead of all.
select * from parquet_realized_trades

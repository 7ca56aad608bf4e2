-- Dollars a SOL at the start of each minute, by the configured source; no row where it knew nothing.
select * from parquet_reference_prices

-- Candles of an hour of every pair, of the trades that are believed; see docs/prices.md. Prices are quote units a whole coin.
select * from parquet_price_1h

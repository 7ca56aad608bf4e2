-- Candles of every timeframe (tf), of each coin the quote to believe alone. vwap_usd is null where nobody says what a SOL is worth.
select '1m' as tf, * from price_1m where is_primary
union all
select '5m' as tf, * from price_5m where is_primary
union all
select '1h' as tf, * from price_1h where is_primary

-- What stands out of a wallet, a row each: top_win, top_loss, and of each kind of moment the one that ranks first.
select * from parquet_wallet_extremes

-- Who realised most in the seven days before the newest exit.
select * from leaderboard((select max(sold_at) from realized_trades), 7) order by rank limit 50

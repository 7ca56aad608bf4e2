-- Who realised most in the thirty days before the newest exit.
select * from leaderboard((select max(sold_at) from realized_trades), 30) order by rank limit 50

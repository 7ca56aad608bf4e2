-- How soon served rows of wallets followed what touched them, in seconds, over the last 10,000 times: waiting for its turn, made
-- and served, both together, and since the newest block time of the wallet. Shares of the transactions themselves: refresh_log.
with newest as (
    select *, epoch(served_at) - epoch(touched_at) as touched_to_served
    from refresh_log order by served_at desc limit 10000
)
select cause, count(*) as times, count(distinct wallet) as wallets,
       round(quantile_cont(epoch(began_at) - epoch(touched_at), 0.5), 3) as waited_p50,
       round(quantile_cont(epoch(served_at) - epoch(began_at), 0.5), 3) as made_p50,
       round(quantile_cont(touched_to_served, 0.5), 3) as served_p50,
       round(quantile_cont(touched_to_served, 0.95), 3) as served_p95,
       round(max(touched_to_served), 3) as served_worst,
       round(quantile_cont(epoch(served_at) - epoch(newest_block_at), 0.95), 3) as since_block_p95
from newest
group by cause
order by cause

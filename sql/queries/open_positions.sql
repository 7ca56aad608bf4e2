-- What is still held, in wallets and in pools, and what it cost.
select wallet, mint, units(sum(qty_remaining_raw), max(decimals)) as held, units(sum(qty_in_pool_raw), max(decimals)) as in_pools,
       sum(cost_remaining_usd) as cost_of_held_usd, count(*) as lots,
       count(*) filter (where basis_status = 'unknown') as lots_of_unknown_basis, min(entry_at) as first_entry_at
from lots
where qty_remaining_raw > 0 or qty_in_pool_raw > 0
group by wallet, mint
order by cost_of_held_usd desc nulls last, wallet, mint
limit 50

-- The exits that realised most, by FIFO and by average cost. Fees are beside, not in.
select sold_at, wallet, mint, kind, units(qty_raw, decimals) as qty, proceeds_usd, cost_usd, basis_status, realized_pnl_usd,
       average_pnl_usd, fees_usd, entry_at, signature
from realized_trades
where realized_pnl_usd > 0
order by realized_pnl_usd desc, sold_at, exit_id
limit 50

-- Provisional transactions that were taken back, and how many rows derived from them went along, at once (actions, moves, events)
-- or when the wallets were made again (lots, trades, moments).
select sig as signature, slot, reason, detail, actions_removed, moves_removed, events_removed, lots_removed, trades_removed,
       moments_removed, market_events_removed, wallets_touched, corrected_at
from corrections
order by corrected_at, signature

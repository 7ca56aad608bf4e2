-- What every account held after a slot, replayed from its moves: balances_at(416000000). The last move up to it counts.
-- Parameters: at_slot
select account, owner, asset, balance_raw, slot as last_moved_slot, signature as last_signature
from moves
where not is_virtual and slot <= at_slot
qualify row_number() over (partition by account, asset order by slot desc, tx_index desc nulls last, signature desc, seq desc) = 1

-- What every account held after a slot, replayed from its moves: balances_at(416000000). The last move up to it counts.
-- Parameters: at_slot
-- Where the last slot has several of its transactions and one is of unknown place, the balance is null, not a guess.
with ends as (
    select signature, slot, tx_index, account, asset, is_final, arg_max(owner, seq) as owner, arg_max(balance_raw, seq) as post_raw
    from moves
    where not is_virtual and slot <= at_slot
    group by signature, slot, tx_index, account, asset, is_final
), placed as (
    select *, count(*) over slots = 1 or count(tx_index) over slots = count(*) over slots as is_order_known
    from ends
    window slots as (partition by account, asset, slot)
)
select account, owner, asset, case when is_order_known then post_raw end as balance_raw, slot as last_moved_slot,
       signature as last_signature, is_order_known, is_final
from placed
qualify row_number() over (partition by account, asset order by slot desc, tx_index desc nulls last, signature desc) = 1

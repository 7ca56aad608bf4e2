-- Accounts whose balance after a transaction is not what the next recorded one found: something unrecorded lies between.
-- A slot in which an account has several transactions, one of them of unknown place, says nothing, and no pair touches it.
with ends as (
    select signature, slot, tx_index, account, asset, arg_min(balance_raw - delta_raw, seq) as pre_raw,
           arg_max(balance_raw, seq) as post_raw
    from moves
    where not is_virtual
    group by signature, slot, tx_index, account, asset
), placed as (
    select *, count(*) over slots = 1 or count(tx_index) over slots = count(*) over slots as is_order_known
    from ends
    window slots as (partition by account, asset, slot)
), paired as (
    select *, lag(signature) over w as signature_before, lag(slot) over w as slot_before,
           lag(post_raw) over w as post_before_raw, lag(is_order_known) over w as is_order_before_known
    from placed
    window w as (partition by account, asset order by slot, tx_index, signature)
)
select account, asset, signature_before, slot_before, post_before_raw, signature as signature_after, slot as slot_after,
       pre_raw as pre_after_raw, pre_raw - post_before_raw as missing_raw
from paired
where post_before_raw <> pre_raw and is_order_known and is_order_before_known

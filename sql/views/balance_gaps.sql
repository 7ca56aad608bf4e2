-- Accounts whose balance after a transaction is not what the next recorded one found: something unrecorded lies between.
-- Transactions of one slot whose order in the block is unknown are left out.
with ends as (
    select signature, slot, tx_index, account, asset, arg_min(balance_raw - delta_raw, seq) as pre_raw,
           arg_max(balance_raw, seq) as post_raw
    from moves
    where not is_virtual
    group by signature, slot, tx_index, account, asset
), paired as (
    select *, lag(signature) over w as signature_before, lag(slot) over w as slot_before,
           lag(tx_index) over w as tx_index_before, lag(post_raw) over w as post_before_raw
    from ends
    window w as (partition by account, asset order by slot, tx_index nulls last, signature)
)
select account, asset, signature_before, slot_before, post_before_raw, signature as signature_after, slot as slot_after,
       pre_raw as pre_after_raw, pre_raw - post_before_raw as missing_raw
from paired
where post_before_raw <> pre_raw
  and not (slot = slot_before and (tx_index is null or tx_index_before is null))

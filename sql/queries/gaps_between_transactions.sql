-- Accounts whose balance is not what their last recorded transaction left: something unrecorded lies between.
select account, asset, slot_before, slot_after, missing_raw, signature_before, signature_after
from balance_gaps
order by slot_after, account, asset

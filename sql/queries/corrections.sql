-- Provisional transactions that were taken back, and how many rows derived from them went along.
select sig as signature, slot, reason, detail, actions_removed, moves_removed, corrected_at
from corrections
order by corrected_at, signature

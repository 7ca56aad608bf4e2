-- What each transaction cost beside the trade: base fee, priority fee, tips to block builders; rent apart, it is a deposit.
select signature, slot, tx_index, block_time, day,
       arg_min(owner, seq) filter (kind = 'fee_base') as fee_payer,
       coalesce(sum(-delta_raw) filter (kind = 'fee_base'), 0) as base_lamports,
       coalesce(sum(-delta_raw) filter (kind = 'fee_priority'), 0) as priority_lamports,
       coalesce(sum(-delta_raw) filter (kind = 'tip'), 0) as tip_lamports,
       bool_and(is_final) as is_final
from moves
where kind in ('fee_base', 'fee_priority', 'tip') and not is_virtual and delta_raw < 0
group by signature, slot, tx_index, block_time, day

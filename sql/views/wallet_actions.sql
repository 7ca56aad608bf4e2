-- Every action by the wallets it concerns, own and as the other side: bucket files ∪ what they do not hold yet.
select wallet, signature, slot, tx_index, block_time, log_idx, path, program_id, venue, kind, id, is_counterparty,
       other_wallet, asset, amount_raw, bought_asset, bought_raw, bucket
from parquet_wallet_actions
union all
select s.wallet, a.signature, a.slot, a.tx_index, a.block_time, a.log_idx, a.path, a.program_id, a.venue, a.kind, a.id,
       s.is_counterparty, s.other_wallet, a.asset, a.amount_raw, a.bought_asset, a.bought_raw, null as bucket
from actions a
cross join lateral (
    select a.wallet as wallet, false as is_counterparty, a.counterparty as other_wallet
    union all
    select a.counterparty, true, a.wallet where a.counterparty not in ('', a.wallet)
) s
where not exists (select 1 from parquet_wallet_actions p where p.wallet = s.wallet and p.id = a.id)

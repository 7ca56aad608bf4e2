-- Every action by the wallets it concerns, own and as the other side: bucket files ∪ what they do not hold yet.
-- With `bucket = wallet_bucket('ADDRESS')` beside the wallet in the condition, one bucket's file is read instead of all.
with lagging as (
    select coalesce(s.day, c.day) as day, coalesce(s.bucket, c.bucket) as bucket
    from wallet_slices s
    full join wallet_bucket_contents c on c.day = s.day and c.bucket = s.bucket
    where s.sha256 is distinct from c.sha256
), newer as (
    select a.*
    from parquet_actions a
    where a.day in (select day from lagging)
      and not exists (select 1 from hot_actions h where h.signature = a.signature)
), sides as (
    select n.wallet as seen_by, false as is_counterparty, n.counterparty as other_wallet, n.* exclude (wallet, counterparty)
    from newer n
    union all
    select n.counterparty, true, n.wallet, n.* exclude (wallet, counterparty)
    from newer n
    where n.counterparty not in ('', n.wallet)
), hot_sides as (
    select h.wallet as seen_by, false as is_counterparty, h.counterparty as other_wallet, h.* exclude (wallet, counterparty)
    from hot_actions h
    union all
    select h.counterparty, true, h.wallet, h.* exclude (wallet, counterparty)
    from hot_actions h
    where h.counterparty not in ('', h.wallet)
)
select wallet, signature, slot, tx_index, block_time, log_idx, path, program_id, venue, kind, id, is_counterparty,
       other_wallet, asset, amount_raw, bought_asset, bought_raw, bucket, cast(block_time as date) as day, true as is_final
from parquet_wallet_actions p
where not exists (select 1 from lagging l where l.bucket = p.bucket and l.day = cast(p.block_time as date))
union all
select seen_by, signature, slot, tx_index, block_time, log_idx, path, program_id, venue, kind, id, is_counterparty,
       other_wallet, asset, amount_raw, bought_asset, bought_raw, wallet_bucket(seen_by) as bucket,
       cast(block_time as date) as day, true as is_final
from sides s
where exists (select 1 from lagging l where l.day = s.day and l.bucket = wallet_bucket(s.seen_by))
union all
select seen_by, signature, slot, tx_index, block_time, log_idx, path, program_id, venue, kind, id, is_counterparty,
       other_wallet, asset, amount_raw, bought_asset, bought_raw, wallet_bucket(seen_by) as bucket,
       cast(block_time as date) as day, is_final
from hot_sides

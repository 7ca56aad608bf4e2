-- What happened to wallets' holdings, by wallet: bucket files ∪ what of the decoded days they do not hold yet ∪ what the feed read
-- and no day's file holds yet.
-- With `bucket = wallet_bucket('ADDRESS')` beside the wallet in the condition, one bucket's file is read instead of all.
with lagging as (
    select coalesce(s.day, c.day) as day, coalesce(s.bucket, c.bucket) as bucket
    from wallet_slices s
    full join wallet_bucket_contents c on c.day = s.day and c.bucket = s.bucket
    where s.sha256 is distinct from c.sha256
)
select wallet, signature, slot, tx_index, block_time, log_idx, path, seq, kind, mint, decimals, qty_raw, other_mint,
       other_decimals, other_raw, counterparty, venue, network_fee_lamports, tip_lamports, rent_lamports, is_escrow, bucket,
       cast(block_time as date) as day
from parquet_wallet_events p
where not exists (select 1 from lagging l where l.bucket = p.bucket and l.day = cast(p.block_time as date))
union all
select wallet, signature, slot, tx_index, block_time, log_idx, path, seq, kind, mint, decimals, qty_raw, other_mint,
       other_decimals, other_raw, counterparty, venue, network_fee_lamports, tip_lamports, rent_lamports, is_escrow,
       wallet_bucket(wallet) as bucket, day
from parquet_position_events e
where exists (select 1 from lagging l where l.day = e.day and l.bucket = wallet_bucket(e.wallet))
union all
select wallet, signature, slot, tx_index, block_time, log_idx, path, seq, kind, mint, decimals, qty_raw, other_mint,
       other_decimals, other_raw, counterparty, venue, network_fee_lamports, tip_lamports, rent_lamports, is_escrow,
       wallet_bucket(wallet) as bucket, cast(block_time as date) as day
from hot_position_events h
where not exists (
    select 1 from parquet_position_events p where p.day = cast(h.block_time as date) and p.signature = h.signature
)

-- The market as one stream, a row an event: files ∪ what the feed read and no file holds yet, the flags raised over it, and
-- what accounts say by themselves (source 'account': `account` wrote it, and the signature is an id made of that).
select signature, slot, tx_index, block_time, log_idx, kind, ordinal, program_id, venue, pool, mint, quote_mint,
       wallet, signer, creator, is_buy, is_add, base_raw, quote_raw, base_decimals, quote_decimals,
       wallet_balance_raw, reserve_kind, base_reserve_raw, quote_reserve_raw, token_program, mint_authority,
       freeze_authority, supply_raw, name, symbol, uri, flag, share_bps, day, true as is_final,
       'transaction' as source, '' as account
from parquet_market_events
union all
select signature, slot, tx_index, block_time, log_idx, kind, ordinal, program_id, venue, pool, mint, quote_mint,
       wallet, signer, creator, is_buy, is_add, base_raw, quote_raw, base_decimals, quote_decimals,
       wallet_balance_raw, reserve_kind, base_reserve_raw, quote_reserve_raw, token_program, mint_authority,
       freeze_authority, supply_raw, name, symbol, uri, flag, share_bps, cast(block_time as date) as day, is_final,
       'transaction' as source, '' as account
from hot_market_events h
where not exists (
    select 1 from parquet_market_events p where p.day = cast(h.block_time as date) and p.signature = h.signature
)
union all
select signature, slot, tx_index, block_time, log_idx, kind, ordinal, program_id, venue, pool, mint, quote_mint,
       wallet, signer, creator, is_buy, is_add, base_raw, quote_raw, base_decimals, quote_decimals,
       wallet_balance_raw, reserve_kind, base_reserve_raw, quote_reserve_raw, token_program, mint_authority,
       freeze_authority, supply_raw, name, symbol, uri, flag, share_bps, day, true as is_final,
       'transaction' as source, '' as account
from parquet_risk_flags
union all
select signature, slot, tx_index, block_time, log_idx, kind, ordinal, program_id, venue, pool, mint, quote_mint,
       wallet, signer, creator, is_buy, is_add, base_raw, quote_raw, base_decimals, quote_decimals,
       wallet_balance_raw, reserve_kind, base_reserve_raw, quote_reserve_raw, token_program, mint_authority,
       freeze_authority, supply_raw, name, symbol, uri, flag, share_bps, cast(block_time as date) as day, is_final,
       'account' as source, account
from account_events

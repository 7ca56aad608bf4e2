-- Pools as their accounts say it now, sides a and b in the program's own order. Reserves are what the vaults hold less what is
-- owed to others, null where a vault was not heard; a curve's are its virtual ones.
select p.pool, p.venue, p.program_id, p.mint_a, p.mint_b, p.vault_a, p.vault_b, p.decimals_a, p.decimals_b,
       case when p.venue = 'pumpfun' then p.virtual_a_raw else a.balance_raw - coalesce(p.owed_a_raw, 0) end as reserve_a_raw,
       case when p.venue = 'pumpfun' then p.virtual_b_raw
            else b.balance_raw - coalesce(p.owed_b_raw, 0) + coalesce(p.virtual_b_raw, 0) end as reserve_b_raw,
       p.lp_mint, p.creator, p.config, p.status, p.is_complete, p.fee_ppm, p.owed_a_raw, p.owed_b_raw, p.virtual_a_raw,
       p.virtual_b_raw, p.real_a_raw, p.real_b_raw, p.liquidity_raw, p.price_x64, p.tick, p.step, p.supply_raw,
       p.slot, p.write_version, p.ts, p.is_final
from served_pools p
left join served_account_balances a on a.account = p.vault_a and a.kind = 'token_account'
left join served_account_balances b on b.account = p.vault_b and b.kind = 'token_account'

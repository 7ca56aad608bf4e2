-- Swaps: who sold what for what, and where. SOL and wrapped SOL are one mint here.
select a.signature, a.slot, a.tx_index, a.block_time, a.day, a.path, a.venue, a.program_id, a.wallet as trader,
       a.asset as sold_mint, a.amount_raw as sold_raw, s.decimals as sold_decimals,
       a.bought_asset as bought_mint, a.bought_raw, b.decimals as bought_decimals, a.is_final
from actions a
left join (select mint, decimals from token_facts union all select 'So11111111111111111111111111111111111111112', 9
           where not exists (select 1 from token_facts where mint = 'So11111111111111111111111111111111111111112')) s
    on s.mint = a.asset
left join (select mint, decimals from token_facts union all select 'So11111111111111111111111111111111111111112', 9
           where not exists (select 1 from token_facts where mint = 'So11111111111111111111111111111111111111112')) b
    on b.mint = a.bought_asset
where a.kind = 'swap'

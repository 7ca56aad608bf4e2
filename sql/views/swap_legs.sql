-- The swaps in single pools that routes are made of, with the pools' reserves: a venue's own volume. Never add them to swaps.
-- route_path and route_ordinal name the leg's row in swaps (its path and ordinal).
with decimals as (
    select mint, decimals from token_facts where mint <> 'So11111111111111111111111111111111111111112'
    union all select 'So11111111111111111111111111111111111111112', 9
)
select a.signature, a.slot, a.tx_index, a.block_time, a.day, a.path, a.log_idx, a.ordinal, a.route_path, a.route_ordinal,
       a.venue, a.program_id, a.pool, a.via, a.trader, a.sold_mint, a.sold_raw, s.decimals as sold_decimals, a.bought_mint,
       a.bought_raw, b.decimals as bought_decimals, a.reserve_kind, a.sold_reserve_before_raw, a.sold_reserve_after_raw,
       a.bought_reserve_before_raw, a.bought_reserve_after_raw, a.is_final
from all_swaps a
left join decimals s on s.mint = a.sold_mint
left join decimals b on b.mint = a.bought_mint
where not a.is_route

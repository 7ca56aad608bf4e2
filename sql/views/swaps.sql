-- Trades, a row a net route: who sold what for what, where and by way of what. SOL and wrapped SOL are one mint here.
-- sold_raw + sold_fees_on_top_raw is what it cost the trader, bought_raw - bought_fees_on_top_raw what he was left with.
-- Pool and reserves are those of its one leg; null and '' where it has several: see swap_legs.
with decimals as (
    select mint, decimals from token_facts where mint <> 'So11111111111111111111111111111111111111112'
    union all select 'So11111111111111111111111111111111111111112', 9
), fees as (
    select signature, path, ordinal, mint, sum(amount_raw) as amount_raw
    from fee_parts
    where is_route and side = 'on_top'
    group by signature, path, ordinal, mint
)
select a.signature, a.slot, a.tx_index, a.block_time, a.day, a.path, a.venue, a.program_id, a.trader, a.sold_mint, a.sold_raw,
       s.decimals as sold_decimals, a.bought_mint, a.bought_raw, b.decimals as bought_decimals, a.is_final, a.log_idx,
       a.ordinal, a.via, a.pool, a.recipient, cast(coalesce(x.amount_raw, 0) as decimal(38, 0)) as sold_fees_on_top_raw,
       cast(case when a.bought_mint = a.sold_mint then 0 else coalesce(y.amount_raw, 0) end as decimal(38, 0))
           as bought_fees_on_top_raw,
       a.reserve_kind, a.sold_reserve_before_raw, a.sold_reserve_after_raw, a.bought_reserve_before_raw,
       a.bought_reserve_after_raw
from all_swaps a
left join decimals s on s.mint = a.sold_mint
left join decimals b on b.mint = a.bought_mint
left join fees x on x.signature = a.signature and x.path = a.path and x.ordinal = a.ordinal and x.mint = a.sold_mint
left join fees y on y.signature = a.signature and y.path = a.path and y.ordinal = a.ordinal and y.mint = a.bought_mint
where a.is_route

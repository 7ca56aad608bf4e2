-- Parameters: as_of, days
-- Wallets by realised PnL of the exits in the `days` before `as_of`; of equal ones the smaller address first. Units of unknown
-- basis have no PnL and do not count, and neither do USDC and USDT, which come and go at par. leaderboard(timestamptz '2026-04-29 00:00Z', 30)
with exits as (
    select wallet, signature, path, mint, kind, sum(realized_pnl_usd) as pnl_usd
    from parquet_realized_trades
    where sold_at > cast(as_of as timestamptz) - to_days(cast(days as integer)) and sold_at <= cast(as_of as timestamptz)
      and realized_pnl_usd is not null
      and mint not in ('EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v', 'Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB')
    group by wallet, signature, path, mint, kind
), totals as (
    select wallet, sum(pnl_usd) as realized_pnl_usd, count(*) as exits, count(*) filter (where pnl_usd > 0) as wins
    from exits
    group by wallet
)
select row_number() over (order by realized_pnl_usd desc, wallet) as rank, wallet, realized_pnl_usd, exits, wins
from totals
order by rank

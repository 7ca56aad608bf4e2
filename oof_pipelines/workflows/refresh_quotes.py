"""Ask what a swap would bring, and keep the answer: nobody tells the quotes of the past."""

from dataclasses import replace

from oof_pipelines.interfaces import Clock, SourceUnavailableError
from oof_pipelines.market_interfaces import QuoteSource
from oof_pipelines.market_store import Harvest, MarketStore, What
from oof_pipelines.pricing.readings import Quote
from oof_pipelines.workflows.refresh_asking import Asking, RefreshReport, hiding

SLIPPAGE_BPS = 50


async def record_quote(store: MarketStore, quote: Quote) -> bool:
    """Keep a quote that somebody saw live; returns whether it was not kept before."""
    kept = await store.keep(Harvest(quote.source, What.QUOTES, quote.asked_at, quotes=(quote,)))
    return kept.stored > 0


async def ask_quote(
    source: QuoteSource,
    source_name: str,
    store: MarketStore,
    clock: Clock,
    *,
    sold_mint: str,
    bought_mint: str,
    sold_raw: int,
    slippage_bps: int = SLIPPAGE_BPS,
) -> Quote | None:
    """Ask for a quote and keep it; None where there is no route. Raises `SourceUnavailableError` with what went wrong.

    An answer that is not believed is kept as refused, and raises the same.
    """
    answers: list[Quote] = []

    async def ask(empty: Harvest) -> tuple[Harvest, int]:
        quote = await source.quote(sold_mint, bought_mint, sold_raw, slippage_bps)
        if quote is None:
            return empty, 1
        answers.append(quote)
        return replace(empty, quotes=(quote,)), 0

    report: RefreshReport = await Asking("quote", source_name, What.QUOTES, store, clock, hiding(source)).once(ask)
    if report.error is not None:
        raise SourceUnavailableError(report.error)
    return answers[0] if answers else None

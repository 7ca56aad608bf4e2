"""What detectors find of one owner's valued events: reads the prices, pools and quotes that they look at."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import QUOTE_MINTS
from oof_pipelines.detectors.input import DetectorInput, PoolState, SeenQuote, StatesInOrder, Swap
from oof_pipelines.detectors.moment import Moment
from oof_pipelines.detectors.registry import detect_moments
from oof_pipelines.detectors.thresholds import Thresholds
from oof_pipelines.detectors.wallet_input import detector_input, swaps_of
from oof_pipelines.positions.events import COST
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import PositionRules, ValuedEvent
from oof_pipelines.workflows.minute_candles import MinuteCandles
from oof_pipelines.workflows.pool_states import PoolEvents, pool_states_around

_MINUTE_S = 60


class QuoteSource(Protocol):
    """Where quotes are kept that were seen live."""

    def quotes(self, mints: Collection[str], since: datetime, until: datetime) -> list[SeenQuote]:
        """Quotes between two of these mints that were asked for from `since` to before `until`."""
        ...


class MomentRules(msgspec.Struct, frozen=True):
    """What moments are found by. `idle_mint` is OOF_TOKEN_MINT, '' where none is configured."""

    thresholds: Thresholds
    positions: PositionRules
    idle_mint: str = ""


class Market:
    """All that moments look at beside the wallets: candles, pools, quotes. One serves all buckets of a run."""

    def __init__(self, candles: MinuteCandles, pools: PoolEvents, quotes: QuoteSource) -> None:
        self.candles = candles
        self._pools = pools
        self._quotes = quotes

    def around(self, swaps: Sequence[Swap], rules: MomentRules) -> tuple[list[PoolState], list[SeenQuote]]:
        """The pools and quotes around these swaps."""
        if not swaps:
            return [], []
        mints = {mint for swap in swaps for mint in (swap.sold_mint, swap.bought_mint)}
        first_s, last_s = min(swap.at_s for swap in swaps), max(swap.at_s for swap in swaps)
        since = datetime.fromtimestamp(first_s - first_s % _MINUTE_S, UTC)
        until = datetime.fromtimestamp(last_s + _MINUTE_S, UTC)
        states = pool_states_around(self._pools, swaps, rules.thresholds.bad_route)
        return states, self._quotes.quotes(mints, since, until)


def moments_of(
    owners: Sequence[tuple[Sequence[ValuedEvent], Sequence[RealizedTrade]]],
    market: Market,
    rules: MomentRules,
    as_of_s: int,
) -> list[list[Moment]]:
    """The moments of each owner (his valued events, and what the book made of them), in the order of the owners.

    What several owners look at is read once, so ask for many at once as long as their candles fit in memory.
    """
    valued = [one for events, _ in owners for one in events]
    swaps = [swaps_of(events) for events, _ in owners]
    with ThreadPoolExecutor(1) as reading:
        # Pools are read while candles are: either waits for files as long as it works.
        around = reading.submit(market.around, [swap for its_swaps in swaps for swap in its_swaps], rules)
        windows = market.candles.windows(mints_looked_at(valued))
        states, quotes = around.result()
    in_order = StatesInOrder.of(states)
    quotes_of: dict[frozenset[str], list[SeenQuote]] = {}
    for quote in quotes:
        quotes_of.setdefault(frozenset((quote.sold_mint, quote.bought_mint)), []).append(quote)
    found = []
    for (events, realized), its_swaps in zip(owners, swaps, strict=True):
        pairs = sorted({frozenset((swap.sold_mint, swap.bought_mint)) for swap in its_swaps}, key=sorted)
        seen: DetectorInput = detector_input(
            events,
            realized,
            windows,
            rules.thresholds,
            as_of_s,
            rules=rules.positions,
            idle_mint=rules.idle_mint,
            pool_states=in_order,
            quotes=[quote for pair in pairs for quote in quotes_of.get(pair, ())],
        )
        found.append(detect_moments(seen))
    return found


def mints_looked_at(valued: Sequence[ValuedEvent]) -> set[str]:
    """Coins whose candles detectors look at. Money has none that count."""
    mints = {one.event.mint for one in valued if one.event.kind != COST}
    return mints - {*QUOTE_MINTS, NATIVE_MINT}

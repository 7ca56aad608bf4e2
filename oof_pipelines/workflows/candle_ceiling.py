"""Which coins of a wallet are priced where a run may read only so many candles: those of its newest events first.

A coin is priced whole or not at all, and the first that does not fit ends it, so that a larger ceiling prices the same coins
and more. What is left out has no price, which shows in every figure as of any coin nobody traded.
"""

from collections.abc import Iterable, Mapping, Sequence

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import QUOTE_MINTS
from oof_pipelines.positions.events import COST, PositionEvent
from oof_pipelines.positions.valuing import needs_candle


def mints_by_newest(events: Iterable[PositionEvent]) -> list[str]:
    """Every coin that these events (in the order of the chain) are of or were paid in, the one last dealt with first."""
    newest: dict[str, int] = {}
    for place, event in enumerate(events):
        if event.kind != COST:
            newest[event.mint] = place
            newest[needs_candle(event)] = place
    for mint in ("", NATIVE_MINT, *QUOTE_MINTS):
        # Money has no candles that count.
        newest.pop(mint, None)
    return sorted(newest, key=lambda mint: (-newest[mint], mint))


def mints_beyond(mints: Sequence[str], counts: Mapping[str, int], most_reads: int) -> list[str]:
    """Those of `mints`, in their order, that are not priced any more; a coin without candles costs nothing."""
    reads = 0
    for place, mint in enumerate(mints):
        reads += counts.get(mint, 0)
        if reads > most_reads:
            return [each for each in mints[place:] if counts.get(each, 0)]
    return []

"""Give wallets' events their dollars: read the prices they need in two queries, then value them one by one."""

from collections.abc import Sequence

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.valued import ValuedEvent
from oof_pipelines.positions.valuing import needs_candle, value_event
from oof_pipelines.workflows.minute_candles import CandlePrices, CandleSource, MinuteCandles, sol_rates


def value_events(source: CandleSource, candles: MinuteCandles, events: Sequence[PositionEvent]) -> list[ValuedEvent]:
    """The events with their dollars, in their order. Of coins only those are read that were not paid for in money."""
    mints = {mint for event in events if (mint := needs_candle(event))}
    coins = CandlePrices(candles.windows(mints))
    sol = sol_rates(source, {event.block_time_s for event in events})
    return [value_event(event, sol, coins) for event in events]

"""The golden chain through the project's own decoder and pricing, in memory: position events, pool states, minute candles."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.detectors.input import PoolState
from oof_pipelines.detectors.wallet_input import pool_states_of
from oof_pipelines.market.events import MarketEvent, Trade
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.from_decoded import position_events_of
from oof_pipelines.pricing.candles import day_candles
from oof_pipelines.pricing.coded_trades import TRADE_COLUMNS, known_decimals
from oof_pipelines.pricing.filters import read_filters
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.storage.parquet.market_rows import row_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction

_DAY_S = 86_400
_RAW = pl.Decimal(38, 0)


@dataclass(frozen=True)
class DecodedChain:
    """Everything positions and detectors are made of. `candles` are those of a minute, of all pairs, in the order of days."""

    events: list[PositionEvent]
    pool_states: list[PoolState]
    candles: pl.DataFrame


def decode_chain(transactions: Iterable[SyntheticTransaction], prices: ReferencePrices) -> DecodedChain:
    """Decode and price a chain."""
    events: list[PositionEvent] = []
    market: list[MarketEvent] = []
    for one in transactions:
        place = (one.signature, one.slot, one.index_in_slot, one.block_time_s or 0)
        decoded = decode_transaction(parse_transaction(one.to_json_bytes()))
        events += position_events_of(*place, decoded)
        market += market_events_of(*place, decoded)
    by_day: dict[int, list[Trade]] = {}
    for event in market:
        if isinstance(event, Trade):
            by_day.setdefault(event.place.block_time_s // _DAY_S, []).append(event)
    filters = read_filters(read_config("prices.yaml"))
    days = []
    for _, trades in sorted(by_day.items()):
        frame = _frame(trades)
        days.append(day_candles(frame.select(TRADE_COLUMNS), known_decimals(frame.lazy()), filters, prices)["1m"])
    return DecodedChain(events, pool_states_of(market), pl.concat(days))


def _frame(trades: list[Trade]) -> pl.DataFrame:
    columns = zip(*map(row_of, trades), strict=True)
    made = []
    for (name, dtype), values in zip(MARKET_EVENTS.columns.items(), columns, strict=True):
        is_amount = dtype == _RAW
        series = pl.Series(name, values, dtype=pl.Int128 if is_amount else dtype)
        made.append(series.cast(_RAW) if is_amount else series)
    return pl.DataFrame(made)

"""Between frames and the fold: trades out of rows of market_events, and rows of features_1m out of what the fold gives."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl

from oof_pipelines.features.bucket import row_of_bucket
from oof_pipelines.features.finished_rows import FEATURE_TYPES, RAW
from oof_pipelines.features.frames import TRADE_COLUMNS
from oof_pipelines.features.rows import FeatureRow
from oof_pipelines.features.step import BucketClosed, FeatureOutput, FeatureState, finish, step
from oof_pipelines.market.events import EventPlace, Trade
from oof_pipelines.pricing.reference import ReferencePrices

PLACED_TRADE_COLUMNS = ("signature", "slot", "tx_index", "log_idx", "ordinal", *TRADE_COLUMNS)
"""What of market_events the fold reads."""

_DAY_SECONDS = 86_400
_FIELDS = {"bucket_start": "bucket_start_s", "available_at": "available_at_s"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def trades_of(frame: pl.DataFrame) -> Iterator[Trade]:
    """Rows of market_events of kind trade as events, with what the features read of them; the rest is '' or None."""
    columns = frame.select(
        *PLACED_TRADE_COLUMNS[:5],
        pl.col("block_time").dt.epoch("s"),
        *TRADE_COLUMNS[1:],
    )
    for row in columns.iter_rows():
        signature, slot, tx_index, log_idx, ordinal, block_time_s, venue, mint, quote_mint, wallet, signer = row[:11]
        is_buy, base_raw, quote_raw, base_decimals, quote_decimals = row[11:]
        yield Trade(
            EventPlace(signature, slot, tx_index, block_time_s, log_idx, ordinal),
            program_id="",
            venue=venue,
            pool="",
            mint=mint,
            quote_mint=quote_mint,
            is_buy=is_buy,
            base_raw=int(base_raw),
            quote_raw=int(quote_raw),
            base_decimals=base_decimals,
            quote_decimals=quote_decimals,
            trader=wallet,
            signer=signer,
        )


def folded(trades: Iterable[Trade], rates: ReferencePrices | None = None) -> list[FeatureRow]:
    """The rows that folding `trades`, which are of one day, with `step` gives."""
    state = FeatureState(lateness_seconds=_DAY_SECONDS)
    rows: list[FeatureRow] = []
    for trade in trades:
        state, outputs = step(state, trade)
        rows += _closed_rows(outputs, rates)
    state, outputs = finish(state)
    return rows + list(_closed_rows(outputs, rates))


def _closed_rows(outputs: Iterable[FeatureOutput], rates: ReferencePrices | None) -> Iterator[FeatureRow]:
    for output in outputs:
        if isinstance(output, BucketClosed):
            yield row_of_bucket(output.bucket, rates.at(output.bucket.key[1]) if rates is not None else None)


def frame_of(rows: Iterable[FeatureRow]) -> pl.DataFrame:
    """Rows of the fold in the columns and types of features_1m."""
    listed = list(rows)
    series = []
    for name, dtype in FEATURE_TYPES.items():
        values = [getattr(row, _FIELDS.get(name, name)) for row in listed]
        if name in _FIELDS:
            values = [_EPOCH + timedelta(seconds=value) for value in values]
        # Amounts by way of 128-bit integers, exactly, as everywhere.
        series.append(pl.Series(name, values, dtype=pl.Int128 if dtype == RAW else dtype).cast(dtype))
    return pl.DataFrame(series)

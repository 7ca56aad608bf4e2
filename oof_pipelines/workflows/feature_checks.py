"""What must hold of a day's features before they are published. All of it blocks."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Protocol

import polars as pl
from pandera.errors import SchemaErrors

from oof_pipelines.features.trade_frames import PLACED_TRADE_COLUMNS, folded, frame_of, trades_of
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.workflows.decoded_checks import schema_failures
from oof_pipelines.workflows.partition_checks import CheckResult

FOLDED_WHOLE_UP_TO = 200_000
"""Days of up to so many trades are folded whole for `agrees_with_step`; of larger ones a slice of the coins."""

FEWEST_SLICES = 16

FEATURE_CHECKS = {
    "features_1m_schema": (
        "Columns, types and ranges, shares from 0 to 1 among them; one row a coin, minute, venue and money; all of the day."
    ),
    "trades_add_up": "Buys and sells are all the trades; no more signers or traders than trades.",
    "flows_add_up": "In less out is the net inflow; shares are null where no quote moved.",
    "agrees_with_step": (
        f"Folding the day's trades one by one gives the same rows: all of them up to {FOLDED_WHOLE_UP_TO:,} trades, "
        "else those of a part of the coins."
    ),
}
_MADE_BEFORE = " Made before the file is replaced."
FEATURE_CHECKS = {name: text + _MADE_BEFORE for name, text in FEATURE_CHECKS.items()}
_EXAMPLES = 3


class Slices(Protocol):
    """Where a day's trades are read."""

    def slices(
        self, day: date, columns: Sequence[str], *, mints: Collection[str] | None = None
    ) -> Iterator[pl.DataFrame]: ...


def check_features(
    day: date, frame: pl.DataFrame, trades: Slices, rates: ReferencePrices | None
) -> tuple[CheckResult, ...]:
    """Every check of a day's features, in the order of `FEATURE_CHECKS`."""
    schema = _schema(day, frame)
    if not schema.has_passed:
        names = [name for name in FEATURE_CHECKS if name != schema.name]
        return (schema, *(CheckResult(name, False, "not made: the schema failed") for name in names))
    return (schema, _trades(frame), _flows(frame), _agrees(day, frame, trades, rates))


def _schema(day: date, frame: pl.DataFrame) -> CheckResult:
    name = "features_1m_schema"
    try:
        FEATURES_1M.schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return CheckResult(name, False, schema_failures(errors))
    doubled = frame.filter(pl.struct(FEATURES_1M.key).is_duplicated())
    if doubled.height:
        return CheckResult(name, False, f"{doubled.height} rows share a key, e.g. {_keys(doubled)}")
    start = pl.col("bucket_start")
    strangers = frame.filter((start.dt.date() != day) | (start != start.dt.truncate("1m")))
    return _verdict(name, strangers, frame)


def _trades(frame: pl.DataFrame) -> CheckResult:
    trades = pl.col("trades")
    is_wrong = (pl.col("buys") + pl.col("sells") != trades) | (
        pl.max_horizontal("uniq_signers", "holders_touched") > trades
    )
    return _verdict("trades_add_up", frame.filter(is_wrong), frame)


def _flows(frame: pl.DataFrame) -> CheckResult:
    has_none = (pl.col("vol_in_raw") == 0) & (pl.col("vol_out_raw") == 0)
    net = pl.col("vol_in_sol") - pl.col("vol_out_sol")
    is_wrong = net.ne_missing(pl.col("net_inflow_sol")) | (has_none != pl.col("whale_share_top5").is_null())
    return _verdict("flows_add_up", frame.filter(is_wrong), frame)


def _agrees(day: date, frame: pl.DataFrame, trades: Slices, rates: ReferencePrices | None) -> CheckResult:
    name = "agrees_with_step"
    count = int(frame["trades"].sum())
    slices = 1 if count <= FOLDED_WHOLE_UP_TO else max(FEWEST_SLICES, _next_power_of_two(count // FOLDED_WHOLE_UP_TO))
    mints = frame["mint"].unique().to_list()
    # Another part of the coins every day, the same one when the day is made again.
    looked_at = [mint for mint in mints if slices == 1 or mint_slice(mint, slices) == day.toordinal() % slices]
    ours = frame.filter(pl.col("mint").is_in(looked_at))
    parts = trades.slices(day, PLACED_TRADE_COLUMNS, mints=None if slices == 1 else looked_at)
    rows = [row for part in parts for row in folded(trades_of(part), rates)]
    expected = FEATURES_1M.arrange(frame_of(rows))
    told = f"{int(ours['trades'].sum())} of {count} trades, {ours.height} of {frame.height} rows"
    if ours.equals(expected):
        return CheckResult(name, True, told)
    columns = list(FEATURES_1M.columns)
    different = pl.concat(
        [
            ours.join(expected, on=columns, how="anti", nulls_equal=True),
            expected.join(ours, on=columns, how="anti", nulls_equal=True),
        ]
    )
    return CheckResult(
        name, False, f"{different.select(FEATURES_1M.key).unique().height} of {told}: {_keys(different)}"
    )


def mint_slice(mint: str, slices: int) -> int:
    """Which of so many parts a coin belongs to: by its hash, so that busy coins spread."""
    return int.from_bytes(hashlib.sha256(mint.encode()).digest()[:8], "big") % slices


def _next_power_of_two(number: int) -> int:
    return 1 << number.bit_length()


def _verdict(name: str, offenders: pl.DataFrame, frame: pl.DataFrame) -> CheckResult:
    if offenders.is_empty():
        return CheckResult(name, True, f"{frame.height} rows")
    return CheckResult(name, False, f"{offenders.height} of {frame.height} rows, e.g. {_keys(offenders)}")


def _keys(rows: pl.DataFrame) -> str:
    keys = rows.select(FEATURES_1M.key).head(_EXAMPLES).iter_rows()
    return "; ".join(f"{mint} {start:%H:%M} {venue}" for mint, start, venue, _ in keys)

"""What must hold of a day's features before they are published. All of it blocks."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol

import polars as pl
from pandera.errors import SchemaErrors

from oof_pipelines.features.frames import join_slices
from oof_pipelines.features.trade_frames import PLACED_TRADE_COLUMNS, folded, frame_of, trades_of
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.workflows.decoded_checks import schema_failures
from oof_pipelines.workflows.partition_checks import CheckResult

FOLDED_WHOLE_UP_TO = 200_000
"""Days of up to so many trades are folded whole for `agrees_with_step`; of larger ones a slice of the coins."""

FEWEST_SLICES = 16

FOLDED_AT_ONCE = 20_000
"""Trades whose minutes are folded in one turn; a minute that has more is one turn."""

FEATURE_CHECKS = {
    "features_1m_schema": (
        "Columns, types and ranges, shares from 0 to 1 among them; one row a coin, minute, venue and money; all of the day."
    ),
    "trades_add_up": "Buys and sells are all the trades; no more signers or traders than trades; no row is lost or doubled.",
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
    """Every check of a day's features at once, in the order of `FEATURE_CHECKS`."""
    checks = FeatureChecks(day, int(frame["trades"].sum()))
    checks.add(frame)
    return checks.results(trades, rates)


class _Offenders:
    """Rows that break a rule: how many, and the keys of a few."""

    def __init__(self) -> None:
        self.count = 0
        self._examples: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        self.count += rows.height
        if len(self._examples) < _EXAMPLES and rows.height:
            self._examples.append(rows.select(FEATURES_1M.key).head(_EXAMPLES))

    @property
    def keys(self) -> str:
        return _keys(pl.concat(self._examples))


class FeatureChecks:
    """Every check, of a day in stripes: each has all rows of its coins, and follows the one before.

    `trade_count` is how many trades the day's rows were made of.
    """

    def __init__(self, day: date, trade_count: int) -> None:
        self._day = day
        self._trade_count = trade_count
        self._slices = _slices_of(trade_count)
        self._rows = 0
        self._trades = 0
        self._last_mint: str | None = None
        self._misfits = ""
        self._doubled, self._strangers, self._miscounted, self._unbalanced = (_Offenders() for _ in range(4))
        self._looked_at: list[str] = []
        self._ours = [pl.DataFrame(schema=FEATURES_1M.columns)]

    def add(self, frame: pl.DataFrame) -> None:
        """Look at one stripe."""
        self._rows += frame.height
        try:
            FEATURES_1M.schema.validate(frame, lazy=True)
        except SchemaErrors as errors:
            self._misfits = self._misfits or schema_failures(errors)
        if self._misfits:
            # Of such rows nothing else can be said.
            return
        # Keys of two stripes differ where no coin is in both; only then do their rows follow each other too.
        is_behind = pl.lit(True) if self._last_mint is None else pl.col("mint") > self._last_mint
        self._doubled.add(frame.filter(pl.struct(FEATURES_1M.key).is_duplicated() | ~is_behind))
        self._last_mint = frame.select(pl.col("mint").append(pl.lit(self._last_mint, pl.String)).max()).item()
        start = pl.col("bucket_start")
        self._strangers.add(frame.filter((start.dt.date() != self._day) | (start != start.dt.truncate("1m"))))
        self._trades += int(frame["trades"].sum())
        self._miscounted.add(frame.filter(_is_miscounted()))
        self._unbalanced.add(frame.filter(_is_unbalanced()))
        # Another part of the coins every day, the same one when the day is made again.
        part = self._day.toordinal() % self._slices
        mints = [mint for mint in frame["mint"].unique() if self._slices == 1 or mint_slice(mint, self._slices) == part]
        self._looked_at += mints
        self._ours.append(frame.filter(pl.col("mint").is_in(mints)))

    def results(self, trades: Slices, rates: ReferencePrices | None) -> tuple[CheckResult, ...]:
        """The verdicts on all stripes together, in the order of `FEATURE_CHECKS`; the day's trades are read for the last."""
        name = "features_1m_schema"
        if self._misfits:
            schema = CheckResult(name, False, self._misfits)
        elif self._doubled.count:
            schema = CheckResult(name, False, f"{self._doubled.count} rows share a key, e.g. {self._doubled.keys}")
        else:
            schema = self._verdict(name, self._strangers)
        if not schema.has_passed:
            names = [name for name in FEATURE_CHECKS if name != schema.name]
            return (schema, *(CheckResult(name, False, "not made: the schema failed") for name in names))
        counted = self._verdict("trades_add_up", self._miscounted)
        if self._trades != self._trade_count:
            told = f"{self._trades} trades in the rows, of {self._trade_count}"
            counted = CheckResult(counted.name, False, told)
        return (schema, counted, self._verdict("flows_add_up", self._unbalanced), self._agrees(trades, rates))

    def _verdict(self, name: str, offenders: _Offenders) -> CheckResult:
        if not offenders.count:
            return CheckResult(name, True, f"{self._rows} rows")
        return CheckResult(name, False, f"{offenders.count} of {self._rows} rows, e.g. {offenders.keys}")

    def _agrees(self, trades: Slices, rates: ReferencePrices | None) -> CheckResult:
        name = "agrees_with_step"
        ours = pl.concat(self._ours)
        parts = trades.slices(self._day, PLACED_TRADE_COLUMNS, mints=None if self._slices == 1 else self._looked_at)
        expected = FEATURES_1M.arrange(join_slices(_folded_turns(parts, rates)))
        told = f"{int(ours['trades'].sum())} of {self._trades} trades, {ours.height} of {self._rows} rows"
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


def _is_miscounted() -> pl.Expr:
    trades = pl.col("trades")
    return (pl.col("buys") + pl.col("sells") != trades) | (
        pl.max_horizontal("uniq_signers", "holders_touched") > trades
    )


def _is_unbalanced() -> pl.Expr:
    has_none = (pl.col("vol_in_raw") == 0) & (pl.col("vol_out_raw") == 0)
    net = pl.col("vol_in_sol") - pl.col("vol_out_sol")
    return net.ne_missing(pl.col("net_inflow_sol")) | (has_none != pl.col("whale_share_top5").is_null())


def _folded_turns(parts: Iterable[pl.DataFrame], rates: ReferencePrices | None) -> Iterator[pl.DataFrame]:
    """The rows that folding gives, some whole minutes at a time: an open trade takes a kilobyte."""
    minute = pl.col("block_time").dt.truncate("1m").alias("minute")
    for part in parts:
        turns = part.group_by(minute).len().sort("minute")
        turns = turns.select("minute", turn=pl.col("len").cum_sum() // FOLDED_AT_ONCE)
        numbered = part.with_columns(minute).join(turns, on="minute", how="left", maintain_order="left")
        for trades in numbered.partition_by("turn", maintain_order=True):
            yield frame_of(folded(trades_of(trades), rates))


def _slices_of(trade_count: int) -> int:
    """Of how many parts of the coins one is folded."""
    if trade_count <= FOLDED_WHOLE_UP_TO:
        return 1
    return max(FEWEST_SLICES, _next_power_of_two(trade_count // FOLDED_WHOLE_UP_TO))


def mint_slice(mint: str, slices: int) -> int:
    """Which of so many parts a coin belongs to: by its hash, so that busy coins spread."""
    return int.from_bytes(hashlib.sha256(mint.encode()).digest()[:8], "big") % slices


def _next_power_of_two(number: int) -> int:
    return 1 << number.bit_length()


def _keys(rows: pl.DataFrame) -> str:
    keys = rows.select(FEATURES_1M.key).head(_EXAMPLES).iter_rows()
    return "; ".join(f"{mint} {start:%H:%M} {venue}" for mint, start, venue, _ in keys)

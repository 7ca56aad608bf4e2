"""What must hold of a day's candles before they are published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl
from pandera.errors import SchemaErrors
from polars.exceptions import PolarsError

from oof_pipelines.pricing.candle_columns import FROM_SWAPS, OHLC, PRICES, TIMEFRAMES
from oof_pipelines.pricing.filters import MONEY_MINTS
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS
from oof_pipelines.workflows.decoded_checks import schema_failures
from oof_pipelines.workflows.partition_checks import CheckResult

CANDLE_CHECKS = {
    "schema": "Columns, types and ranges; keys are unique, buckets start in the day. Made before the files are replaced.",
    "in_order": "low ≤ open, close, vwap ≤ high; a price where trades are believed and only there. Made before the files.",
    "adds_up": "What is believed and what is excluded are the day's trades; five minutes and hours are their minutes' sums.",
}
"""Kind of check → what it says; each is made of each timeframe, and all keep the day from being published."""

_SUMS = ("trades", "excluded_trades", "base_volume_raw", "quote_volume_raw", "excluded_quote_raw")
_MONEY = list(MONEY_MINTS.values())
_EXAMPLES = 3
_USD = [f"{name}_usd" for name in PRICES]


@dataclass(frozen=True, slots=True)
class TradeTotals:
    """What the trades say by themselves: their number and their quote in all; one of two coins counts from either side."""

    trades: int = 0
    quote_raw: int = 0

    def plus(self, trades: pl.DataFrame) -> "TradeTotals":
        of_coins = trades.filter(~pl.col("quote_mint").is_in(_MONEY))
        amounts = (trades["quote_raw"], of_coins["base_raw"])
        return TradeTotals(
            self.trades + trades.height + of_coins.height,
            self.quote_raw + sum(int(amount.cast(pl.Int128).sum()) for amount in amounts),
        )


def check_names(dataset: str) -> dict[str, str]:
    """Check → description, of one timeframe's dataset."""
    return {f"{dataset}_{kind}": text for kind, text in CANDLE_CHECKS.items()}


def check_candles(day: date, frames: Mapping[str, pl.DataFrame], totals: TradeTotals) -> tuple[CheckResult, ...]:
    """Every check of every timeframe of a day at once; `frames` are by dataset."""
    checks = CandleChecks(day)
    checks.add(frames)
    return checks.results(totals)


@dataclass(slots=True)
class _Seen:
    """What was seen of one timeframe's stripes so far."""

    rows: int = 0
    misfits: list[str] = field(default_factory=list)
    doubled: int = 0
    strangers: int = 0
    disordered: int = 0
    disordered_mints: list[str] = field(default_factory=list)
    different: int = 0
    trades: int = 0
    quote_raw: int = 0
    last_mint: str = ""


class CandleChecks:
    """Every check of every timeframe, of a day in stripes: each has all candles of its mints, and follows the one before."""

    def __init__(self, day: date) -> None:
        self._day = day
        self._seen = {name: _Seen() for name in CANDLE_DATASETS}

    @property
    def row_counts(self) -> dict[str, int]:
        """Candles by dataset so far."""
        return {name: seen.rows for name, seen in self._seen.items()}

    def add(self, frames: Mapping[str, pl.DataFrame]) -> None:
        """Look at one stripe; `frames` are by dataset, all of them."""
        has_right_columns = _has_right_columns(frames)
        for dataset, seconds in zip(CANDLE_DATASETS, TIMEFRAMES.values(), strict=True):
            frame, seen = frames[dataset], self._seen[dataset]
            seen.rows += frame.height
            if not has_right_columns:
                seen.misfits += _misfits(dataset, frame)
            _see_keys(seen, dataset, self._day, frame)
            _see_order(seen, frame)
            _see_sums(seen, frame, frames["price_1m"], seconds)

    def results(self, totals: TradeTotals) -> tuple[CheckResult, ...]:
        """The verdicts on all stripes together, given what the day's trades say by themselves."""
        results = []
        for dataset, seen in self._seen.items():
            for kind, faults, about in (
                ("schema", _schema_faults(seen), f"{seen.rows} rows"),
                ("in_order", _order_faults(seen), f"{seen.rows} rows"),
                ("adds_up", _sum_faults(seen, totals), f"{totals.trades} trades"),
            ):
                results.append(CheckResult(f"{dataset}_{kind}", not faults, faults or about))
        return tuple(results)


def _has_right_columns(frames: Mapping[str, pl.DataFrame]) -> bool:
    """Whether all timeframes, which have the same columns, are as the schema wants them: asked once, it takes a third.

    Of a day without trades there are columns and no values to look at.
    """
    if all(frame.is_empty() for frame in frames.values()):
        return all(dict(frame.schema) == CANDLE_DATASETS[name].columns for name, frame in frames.items())
    try:
        CANDLE_DATASETS["price_1m"].schema.validate(pl.concat(frames.values()), lazy=True)
    except (SchemaErrors, PolarsError):
        return False
    return True


def _misfits(dataset: str, frame: pl.DataFrame) -> list[str]:
    try:
        CANDLE_DATASETS[dataset].schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return [schema_failures(errors)]
    return []


def _see_keys(seen: _Seen, dataset: str, day: date, frame: pl.DataFrame) -> None:
    seen.doubled += frame.height - frame.select(CANDLE_DATASETS[dataset].key).n_unique()
    seen.strangers += frame.filter(pl.col("bucket_start").dt.date() != day).height
    # Keys of two stripes differ where no mint is in both; only then do their rows follow each other too.
    seen.doubled += frame.filter(pl.col("mint") <= seen.last_mint).height
    seen.last_mint = max(seen.last_mint, str(frame["mint"].max() or ""))


def _schema_faults(seen: _Seen) -> str:
    if seen.misfits:
        return seen.misfits[0]
    faults = f"{seen.doubled} rows share a key, {seen.strangers} are of another day"
    return faults if seen.doubled or seen.strangers else ""


def _see_order(seen: _Seen, frame: pl.DataFrame) -> None:
    wrong = pl.lit(False)
    for prices in (PRICES, _USD):
        opening, high, low, close, vwap = map(pl.col, prices)
        is_out = pl.any_horizontal(*((one < low) | (one > high) for one in (opening, close, vwap)))
        wrong = wrong | is_out.fill_null(False)
        # All of them or none.
        missing = pl.sum_horizontal(*(pl.col(name).is_null() for name in prices))
        wrong = wrong | ~missing.is_in([0, len(prices)])
    has_none = pl.col("trades") == 0
    wrong = wrong | (pl.col("vwap").is_null() != has_none) | (has_none != (pl.col("signers") == 0))
    mints = frame.filter(wrong)["mint"]
    seen.disordered += mints.len()
    seen.disordered_mints += mints.head(_EXAMPLES).to_list()


def _order_faults(seen: _Seen) -> str:
    examples = ", ".join(seen.disordered_mints[:_EXAMPLES])
    return f"{seen.disordered} of {seen.rows} rows, e.g. of {examples}" if seen.disordered else ""


def _see_sums(seen: _Seen, frame: pl.DataFrame, minutes: pl.DataFrame, seconds: int) -> None:
    direct = _direct(frame)
    seen.trades += sum(int(direct[column].cast(pl.Int64).sum()) for column in ("trades", "excluded_trades"))
    quote = ("quote_volume_raw", "excluded_quote_raw")
    seen.quote_raw += sum(int(direct[column].cast(pl.Int128).sum()) for column in quote)
    if frame is minutes:
        return
    folded = _folded(_direct(minutes), seconds)
    same = direct.select(folded.columns).sort("mint", "quote_mint", "bucket_start")
    different = folded.join(same, on=folded.columns, how="anti", nulls_equal=True).height
    seen.different += max(different, abs(folded.height - same.height))


def _sum_faults(seen: _Seen, totals: TradeTotals) -> str:
    if TradeTotals(seen.trades, seen.quote_raw) != totals:
        return f"{seen.trades} trades of {totals.trades}, quote {seen.quote_raw} of {totals.quote_raw}"
    return f"{seen.different} rows are not their minutes'" if seen.different else ""


def _direct(frame: pl.DataFrame) -> pl.DataFrame:
    """What is added up, of candles made of trades alone. The other columns stay where they are: frames are large."""
    columns = ("mint", "quote_mint", "bucket_start", *_SUMS, *PRICES)
    return frame.lazy().filter(pl.col("source") == FROM_SWAPS).select(columns).collect()


def _folded(minutes: pl.DataFrame, seconds: int) -> pl.DataFrame:
    """The sums and prices of `seconds` that the minutes give, made in another way than the candles are."""
    key = ["mint", "quote_mint", "bucket_start"]
    ordered = minutes.sort(key).with_columns(pl.col("bucket_start").dt.truncate(f"{seconds}s"))
    whole = ordered.lazy().group_by(key).agg(pl.col(_SUMS).sum())
    priced = (
        ordered.lazy()
        .filter(pl.col("vwap").is_not_null())
        .group_by(key)
        .agg(pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last())
    )
    return whole.join(priced, on=key, how="left").select(*key, *_SUMS, *OHLC).collect().sort(key)

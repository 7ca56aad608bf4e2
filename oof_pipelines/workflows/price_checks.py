"""What must hold of a day's candles before they are published."""

from dataclasses import dataclass
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


def check_candles(day: date, frames: dict[str, pl.DataFrame], totals: TradeTotals) -> tuple[CheckResult, ...]:
    """Every check of every timeframe; `frames` are by dataset."""
    results = []
    has_right_columns = _has_right_columns(frames)
    for (dataset, frame), seconds in zip(frames.items(), TIMEFRAMES.values(), strict=True):
        results += [
            _schema(dataset, day, frame, has_right_columns=has_right_columns),
            _in_order(dataset, frame),
            _adds_up(dataset, frame, frames["price_1m"], seconds, totals),
        ]
    return tuple(results)


def _has_right_columns(frames: dict[str, pl.DataFrame]) -> bool:
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


def _schema(dataset: str, day: date, frame: pl.DataFrame, *, has_right_columns: bool) -> CheckResult:
    name = f"{dataset}_schema"
    if not has_right_columns:
        try:
            CANDLE_DATASETS[dataset].schema.validate(frame, lazy=True)
        except SchemaErrors as errors:
            return CheckResult(name, False, schema_failures(errors))
    doubled = frame.height - frame.select(CANDLE_DATASETS[dataset].key).n_unique()
    strangers = frame.filter(pl.col("bucket_start").dt.date() != day).height
    faults = f"{doubled} rows share a key, {strangers} are of another day"
    return CheckResult(name, not (doubled or strangers), faults if doubled or strangers else f"{frame.height} rows")


def _in_order(dataset: str, frame: pl.DataFrame) -> CheckResult:
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
    found = frame.filter(wrong)
    detail = f"{found.height} of {frame.height} rows, e.g. of {', '.join(found['mint'].head(3))}"
    return CheckResult(f"{dataset}_in_order", found.is_empty(), detail if found.height else f"{frame.height} rows")


def _adds_up(
    dataset: str, frame: pl.DataFrame, minutes: pl.DataFrame, seconds: int, totals: TradeTotals
) -> CheckResult:
    name = f"{dataset}_adds_up"
    direct = _direct(frame)
    trades = int(direct["trades"].cast(pl.Int64).sum()) + int(direct["excluded_trades"].cast(pl.Int64).sum())
    quote_raw = sum(int(direct[column].cast(pl.Int128).sum()) for column in ("quote_volume_raw", "excluded_quote_raw"))
    if TradeTotals(trades, quote_raw) != totals:
        return CheckResult(name, False, f"{trades} trades of {totals.trades}, quote {quote_raw} of {totals.quote_raw}")
    if frame is minutes:
        return CheckResult(name, True, f"{totals.trades} trades")
    folded = _folded(_direct(minutes), seconds)
    same = direct.select(folded.columns).sort("mint", "quote_mint", "bucket_start")
    different = folded.join(same, on=folded.columns, how="anti", nulls_equal=True).height
    is_same = not different and folded.height == same.height
    return CheckResult(
        name, is_same, f"{totals.trades} trades" if is_same else f"{different} rows are not their minutes'"
    )


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

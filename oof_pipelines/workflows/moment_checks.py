"""What must hold of a bucket's moments and extremes before they are published."""

from collections.abc import Collection
from datetime import date
from typing import Protocol

import polars as pl

from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, OOF_MOMENTS, WALLET_EXTREMES
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.position_checks import check_rows

_EXAMPLES = 3

MOMENT_CHECKS = {
    **{
        f"{name}_schema": (name, f"Columns, types and ranges; one row for each {', '.join(dataset.key)}.")
        for name, dataset in MOMENT_DATASETS.items()
    },
    "no_moment_of_a_failure": (
        OOF_MOMENTS.name,
        "No moment hangs on a transaction that failed, by what raw_transactions say of it.",
    ),
    "moments_hang_together": (
        OOF_MOMENTS.name,
        "An event lies before its window's end, and severity and sign are those of its kind.",
    ),
    "extremes_are_of_moments": (
        WALLET_EXTREMES.name,
        "What stands out among a wallet's moments is one of them, with the same figures.",
    ),
}
"""Check → dataset, what it says. All are blocking and made before any file is replaced."""


class FailedTransactions(Protocol):
    """Who can tell which transactions failed."""

    def outcomes(self, signatures: Collection[str], days: Collection[date]) -> dict[str, bool]:
        """Signature → whether it failed, of those of `signatures` that are stored on one of `days`."""
        ...


def check_moments(
    events: pl.DataFrame, frames: dict[str, pl.DataFrame], failed: FailedTransactions
) -> tuple[CheckResult, ...]:
    """`events` are the bucket's wallet_events, `frames` what became of them, by dataset."""
    schemas = tuple(check_rows(name, frames[name]) for name in MOMENT_DATASETS)
    if not all(check.has_passed for check in schemas):
        unmade = (name for name in MOMENT_CHECKS if not name.endswith("_schema"))
        return (*schemas, *(CheckResult(name, False, "not made: a schema failed") for name in unmade))
    moments, extremes = frames[OOF_MOMENTS.name], frames[WALLET_EXTREMES.name]
    return (*schemas, _outcomes(events, moments, failed), _hang_together(moments), _extremes(moments, extremes))


def _outcomes(events: pl.DataFrame, moments: pl.DataFrame, failed: FailedTransactions) -> CheckResult:
    # By the day of the transaction itself: a moment may begin long after what it hangs on.
    places = events.join(moments.select("signature").unique(), on="signature", how="semi")
    signatures = places["signature"].unique().sort().to_list()
    outcomes = failed.outcomes(signatures, set(places["block_time"].dt.date())) if signatures else {}
    strangers = set(moments["signature"]) - set(signatures)
    wrong = [signature for signature in signatures if outcomes.get(signature)] + sorted(strangers)
    return _verdict("no_moment_of_a_failure", wrong, len(signatures))


def _hang_together(moments: pl.DataFrame) -> CheckResult:
    falls = pl.col("kind").is_in(["BHD", "Rug"])
    is_right = (
        (pl.col("window_start_at") <= pl.col("window_end_at"))
        & (pl.col("event_at") <= pl.col("window_end_at"))
        & (falls == (pl.col("pct") < 0))
    )
    wrong = moments.filter(~is_right)["id"].to_list()
    return _verdict("moments_hang_together", wrong, moments.height)


def _extremes(moments: pl.DataFrame, extremes: pl.DataFrame) -> CheckResult:
    told = extremes.filter(~pl.col("name").is_in(["top_win", "top_loss"]))
    same = moments.select(
        "wallet", "mint", "signature", name="kind", source_id="id", amount_usd="missed_usd", found="pct"
    )
    keys = ["wallet", "mint", "signature", "name", "source_id"]
    joined = told.join(same, on=keys, how="left")
    differs = pl.col("pct").ne_missing(pl.col("found")) | pl.col("amount_usd").ne_missing(pl.col("amount_usd_right"))
    wrong = joined.filter(differs)["source_id"].to_list()
    return _verdict("extremes_are_of_moments", wrong, told.height)


def _verdict(name: str, wrong: list[str], looked_at: int) -> CheckResult:
    if not wrong:
        return CheckResult(name, True, f"{looked_at} looked at")
    return CheckResult(name, False, f"{len(wrong)} of {looked_at}, e.g. {', '.join(wrong[:_EXAMPLES])}")

"""What must hold of a decoded day before it is published, and what is watched without stopping it."""

from datetime import date

import polars as pl
from pandera.errors import SchemaErrors

from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, TOKEN_FACTS
from oof_pipelines.workflows.decode_tally import DecodeTally
from oof_pipelines.workflows.event_checks import events_add_up
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.trade_checks import (
    amounts_are_positive,
    fees_have_swaps,
    legs_have_routes,
    routes_are_actions,
    trades_are_legs,
)
from oof_pipelines.workflows.unknown_alarm import FEWEST_CALLS, MOST_UNKNOWN_PERCENT, unknown_alarm

RESIDUAL_CEILING_PERCENT = 20
"""Most transactions of a day that may have a residual."""
# With fewer, one unknown program decides the share.
_FEWEST_FOR_A_SHARE = 100
_EXAMPLES = 3

DECODED_CHECKS: dict[str, tuple[str, bool, str]] = {
    # name: (the dataset it is shown with, whether it keeps the day from being published, what it says)
    "conservation": (
        "moves",
        True,
        "Moves of every account add up to post − pre, and every entry sums to zero. Made before the files are replaced.",
    ),
    "actions_schema": ("actions", True, "Columns, types and ranges of actions; ids are unique."),
    "moves_schema": ("moves", True, "Columns, types and ranges of moves; (signature, seq) is unique."),
    "participants_schema": ("participants", True, "Columns and types of participants; one row a signature and wallet."),
    "token_facts_schema": ("token_facts", True, "Columns, types and ranges of token facts; one row a mint."),
    "swaps_schema": (
        "swaps",
        True,
        "Columns, types and ranges of swaps; (signature, path, is_route, ordinal) is unique.",
    ),
    "fee_parts_schema": ("fee_parts", True, "Columns and types of parts of fees; one row a swap and part."),
    "liquidity_schema": (
        "liquidity",
        True,
        "Columns, types and ranges of liquidity; (signature, path, kind, ordinal) is unique.",
    ),
    "token_events_schema": (
        "token_events",
        True,
        "Columns and types of token events; (signature, path, kind, ordinal) is unique.",
    ),
    "market_events_schema": (
        "market_events",
        True,
        "Columns, types and ranges of market events; (signature, log_idx, kind, ordinal) is unique.",
    ),
    "anchor_events_schema": (
        "anchor_events",
        True,
        "Columns and types of emitted events; (signature, path, ordinal) is unique.",
    ),
    "position_events_schema": (
        "position_events",
        True,
        "Columns, types and ranges of position events; (signature, wallet, seq) is unique.",
    ),
    "legs_have_routes": ("swaps", True, "Every leg names a route row of its transaction."),
    "routes_are_actions": (
        "swaps",
        True,
        "Every route is one swap action of the same trader and amounts, and the other way.",
    ),
    "fees_have_swaps": ("fee_parts", True, "Every part of a fee is of a row of swaps."),
    "trades_are_legs": ("market_events", True, "Every trade of the stream is one leg of swaps, and the other way."),
    "events_add_up": (
        "position_events",
        True,
        "The events of each wallet and token of a transaction add up to its net change by the moves.",
    ),
    "amounts_are_positive": ("swaps", False, "Something was sold and something bought, by every route and every leg."),
    "unknown_discriminators": (
        "actions",
        False,
        f"Of no program are more than {MOST_UNKNOWN_PERCENT} % of an hour's calls unknown, from {FEWEST_CALLS} calls on: "
        "else it has changed its layout.",
    ),
    "everything_decoded": ("actions", False, "No stored transaction of the day made the decoder fail."),
    "residual_ceiling": (
        "moves",
        False,
        f"At most {RESIDUAL_CEILING_PERCENT} % of the day's transactions have a residual (from {_FEWEST_FOR_A_SHARE} on).",
    ),
    "feed_agrees": ("actions", False, "What the feed decoded as it stored is what decoding the stored bodies gives."),
}


WARNINGS = frozenset({"unknown_discriminators"})
"""Checks whose failure is about the chain, not about our rows."""


def check_decoded(day: date, frames: dict[str, pl.DataFrame], tally: DecodeTally) -> tuple[CheckResult, ...]:
    """Every check but the comparison with the feed's rows. Those between datasets are made where all schemas passed."""
    schemas = [_schema(name, day, frames[name]) for name in DECODED_DATASETS]
    between = _between(frames) if all(check.has_passed for check in schemas) else []
    return (
        _conservation(tally),
        *schemas,
        *between,
        _result("unknown_discriminators", *unknown_alarm(tally.program_hours(), tally.unknown_discriminators())),
        _everything_decoded(tally),
        _residual_ceiling(tally),
    )


def _between(frames: dict[str, pl.DataFrame]) -> list[CheckResult]:
    swaps, fee_parts = frames["swaps"], frames["fee_parts"]
    return [
        _result("legs_have_routes", *legs_have_routes(swaps)),
        _result("routes_are_actions", *routes_are_actions(swaps, frames["actions"])),
        _result("fees_have_swaps", *fees_have_swaps(fee_parts, swaps)),
        _result("trades_are_legs", *trades_are_legs(frames["market_events"], swaps)),
        _result("events_add_up", *events_add_up(frames["position_events"], frames["moves"], frames["participants"])),
        _result("amounts_are_positive", *amounts_are_positive(swaps)),
    ]


def compare_with_hot(hot: dict[str, pl.DataFrame], frames: dict[str, pl.DataFrame]) -> CheckResult:
    """Hold the feed's rows against the decoded ones of the same transactions, whole rows at a time.

    `hot` has the datasets that the feed decodes too: all but events of wallets, which nothing serves before their day is
    folded.
    """
    if all(frame.is_empty() for frame in hot.values()):
        return _result("feed_agrees", True, "0 transactions compared")
    signatures = hot["participants"]["signature"].unique()
    different: set[str] = set()
    for name in hot.keys() - {TOKEN_FACTS.name}:
        dataset = DECODED_DATASETS[name]
        decoded = dataset.arrange(frames[name].filter(pl.col("signature").is_in(signatures.implode())))
        fed = dataset.arrange(hot[name])
        if not fed.equals(decoded):
            columns = list(dataset.columns)
            different |= set(fed.join(decoded, on=columns, how="anti", nulls_equal=True)["signature"])
            different |= set(decoded.join(fed, on=columns, how="anti", nulls_equal=True)["signature"])
    different |= _facts_that_differ(hot["token_facts"], frames["token_facts"])
    detail = f"{signatures.len()} transactions compared"
    if different:
        detail = f"{len(different)} of {detail} differ, e.g. {', '.join(sorted(different)[:_EXAMPLES])}"
    return _result("feed_agrees", not different, detail)


def _facts_that_differ(fed: pl.DataFrame, decoded: pl.DataFrame) -> set[str]:
    """Mints of which the feed saw what the day's facts do not say. The day's program may be told by another transaction."""
    missing = fed.join(decoded, on=["mint", "decimals"], how="anti")
    told = fed.filter(pl.col("token_program") != "").join(decoded, on=["mint", "token_program"], how="anti")
    return {*missing["mint"], *told["mint"]}


def _conservation(tally: DecodeTally) -> CheckResult:
    broken = tally.decoded - tally.conserved
    detail = f"{tally.conserved} transactions add up"
    return _result("conservation", not broken, f"{broken} do not; {'; '.join(tally.faults)}" if broken else detail)


def _schema(name: str, day: date, frame: pl.DataFrame) -> CheckResult:
    dataset = DECODED_DATASETS[name]
    check = f"{name}_schema"
    try:
        dataset.schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return _result(check, False, schema_failures(errors))
    doubled = frame.filter(pl.struct(dataset.key).is_duplicated()).height
    if doubled:
        return _result(check, False, f"{doubled} rows share a key")
    if "block_time" in frame.columns:
        strangers = frame.filter(pl.col("block_time").dt.date() != day).height
        if strangers:
            return _result(check, False, f"{strangers} rows are of another day")
    return _result(check, True, f"{frame.height} rows")


def schema_failures(errors: SchemaErrors) -> str:
    """The first few of a schema's errors, in one line."""
    failures = [
        str(error["error"]) for of_kind in errors.message.values() for listed in of_kind.values() for error in listed
    ]
    return " ".join("; ".join(failures[:_EXAMPLES]).split())


def _everything_decoded(tally: DecodeTally) -> CheckResult:
    failed = tally.transactions - tally.decoded
    detail = f"{failed} of {tally.transactions} failed, e.g. {', '.join(tally.undecoded)}"
    return _result("everything_decoded", not failed, detail if failed else f"{tally.decoded} transactions")


def _residual_ceiling(tally: DecodeTally) -> CheckResult:
    detail = f"{tally.total.residual} of {tally.decoded} transactions have a residual"
    is_within = tally.total.residual * 100 <= tally.decoded * RESIDUAL_CEILING_PERCENT
    return _result("residual_ceiling", is_within or tally.decoded < _FEWEST_FOR_A_SHARE, detail)


def _result(name: str, has_passed: bool, detail: str) -> CheckResult:
    return CheckResult(name, has_passed, detail, is_blocking=DECODED_CHECKS[name][1], is_warning=name in WARNINGS)

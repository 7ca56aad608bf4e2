"""actions, moves, swaps and the other decoded datasets: what a day's transactions did, decoded together from their bodies."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.partition_events import check_results, fail_after_publishing
from assets.partitions import UTC_DAYS
from assets.raw import raw_transactions
from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.workflows.decode_day import DecodeReport
from oof_pipelines.workflows.decoded_checks import DECODED_CHECKS
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.fold import InvalidPartitionError
from resources.warehouse import Warehouse

DECODE_POOL = "decode"
"""One run at a time decodes."""

_DESCRIPTIONS = {
    "actions": "What transactions did: transfers, swaps, liquidity, claims, launches, mints, wraps, rent, stakes, fees.",
    "moves": "The double-entry book: every change of every account's lamports and tokens, by the instruction that made it.",
    "participants": "Who took part in a transaction, with their roles.",
    "token_facts": "Decimals and program of every mint that the day shows, and where it was seen first that day.",
    "swaps": "Trades: a row a net route, which is booked, and a row each of its legs, with amounts and the pools' reserves.",
    "fee_parts": "The fees of each swap, part by part: to whom, in which mint, beside its amounts or within them.",
    "liquidity": "What wallets put into pools and took out of them, mint by mint.",
    "token_events": "Launches, graduations, migrations and pools made: the lives of tokens.",
    "market_events": "The market as one typed stream: trades pool by pool, pool states, launches, mints, liquidity.",
    "anchor_events": "Events that our own programs emitted, byte for byte, each beside its action.",
    "position_events": "What happened to each wallet's holdings: bought, sold, sent, received, claimed, pooled; costs.",
}
_MOST_PROGRAMS_SHOWN = 20


@dg.multi_asset(
    name="decoded",
    specs=[
        dg.AssetSpec(
            name,
            deps=[raw_transactions],
            description=text,
            group_name="decoded",
            kinds={"parquet", "polars"},
            code_version=decoder_version(),
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=UTC_DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=asset, blocking=is_blocking, description=text)
        for name, (asset, is_blocking, text) in DECODED_CHECKS.items()
    ],
    pool=DECODE_POOL,
)
def decoded(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    days = [date.fromisoformat(key) for key in context.partition_keys]
    reports: list[DecodeReport] = []
    errors: list[InvalidPartitionError] = []
    for outcome in warehouse.decode_days(days):
        if isinstance(outcome, InvalidPartitionError):
            errors.append(outcome)
            continue
        reports.append(outcome)
        _record(context, outcome)
    checked = [*(report.checks for report in reports), *(error.checks for error in errors)]
    for asset in _DESCRIPTIONS:
        yield from check_results(asset, [name for name, spec in DECODED_CHECKS.items() if spec[0] == asset], checked)
    if errors:
        published = [report.day.isoformat() for report in reports if report.files]
        raise fail_after_publishing(context, dict.fromkeys(_DESCRIPTIONS, published), [str(error) for error in errors])
    for asset in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=asset)


def _record(context: dg.AssetExecutionContext, report: DecodeReport) -> None:
    """Each file's rows and digest; with actions and moves the decoded and residual shares. An empty day has none."""
    shares = _shares(report)
    for name, file in report.files.items():
        context.add_asset_metadata(
            {
                "dagster/partition_row_count": report.row_counts[name],
                "first_slot": report.first_slot,
                "last_slot": report.last_slot,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "object_key": file.object_key,
                **(shares if name in ("actions", "moves") else {}),
            },
            asset_key=name,
            partition_key=report.day.isoformat(),
        )


def _shares(report: DecodeReport) -> dict[str, object]:
    """How much is decoded, by transactions and by the lamports that moved, in all and by program (most called first)."""
    tally = report.tally
    by_program = sorted(tally.by_program.items(), key=lambda item: (-item[1].transactions, item[0]))
    lines = [
        f"| {PROGRAM_NAMES.get(program, program)} | {one.transactions} | {one.residual} | {one.residual_value_share:.4%} "
        f"| {one.calls} | {one.unknown_calls} |"
        for program, one in by_program[:_MOST_PROGRAMS_SHOWN]
    ]
    head = [
        "| program | transactions | with residual | residual lamports | calls | unknown |",
        "|---|---|---|---|---|---|",
    ]
    table = "\n".join([*head, *lines])
    return {
        "transactions": tally.transactions,
        "decoded_transactions": tally.decoded,
        "conserved_transactions": tally.conserved,
        "residual_transactions": tally.total.residual,
        "residual_share": tally.total.residual_share,
        "residual_value_share": tally.total.residual_value_share,
        "unread_instructions": tally.unread_instructions,
        "unknown_calls": tally.total.unknown_calls,
        "cut_anchor_logs": tally.cut_anchor_logs,
        "by_program": dg.MetadataValue.md(table),
    }

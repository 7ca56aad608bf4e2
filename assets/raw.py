"""raw_transactions and raw_logs: what the chain said, by UTC day, bodies unchanged."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.partition_events import check_results, fail_after_publishing
from assets.partitions import UTC_DAYS
from oof_pipelines.workflows.fold import FoldReport, InvalidPartitionError
from oof_pipelines.workflows.partition_checks import CHECK_DESCRIPTIONS, check_names, is_blocking
from resources.warehouse import Warehouse

FOLD_POOL = "fold"
"""One run at a time folds: a second would only wait for its locks."""

_DESCRIPTIONS = {
    "raw_transactions": "Every transaction heard, once, with its getTransaction result as zstd, unchanged.",
    "raw_logs": "Program logs of every stored transaction.",
}


inbox = dg.AssetSpec(
    "inbox",
    description="What the feed heard and fetched and no file holds yet: Postgres, written by `oof follow`.",
    group_name="raw",
    kinds={"postgres"},
)


def raw_asset(dataset: str) -> dg.AssetsDefinition:
    """The asset of one raw dataset: the day's file ∪ the inbox, checked before it replaces the file."""

    @dg.asset(
        name=dataset,
        deps=[inbox],
        description=_DESCRIPTIONS[dataset],
        partitions_def=UTC_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(name, asset=dataset, blocking=is_blocking(name), description=CHECK_DESCRIPTIONS[name])
            for name in check_names(dataset)
        ],
        pool=FOLD_POOL,
        group_name="raw",
        kinds={"parquet", "polars"},
    )
    def raw(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        days = [date.fromisoformat(key) for key in context.partition_keys]
        reports: list[FoldReport] = []
        errors: list[InvalidPartitionError] = []
        for outcome in warehouse.fold_days(dataset, days):
            if isinstance(outcome, InvalidPartitionError):
                errors.append(outcome)
                continue
            reports.append(outcome)
            _record(context, outcome)
        checked = [*(report.checks for report in reports), *(error.checks for error in errors)]
        yield from check_results(dataset, check_names(dataset), checked)
        if errors:
            published = [report.day.isoformat() for report in reports if report.file]
            raise fail_after_publishing(context, {dataset: published}, [str(error) for error in errors])
        yield dg.MaterializeResult(asset_key=dataset)

    return raw


def _record(context: dg.AssetExecutionContext, report: FoldReport) -> None:
    """Row counts and slot range as the partition's metadata; an empty day has none."""
    if report.file is None:
        return
    context.add_asset_metadata(
        {
            "dagster/partition_row_count": report.row_count,
            "added_rows": report.added_count,
            "first_slot": report.first_slot,
            "last_slot": report.last_slot,
            "size_bytes": report.file.size_bytes,
            "sha256": report.file.sha256,
            "object_key": report.file.object_key,
        },
        partition_key=report.day.isoformat(),
    )


raw_transactions = raw_asset("raw_transactions")
raw_logs = raw_asset("raw_logs")

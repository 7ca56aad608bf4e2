"""risk_flags: what a buyer of a coin should know, folded over market_events of a day and of the week before."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.partition_events import check_results, fail_after_publishing
from assets.partitions import UTC_DAYS
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.risk_flags import RISK_CHECKS, RiskReport
from resources.warehouse import Warehouse, risk_thresholds

_NAME = "risk_flags"


@dg.asset(
    name=_NAME,
    deps=[
        dg.AssetDep(
            "market_events",
            partition_mapping=dg.TimeWindowPartitionMapping(
                start_offset=-risk_thresholds().lookback_days, allow_nonexistent_upstream_partitions=True
            ),
        )
    ],
    description="Mint or freeze authority live, liquidity pulled, creator dumping, top holder: once a day a coin and wallet.",
    partitions_def=UTC_DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=_NAME, blocking=True, description=text) for name, text in RISK_CHECKS.items()
    ],
    group_name="market",
    kinds={"parquet", "polars"},
)
def risk_flags(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    reports: list[RiskReport] = []
    errors: list[InvalidPartitionError] = []
    for outcome in warehouse.flag_days([date.fromisoformat(key) for key in context.partition_keys]):
        if isinstance(outcome, InvalidPartitionError):
            errors.append(outcome)
            continue
        reports.append(outcome)
        _record(context, outcome)
    checked = [*(report.checks for report in reports), *(error.checks for error in errors)]
    yield from check_results(_NAME, list(RISK_CHECKS), checked)
    if errors:
        published = [report.day.isoformat() for report in reports if report.file]
        raise fail_after_publishing(context, {_NAME: published}, [str(error) for error in errors])
    yield dg.MaterializeResult(asset_key=_NAME)


def _record(context: dg.AssetExecutionContext, report: RiskReport) -> None:
    if report.file is None:
        return
    context.add_asset_metadata(
        {
            "dagster/partition_row_count": report.row_count,
            "events": report.event_count,
            **report.by_flag,
            "size_bytes": report.file.size_bytes,
            "sha256": report.file.sha256,
            "object_key": report.file.object_key,
        },
        partition_key=report.day.isoformat(),
    )

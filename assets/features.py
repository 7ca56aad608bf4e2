"""features_1m: what happened to each coin within a minute, by venue and money, made from the day's market_events."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import dagster as dg

from assets.partition_events import check_results, fail_after_publishing
from assets.partitions import UTC_DAYS
from oof_pipelines.workflows.feature_checks import FEATURE_CHECKS
from oof_pipelines.workflows.features_day import BusyMint, FeaturesReport
from oof_pipelines.workflows.fold import InvalidPartitionError
from resources.warehouse import Warehouse

_NAME = "features_1m"
_BARS = "▁▂▃▄▅▆▇█"
_HOURS = 24


@dg.asset(
    name=_NAME,
    deps=["market_events", "reference_prices"],
    description="A coin in a minute at a venue in a money: trades, flows, whales, prices, volatility. See docs/features.md.",
    partitions_def=UTC_DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=_NAME, blocking=True, description=text) for name, text in FEATURE_CHECKS.items()
    ],
    group_name="market",
    kinds={"parquet", "polars"},
)
def features_1m(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    reports: list[FeaturesReport] = []
    errors: list[InvalidPartitionError] = []
    for outcome in warehouse.feature_days([date.fromisoformat(key) for key in context.partition_keys]):
        if isinstance(outcome, InvalidPartitionError):
            errors.append(outcome)
            continue
        reports.append(outcome)
        _record(context, outcome)
    checked = [*(report.checks for report in reports), *(error.checks for error in errors)]
    yield from check_results(_NAME, FEATURE_CHECKS, checked)
    if errors:
        published = [report.day.isoformat() for report in reports if report.file]
        raise fail_after_publishing(context, {_NAME: published}, [str(error) for error in errors])
    yield dg.MaterializeResult(asset_key=_NAME)


def _record(context: dg.AssetExecutionContext, report: FeaturesReport) -> None:
    if report.file is None:
        return
    context.add_asset_metadata(
        {
            "dagster/partition_row_count": report.row_count,
            "trades": report.trade_count,
            "mints": report.mint_count,
            "first_slot": report.first_slot,
            "last_slot": report.last_slot,
            "trades_by_hour": hours_drawn(report.by_hour),
            "most_traded": dg.MetadataValue.md(_table(report.most_traded)),
            "size_bytes": report.file.size_bytes,
            "sha256": report.file.sha256,
            "object_key": report.file.object_key,
        },
        partition_key=report.day.isoformat(),
    )


def hours_drawn(by_hour: dict[int, int]) -> str:
    """The day's trades as 24 bars, a dot for an hour without any: `··▂█…`."""
    most = max(by_hour.values(), default=0)
    counts = [by_hour.get(hour, 0) for hour in range(_HOURS)]
    return "".join(_BARS[(count * len(_BARS) - 1) // most] if count else "·" for count in counts)


def _table(mints: tuple[BusyMint, ...]) -> str:
    head = [
        "| mint | trades | traders in its busiest minute | venues | net inflow, SOL | volume, USD |",
        "|---|---|---|---|---|---|",
    ]
    lines = [
        f"| {one.mint} | {one.trades} | {one.most_traders} | {one.venues} | {_shown(one.net_inflow_sol)} "
        f"| {_shown(one.volume_usd)} |"
        for one in mints
    ]
    return "\n".join([*head, *lines])


def _shown(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.4f}"

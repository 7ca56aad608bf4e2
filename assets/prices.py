"""reference_prices and the candles price_1m, price_5m, price_1h: what a day's trades say of prices, by UTC day."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from assets.partition_events import check_results, fail_after_publishing
from assets.partitions import UTC_DAYS
from oof_pipelines.workflows.fold import InvalidPartitionError, WrittenFile
from oof_pipelines.workflows.price_checks import check_names
from oof_pipelines.workflows.price_day import PriceReport
from oof_pipelines.workflows.reference_prices import REFERENCE_CHECKS, ReferenceReport
from resources.warehouse import Warehouse

_REFERENCE = "reference_prices"
_DESCRIPTIONS = {
    "price_1m": "Candles of a minute of every pair, of the trades that are believed; the others are counted.",
    "price_5m": "Candles of five minutes, folded from those of one.",
    "price_1h": "Candles of an hour, folded from those of a minute.",
}
_CHECKS = {name: (asset, text) for asset in _DESCRIPTIONS for name, text in check_names(asset).items()}


@dg.asset(
    name=_REFERENCE,
    description="Dollars a SOL at the start of each minute, by the one source that is configured (OOF_SOL_USD_SOURCE).",
    partitions_def=UTC_DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=_REFERENCE, blocking=True, description=text)
        for name, text in REFERENCE_CHECKS.items()
    ],
    group_name="prices",
    kinds={"parquet", "polars"},
)
def reference_prices(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    reports: list[ReferenceReport] = []
    errors: list[InvalidPartitionError] = []
    for outcome in warehouse.refer_days([date.fromisoformat(key) for key in context.partition_keys]):
        if isinstance(outcome, InvalidPartitionError):
            errors.append(outcome)
            continue
        reports.append(outcome)
        if outcome.file is not None:
            about: dict[str, int | str] = {
                "dagster/partition_row_count": outcome.row_count,
                "source": outcome.source or "none",
            }
            _record(context, _REFERENCE, outcome.day, outcome.file, about)
    checked = [*(report.checks for report in reports), *(error.checks for error in errors)]
    yield from check_results(_REFERENCE, REFERENCE_CHECKS, checked)
    if errors:
        published = [report.day.isoformat() for report in reports if report.file]
        raise fail_after_publishing(context, {_REFERENCE: published}, [str(error) for error in errors])
    yield dg.MaterializeResult(asset_key=_REFERENCE)


@dg.multi_asset(
    name="candles",
    specs=[
        dg.AssetSpec(
            name,
            deps=["market_events", reference_prices],
            description=text,
            group_name="prices",
            kinds={"parquet", "polars"},
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=UTC_DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=asset, blocking=True, description=text) for name, (asset, text) in _CHECKS.items()
    ],
)
def candles(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    reports: list[PriceReport] = []
    errors: list[InvalidPartitionError] = []
    for outcome in warehouse.price_days([date.fromisoformat(key) for key in context.partition_keys]):
        if isinstance(outcome, InvalidPartitionError):
            errors.append(outcome)
            continue
        reports.append(outcome)
        for name, file in outcome.files.items():
            about = {"dagster/partition_row_count": outcome.row_counts[name], **outcome.counts}
            _record(context, name, outcome.day, file, about)
    checked = [*(report.checks for report in reports), *(error.checks for error in errors)]
    for asset in _DESCRIPTIONS:
        yield from check_results(asset, check_names(asset), checked)
    if errors:
        published = [report.day.isoformat() for report in reports if report.files]
        raise fail_after_publishing(context, dict.fromkeys(_DESCRIPTIONS, published), [str(error) for error in errors])
    for asset in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=asset)


def _record(
    context: dg.AssetExecutionContext, asset: str, day: date, file: WrittenFile, about: dict[str, int | str]
) -> None:
    context.add_asset_metadata(
        {**about, "size_bytes": file.size_bytes, "sha256": file.sha256, "object_key": file.object_key},
        asset_key=asset,
        partition_key=day.isoformat(),
    )

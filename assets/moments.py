"""oof_moments and wallet_extremes of a wallet bucket: what detectors find in its positions and the market."""

from collections.abc import Iterator

import dagster as dg

from assets.bucket_results import bucket_results
from assets.following import buckets_asked
from assets.partitions import WALLET_BUCKET_KEYS
from assets.positions import POSITION_POOL
from oof_pipelines.workflows.moment_checks import MOMENT_CHECKS
from oof_pipelines.workflows.moments_bucket import MomentsReport, detector_versions
from resources.warehouse import Warehouse

_DESCRIPTIONS = {
    "oof_moments": "What a wallet could have done better: sold too early, bag held, bad route, idle, rug; with every input.",
    "wallet_extremes": "Of each wallet the win, the loss and the moments that stand out; ties break the same way always.",
}
_BUCKETS = ("realized_trades", "wallet_events")
_ALL_DAYS = ("price_1m", "reference_prices", "market_events", "raw_transactions")


@dg.multi_asset(
    name="moments",
    specs=[
        dg.AssetSpec(
            name,
            deps=[
                *_BUCKETS,
                *(dg.AssetDep(day, partition_mapping=dg.AllPartitionMapping()) for day in _ALL_DAYS),
            ],
            description=text,
            group_name="moments",
            kinds={"parquet", "polars"},
            code_version=detector_versions(),
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=WALLET_BUCKET_KEYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=asset, blocking=True, description=text)
        for name, (asset, text) in MOMENT_CHECKS.items()
    ],
    pool=POSITION_POOL,
)
def moments(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    outcomes = warehouse.moment_buckets(*buckets_asked(context))
    yield from bucket_results(context, outcomes, _DESCRIPTIONS, MOMENT_CHECKS, _record)


def _record(context: dg.AssetExecutionContext, report: MomentsReport) -> None:
    for name, file in report.files.items():
        counts = {**report.by_kind, "open": report.open_count} if name == "oof_moments" else {}
        context.add_asset_metadata(
            {
                "dagster/partition_row_count": report.row_counts[name],
                **counts,
                "as_of": report.as_of.isoformat(),
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "object_key": file.object_key,
            },
            asset_key=name,
            partition_key=f"{report.bucket:02d}",
        )

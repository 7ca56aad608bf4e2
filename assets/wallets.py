"""wallet_actions and wallet_events: what wallets did and what happened to their holdings, in 64 buckets, brought up to date
together from the days that changed.
"""

from collections.abc import Iterator

import dagster as dg

from assets.bucket_results import bucket_results
from assets.partitions import WALLET_BUCKET_KEYS
from oof_pipelines.workflows.update_wallets import WALLET_CHECKS, WalletReport
from resources.warehouse import Warehouse

WALLET_POOL = "wallets"
"""One run at a time updates wallet buckets."""

_DESCRIPTIONS = {
    "wallet_actions": "Every action by wallet, own and as the other side: one bucket to read instead of every day.",
    "wallet_events": "What happened to each wallet's holdings, in order: what positions are made from.",
}
_DAYS = ("actions", "position_events")
"""Both files of a bucket are of one update, so each is made from both."""


@dg.multi_asset(
    name="wallets",
    specs=[
        dg.AssetSpec(
            name,
            deps=[dg.AssetDep(day, partition_mapping=dg.AllPartitionMapping()) for day in _DAYS],
            description=text,
            group_name="wallets",
            kinds={"parquet", "polars"},
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=WALLET_BUCKET_KEYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=asset, blocking=True, description=text)
        for name, (asset, text) in WALLET_CHECKS.items()
    ],
    pool=WALLET_POOL,
)
def wallets(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    outcomes = warehouse.update_buckets([int(key) for key in context.partition_keys])
    yield from bucket_results(context, outcomes, _DESCRIPTIONS, WALLET_CHECKS, _record)


def _record(context: dg.AssetExecutionContext, report: WalletReport) -> None:
    for name, file in report.files.items():
        context.add_asset_metadata(
            {
                "dagster/partition_row_count": report.row_counts[name],
                "wallets": report.wallet_count,
                "changed_days": report.changed_days,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "object_key": file.object_key,
            },
            asset_key=name,
            partition_key=f"{report.bucket:02d}",
        )

"""wallet_actions: every action by the wallets it concerns, in 64 buckets, brought up to date from the days that changed."""

from collections.abc import Iterator

import dagster as dg

from assets.partition_events import check_results, fail_after_publishing
from assets.partitions import WALLET_BUCKET_KEYS
from oof_pipelines.workflows.update_wallets import WALLET_CHECKS, InvalidBucketError, WalletReport
from resources.warehouse import Warehouse

WALLET_POOL = "wallets"
"""One run at a time updates wallet buckets."""

_NAME = "wallet_actions"


@dg.asset(
    name=_NAME,
    deps=[dg.AssetDep("actions", partition_mapping=dg.AllPartitionMapping())],
    description="Every action by wallet, own and as the other side: what positions read, one bucket instead of every day.",
    partitions_def=WALLET_BUCKET_KEYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=_NAME, blocking=True, description=text) for name, text in WALLET_CHECKS.items()
    ],
    pool=WALLET_POOL,
    group_name="wallets",
    kinds={"parquet", "polars"},
)
def wallet_actions(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    reports: list[WalletReport] = []
    errors: list[InvalidBucketError] = []
    for outcome in warehouse.update_buckets([int(key) for key in context.partition_keys]):
        if isinstance(outcome, InvalidBucketError):
            errors.append(outcome)
            continue
        reports.append(outcome)
        _record(context, outcome)
    checked = [*(report.checks for report in reports), *(error.checks for error in errors)]
    yield from check_results(_NAME, WALLET_CHECKS, checked)
    if errors:
        published = [f"{report.bucket:02d}" for report in reports if report.file]
        raise fail_after_publishing(context, {_NAME: published}, [str(error) for error in errors])
    yield dg.MaterializeResult(asset_key=_NAME)


def _record(context: dg.AssetExecutionContext, report: WalletReport) -> None:
    if report.file is None:
        return
    context.add_asset_metadata(
        {
            "dagster/partition_row_count": report.row_count,
            "wallets": report.wallet_count,
            "changed_days": report.changed_days,
            "size_bytes": report.file.size_bytes,
            "sha256": report.file.sha256,
            "object_key": report.file.object_key,
        },
        partition_key=f"{report.bucket:02d}",
    )

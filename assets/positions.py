"""lots, realized_trades and episodes of a wallet bucket: made together from its wallet_events and the prices of the time."""

from collections.abc import Iterator

import dagster as dg

from assets.bucket_results import bucket_results
from assets.following import buckets_asked
from assets.partitions import WALLET_BUCKET_KEYS
from oof_pipelines.renderer.month_chart import as_markdown, month_chart
from oof_pipelines.workflows.position_checks import POSITION_CHECKS, WATCHED
from oof_pipelines.workflows.positions_bucket import PositionsReport
from resources.warehouse import Warehouse

POSITION_POOL = "positions"
"""One run at a time makes positions and moments."""

_DESCRIPTIONS = {
    "lots": "Units that came in together, what they cost, and where they are now. FIFO by wallet and mint.",
    "realized_trades": "What sells, exchange transfers and burns realised, in dollars, by FIFO and by average cost.",
    "episodes": "A wallet's holding of a mint from nothing to nothing, with what it brought.",
}
_ONE_DOLLAR_E18 = 10**18
_ALL_DAYS = ("price_1m", "reference_prices", "moves")


@dg.multi_asset(
    name="positions",
    specs=[
        dg.AssetSpec(
            name,
            deps=[
                "wallet_events",
                *(dg.AssetDep(day, partition_mapping=dg.AllPartitionMapping()) for day in _ALL_DAYS),
            ],
            description=text,
            group_name="positions",
            kinds={"parquet", "polars"},
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=WALLET_BUCKET_KEYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec(name, asset=asset, blocking=name not in WATCHED, description=text)
        for name, (asset, text) in POSITION_CHECKS.items()
    ],
    pool=POSITION_POOL,
)
def positions(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    outcomes = warehouse.position_buckets(*buckets_asked(context))
    yield from bucket_results(context, outcomes, _DESCRIPTIONS, POSITION_CHECKS, _record)


def _record(context: dg.AssetExecutionContext, report: PositionsReport) -> None:
    counts: dict[str, int] = {
        "events": report.events,
        "wallets": report.wallets,
        "holdings_with_missing_history": report.unheld,
        "exits_of_unknown_basis": report.unknown_basis,
    }
    for name, file in report.files.items():
        picture = {"realized_by_month": _chart(report)} if name == "realized_trades" and report.by_month else {}
        context.add_asset_metadata(
            {
                "dagster/partition_row_count": report.row_counts[name],
                **counts,
                **picture,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "object_key": file.object_key,
            },
            asset_key=name,
            partition_key=f"{report.bucket:02d}",
        )


def _chart(report: PositionsReport) -> dg.MarkdownMetadataValue:
    """Realised PnL by month as a picture, and the same in figures."""
    months = [(one.month, _dollars(one.pnl_usd_e18)) for one in report.by_month]
    picture = as_markdown(month_chart(months, "Realised PnL by month"), "Realised PnL by month")
    lines = [f"| {one.month:%Y-%m} | {_dollars(one.pnl_usd_e18):,} | {one.exits} |" for one in report.by_month]
    return dg.MetadataValue.md("\n".join([picture, "", "| month | realised, USD | exits |", "|---|---|---|", *lines]))


def _dollars(usd_e18: int) -> int:
    """Whole dollars, towards 0: for a picture."""
    return abs(usd_e18) // _ONE_DOLLAR_E18 * (1 if usd_e18 >= 0 else -1)

"""Positions and moments as assets: what a run writes, shows and checks, and what the sensor asks for."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg
import polars as pl
import psycopg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from filled_home import FilledHome
from position_world import DOLLAR, ELSEWHERE, START, World, candle, event

from assets.following import LAGGING, LAGGING_SETTLED, LAGGING_TAG
from oof_pipelines.definitions import build_definitions
from oof_pipelines.detectors import registry
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, POSITION_DATASETS
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.workflows.moment_checks import MOMENT_CHECKS
from oof_pipelines.workflows.position_checks import POSITION_CHECKS
from resources.warehouse import Warehouse
from sensors.follow_positions import positions_sensor, update_moments, update_positions
from sensors.update_wallets import update_wallets

WHOLE = 10**6
BUY = event("buy", 0, qty=1_000 * WHOLE, usdc=1_000 * DOLLAR)
SALE = event("sell", 60, qty=1_000 * WHOLE, usdc=1_200 * DOLLAR, network_fee_lamports=5_000)
HELD = event("buy", 30, wallet=ELSEWHERE, qty=500 * WHOLE, usdc=500 * DOLLAR)


@pytest.fixture
def world(filled_home: FilledHome) -> World:
    """Two wallets' events and a coin's candles in the home's store, which is as old as its newest transaction."""
    world = World(filled_home.home / "parquet_store")
    world.put_sol("150", START.date())
    world.put_events(BUY, SALE, HELD)
    world.put_candles(candle(0, "1.0"), candle(59, "1.2"), candle(120, "2.0"), candle(3_000, "0.6"))
    put_time(world, START + timedelta(days=4))
    return world


def put_time(world: World, at: datetime) -> None:
    """The newest stored transaction is of `at`."""
    nothing = pl.DataFrame({name: pl.Series(name, [None], dtype) for name, dtype in RAW_TRANSACTIONS.columns.items()})
    row = nothing.with_columns(block_time=pl.lit(at).cast(pl.Datetime("us", "UTC")), signature=pl.lit("s"))
    world.store.write(RAW_TRANSACTIONS.name, at.date(), row)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(job: str, instance: dg.DagsterInstance, **tags: str) -> dg.ExecuteInProcessResult:
    stretch = {ASSET_PARTITION_RANGE_START_TAG: "00", ASSET_PARTITION_RANGE_END_TAG: "63"}
    resolved = build_definitions().resolve_job_def(job)
    return resolved.execute_in_process(instance=instance, tags=stretch | tags, raise_on_error=False)


def metadata(instance: dg.DagsterInstance, asset: str, partition: str) -> dict[str, object]:
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition])
    [record] = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization is not None
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def hashes(world: World) -> dict[str, str]:
    files = world.files() | world.files(moments=True)
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def test_a_run_makes_positions_and_the_moments_in_them(
    world: World, instance: dg.DagsterInstance, filled_home: FilledHome
) -> None:
    done = run(update_positions.name, instance)
    assert done.success
    evaluations = {evaluation.check_name: evaluation.passed for evaluation in done.get_asset_check_evaluations()}
    assert set(evaluations) == {*POSITION_CHECKS, *MOMENT_CHECKS}
    assert all(evaluations.values())
    for name in (*POSITION_DATASETS, *MOMENT_DATASETS):
        rows = world.store.read(name, 7)
        assert rows is not None
        told = metadata(instance, name, "07")
        assert told["dagster/partition_row_count"] == rows.height
        assert told["object_key"] == f"{name}/bucket=07/part.parquet"
        with psycopg.connect(filled_home.url, connect_timeout=10) as connection:
            served = connection.execute(f"select count(*) from {name} where bucket = 7".encode()).fetchone()
        # Of extremes Postgres has a row a wallet.
        assert served == (rows["wallet"].n_unique() if name == "wallet_extremes" else rows.height,)
    assert metadata(instance, "oof_moments", "07")["S2E"] == 1
    assert metadata(instance, "oof_moments", "09")["BHD"] == 1
    chart = str(metadata(instance, "realized_trades", "07")["realized_by_month"])
    assert "data:image/svg+xml;base64," in chart
    assert "| 2025-03 | 200 | 1 |" in chart


def test_making_them_again_gives_the_same_bytes(world: World, instance: dg.DagsterInstance) -> None:
    assert run(update_positions.name, instance).success
    before = hashes(world)
    assert len(before) == 10
    assert run(update_positions.name, instance).success
    assert hashes(world) == before


def test_a_run_that_a_sensor_asked_for_leaves_out_what_is_up_to_date(
    world: World, instance: dg.DagsterInstance
) -> None:
    assert run(update_positions.name, instance).success
    written = {bucket: world.store.written_at_ns("lots", bucket) for bucket in (7, 9)}
    world.put_events(HELD)
    assert run(update_positions.name, instance, **{LAGGING_TAG: LAGGING}).success
    assert world.store.written_at_ns("lots", 7) == written[7]
    assert world.store.written_at_ns("lots", 9) != written[9]
    assert Warehouse().lagging_positions() == ([], [])


def test_a_new_version_of_a_detector_makes_moments_alone(
    world: World, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(update_positions.name, instance).success
    assert Warehouse().lagging_positions() == ([], [])
    monkeypatch.setitem(registry.VERSIONS, "BHD", 99)
    assert Warehouse().lagging_positions() == ([], [7, 9])
    done = run(update_moments.name, instance, **{LAGGING_TAG: LAGGING})
    assert done.success
    made = {event.asset_key.to_user_string() for event in done.get_asset_materialization_events() if event.asset_key}
    assert made == set(MOMENT_DATASETS)
    assert Warehouse().lagging_positions() == ([], [])


def test_a_bucket_that_breaks_a_check_fails_the_run_and_the_others_are_made(
    world: World, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oof_pipelines.workflows import positions_bucket

    right = positions_bucket.frame_of

    def losing(dataset: object, structs: list[object]) -> pl.DataFrame:
        rows = right(dataset, structs)  # type: ignore[arg-type]
        is_lots = getattr(dataset, "name", "") == "lots"
        return rows.filter(pl.col("wallet") != ELSEWHERE) if is_lots else rows

    monkeypatch.setattr(positions_bucket, "frame_of", losing)
    done = run(update_positions.name, instance)
    assert not done.success
    failed = [one for one in done.get_asset_check_evaluations() if not one.passed]
    assert "bought_is_sold_held_moved" in {one.check_name for one in failed}
    assert world.store.buckets("lots") == [7]
    assert instance.get_materialized_partitions(dg.AssetKey("lots")) == {"07"}


class LaggingWarehouse(Warehouse):
    """Tells of buckets that lag."""

    of_positions: list[int]
    of_moments: list[int]

    def lagging_positions(self, *, is_newest_counted: bool = True) -> tuple[list[int], list[int]]:
        """Those of moments lag behind the newest day alone."""
        return self.of_positions, self.of_moments if is_newest_counted else []


def tick(
    instance: dg.DagsterInstance, of_positions: list[int], of_moments: list[int], cursor: str | None = None
) -> object:
    warehouse = LaggingWarehouse(of_positions=of_positions, of_moments=of_moments)
    repository = build_definitions(warehouse=warehouse).get_repository_def()
    context = dg.build_sensor_context(
        instance=instance, repository_def=repository, resources={"warehouse": warehouse}, cursor=cursor
    )
    return positions_sensor(context)


@pytest.mark.parametrize(
    ("of_positions", "of_moments", "asked"),
    [
        ([3, 61], [5], {"update_positions": ("03", "61"), "update_moments": ("05", "05")}),
        ([], [5, 9], {"update_moments": ("05", "09")}),
        ([7], [], {"update_positions": ("07", "07")}),
    ],
)
def test_positions_are_asked_for_first_and_moments_beside_them(
    instance: dg.DagsterInstance,
    of_positions: list[int],
    of_moments: list[int],
    asked: dict[str, tuple[str, str]],
) -> None:
    result = tick(instance, of_positions, of_moments)
    assert isinstance(result, dg.SensorResult)
    requests = result.run_requests or []
    assert [request.job_name for request in requests] == list(asked)
    for request in requests:
        ends = request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG]
        assert ends == asked[str(request.job_name)]
        assert request.tags[LAGGING_TAG] == LAGGING


def test_the_newest_day_is_asked_about_once_an_hour(instance: dg.DagsterInstance) -> None:
    first = tick(instance, [], [5])
    assert isinstance(first, dg.SensorResult)
    assert first.run_requests
    again = tick(instance, [], [5], first.cursor)
    assert isinstance(again, dg.SensorResult)
    assert not again.run_requests
    assert again.cursor == first.cursor
    settled = tick(instance, [3], [], first.cursor)
    assert isinstance(settled, dg.SensorResult)
    [request] = settled.run_requests or []
    assert (request.job_name, request.tags[LAGGING_TAG]) == ("update_positions", LAGGING_SETTLED)
    assert request.run_key not in {one.run_key for one in first.run_requests}
    an_hour_ago = f"7 {int((first.cursor or '').split()[1]) - 1}"
    later = tick(instance, [], [5], an_hour_ago)
    assert isinstance(later, dg.SensorResult)
    assert later.run_requests


def test_nothing_is_asked_for_where_nothing_lags(instance: dg.DagsterInstance) -> None:
    result = tick(instance, [], [])
    assert isinstance(result, dg.SensorResult)
    assert not result.run_requests
    assert result.skip_reason is not None


@pytest.mark.parametrize("job", [update_wallets.name, update_positions.name, update_moments.name])
def test_positions_wait_while_a_run_is_in_flight(instance: dg.DagsterInstance, job: str) -> None:
    instance.create_run_for_job(build_definitions().resolve_job_def(job), status=dg.DagsterRunStatus.STARTED)
    result = tick(instance, [3], [])
    assert isinstance(result, dg.SkipReason)
    assert "in flight" in (result.skip_message or "")

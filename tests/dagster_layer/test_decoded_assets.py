"""The decoded assets and the wallet buckets over a filled inbox: counts, checks, metadata, the same bytes again."""

import hashlib
from pathlib import Path

import dagster as dg
import polars as pl
import psycopg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from filled_home import FilledHome

from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.definitions import build_definitions
from oof_pipelines.market.mint_instructions import mint_changes
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, TOLD_DATASETS, WALLET_DATASETS
from oof_pipelines.workflows import decode_day
from oof_pipelines.workflows.decode_tally import DecodeTally, ProgramTally
from oof_pipelines.workflows.decoded_checks import DECODED_CHECKS
from oof_pipelines.workflows.decoder_version import decoder_version
from resources.warehouse import Warehouse
from sensors.fold_inbox import fold_inbox
from sensors.update_wallets import update_wallets, wallets_sensor


def run(job: str, first: str, last: str, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    tags = {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last}
    return (
        build_definitions().resolve_job_def(job).execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    )


def hashes(root: Path) -> dict[str, str]:
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.rglob("*.parquet"))
    }


def metadata(instance: dg.DagsterInstance, asset: str, partition: str) -> dict[str, object]:
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition])
    [record] = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization is not None
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def test_days_are_decoded_and_wallets_updated_and_again_to_the_same_bytes(filled_home: FilledHome) -> None:
    store = filled_home.home / "parquet_store"
    first, last = filled_home.days[0], filled_home.days[-1]
    with dg.DagsterInstance.ephemeral() as instance:
        done = run(fold_inbox.name, first, last, instance)
        assert done.success
        found = {(e.asset_key.to_user_string(), e.check_name): e.passed for e in done.get_asset_check_evaluations()}
        assert {(asset, name) for name, (asset, _, _) in DECODED_CHECKS.items()} <= set(found)
        assert all(found.values())
        for day in filled_home.days:
            wanted = [tx for tx in filled_home.transactions if tx.day.isoformat() == day]
            told = metadata(instance, "moves", day)
            assert (told["transactions"], told["decoded_transactions"], told["conserved_transactions"]) == (
                len(wanted),
            ) * 3
            assert told["residual_transactions"] == 0
            assert "| program |" in str(told["by_program"])
            for dataset in DECODED_DATASETS:
                rows = pl.read_parquet(store / dataset / f"day={day}", hive_partitioning=False)
                assert metadata(instance, dataset, day)["dagster/partition_row_count"] == rows.height
                assert rows.height > 0 or dataset in TOLD_DATASETS, "no synthetic transaction calls a venue"
        assert run(update_wallets.name, "00", "63", instance).success
        before = hashes(store)
        assert run(fold_inbox.name, first, last, instance).success
        assert run(update_wallets.name, "00", "63", instance).success
        assert hashes(store) == before
        assert all(sum(name in key for key in before) > 1 for name in WALLET_DATASETS)


def test_what_a_wallet_did_is_in_its_bucket(filled_home: FilledHome) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run(fold_inbox.name, filled_home.days[0], filled_home.days[-1], instance)
        warehouse = Warehouse()
        stale = warehouse.stale_buckets()
        assert run(update_wallets.name, "00", "63", instance).success
        assert warehouse.stale_buckets() == []
        wallets: set[str] = set()
        for name in WALLET_DATASETS:
            told = metadata(instance, name, f"{stale[0]:02d}")
            rows = pl.read_parquet(filled_home.home / "parquet_store" / name / f"bucket={stale[0]:02d}")
            assert told["dagster/partition_row_count"] == rows.height
            wallets |= set(rows["wallet"])
        assert told["wallets"] == len(wallets) > 0


@pytest.mark.usefixtures("telling")
def test_trades_and_launches_are_assets_of_their_own(filled_home: FilledHome) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        done = run(fold_inbox.name, filled_home.days[0], filled_home.days[-1], instance)
        evaluated = {e.check_name: e.passed for e in done.get_asset_check_evaluations()}
        assert all(evaluated[name] for name, (asset, _, _) in DECODED_CHECKS.items() if asset in TOLD_DATASETS)
        counts = {
            name: sum(
                int(str(metadata(instance, name, day)["dagster/partition_row_count"])) for day in filled_home.days
            )
            for name in TOLD_DATASETS
        }
    trades = sum(not tx.is_failed for tx in filled_home.transactions)
    mints = sum(
        len(mint_changes(tx.decoded.transaction)) for tx in filled_home.transactions if tx.decoded and not tx.is_failed
    )
    assert mints > 0
    assert counts == {
        "swaps": 5 * trades,
        "fee_parts": 13 * trades,
        "liquidity": 4 * trades,
        "token_events": 4 * trades,
        # A trade and a pool's state a leg, and one each of the facts; beside them the mints that were really made.
        "market_events": (2 * 3 + 2 + 4) * trades + mints,
        "anchor_events": trades,
    }


@pytest.mark.parametrize("unknown_calls", [5, 6])
def test_a_program_that_changed_is_warned_of_and_its_day_is_published(
    unknown_calls: int, filled_home: FilledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = filled_home.days[1]
    program_id, program = next(iter(BY_ID.items()))
    real = decode_day.decode_frame

    def changed(raw: pl.DataFrame, _programs: object) -> tuple[decode_day.Frames, DecodeTally]:
        frames, tally = real(raw)
        if raw["block_time"][0].date().isoformat() == day:
            at, hour = next(iter(tally.hours.items()))
            assert at.date().isoformat() == day
            hour.by_program[program_id] = ProgramTally(calls=100, unknown_calls=unknown_calls)
            for _ in range(unknown_calls):
                hour.note_unknown(program_id, "00ff", "its signature")
        return frames, tally

    monkeypatch.setattr(decode_day, "decode_frame", changed)
    with dg.DagsterInstance.ephemeral() as instance:
        done = run(fold_inbox.name, filled_home.days[0], filled_home.days[-1], instance)
        assert done.success
        [found] = [e for e in done.get_asset_check_evaluations() if e.check_name == "unknown_discriminators"]
        assert instance.get_materialized_partitions(dg.AssetKey("actions")) == set(filled_home.days)
    assert (found.asset_key, found.severity) == (dg.AssetKey("actions"), dg.AssetCheckSeverity.WARN)
    assert found.passed == (unknown_calls == 5)
    if not found.passed:
        told = str(found.metadata["failures"].value)
        assert f"{program.name} {day} " in told
        assert "6 of 100 calls (6.0 %) unknown, most 00ff (6, first in its signature)" in told


def test_a_day_that_does_not_add_up_is_left_alone_and_the_others_are_done(
    filled_home: FilledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = filled_home.days[1]
    whole = decode_day.check_decoded

    def broken_books(day: object, frames: object, tally: object) -> object:
        if str(day) == broken:
            tally.conserved -= 1  # type: ignore[attr-defined]
        return whole(day, frames, tally)  # type: ignore[arg-type]

    monkeypatch.setattr(decode_day, "check_decoded", broken_books)
    with dg.DagsterInstance.ephemeral() as instance:
        done = run(fold_inbox.name, filled_home.days[0], filled_home.days[-1], instance)
        assert not done.success
        failed = [e.check_name for e in done.get_asset_check_evaluations() if not e.passed]
        assert failed == ["conservation"]
        told = instance.get_materialized_partitions(dg.AssetKey("moves"))
        assert told == {filled_home.days[0], filled_home.days[2]}
    store = filled_home.home / "parquet_store"
    assert [(store / "moves" / f"day={day}").exists() for day in filled_home.days] == [True, False, True]
    with psycopg.connect(filled_home.url) as connection:
        served = connection.execute("select day::text from decoded_days order by day").fetchall()
    assert [day for (day,) in served] == [filled_home.days[0], filled_home.days[2]]


class StaleWarehouse(Warehouse):
    """Tells of buckets that lag behind."""

    stale: list[int]

    def stale_buckets(self) -> list[int]:
        return self.stale


def tick(instance: dg.DagsterInstance, *stale: int) -> object:
    warehouse = StaleWarehouse(stale=list(stale))
    repository = build_definitions(warehouse=warehouse).get_repository_def()
    context = dg.build_sensor_context(instance=instance, repository_def=repository, resources={"warehouse": warehouse})
    return wallets_sensor(context)


def test_buckets_that_lag_behind_are_asked_for_in_one_run() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = tick(instance, 3, 7, 61)
        assert isinstance(result, dg.SensorResult)
        [request] = result.run_requests or []
        assert request.tags[ASSET_PARTITION_RANGE_START_TAG] == "03"
        assert request.tags[ASSET_PARTITION_RANGE_END_TAG] == "61"
        assert isinstance(tick(instance), dg.SkipReason)


@pytest.mark.parametrize("job", [fold_inbox, update_wallets], ids=lambda job: job.name)
def test_wallets_wait_while_days_are_decoded_or_wallets_updated(job: dg.JobDefinition) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(build_definitions().resolve_job_def(job.name), status=dg.DagsterRunStatus.STARTED)
        result = tick(instance, 3)
        assert isinstance(result, dg.SkipReason)
        assert "in flight" in (result.skip_message or "")


def test_the_assets_carry_the_decoders_version() -> None:
    graph = build_definitions().resolve_asset_graph()
    assert {graph.get(dg.AssetKey(name)).code_version for name in DECODED_DATASETS} == {decoder_version()}

"""The asset of risk flags, in process behind a fold: counts, checks, metadata, and the same bytes again."""

import hashlib
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
import polars as pl
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from filled_home import FilledHome
from told_trades import COIN

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.definitions import build_definitions
from oof_pipelines.market.events import LiquidityChanged, MarketEvent, RiskFlag, Trade
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.market.risk import RiskState, step
from oof_pipelines.storage.parquet import decoded_rows
from oof_pipelines.storage.parquet.market_rows import events_of
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows import risk_flags as workflow
from oof_pipelines.workflows.replay import day_events
from oof_pipelines.workflows.risk_flags import RISK_CHECKS
from resources import warehouse
from sensors.fold_inbox import fold_inbox


def fold(filled_home: FilledHome, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    tags = {
        ASSET_PARTITION_RANGE_START_TAG: filled_home.days[0],
        ASSET_PARTITION_RANGE_END_TAG: filled_home.days[-1],
    }
    job = build_definitions().resolve_job_def(fold_inbox.name)
    return job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)


def metadata(instance: dg.DagsterInstance, day: str) -> dict[str, object]:
    wanted = dg.AssetRecordsFilter(dg.AssetKey("risk_flags"), asset_partitions=[day])
    [record] = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization is not None
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


def with_a_pull(*place: Any) -> list[MarketEvent]:
    """The events of a transaction, and that its payer took all but a hundredth of a pool behind its first trade."""
    events = market_events_of(*place)
    trade = next((event for event in events if isinstance(event, Trade)), None)
    if trade is None:
        return events
    at = msgspec.structs.replace(trade.place, ordinal=9)
    pair = (trade.program_id, trade.venue, trade.pool, COIN, NATIVE_MINT)
    return [*events, LiquidityChanged(at, *pair, trade.signer, False, 99, 99, 1, 1)]


@pytest.mark.usefixtures("telling")
def test_every_fold_flags_its_days(filled_home: FilledHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded_rows, "market_events_of", with_a_pull)
    pullers = {
        day: {tx.fee_payer for tx in filled_home.transactions if tx.day.isoformat() == day and not tx.is_failed}
        for day in filled_home.days
    }
    store = ParquetStore(filled_home.home / "parquet_store")
    with dg.DagsterInstance.ephemeral() as instance:
        done = fold(filled_home, instance)
        assert done.success
        evaluated = {
            e.check_name: e.passed
            for e in done.get_asset_check_evaluations()
            if e.asset_key == dg.AssetKey("risk_flags")
        }
        assert evaluated == dict.fromkeys(RISK_CHECKS, True)
        assert instance.get_materialized_partitions(dg.AssetKey("risk_flags")) == set(filled_home.days)
        digests = {}
        for day in store.days("risk_flags"):
            told, rows = metadata(instance, str(day)), store.read("risk_flags", day)
            assert rows is not None
            content = store.path("risk_flags", day).read_bytes()
            assert told["dagster/partition_row_count"] == rows.height == told["liquidity_pulled"]
            assert set(rows["wallet"]) == pullers[str(day)]
            assert set(rows["share_bps"]) == {9_900}
            assert told["sha256"] == hashlib.sha256(content).hexdigest()
            assert told["events"] == sum(1 for _ in day_events(store, day))
            digests[day] = told["sha256"]
        assert fold(filled_home, instance).success
        assert {day: metadata(instance, str(day))["sha256"] for day in digests} == digests
    # The first day knows nothing of the days before: its flags are those of its own stream.
    state, flags = RiskState(warehouse.risk_thresholds()), []
    first = store.days("risk_flags")[0]
    for event in day_events(store, first):
        state, raised = step(state, event)
        flags += raised
    stored = store.read("risk_flags", first)
    assert stored is not None
    found = sorted(events_of(stored), key=lambda event: event.order_key)
    assert found == sorted(flags, key=lambda flag: flag.order_key)
    assert all(isinstance(flag, RiskFlag) for flag in found)


@pytest.mark.usefixtures("telling")
def test_a_day_whose_flags_fail_a_check_is_left_alone_and_the_others_are_done(
    filled_home: FilledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = filled_home.days[1]
    whole = workflow.check_flags

    def doubting(store: object, day: object, frame: pl.DataFrame) -> object:
        checks = whole(store, day, frame)  # type: ignore[arg-type]
        if str(day) != broken:
            return checks
        return (workflow.CheckResult("flags_are_raised_once", False, "made to fail"), *checks[:-1])

    monkeypatch.setattr(workflow, "check_flags", doubting)
    with dg.DagsterInstance.ephemeral() as instance:
        done = fold(filled_home, instance)
        assert not done.success
        failed = [e.check_name for e in done.get_asset_check_evaluations() if not e.passed]
        assert failed == ["flags_are_raised_once"]
        told = instance.get_materialized_partitions(dg.AssetKey("risk_flags"))
        assert told == {day for day in filled_home.days if day != broken}
    assert not Path(filled_home.home / "parquet_store" / "risk_flags" / f"day={broken}").exists()

"""Market data through Dagster: each refresh against the services' stand-in with real Postgres, its faults, its schedule."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psycopg
import pytest
from filled_home import FilledHome
from market_process import market_process
from stored_swaps import store_swaps

from assets.market_data import FRESHNESS, market_assets
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.definitions import build_definitions
from oof_pipelines.settings import MARKET_SOURCES
from oof_pipelines.workflows.refresh_market import REFRESHES
from resources.market_data import MarketData
from sensors.refresh_market import market_jobs, market_schedules

COINS = ["DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263", "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN"]
TABLES = {
    "spot_prices": "price_ticks",
    "sol_price": "price_ticks",
    "defillama_volume": "volume_readings",
    "pump_fun_volume": "volume_readings",
    "sol_klines": "klines",
    "token_metadata": "token_metadata",
    "token_mints": "token_metadata",
}


@pytest.fixture(scope="module")
def calm_market() -> Iterator[dict[str, str]]:
    with market_process() as settings:
        yield settings


@pytest.fixture(scope="module")
def absurd_market() -> Iterator[dict[str, str]]:
    with market_process("absurd:p=1;value=negative") as settings:
        yield settings


@pytest.fixture
def traded_home(filled_home: FilledHome, monkeypatch: pytest.MonkeyPatch) -> FilledHome:
    """Two coins were traded lately, and every source is configured."""
    newest = max(transaction.block_time for transaction in filled_home.transactions)
    swaps = [(NATIVE_MINT, COINS[0], 0), (COINS[0], USDC_MINT, 1), (USDT_MINT, COINS[1], 2)]
    store_swaps(filled_home.url, swaps, newest)
    monkeypatch.setenv("OOF_MARKET_SOURCES", ",".join(MARKET_SOURCES))
    return filled_home


def point_at(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def materialize(name: str) -> dg.ExecuteInProcessResult:
    [asset] = [asset for asset in market_assets if asset.key.to_user_string() == name]
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize([asset], instance=instance, resources={"market_data": MarketData()}, raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    events = result.get_asset_materialization_events()
    return [{key: value.value for key, value in event.materialization.metadata.items()} for event in events]


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize("name", REFRESHES)
def test_a_refresh_fills_its_table(
    name: str, traded_home: FilledHome, calm_market: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, calm_market)
    [metadata] = told(materialize(name))
    stored = rows(traded_home.url, f"select count(*) from {TABLES[name]}")[0][0]
    assert metadata["source"] == REFRESHES[name].source
    assert metadata["readings"] == metadata["stored"] == stored > 0
    assert 0 <= metadata["last_good_age_seconds"] < 60
    assert rows(traded_home.url, "select source, readings, refused, last_error, breaker_state from source_status") == [
        (REFRESHES[name].source, stored, 0, None, "closed")
    ]


def test_prices_are_those_of_sol_and_the_traded_mints(
    traded_home: FilledHome, calm_market: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, calm_market)
    [metadata] = told(materialize("spot_prices"))
    found = {mint for (mint,) in rows(traded_home.url, "select mint from price_ticks where source = 'jupiter'")}
    assert {NATIVE_MINT} < found <= {NATIVE_MINT, USDC_MINT, USDT_MINT, *COINS}
    assert len(found) + metadata["missing"] == 5


@pytest.mark.parametrize("value", ["1e400", "nan", "negative", "zero"])
def test_an_absurd_price_is_quarantined_with_its_reason(
    value: str, traded_home: FilledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with market_process(f"absurd:p=1;value={value}") as settings:
        point_at(monkeypatch, settings)
        materialize("spot_prices")
    assert rows(traded_home.url, "select count(*) from price_ticks") == [(0,)]
    [(readings, refused, last_good_at)] = rows(
        traded_home.url, "select readings, refused, last_good_at from source_status"
    )
    assert readings == 0 < refused
    assert last_good_at is None
    found = rows(traded_home.url, "select source, what, reason from refused_readings")
    assert len(found) == refused
    assert all(source == "jupiter" and what == "prices" and reason for source, what, reason in found)


@pytest.mark.parametrize("name", ["sol_price", "defillama_volume", "pump_fun_volume", "sol_klines"])
def test_of_an_absurd_answer_nothing_is_kept_but_its_refusal(
    name: str, traded_home: FilledHome, absurd_market: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(monkeypatch, absurd_market)
    materialize(name)
    assert rows(traded_home.url, f"select count(*) from {TABLES[name]}") == [(0,)]
    [(source, readings, refused)] = rows(traded_home.url, "select source, readings, refused from source_status")
    assert (source, readings) == (REFRESHES[name].source, 0)
    assert rows(traded_home.url, "select count(*) from refused_readings") == [(refused,)]
    assert refused > 0


def test_a_service_that_limits_us_fails_its_own_run_and_says_so(
    traded_home: FilledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with market_process("429:p=1;only=llama") as settings:
        point_at(monkeypatch, settings)
        assert not materialize("defillama_volume").success
        assert materialize("sol_price").success
    [(error, at, good_at)] = rows(
        traded_home.url, "select last_error, last_error_at, last_good_at from source_status where source = 'defillama'"
    )
    assert "429" in error
    assert at is not None
    assert good_at is None


def test_with_nothing_configured_nothing_is_materialised_and_nothing_fails(
    filled_home: FilledHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OOF_MARKET_SOURCES", raising=False)
    for name in REFRESHES:
        result = materialize(name)
        assert (result.success, told(result)) == (True, [])
    assert rows(filled_home.url, "select count(*) from source_status") == [(0,)]


def tick(schedule: dg.ScheduleDefinition, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=datetime(2026, 11, 21, tzinfo=UTC),
        resources={"market_data": MarketData()},
    )
    answer = schedule(context)
    assert isinstance(answer, dg.RunRequest | dg.SkipReason)
    return answer


def test_a_tick_with_nothing_configured_is_a_skip_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OOF_MARKET_SOURCES", raising=False)
    with dg.DagsterInstance.ephemeral() as instance:
        for schedule, one in zip(market_schedules, REFRESHES.values(), strict=True):
            answer = tick(schedule, instance)
            assert isinstance(answer, dg.SkipReason)
            assert answer.skip_message == f"OOF_MARKET_SOURCES does not name {one.source}"


def test_a_tick_asks_for_one_run_and_for_no_second_while_it_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OOF_MARKET_SOURCES", ",".join(MARKET_SOURCES))
    definitions = build_definitions()
    with dg.instance_for_test() as instance:
        for schedule, job in zip(market_schedules, market_jobs, strict=True):
            assert isinstance(tick(schedule, instance), dg.RunRequest)
            instance.create_run_for_job(definitions.resolve_job_def(job.name), status=dg.DagsterRunStatus.STARTED)
            answer = tick(schedule, instance)
            assert isinstance(answer, dg.SkipReason)
            assert answer.skip_message == "a run is in flight"


def test_schedules_are_stopped_where_no_source_is_configured() -> None:
    # The definitions were loaded without OOF_MARKET_SOURCES.
    assert {schedule.default_status for schedule in market_schedules} == {dg.DefaultScheduleStatus.STOPPED}


def test_every_asset_has_a_freshness_policy_that_its_schedule_can_keep() -> None:
    policies = {asset.key.to_user_string(): spec.freshness_policy for asset in market_assets for spec in asset.specs}
    for name, (warn, fail) in FRESHNESS.items():
        assert policies[name] == dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn)
        assert warn.total_seconds() > REFRESHES[name].every_seconds

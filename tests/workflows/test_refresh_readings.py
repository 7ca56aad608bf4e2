"""Refreshing: what is asked of whom, what is kept of a half answer, and that a failure ends with its source."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from market_readings import AT, refusal, stale, tick
from market_services import HandClock, MemoryStore, Service, Services

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.market_interfaces import BreakerOpenError
from oof_pipelines.market_store import Harvest, Kept, What
from oof_pipelines.pricing.readings import (
    BINANCE,
    HELIUS_DAS,
    JUPITER,
    PUMP_FUN,
    ReadingRefusedError,
)
from oof_pipelines.settings import MARKET_SOURCES
from oof_pipelines.workflows.refresh_asking import RefreshReport
from oof_pipelines.workflows.refresh_market import REFRESHES, refresh, refresh_once
from oof_pipelines.workflows.refresh_quotes import ask_quote
from oof_pipelines.workflows.refresh_readings import (
    refresh_coin_volumes,
    refresh_klines,
    refresh_metadata,
    refresh_prices,
)

MINTS = [f"mint{number}" for number in range(120)]


def prices(service: Service, store: MemoryStore, **limits: int) -> RefreshReport:
    return asyncio.run(refresh_prices("spot_prices", service, JUPITER, store, HandClock(), **limits))


def test_prices_are_asked_in_fifties_with_sol_first() -> None:
    service, store = Service(), MemoryStore(touched=[*MINTS[:3], NATIVE_MINT, *MINTS[3:]])
    report = prices(service, store)
    asked = [about for _, about in service.calls]
    assert [len(chunk) for chunk in asked] == [50, 50, 21]  # type: ignore[arg-type]
    assert [mint for chunk in asked for mint in chunk] == [NATIVE_MINT, *MINTS]  # type: ignore[attr-defined]
    assert (report.readings, report.stored, report.error, report.last_good_at) == (121, 121, None, AT)


def test_at_most_so_many_mints_are_asked_about() -> None:
    service, store = Service(), MemoryStore(touched=MINTS)
    prices(service, store, touched_days=3, most_mints=10)
    assert service.calls == [("prices", [NATIVE_MINT, *MINTS[:9]])]
    assert store.asked == [("touched", 3, 10)]


def test_what_came_before_a_failure_is_kept_and_the_rest_is_left_for_later() -> None:
    service = Service({("prices", 1): SourceUnavailableError("jupiter: HTTP 429")}, unknown={MINTS[0]})
    store = MemoryStore(touched=MINTS)
    report = prices(service, store)
    assert (report.readings, report.missing, report.error) == (49, 1, "jupiter: HTTP 429")
    assert len(service.calls) == 2
    assert [(harvest.reading_count, harvest.error) for harvest in store.harvests] == [
        (49, None),
        (0, "jupiter: HTTP 429"),
    ]


@pytest.mark.parametrize(
    ("error", "refused", "is_open"),
    [
        (SourceUnavailableError("timed out"), 0, False),
        (SourceRefusedError(401, "no key"), 0, False),
        (BreakerOpenError("left alone"), 0, True),
        (ReadingRefusedError(JUPITER, "the answer", "no JSON"), 1, False),
    ],
)
def test_every_way_to_fail_is_written_down(error: Exception, refused: int, is_open: bool) -> None:
    store = MemoryStore()
    report = prices(Service({("prices", 0): error}), store)
    [harvest] = store.harvests
    assert (harvest.source, harvest.what, harvest.error) == (JUPITER, What.PRICES, str(error))
    assert (len(harvest.refused), harvest.is_breaker_open) == (refused, is_open)
    assert (report.readings, report.refused, report.error) == (0, refused, str(error))


def test_an_error_nobody_foresaw_is_logged_with_its_traceback_and_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryStore()
    report = prices(Service({("prices", 0): OverflowError("date value out of range")}), store)
    said = "unexpected OverflowError: date value out of range"
    assert (report.readings, report.error) == (0, said)
    assert [harvest.error for harvest in store.harvests] == [said]
    [record] = [one for one in caplog.records if one.levelname == "ERROR"]
    assert "Traceback (most recent call last)" in vars(record)["exception"]


@dataclass
class RefusingStore(MemoryStore):
    """Keeps what `refuses` does not name, as a database does that cannot hold one of the values."""

    refuses: tuple[str, ...] = ()

    async def keep(self, harvest: Harvest) -> Kept:
        if harvest.source in self.refuses:
            raise RuntimeError(f"cannot hold NUL\nin a value of {harvest.source}")
        return await super().keep(harvest)

    async def newest_kline_at(self, source: str, symbol: str, interval: str) -> datetime | None:
        if source in self.refuses:
            raise RuntimeError("the connection is gone")
        return None


def test_what_the_database_refuses_of_one_source_never_stops_the_others() -> None:
    store = RefusingStore(touched=["a"], lacking=["a"], refuses=(JUPITER, BINANCE))
    reports = asyncio.run(refresh_once(MARKET_SOURCES, Services(), store, HandClock()))
    outcome = {report.name: report.error or report.readings for report in reports}
    assert outcome["spot_prices"] == "nothing was kept: unexpected RuntimeError: cannot hold NUL in a value of jupiter"
    assert outcome["sol_klines"] == "unexpected RuntimeError: the connection is gone"
    assert (outcome["sol_price"], outcome["defillama_volume"], outcome["token_metadata"]) == (1, 2, 1)


class KeyedService(Service):
    """Is asked with the key `hunter2`."""

    def hide_in(self, text: str) -> str:
        return text.replace("hunter2", "…")


@pytest.mark.parametrize(
    "error",
    [
        SourceUnavailableError("hunter2 has no credits"),
        SourceRefusedError(-32000, "hunter2 has no credits"),
        BreakerOpenError("hunter2 has no credits"),
        ReadingRefusedError(JUPITER, "answer", "hunter2 has no credits"),
        ZeroDivisionError("hunter2 has no credits"),
    ],
)
def test_a_key_gets_into_no_report_no_table_and_no_log(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    report = prices(KeyedService({("prices", 0): error}), store)
    assert report.error is not None
    assert "… has no credits" in report.error
    assert "hunter2" not in repr((report, store.harvests, [vars(record) for record in caplog.records]))
    assert caplog.records


def test_a_stale_price_is_refused_and_never_stored_as_one_of_now() -> None:
    store = MemoryStore(touched=[USDC_MINT])
    service = Service(ticks={USDC_MINT: stale(tick("1", mint=USDC_MINT))}, refused=(refusal(),))
    report = prices(service, store)
    [harvest] = store.harvests
    assert [one.mint for one in harvest.ticks] == [NATIVE_MINT]
    assert [one.reason[:20] for one in harvest.refused] == [refusal().reason[:20], "stale: price 1 of 20"]
    assert (report.readings, report.refused) == (1, 2)


def test_volumes_of_coins_are_not_asked_of_money() -> None:
    service, store = Service(unknown={"b"}), MemoryStore(touched=[NATIVE_MINT, "a", USDC_MINT, "b", "c"])
    report = asyncio.run(refresh_coin_volumes("x", service, PUMP_FUN, store, HandClock(), most_mints=2))
    assert service.calls == [("coin_volumes", ["a", "b"])]
    assert (report.readings, report.missing) == (1, 1)


def test_without_trades_there_are_no_coins_to_ask_about() -> None:
    service, store = Service(), MemoryStore()
    report = asyncio.run(refresh_coin_volumes("x", service, PUMP_FUN, store, HandClock()))
    assert (service.calls, report.skipped) == ([], "no coin was traded in the newest 7 stored days")


@pytest.mark.parametrize("newest_at", [None, AT])
def test_klines_go_on_from_the_newest_stored_one(newest_at: object) -> None:
    service, store = Service(), MemoryStore(newest_at=newest_at)  # type: ignore[arg-type]
    report = asyncio.run(refresh_klines("x", service, BINANCE, store, HandClock()))
    assert service.calls == [("klines", ("SOLUSDT", "5m", newest_at, 1_000))]
    assert report.readings == 2


def test_that_a_token_is_unknown_is_an_answer() -> None:
    service, store = Service(unknown={"b"}), MemoryStore(lacking=["a", "b"])
    report = asyncio.run(refresh_metadata("x", service, HELIUS_DAS, store, HandClock(), max_age_days=2))
    assert store.asked == [("lacking", HELIUS_DAS, AT - timedelta(days=2), 500)]
    [harvest] = store.harvests
    assert [(token.mint, token.name, token.decimals) for token in harvest.tokens] == [
        ("a", "Some Coin", 6),
        ("b", "", None),
    ]
    assert (report.readings, report.missing) == (2, 1)


def test_nobody_is_asked_where_nothing_is_lacking() -> None:
    service = Service()
    report = asyncio.run(refresh_metadata("x", service, HELIUS_DAS, MemoryStore(), HandClock()))
    assert service.calls == []
    assert report.skipped


def test_what_is_not_configured_is_skipped_and_says_so() -> None:
    services, store = Services(), MemoryStore()
    reports = asyncio.run(refresh_once((), services, store, HandClock()))
    assert {report.name: report.skipped for report in reports} == {
        name: f"OOF_MARKET_SOURCES does not name {one.source}" for name, one in REFRESHES.items()
    }
    assert store.harvests == []


def test_a_failing_source_never_stops_the_others() -> None:
    broken = Service({("prices", 0): SourceUnavailableError("away"), ("klines", 0): SourceUnavailableError("away")})
    services, store = Services(jupiter=broken, binance=broken), MemoryStore(touched=["a"], lacking=["a"])
    reports = asyncio.run(refresh_once(MARKET_SOURCES, services, store, HandClock()))
    outcome = {report.name: report.error or report.skipped or report.readings for report in reports}
    assert outcome == {
        "spot_prices": "away",
        "sol_price": 1,
        "defillama_volume": 2,
        "pump_fun_volume": 1,
        "sol_klines": "away",
        "token_metadata": 1,
        "token_mints": "OOF_DAS_URL: not set, and neither is RPC_PRIMARY",
    }


def test_every_refresh_can_be_made_by_its_name() -> None:
    for name, one in REFRESHES.items():
        services = Services(mints=Service())
        store = MemoryStore(touched=["a"], lacking=["a"])
        report = asyncio.run(refresh(name, [one.source], services, store, HandClock()))
        assert (report.name, report.source, report.skipped, report.error) == (name, one.source, None, None)
        assert report.readings > 0


def ask(service: Service, store: MemoryStore) -> object:
    return asyncio.run(
        ask_quote(
            service,
            JUPITER,
            store,
            HandClock(),
            sold_mint=NATIVE_MINT,
            bought_mint=USDC_MINT,
            sold_raw=1_000_000_000,
            slippage_bps=50,
        )
    )


def test_a_quote_is_kept_as_it_is_seen() -> None:
    store = MemoryStore()
    answer = ask(Service(), store)
    assert [harvest.quotes for harvest in store.harvests] == [(answer,)]


def test_no_route_is_an_answer_and_a_failure_is_none() -> None:
    store = MemoryStore()
    assert ask(Service(has_route=False), store) is None
    assert [(harvest.quotes, harvest.error) for harvest in store.harvests] == [((), None)]
    with pytest.raises(SourceUnavailableError, match="absurd"):
        ask(Service({("quote", 0): ReadingRefusedError(JUPITER, "quote", "absurd")}), store)
    assert len(store.harvests[-1].refused) == 1

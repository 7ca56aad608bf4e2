"""Binance: klines from a time on, books every 250 ms, and what is no market."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from market_scene import START, market
from scripted_service import scripted

from oof_pipelines.market_interfaces import StreamDown
from oof_pipelines.pricing.readings import BINANCE, DepthSnapshot, ReadingRefusedError, RefusedReading
from oof_pipelines.transport.market.binance import INTERVAL_SECONDS, BinanceClient
from oof_pipelines.transport.market.service import ServiceRefusedError

MINUTE_MS = int(START.timestamp()) // 60 * 60_000


def bar(open_ms: int = MINUTE_MS, **changes: Any) -> list[Any]:
    """One kline in the twelve columns of the documentation."""
    columns = {
        "open_ms": open_ms,
        "open": "150.10",
        "high": "151.00",
        "low": "149.50",
        "close": "150.90",
        "volume": "1000.5",
        "close_ms": open_ms + 59_999,
        "quote_volume": "150500.123",
        "trades": 77,
        "taker_base": "1",
        "taker_quote": "2",
        "unused": "0",
    }
    return list({**columns, **changes}.values())


def asked(answer: object, ask: Callable[[BinanceClient], Any]) -> Any:
    async def run() -> Any:
        async with scripted(BINANCE, lambda _request: web.json_response(answer)) as (service, _clock):
            return await ask(BinanceClient(service))

    return asyncio.run(run())


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "1h", "1d"])
def test_the_newest_bars(interval: str) -> None:
    async def run() -> None:
        async with market() as scene:
            klines = await scene.binance().klines("SOLUSDT", interval, None, 4)
            length = timedelta(seconds=INTERVAL_SECONDS[interval])
            assert [later.open_at - earlier.open_at for earlier, later in pairwise(klines)] == [length] * 3
            assert all(one.close_at - one.open_at == length for one in klines)
            assert [one.is_closed for one in klines] == [True, True, True, False]
            assert klines[-1].open_at <= START < klines[-1].close_at

    asyncio.run(run())


def test_bars_from_a_time_on() -> None:
    async def run() -> None:
        async with market() as scene:
            from_at = START - timedelta(hours=30, seconds=1)
            client = scene.binance(most_bytes=2**20)
            klines = await client.klines("SOLUSDT", "1m", from_at, 1000)
            assert len(klines) == 1000
            assert from_at <= klines[0].open_at < from_at + timedelta(minutes=1)
            assert all(one.is_closed for one in klines)
            rest = await client.klines("SOLUSDT", "1m", klines[-1].close_at, 1000)
            assert rest[0].open_at == klines[-1].close_at
            assert not rest[-1].is_closed

    asyncio.run(run())


def test_a_bar_is_exact() -> None:
    (kline,) = asked([bar()], lambda client: client.klines("SOLUSDT", "1m", None, 1))
    assert (kline.open, kline.high, kline.low, kline.close) == tuple(
        map(Decimal, ("150.10", "151.00", "149.50", "150.90"))
    )
    assert (str(kline.base_volume), str(kline.quote_volume), kline.trades) == ("1000.5", "150500.123", 77)


@pytest.mark.parametrize(
    ("bars", "reason"),
    [
        ([bar(high="150.00")], "outside low and high"),
        ([bar(low="150.50")], "outside low and high"),
        ([bar(open="NaN")], "no number"),
        ([bar(close="1e400")], "above"),
        ([bar(low="-1")], "negative"),
        ([bar(volume="-1")], "negative"),
        ([bar(trades=-1)], "number of trades"),
        ([bar(trades=1.5)], "another form"),
        ([bar()[:8]], "another form"),
        ([bar(close_ms=MINUTE_MS + 119_999)], "not 1m long"),
        ([bar(), bar()], "not in order"),
        ([bar(), bar(MINUTE_MS - 60_000)], "not in order"),
        ([bar(MINUTE_MS - 240_000)], "stale: the newest bar began 270 s ago"),
        ([], "no bar at all"),
        ([bar(253_402_300_740_000)], "begins at 9999-12-31 23:59 has not begun"),
        ([bar(MINUTE_MS + 120_000)], "has not begun"),
    ],
)
def test_bars_that_cannot_be_are_refused_with_the_whole_answer(bars: list[Any], reason: str) -> None:
    with pytest.raises(ReadingRefusedError, match=reason):
        asked(bars, lambda client: client.klines("SOLUSDT", "1m", None, 10))


def test_bars_from_before_the_time_asked_for_are_refused() -> None:
    with pytest.raises(ReadingRefusedError, match="before the time asked for"):
        asked([bar()], lambda client: client.klines("SOLUSDT", "1m", START, 10))


def test_what_cannot_be_asked() -> None:
    async def run() -> None:
        async with market() as scene:
            client = scene.binance()
            with pytest.raises(ValueError, match="no interval '1w'"):
                await client.klines("SOLUSDT", "1w", None, 5)
            with pytest.raises(ValueError, match="1 to 1000"):
                await client.klines("SOLUSDT", "1m", None, 1001)
            with pytest.raises(ServiceRefusedError, match="Invalid symbol"):
                await client.snapshot("NOPE")
            assert scene.requests == 1

    asyncio.run(run())


def test_a_book() -> None:
    async def run() -> None:
        async with market() as scene:
            client = scene.binance()
            book = await client.snapshot("SOLUSDT")
            assert len(book.bids) == len(book.asks) == 20
            assert book.bids[0].price < book.mid_price < book.asks[0].price
            assert book.at == START
            found = client.last_good_snapshot("SOLUSDT")
            assert found is not None
            assert found.value == book

    asyncio.run(run())


@pytest.mark.parametrize(
    ("bids", "asks", "reason"),
    [
        ([["10", "1"]], [["10", "1"]], "crossed"),
        ([["10", "1"], ["11", "1"]], [["12", "1"]], "out of order"),
        ([["10", "1"]], [["12", "1"], ["11", "1"]], "out of order"),
        ([], [["12", "1"]], "empty side"),
        ([["10", "NaN"]], [["12", "1"]], "no number"),
        ([["10", "-1"]], [["12", "1"]], "negative"),
        ([["0", "1"]], [["12", "1"]], "zero"),
        ([["10", "1e-30000000"]], [["12", "1"]], "more than 30 places"),
        ([["10", "0e-30000000"]], [["12", "1"]], "more than 30 places"),
        ([["10"]], [["12", "1"]], "another form"),
    ],
)
def test_a_book_that_cannot_be_is_refused(bids: list[Any], asks: list[Any], reason: str) -> None:
    with pytest.raises(ReadingRefusedError, match=reason):
        asked({"lastUpdateId": 1, "bids": bids, "asks": asks}, lambda client: client.snapshot("SOLUSDT"))


def test_books_every_250_ms_whatever_happens_in_between() -> None:
    async def run() -> None:
        async with market() as scene:
            told: list[object] = []
            at: list[float] = []
            async with aclosing(scene.binance(attempts=1).snapshots("SOLUSDT")) as books:
                async for item in books:
                    told.append(item)
                    at.append(scene.clock.passed_seconds)
                    scene.fail({3: "error:p=1", 4: "absurd:p=1;value=zero"}.get(len(told)))
                    if len(told) == 7:
                        break
            kinds = [type(item) for item in told]
            assert kinds == [DepthSnapshot] * 3 + [StreamDown, RefusedReading] + [DepthSnapshot] * 2
            assert at == pytest.approx([0.25 * number for number in range(7)])

    asyncio.run(run())


def test_a_slow_answer_skips_the_books_it_ran_into() -> None:
    async def run() -> None:
        async with market() as scene:
            at: list[float] = []
            async with aclosing(scene.binance().snapshots("SOLUSDT")) as books:
                async for _ in books:
                    at.append(scene.clock.passed_seconds)
                    scene.clock.passed_seconds += 0.6 if len(at) == 2 else 0.0
                    if len(at) == 4:
                        break
            assert at == pytest.approx([0.0, 0.25, 1.0, 1.25])

    asyncio.run(run())

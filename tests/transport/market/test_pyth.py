"""Pyth by Hermes: exact prices of what was recorded, and a stream that comes back from everything."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from market_scene import FEEDS, KNOWN, START, Scene, market
from scripted_service import scripted, serving

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.market_interfaces import StreamDown, StreamItem, StreamUp
from oof_pipelines.pricing.readings import PYTH, PriceTick, ReadingRefusedError, RefusedReading
from oof_pipelines.settings import SecretUrl
from oof_pipelines.testing.market_server.recordings import MarketRecordings
from oof_pipelines.testing.market_server.world import MarketWorld
from oof_pipelines.transport.market.clients import latest_of_stream
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.pyth import PythClient, PythReader, decode_update, exact_decimal
from oof_pipelines.transport.market.pyth_stream import PythStream

BITCOIN_FEED = "e62df6c8b4a85fe1a67db44dc12de5db330f7ac66b72dc658afedf0f4a415b43"


async def take(stream: PythStream, is_enough: Callable[[list[StreamItem]], bool]) -> list[StreamItem]:
    """Items of a stream until there are enough; a stream that never gets there fails after thirty seconds."""
    items: list[StreamItem] = []
    async with asyncio.timeout(30), aclosing(stream.stream()) as told:
        async for item in told:
            items.append(item)
            if is_enough(items):
                break
    return items


def of_kind(items: list[StreamItem], kind: type) -> list[StreamItem]:
    return [item for item in items if isinstance(item, kind)]


def update(price: str = "15000000000", conf: str = "1000", expo: int = -8, at: datetime = START) -> bytes:
    feed = f'{{"price":"{price}","conf":"{conf}","expo":{expo},"publish_time":{int(at.timestamp())}}}'
    return f'{{"parsed":[{{"id":"0x{FEEDS[0][1].upper()}","price":{feed}}}]}}'.encode()


@settings(deadline=None)
@given(st.integers(0, 10**20 - 1), st.integers(-38, 38))
def test_an_integer_and_a_power_of_ten_lose_no_digit(digits: int, exponent: int) -> None:
    value = exact_decimal(str(digits), exponent)
    sign, told, power = value.as_tuple()
    assert (sign, power) == (0, exponent)
    assert int("".join(map(str, told))) == digits


def test_newest_prices() -> None:
    async def run() -> None:
        async with market() as scene:
            client = scene.pyth()
            batch = await client.prices([NATIVE_MINT, KNOWN[0], USDC_MINT])
            assert [tick.mint for tick in batch.ticks] == [NATIVE_MINT, USDC_MINT]
            assert batch.missing == (KNOWN[0],)
            for tick in batch.ticks:
                exact = MarketWorld(0).price_usd(tick.mint, START)
                assert tick.price_usd == exact.quantize(Decimal("1E-8"), rounding="ROUND_DOWN")
                assert tick.confidence_usd is not None
                assert 0 < tick.confidence_usd < tick.price_usd
                assert tick.published_at == START
                assert tick.slot is None
            found = client.last_good_price(NATIVE_MINT)
            assert found is not None
            assert found.value == batch.ticks[0]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (update(conf="15000000001"), "wider than the price"),
        (update(price="-5"), "negative"),
        (update(price="0"), "zero"),
        (update(price="1", expo=-38, conf="0"), "below"),
        (update(price="1", expo=39), "another form"),
        (update(price="1.5"), "another form"),
        (update(price="1e400"), "another form"),
        (update(price="9" * 30), "another form"),
        (update(at=START - timedelta(seconds=61)), "stale: 61 s old"),
        (update(at=START + timedelta(seconds=61)), "from now"),
    ],
)
def test_what_no_publisher_means_is_refused(told: bytes, reason: str) -> None:
    ticks, refused = PythReader(FEEDS, Freshness(60)).read(decode_update(told), START)
    assert ticks == []
    assert [one.subject for one in refused] == [NATIVE_MINT]
    assert reason in refused[0].reason


def test_prices_never_go_back_in_time() -> None:
    reader = PythReader(FEEDS, Freshness(60))
    for seconds, is_believed in ((-5, True), (-3, True), (-4, False), (-3, True)):
        ticks, refused = reader.read(decode_update(update(at=START + timedelta(seconds=seconds))), START)
        assert (len(ticks), len(refused)) == (int(is_believed), int(not is_believed))


def test_recorded_updates_come_out_digit_for_digit(fixtures_dir: Path) -> None:
    """Both recorded events through a stream: 6163260000000 and 6163088000000 times 10 to the power of -8."""

    async def run() -> list[StreamItem]:
        recordings = MarketRecordings(fixtures_dir / "market_pyth")
        async with market(recordings=recordings) as scene:
            scene.server._feeds[BITCOIN_FEED] = KNOWN[0]
            scene.clock.passed_seconds = (datetime(2024, 5, 3, 14, 58, 22, tzinfo=UTC) - START).total_seconds()
            reader = PythReader([(KNOWN[0], BITCOIN_FEED)], Freshness(60))
            stream = scene.pyth_stream()
            stream._reader = reader
            return await take(stream, lambda items: len(of_kind(items, PriceTick)) == 2)

    first, second = of_kind(asyncio.run(run()), PriceTick)
    assert isinstance(first, PriceTick)
    assert isinstance(second, PriceTick)
    assert (str(first.price_usd), str(first.confidence_usd)) == ("61632.60000000", "32.68548079")
    assert (str(second.price_usd), str(second.confidence_usd)) == ("61630.88000000", "33.08129843")
    assert first.published_at == datetime(2024, 5, 3, 14, 58, 20, tzinfo=UTC)
    assert second.published_at == datetime(2024, 5, 3, 14, 58, 21, tzinfo=UTC)


def test_a_stream_tells_that_it_is_up_and_then_prices() -> None:
    async def run() -> None:
        async with market() as scene:
            stream = scene.pyth_stream()
            items = await take(stream, lambda items: len(items) == 7)
            assert items[0] == StreamUp(PYTH)
            ticks = of_kind(items, PriceTick)
            assert len(ticks) == 6
            assert stream.opened == 1
            found = stream.last_good_price(USDC_MINT)
            assert found is not None
            assert found.value == ticks[-1]

    asyncio.run(run())


def test_a_cut_stream_comes_back() -> None:
    async def run() -> None:
        async with market("cut:p=1;after=2") as scene:
            items = await take(scene.pyth_stream(), lambda items: len(of_kind(items, StreamUp)) == 3)
            kinds = "".join(type(item).__name__[6] if not isinstance(item, PriceTick) else "." for item in items)
            assert kinds == "U....DU....DU"
            # Prices came in between, so the pause is the shortest each time.
            assert all(0.25 <= seconds <= 0.5 for seconds in scene.clock.slept)

    asyncio.run(run())


def test_a_stream_that_is_refused_is_tried_ever_more_seldom() -> None:
    async def run() -> None:
        async with market("error:p=1") as scene:
            items = await take(scene.pyth_stream(), lambda items: len(items) == 9)
            assert all(isinstance(item, StreamDown) and item.reason in ("HTTP 500", "HTTP 503") for item in items)
            waits = [0.5, 1, 2, 4, 8, 16, 30, 30]
            assert all(wait / 2 <= slept <= wait for slept, wait in zip(scene.clock.slept, waits, strict=True))

    asyncio.run(run())


def test_a_silent_stream_is_a_broken_one() -> None:
    async def run() -> None:
        async with market("slow:p=1;ms=3000") as scene:
            items = await take(scene.pyth_stream(idle_seconds=0.05), lambda items: len(of_kind(items, StreamDown)) == 2)
            assert [item.reason for item in items if isinstance(item, StreamDown)] == ["silent for 0.05 s"] * 2

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("garbled:p=0.5", "another form"),
        ("truncated:p=0.5", "another form"),
        ("misshapen:p=0.5", "another form"),
        ("stale:p=0.5;seconds=600", "stale"),
        ("absurd:p=0.5;value=1e400", "another form"),
        ("absurd:p=0.5;value=nan", "another form"),
        ("absurd:p=0.5;value=negative", "negative"),
        ("absurd:p=0.5;value=zero", "wider than|zero"),
    ],
)
def test_bad_events_are_refused_one_by_one_and_the_stream_goes_on(fault: str, reason: str) -> None:
    async def run() -> None:
        async with market(fault) as scene:
            stream = scene.pyth_stream()
            items = await take(stream, lambda items: len(of_kind(items, RefusedReading)) >= 5)
            assert of_kind(items, PriceTick)
            assert stream.opened == 1
            sound = {MarketWorld(0).price_usd(mint, START).quantize(Decimal("1E-8"), "ROUND_DOWN") for mint, _ in FEEDS}
            assert {item.price_usd for item in items if isinstance(item, PriceTick)} <= sound
            refused = [item for item in items if isinstance(item, RefusedReading)]
            assert all(any(word in one.reason for word in reason.split("|")) for one in refused)

    asyncio.run(run())


def test_an_event_without_an_end_ends_the_stream() -> None:
    async def run() -> None:
        async with market("oversized:p=1;bytes=1300000") as scene:
            items = await take(scene.pyth_stream(), lambda items: bool(of_kind(items, StreamDown)))
            assert items == [StreamUp(PYTH), StreamDown(PYTH, "an event of more than 1048576 bytes")]

    asyncio.run(run())


def test_old_prices_may_be_kept_and_marked() -> None:
    async def run() -> None:
        async with market("stale:p=1;seconds=600") as scene:
            stream = scene.pyth_stream(is_stale_refused=False)
            items = await take(stream, lambda items: bool(of_kind(items, PriceTick)))
            (tick,) = (item for item in items if isinstance(item, PriceTick))
            assert tick.is_stale
            assert tick.published_at == START - timedelta(seconds=600)

    asyncio.run(run())


def test_a_stream_of_a_feed_nobody_knows_says_so() -> None:
    async def run() -> None:
        async with market() as scene:
            stream = stream_of(scene, scene.server.environment()["PYTH_HERMES_SSE"])
            items = await take(stream, lambda items: len(items) == 1)
            assert items == [StreamDown(PYTH, "HTTP 404")]

    asyncio.run(run())


def stream_of(scene: Scene, url: str) -> PythStream:
    stream = scene.pyth_stream()
    stream._url = SecretUrl(url, "PYTH_HERMES_SSE")
    stream._reader = PythReader([(NATIVE_MINT, "0" * 64)], Freshness(60))
    return stream


def test_a_page_is_no_stream_and_a_closed_one_is_opened_again_as_asked() -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>", content_type="text/html")

    async def closed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b"retry: 5000\n\n")
        return response

    async def run() -> None:
        async with market() as scene:
            async with serving(page) as url:
                items = await take(stream_of(scene, url), lambda items: len(items) == 1)
                assert isinstance(items[0], StreamDown)
                assert "no event stream" in items[0].reason
            async with serving(closed) as url:
                items = await take(stream_of(scene, url), lambda items: len(items) == 3)
                assert items[:2] == [StreamUp(PYTH), StreamDown(PYTH, "the server closed the stream")]
                assert scene.clock.slept == [5.0]

    asyncio.run(run())


def test_the_address_of_newest_prices_is_beside_that_of_the_stream() -> None:
    stream = SecretUrl("https://hermes.example.org/v2/updates/price/stream?key=secret-key", "PYTH_HERMES_SSE")
    latest = latest_of_stream(stream)
    assert latest.reveal() == "https://hermes.example.org/v2/updates/price/latest?key=secret-key"
    assert latest.setting == "PYTH_HERMES_SSE"


def test_an_answer_of_another_form_is_refused() -> None:
    async def run() -> None:
        async with scripted(PYTH, lambda _request: web.json_response({"parsed": None})) as (service, _clock):
            with pytest.raises(ReadingRefusedError, match="another form"):
                await PythClient(service, PythReader(FEEDS, Freshness(60))).prices([NATIVE_MINT])

    asyncio.run(run())

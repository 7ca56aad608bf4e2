"""Jupiter: chunks, unknown mints, keys, ages by slot, quotes; and what was recorded of it, to the last digit."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from market_scene import KEY, KNOWN, START, UNKNOWN, market
from scripted_service import scripted

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.pricing.readings import JUPITER, PriceBatch, Quote, ReadingRefusedError
from oof_pipelines.testing.market_server.recordings import MarketRecordings
from oof_pipelines.testing.market_server.world import MarketWorld
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.jupiter import JupiterClient
from oof_pipelines.transport.market.service import ServiceRefusedError


def test_mints_are_asked_for_fifty_at_a_time_and_unknown_ones_are_missing() -> None:
    async def run() -> None:
        async with market() as scene:
            asked = [*KNOWN[:115], *UNKNOWN[:5], KNOWN[0]]
            batch = await scene.jupiter().prices(asked)
            assert scene.requests == 3
            assert [tick.mint for tick in batch.ticks] == KNOWN[:115]
            assert list(batch.missing) == UNKNOWN[:5]
            assert batch.refused == ()

    asyncio.run(run())


def test_nothing_asked_sends_nothing() -> None:
    async def run() -> None:
        async with market() as scene:
            batch = await scene.jupiter().prices([])
            assert (batch.ticks, batch.missing, scene.requests) == ((), (), 0)

    asyncio.run(run())


def test_prices_are_the_ones_sent_to_the_last_digit() -> None:
    async def run() -> None:
        async with market() as scene:
            batch = await scene.jupiter().prices(KNOWN[:40])
            expected = [MarketWorld(0).price_usd(mint, START) for mint in KNOWN[:40]]
            assert [tick.price_usd for tick in batch.ticks] == expected
            assert all(START - timedelta(seconds=1) <= tick.published_at <= START for tick in batch.ticks)
            assert all(tick.slot and tick.decimals == 6 for tick in batch.ticks)

    asyncio.run(run())


def test_one_absurd_price_takes_no_other_with_it() -> None:
    async def run() -> None:
        async with market("absurd:p=0.3;value=1e400") as scene:
            batch = await scene.jupiter().prices(KNOWN[:50])
            assert len(batch.ticks) > 20
            assert len(batch.refused) > 5
            assert {one.reason for one in batch.refused} == {"usdPrice 1E+400 is above 1E+9"}
            assert {tick.mint for tick in batch.ticks} | {one.subject for one in batch.refused} == set(KNOWN[:50])

    asyncio.run(run())


def test_without_its_key_it_lets_nobody_in_and_the_key_is_never_told() -> None:
    async def run() -> None:
        async with market(jupiter_key="another-key") as scene:
            with pytest.raises(SourceUnavailableError, match=r"JUPITER_BASE_URL .*HTTP 401.*JUPITER_API_KEY") as caught:
                await scene.jupiter(key=KEY).prices([NATIVE_MINT])
            assert KEY not in str(caught.value)
            assert (await scene.jupiter(key="another-key").prices([NATIVE_MINT])).ticks

    asyncio.run(run())


def test_a_service_that_shows_no_newer_slot_grows_stale() -> None:
    async def run() -> None:
        answers = [
            {
                NATIVE_MINT: {"usdPrice": 150.5, "blockId": 1000, "decimals": 9},
                KNOWN[0]: {"usdPrice": 2, "blockId": 900},
            }
        ]
        async with scripted(JUPITER, lambda _request: web.json_response(answers[0], headers={"Date": ""})) as (
            service,
            clock,
        ):
            client = JupiterClient(service, Freshness(60, is_stale_refused=False))
            first = await client.prices([NATIVE_MINT, KNOWN[0]])
            assert [(START - tick.published_at).total_seconds() for tick in first.ticks] == [0, 40]
            assert not any(tick.is_stale for tick in first.ticks)
            clock.passed_seconds = 30
            second = await client.prices([NATIVE_MINT, KNOWN[0]])
            assert [tick.is_stale for tick in second.ticks] == [False, True]
            clock.passed_seconds = 61
            assert all(tick.is_stale for tick in (await client.prices([NATIVE_MINT, KNOWN[0]])).ticks)

    asyncio.run(run())


def test_a_slot_that_cannot_be_is_refused_and_ages_nothing() -> None:
    async def run() -> None:
        told = {mint: {"usdPrice": 2, "blockId": 10**9 if mint == KNOWN[3] else 1000} for mint in KNOWN[:5]}
        async with scripted(JUPITER, lambda _request: web.json_response(told, headers={"Date": ""})) as (
            service,
            _clock,
        ):
            batch = await JupiterClient(service, Freshness(60)).prices(KNOWN[:5])
            assert [one.subject for one in batch.refused] == [KNOWN[3]]
            assert "far ahead" in batch.refused[0].reason
            assert len(batch.ticks) == 4

    asyncio.run(run())


def test_the_last_good_price_stays_and_tells_its_age() -> None:
    async def run() -> None:
        async with market() as scene:
            client = scene.jupiter()
            assert client.last_good_price(NATIVE_MINT) is None
            tick = (await client.prices([NATIVE_MINT])).ticks[0]
            scene.clock.passed_seconds += 45
            scene.fail("error:p=1")
            with pytest.raises(SourceUnavailableError):
                await client.prices([NATIVE_MINT])
            scene.fail("truncated:p=1")
            with pytest.raises(ReadingRefusedError):
                await client.prices([NATIVE_MINT])
            scene.fail("absurd:p=1;value=negative")
            assert not (await client.prices([NATIVE_MINT])).ticks
            found = client.last_good_price(NATIVE_MINT)
            assert found is not None
            assert found.value == tick
            assert found.age_seconds == pytest.approx(45 + sum(scene.clock.slept))

    asyncio.run(run())


@pytest.mark.parametrize(("sold", "bought", "hops"), [(NATIVE_MINT, USDC_MINT, 1), (KNOWN[0], KNOWN[1], 2)])
def test_a_quote_says_its_amounts_and_hops(sold: str, bought: str, hops: int) -> None:
    async def run() -> None:
        async with market() as scene:
            quote = await scene.jupiter().quote(sold, bought, 10**9, 50)
            assert quote is not None
            assert (quote.sold_mint, quote.sold_raw, quote.bought_mint, quote.slippage_bps) == (sold, 10**9, bought, 50)
            assert quote.other_amount_threshold_raw == quote.bought_raw - quote.bought_raw * 50 // 10_000
            assert len(quote.hops) == len(quote.labels) == hops
            assert quote.hops[0].sold_mint == sold
            assert quote.hops[-1].bought_mint == bought
            assert quote.asked_at == START
            assert quote.slot == MarketWorld(0).slot(START)

    asyncio.run(run())


def test_where_there_is_no_route_there_is_no_quote() -> None:
    async def run() -> None:
        async with market() as scene:
            assert await scene.jupiter().quote(NATIVE_MINT, UNKNOWN[0], 10**9, 50) is None
            with pytest.raises(ServiceRefusedError, match="not allowed to be equal"):
                await scene.jupiter().quote(NATIVE_MINT, NATIVE_MINT, 10**9, 50)

    asyncio.run(run())


def quoted(hop: dict[str, object] | None = None, **changes: object) -> dict[str, object]:
    """A quote of 5 base units of SOL, in the shape that is recorded."""
    info = {"ammKey": "pool", "inputMint": NATIVE_MINT, "outputMint": USDC_MINT, "inAmount": "5", "outAmount": "9"}
    return {
        "inputMint": NATIVE_MINT,
        "inAmount": "5",
        "outputMint": USDC_MINT,
        "outAmount": "9",
        "otherAmountThreshold": "0",
        "slippageBps": 50,
        "routePlan": [{"swapInfo": {**info, **(hop or {})}, "bps": 10_000}],
        **changes,
    }


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (quoted(inAmount="6"), "another question"),
        (quoted(outputMint=USDT_MINT), "another question"),
        (quoted(outAmount="0"), "outAmount 0 is zero"),
        (quoted(outAmount=str(2**64)), "above an u64"),
        (quoted(outAmount="-9"), "another form"),
        (quoted(outAmount=9), "another form"),
        (quoted(otherAmountThreshold="10"), "threshold is above the amount"),
        (quoted({"inAmount": "0"}), "a hop's inAmount 0 is zero"),
        (quoted({"outAmount": "1e400"}), "another form"),
        (quoted(routePlan=[]), "0 hops"),
        (quoted(priceImpactPct="NaN"), "no number"),
        (quoted(priceImpactPct="1.5"), "above 1"),
        (quoted(swapUsdValue="-1"), "negative"),
        (quoted(contextSlot=-1), "another form"),
    ],
)
def test_a_quote_that_cannot_be_is_refused(told: dict[str, object], reason: str) -> None:
    async def run() -> None:
        async with scripted(JUPITER, lambda _request: web.json_response(told)) as (service, _clock):
            with pytest.raises(ReadingRefusedError, match=reason):
                await JupiterClient(service, Freshness(60)).quote(NATIVE_MINT, USDC_MINT, 5, 50)

    asyncio.run(run())


def test_the_largest_amounts_are_exact() -> None:
    async def run() -> None:
        most = 2**64 - 1
        told = quoted({"inAmount": str(most), "outAmount": str(most)}, inAmount=str(most), outAmount=str(most))
        async with scripted(JUPITER, lambda _request: web.json_response(told)) as (service, _clock):
            quote = await JupiterClient(service, Freshness(60)).quote(NATIVE_MINT, USDC_MINT, most, 50)
            assert quote is not None
            assert quote.sold_raw == quote.bought_raw == quote.hops[0].bought_raw == most

    asyncio.run(run())


def recorded_answers(fixtures_dir: Path) -> tuple[PriceBatch, Quote | None]:
    async def run() -> tuple[PriceBatch, Quote | None]:
        recordings = MarketRecordings(fixtures_dir / "market_jupiter")
        async with market(recordings=recordings) as scene:
            # A client each: the recordings are weeks apart, and one client tells ages by all slots it has seen.
            prices = await scene.jupiter().prices([NATIVE_MINT, USDC_MINT, USDT_MINT])
            return prices, await scene.jupiter().quote(NATIVE_MINT, USDC_MINT, 10**9, 50)

    return asyncio.run(run())


def test_recorded_prices_come_out_digit_for_digit(fixtures_dir: Path) -> None:
    """The same figures, read as text out of the recordings, and a mint that the recorded answer lacks."""
    batch, _quote = recorded_answers(fixtures_dir)
    text = (fixtures_dir / "market_jupiter" / "price_v3_SOL_USDC_block439211368.json").read_text()
    assert [tick.price_usd for tick in batch.ticks] == [Decimal("75.34131397160515"), Decimal("0.9995676897815599")]
    assert all(f'"usdPrice":{tick.price_usd}' in text for tick in batch.ticks)
    assert [tick.slot for tick in batch.ticks] == [439211370, 439211368]
    assert [tick.decimals for tick in batch.ticks] == [9, 6]
    assert batch.missing == (USDT_MINT,)


def test_a_recorded_quote_comes_out_as_it_is(fixtures_dir: Path) -> None:
    """Of recordings of one question the server gives one; its fields are those of the file."""
    _prices, quote = recorded_answers(fixtures_dir)
    assert quote is not None
    files = [msgspec.json.decode(path.read_bytes()) for path in (fixtures_dir / "market_jupiter").glob("quote*.json")]
    told = next(one for one in files if int(one["outAmount"]) == quote.bought_raw)
    assert quote.labels == tuple(step["swapInfo"]["label"] for step in told["routePlan"])
    assert str(quote.other_amount_threshold_raw) == told["otherAmountThreshold"]
    assert quote.slot == told["contextSlot"]
    assert str(quote.usd_value) == told["swapUsdValue"]


def test_every_recorded_quote_is_believed(fixtures_dir: Path) -> None:
    paths = sorted((fixtures_dir / "market_jupiter").glob("quote*.json"))
    assert len(paths) >= 3
    for path in paths:
        body = path.read_bytes()

        async def run(body: bytes = body) -> None:
            async with scripted(JUPITER, lambda _request: web.Response(body=body)) as (service, _clock):
                quote = await JupiterClient(service, Freshness(60)).quote(NATIVE_MINT, USDC_MINT, 10**9, 50)
                assert quote is not None
                assert quote.bought_raw > quote.other_amount_threshold_raw > 0
                assert quote.hops[-1].bought_raw == quote.bought_raw

        asyncio.run(run())

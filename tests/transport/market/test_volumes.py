"""Volumes: DeFiLlama's of exchanges, pump.fun's of coins."""

import asyncio
import gzip
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from market_scene import KNOWN, START, UNKNOWN, market
from scripted_service import scripted

from oof_pipelines.pricing.readings import PUMP_FUN, ReadingRefusedError
from oof_pipelines.testing.market_server.recordings import MarketRecordings
from oof_pipelines.testing.market_server.world import MarketWorld
from oof_pipelines.transport.market.pump_fun import PumpFunClient
from oof_pipelines.transport.market.service import ServiceRefusedError


def test_a_chain_and_its_venues() -> None:
    async def run() -> None:
        async with market() as scene:
            client = scene.defillama()
            batch = await client.volumes()
            told = {(one.name, one.window_hours): one.volume_usd for one in batch.readings}
            assert told["solana", 24] == int(MarketWorld(0).volume_usd("solana", 24, START))
            assert told["pump.fun", 168] == int(MarketWorld(0).volume_usd("pump.fun", 168, START))
            assert len(told) == 12
            assert batch.missing == ("serum",)
            assert {one.at for one in batch.readings} == {START}
            scene.clock.passed_seconds = 300
            found = client.last_good_volumes()
            assert found is not None
            assert (found.value, found.age_seconds) == (batch, 300)

    asyncio.run(run())


def test_one_venue() -> None:
    async def run() -> None:
        async with market() as scene:
            batch = await scene.defillama().venue_volumes("pump.fun")
            assert [(one.name, one.window_hours) for one in batch.readings] == [("pump.fun", 24), ("pump.fun", 168)]
            with pytest.raises(ServiceRefusedError, match="Protocol not found"):
                await scene.defillama().venue_volumes("no-such-venue")

    asyncio.run(run())


def test_one_absurd_venue_takes_no_other_with_it() -> None:
    async def run() -> None:
        async with market("absurd:p=0.3;value=negative", seed=3) as scene:
            batch = await scene.defillama().volumes()
            assert batch.refused
            assert batch.readings
            assert all("negative" in one.reason for one in batch.refused)
            assert all(one.volume_usd > 0 for one in batch.readings)

    asyncio.run(run())


def test_the_recorded_overview_comes_out_whole(fixtures_dir: Path) -> None:
    folder = fixtures_dir / "market_pump_fun_and_defillama"
    raw = msgspec.json.decode(gzip.decompress((folder / "overview-dexs-solana.json.gz").read_bytes()))

    async def run() -> None:
        async with market(recordings=MarketRecordings(folder)) as scene:
            client = scene.defillama(most_bytes=16 * 2**20)
            batch = await client.volumes()
            told = {(one.name, one.window_hours): str(one.volume_usd) for one in batch.readings}
            assert told["solana", 24] == str(raw["total24h"]) == "2001103803"
            for venue in raw["protocols"]:
                for key, hours in (("total24h", 24), ("total7d", 168)):
                    expected = venue.get(key)
                    assert told.get((venue["slug"], hours)) == (None if expected is None else str(expected))
            assert batch.refused == ()
            pumpswap = await client.venue_volumes("pumpswap")
            assert [str(one.volume_usd) for one in pumpswap.readings] == ["92313417", "410000033"]

    asyncio.run(run())


def test_coins_are_asked_for_fifty_at_a_time() -> None:
    async def run() -> None:
        async with market() as scene:
            client = scene.pump_fun()
            batch = await client.coin_volumes([*KNOWN[:70], *UNKNOWN[:3]])
            assert scene.requests == 2
            assert len(batch.readings) + len(batch.missing) == 73
            assert set(UNKNOWN[:3]) < set(batch.missing)
            for one in batch.readings:
                assert one.volume_usd == MarketWorld(0).volume_usd(one.name, 24, START)
                assert (one.source, one.window_hours, one.at) == (PUMP_FUN, 24, START)
            found = client.last_good_volume(batch.readings[0].name)
            assert found is not None
            assert found.value == batch.readings[0]

    asyncio.run(run())


def test_the_end_of_the_window_is_the_date_of_the_answer() -> None:
    async def run() -> None:
        async with market("stale:p=1;seconds=300") as scene:
            batch = await scene.pump_fun().coin_volumes(KNOWN[:5])
            assert {one.at for one in batch.readings} == {START - timedelta(seconds=300)}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        ({"24h": {"volumeUSD": 12.5}}, "readings"),
        ({"24h": None}, "missing"),
        ({}, "missing"),
        (None, "missing"),
        ({"24h": {"volumeUSD": -1}}, "refused"),
        ({"24h": {}}, "refused"),
        ({"24h": {"volumeUSD": "Infinity"}}, "refused"),
        ([], "refused"),
    ],
)
def test_an_entry_is_read_missing_or_refused(entry: object, part: str) -> None:
    async def run() -> None:
        async with scripted(PUMP_FUN, lambda _request: web.json_response({KNOWN[0]: entry}, headers={"Date": ""})) as (
            service,
            _clock,
        ):
            batch = await PumpFunClient(service).coin_volumes([KNOWN[0]])
            parts = {name: len(getattr(batch, name)) for name in ("readings", "missing", "refused")}
            assert parts == {"readings": 0, "missing": 0, "refused": 0, part: 1}

    asyncio.run(run())


def test_a_list_is_no_answer() -> None:
    async def run() -> None:
        async with scripted(PUMP_FUN, lambda _request: web.json_response([])) as (service, _clock):
            with pytest.raises(ReadingRefusedError, match="another form"):
                await PumpFunClient(service).coin_volumes([KNOWN[0]])

    asyncio.run(run())

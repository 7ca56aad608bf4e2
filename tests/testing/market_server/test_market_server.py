"""The market server speaks as the services do, the same for the same seed, and says what it does not understand."""

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.cli import main
from oof_pipelines.testing.market_server.faults import KNOWN_FAULTS, MarketFaultError, MarketFaults, parse_market_faults
from oof_pipelines.testing.market_server.recordings import MarketRecordings, RecordingError
from oof_pipelines.testing.market_server.server import MarketPortError, MarketServer
from oof_pipelines.testing.market_server.world import MarketWorld

NOW = datetime(2026, 8, 14, 12, 0, 30, tzinfo=UTC)
SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
FEED = "ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d"
PATHS = (
    f"/jupiter/price/v3?ids={SOL},{USDC}",
    f"/jupiter/swap/v1/quote?inputMint={SOL}&outputMint={USDC}&amount=1000000000",
    f"/hermes/v2/updates/price/latest?ids[]={FEED}",
    "/llama/overview/dexs/solana",
    "/llama/summary/dexs/pumpswap",
    "/binance/api/v3/klines?symbol=SOLUSDT&interval=5m&limit=3",
    "/binance/api/v3/depth?symbol=SOLUSDT",
)


def served(ask: Callable[[httpx.AsyncClient], Awaitable[Any]], **options: Any) -> Any:
    """What `ask` gets out of a server with `options`."""

    async def run() -> Any:
        server = MarketServer(feeds={FEED: SOL}, now=lambda: NOW, stream_seconds=0.01, **options)
        async with server.serving(), httpx.AsyncClient(base_url=server.url) as client:
            return await ask(client)

    return asyncio.run(run())


async def all_answers(client: httpx.AsyncClient) -> list[tuple[int, bytes]]:
    return [(answer.status_code, answer.content) for answer in [await client.get(path) for path in PATHS]]


def test_one_seed_is_one_market_and_another_seed_another() -> None:
    assert served(all_answers, seed=1) == served(all_answers, seed=1)
    assert served(all_answers, seed=1) != served(all_answers, seed=2)


def test_faults_are_those_of_the_seed_whatever_the_order() -> None:
    async def statuses(client: httpx.AsyncClient, order: list[int]) -> dict[int, list[int]]:
        told: dict[int, list[int]] = {}
        for number in order:
            answer = await client.get(f"/binance/api/v3/depth?symbol=SOLUSDT&limit={number}")
            told.setdefault(number, []).append(answer.status_code)
        return told

    one_way, other_way = [*range(1, 9)] * 3, [number for number in range(8, 0, -1) for _ in range(3)]
    spec = "429:p=0.3,error:p=0.3"
    first = served(lambda client: statuses(client, one_way), faults=spec)
    second = served(lambda client: statuses(client, other_way), faults=spec)
    assert {number: sorted(told) for number, told in first.items()} == {n: sorted(told) for n, told in second.items()}
    assert first == {number: second[number] for number in first}
    assert len({status for told in first.values() for status in told}) >= 3


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"/jupiter/price/v3?ids={','.join([SOL] * 51)}", 400, "1 to 50"),
        ("/jupiter/price/v3", 400, "1 to 50"),
        ("/jupiter/price/v3?ids=NotAMintAddress111111111111111111111111111", 200, "{}"),
        (f"/jupiter/swap/v1/quote?inputMint={SOL}&outputMint=Nope&amount=1", 400, "TOKEN_NOT_TRADABLE"),
        (f"/jupiter/v6/quote?inputMint={SOL}&outputMint={USDC}&amount=1", 400, "COULD_NOT_FIND_ANY_ROUTE"),
        (f"/jupiter/swap/v1/quote?inputMint={SOL}&outputMint={USDC}&amount=1.5", 400, "amount"),
        (f"/hermes/v2/updates/price/latest?ids[]={'0' * 64}", 404, "Price ids not found: 0x000"),
        ("/hermes/v2/updates/price/stream", 400, "ids"),
        ("/llama/overview/dexs/nowhere", 404, "not found"),
        ("/binance/api/v3/depth?symbol=NOPE", 400, "-1121"),
        ("/binance/api/v3/klines?symbol=SOLUSDT&interval=7m", 400, "-1120"),
        ("/binance/api/v3/klines?symbol=SOLUSDT&interval=1m&limit=x", 400, "-1100"),
        ("/health", 200, "ok"),
        ("/elsewhere", 404, ""),
    ],
)
def test_what_services_say_to_wrong_questions(path: str, status: int, words: str) -> None:
    answer = served(lambda client: client.get(path))
    assert answer.status_code == status
    assert words in answer.text


def test_pump_fun_and_metadata_by_post() -> None:
    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        path = "/pump/v1/coins/market-activity/batch"
        metrics = {"intervals": ["24h"], "metrics": ["volumeUSD"]}
        return [
            await client.post(path, json={"addresses": [SOL], **metrics}),
            await client.post(path, json={"addresses": [SOL] * 51, **metrics}),
            await client.post(path, content=b"{"),
            await client.post("/das", json={"id": 7, "method": "getAssetBatch", "params": {"ids": [SOL, "Nope"]}}),
            await client.post("/das", json={"id": 8, "method": "getBlock", "params": []}),
            await client.post("/das", json={"id": 9, "method": "getAssetBatch", "params": []}),
        ]

    answers = served(ask)
    assert [answer.status_code for answer in answers] == [201, 400, 400, 200, 200, 200]
    assert answers[0].json()[SOL]["24h"]["volumeUSD"] > 0
    assert "no more than 50" in answers[1].text
    known, unknown = answers[3].json()["result"]
    assert (known["id"], unknown) == (SOL, None)
    assert answers[4].json()["error"]["code"] == -32601
    assert answers[5].json()["error"]["code"] == -32602


def test_a_stream_is_server_sent_events() -> None:
    async def ask(client: httpx.AsyncClient) -> list[str]:
        lines: list[str] = []
        async with client.stream("GET", f"/hermes/v2/updates/price/stream?ids[]=0x{FEED}") as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            async for line in response.aiter_lines():
                lines.append(line)
                if len(lines) == 6:
                    return lines
        return lines

    lines = served(ask)
    assert lines[:2] == [":", ""]
    assert [line[:17] for line in lines[2:]] == ['data:{"binary":{"', "", 'data:{"binary":{"', ""]


def test_recorded_answers_are_served_byte_for_byte(fixtures_dir: Path) -> None:
    folder = fixtures_dir / "market_jupiter"

    async def ask(client: httpx.AsyncClient) -> list[httpx.Response]:
        return [await client.get(f"/jupiter/price/v3?ids={USDC}"), await client.get(PATHS[1])]

    price, quote = served(ask, recordings=MarketRecordings(folder))
    recorded = (folder / "price_v3_SOL_USDC_block439211368.json").read_text()
    assert price.text.removeprefix("{").removesuffix("}") in recorded
    assert quote.content.strip() in [path.read_bytes().strip() for path in folder.glob("quote*.json")]


def test_a_recording_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "price_v3_broken.json").write_bytes(b"{")
    with pytest.raises(RecordingError, match=r"price_v3_broken\.json: "):
        MarketRecordings(tmp_path)
    (tmp_path / "price_v3_broken.json").unlink()
    (tmp_path / "overview-dexs-solana.json.gz").write_bytes(b"no gzip")
    with pytest.raises(RecordingError, match="cannot be read"):
        MarketRecordings(tmp_path)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("flood", "unknown fault 'flood'; known are 429"),
        ("429:q=1", "429 has no key 'q'"),
        ("429:p=2", "wants a number from 0 to 1, not '2'"),
        ("429:p=nan", "not 'nan'"),
        ("absurd:value=big", "wants one of mixed, 1e400, nan, negative, zero"),
        ("429:only=nobody", "wants one of jupiter"),
    ],
)
def test_faults_that_are_not_understood_are_named(spec: str, words: str) -> None:
    with pytest.raises(MarketFaultError, match=re.escape(words)):
        parse_market_faults(spec)


@settings(deadline=None)
@given(st.sampled_from(sorted(KNOWN_FAULTS)), st.floats(0, 1), st.integers(0, 2**32))
def test_a_fault_strikes_about_as_often_as_it_is_told_to(name: str, probability: float, seed: int) -> None:
    faults = MarketFaults(f"{name}:p={probability:.3f};only=pump", seed)
    struck = sum(faults.strikes(name, faults.request("pump", str(number))) for number in range(400))
    assert abs(struck / 400 - probability) < 0.15
    assert not any(faults.strikes(name, faults.request("das", str(number))) for number in range(50))


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1_600_000_000, 2_000_000_000))
def test_prices_stay_near_where_they_began(seed: int, second: int) -> None:
    world = MarketWorld(seed)
    at = datetime.fromtimestamp(second, UTC)
    assert 147 <= world.price_usd(SOL, at) <= 153
    assert abs(world.price_usd(USDC, at) - 1) <= Decimal("0.001")
    assert world.slot(at) >= 0


def test_a_port_that_is_taken_is_named() -> None:
    async def run() -> None:
        first = MarketServer(feeds={})
        async with first.serving():
            second = MarketServer(feeds={}, port=int(first.url.rsplit(":", 1)[1]))
            with pytest.raises(MarketPortError, match="--port: cannot listen"):
                async with second.serving():
                    pass

    asyncio.run(run())


def test_the_command_prints_settings_and_stops_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "oof_pipelines", "market-node", "--port", "0", "--faults", "429:p=0.1"]
    environment = {**os.environ, "OOF_HOME": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as process:
        assert process.stdout is not None
        try:
            assert select.select([process.stdout], [], [], 30)[0]
            lines = [process.stdout.readline().strip() for _ in range(7)]
            url = lines[0].split()[1]
            assert lines[1] == f"JUPITER_BASE_URL={url}/jupiter"
            assert httpx.get(f"{url}/health", timeout=5, trust_env=False).text == "ok"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("options", "words"), [(["--faults", "flood"], "unknown fault"), (["--port", "99999"], "--port")]
)
def test_the_command_says_what_is_wrong(options: list[str], words: str) -> None:
    result = CliRunner().invoke(main, ["market-node", *options])
    assert result.exit_code != 0
    assert words in result.output


def test_help_lists_faults_and_examples() -> None:
    result = CliRunner().invoke(main, ["market-node", "--help"])
    assert result.exit_code == 0
    assert all(f"  {name}:" in result.output for name in KNOWN_FAULTS)
    assert "oof market-node --port 8801" in result.output

"""What tokens call themselves: from DAS, from mint accounts, and what is made of hostile words."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from market_scene import KEY, KNOWN, UNKNOWN, market
from scripted_service import scripted

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.interfaces import MethodMissingError, SourceRefusedError
from oof_pipelines.pricing.readings import HELIUS_DAS, RPC_MINT, MetadataBatch, ReadingRefusedError
from oof_pipelines.testing.market_server.world import TOKEN_2022_PROGRAM, MarketWorld
from oof_pipelines.transport.market.token_metadata import DasClient, RpcMintClient, cut_words, logo_of


def asked(result: object, make: Callable[..., Any] = DasClient, mints: list[str] | None = None) -> MetadataBatch:
    async def run() -> MetadataBatch:
        answer = {"jsonrpc": "2.0", "id": 1, **(result if isinstance(result, dict) else {"result": result})}
        async with scripted(HELIUS_DAS, lambda _request: web.json_response(answer)) as (service, _clock):
            batch: MetadataBatch = await make(service).metadata(mints or [KNOWN[0]])
            return batch

    return asyncio.run(run())


def test_das_tells_words_logo_and_decimals() -> None:
    async def run() -> None:
        async with market() as scene:
            batch = await scene.das().metadata([NATIVE_MINT, *KNOWN[:150], UNKNOWN[0]])
            assert scene.requests == 2
            assert batch.missing == (UNKNOWN[0],)
            assert len(batch.tokens) == 151
            token = batch.tokens[0]
            assert (token.name, token.symbol, token.decimals) == ("Wrapped SOL", "SOL", 9)
            assert token.logo_url == f"https://example.org/{NATIVE_MINT}.png"
            assert token.source == HELIUS_DAS
            assert {one.token_program for one in batch.tokens[1:]} == {
                MarketWorld(0).token_program(mint) for mint in KNOWN[:150]
            }

    asyncio.run(run())


def test_a_node_tells_decimals_and_program_and_words_of_token_2022() -> None:
    async def run() -> None:
        async with market() as scene:
            batch = await scene.mints().metadata([*KNOWN[:20], UNKNOWN[0]])
            assert batch.missing == (UNKNOWN[0],)
            assert {token.decimals for token in batch.tokens} == {6}
            for token in batch.tokens:
                has_words = token.token_program == TOKEN_2022_PROGRAM
                assert (token.name, token.symbol) == (MarketWorld(0).words(token.mint) if has_words else ("", ""))
                assert (token.logo_url, token.source) == (None, RPC_MINT)
            assert {token.token_program == TOKEN_2022_PROGRAM for token in batch.tokens} == {True, False}

    asyncio.run(run())


def test_a_node_without_das_says_so() -> None:
    with pytest.raises(MethodMissingError, match="Method not found"):
        asked({"error": {"code": -32601, "message": "Method not found"}})
    with pytest.raises(SourceRefusedError, match="too many"):
        asked({"error": {"code": -32602, "message": "too many"}})


@pytest.mark.parametrize("code", [-32000, -32601])
@pytest.mark.parametrize("make", [DasClient, RpcMintClient])
@pytest.mark.parametrize(
    "message", [f"api key {KEY} has no credits left", f"{'x' * 190} {KEY}", f"{KEY[:5]}\0{KEY[5:]}"]
)
def test_a_key_that_an_error_repeats_is_hidden(code: int, make: Callable[..., Any], message: str) -> None:
    with pytest.raises(SourceRefusedError, match="…") as caught:
        asked({"error": {"code": code, "message": message}}, make)
    assert KEY[:5] not in str(caught.value)


@pytest.mark.parametrize("program", ["a\0b", "x" * 90_000, "", "not an address", "1" * 31, f"{TOKEN_2022_PROGRAM}\0"])
def test_a_token_program_is_an_address_or_none(program: str) -> None:
    assert asked([{"id": KNOWN[0], "token_info": {"token_program": program}}]).tokens[0].token_program is None
    account = {"owner": program, "data": {"parsed": {"type": "mint", "info": {"decimals": 6}}}}
    assert asked({"result": {"value": [account]}}, RpcMintClient).tokens[0].token_program is None


def test_a_token_program_that_is_one_is_told() -> None:
    told = asked([{"id": KNOWN[0], "token_info": {"token_program": TOKEN_2022_PROGRAM}}]).tokens[0]
    assert told.token_program == TOKEN_2022_PROGRAM


@pytest.mark.parametrize(
    ("asset", "told"),
    [
        ({"id": KNOWN[0]}, ("", "", None, None)),
        (
            {"id": KNOWN[0], "content": {"metadata": {}}, "token_info": {"symbol": "T", "decimals": 0}},
            ("", "T", None, 0),
        ),
        (
            {"id": KNOWN[0], "content": {"metadata": {"name": " a\x00b\n ", "symbol": "\u202eX"}}},
            ("ab", "X", None, None),
        ),
        ({"id": KNOWN[0], "content": {"links": {"image": "javascript:alert(1)"}}}, ("", "", None, None)),
        ({"id": KNOWN[0], "content": {"links": {"image": "ipfs://Qm/1.png"}}}, ("", "", "ipfs://Qm/1.png", None)),
    ],
)
def test_words_are_cleaned(asset: dict[str, Any], told: tuple[str, str, str | None, int | None]) -> None:
    (token,) = asked([asset]).tokens
    assert (token.name, token.symbol, token.logo_url, token.decimals) == told


@pytest.mark.parametrize(
    "asset",
    [
        {"id": KNOWN[0], "token_info": {"decimals": 256}},
        {"id": KNOWN[0], "token_info": {"decimals": -1}},
        {"id": KNOWN[0], "content": {"metadata": {"name": 5}}},
    ],
)
def test_an_asset_of_another_form_is_refused_alone(asset: dict[str, Any]) -> None:
    batch = asked([asset, {"id": KNOWN[1]}, None], mints=KNOWN[:3])
    assert [one.subject for one in batch.refused] == [KNOWN[0]]
    assert [one.mint for one in batch.tokens] == [KNOWN[1]]
    assert batch.missing == (KNOWN[2],)


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ({"owner": "p", "data": {"parsed": {"type": "account", "info": {"decimals": 6}}}}, "no mint"),
        ({"owner": "p", "data": ["AAAA", "base64"]}, "another form"),
        ({"owner": "p", "data": {"parsed": {"type": "mint", "info": {}}}}, "another form"),
    ],
)
def test_an_account_that_is_no_mint_is_refused(account: dict[str, Any], reason: str) -> None:
    batch = asked({"result": {"value": [account]}}, RpcMintClient)
    assert [one.subject for one in batch.refused] == [KNOWN[0]]
    assert reason in batch.refused[0].reason
    assert batch.tokens == batch.missing == ()


def test_fewer_accounts_than_asked_for_are_no_answer() -> None:
    with pytest.raises(ReadingRefusedError, match="0 accounts for 1 addresses"):
        asked({"result": {"value": []}}, RpcMintClient)


@settings(deadline=None)
@given(st.text(max_size=500))
def test_words_hold_nothing_that_cannot_be_printed_or_stored(text: str) -> None:
    words = cut_words(text)
    assert words.isprintable()
    assert len(words) <= 200
    words.encode()


@settings(deadline=None)
@given(st.text(max_size=30))
def test_logos_are_addresses_of_few_kinds(text: str) -> None:
    logo = logo_of(f"https://{text}")
    assert logo is None or (logo.startswith("https://") and logo.isprintable() and " " not in logo)
    if "://" not in text.lower():
        assert logo_of(text) is None

"""What the sources of recorded transactions state of their amounts is what we say, or docs/decoding.md says why not."""

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from recorded_data import FIXTURES, REPOSITORY_ROOT
from stated import Stated, read_stated, stated_by

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import ON_TOP, TokenEvent
from oof_pipelines.decode.routes import Route

PAGE = (REPOSITORY_ROOT / "docs" / "decoding.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Where a source states other amounts")[2].partition("\n## ")[0]
ROW = re.compile(r"^\| `(\w{80,90})` \| ([^|]+) \| (\d+ → \d+) \| (\d+ → \d+) \| ([^|]+) \|$", re.MULTILINE)
LISTED = {
    signature: (source, states, shown)
    for signature, source, states, shown, _ in (m.groups() for m in ROW.finditer(SECTION))
}
STATED_FILES = {path.name.split(".")[0]: path for path in read_stated(FIXTURES)}

Told = dict[str, Any]


def body_of(expected: Path) -> bytes:
    return expected.with_name(expected.name.replace(".expected", "")).read_bytes()


def decoded_of(expected: Path) -> Decoded:
    return decode_transaction(parse_transaction(body_of(expected)))


def is_as_stated(route: Route, told: Stated) -> bool:
    pairs = (
        (told.sold_mint, route.sold_mint),
        (told.sold_raw, route.sold_raw),
        (told.bought_mint, route.bought_mint),
        (told.bought_raw, route.bought_raw),
    )
    return all(stated is None or stated == ours for stated, ours in pairs)


def test_every_row_of_the_page_is_read() -> None:
    assert len(LISTED) == SECTION.count("\n| `") > 0
    assert LISTED.keys() <= STATED_FILES.keys()


@pytest.mark.usefixtures("fixtures_dir")
def test_there_are_sources_enough() -> None:
    assert len(STATED_FILES) >= 25
    assert len(LISTED) <= len(STATED_FILES) // 3


@pytest.mark.parametrize("signature", STATED_FILES)
def test_a_route_is_as_its_source_states(signature: str) -> None:
    expected = STATED_FILES[signature]
    decoded = decoded_of(expected)
    told = stated_by(expected, decoded.transaction)
    is_equal = any(is_as_stated(route, told) for route in decoded.routes)
    if signature not in LISTED:
        assert is_equal, (told, decoded.routes)
        return
    assert not is_equal, f"{signature} is equal after all: take its row out of the page"
    source, states, shown = LISTED[signature]
    assert source in told.source
    assert states == f"{told.sold_raw} → {told.bought_raw}"
    (route,) = decoded.routes
    assert shown == f"{route.sold_raw} → {route.bought_raw}"


# --- sources that list events instead ---


def expected_files(source: str, has: Callable[[Told], bool]) -> list[Path]:
    """Files of a source whose own words (`raw`) fit, and which states no amounts beside them."""
    found = []
    for path in sorted(FIXTURES.glob("tx_*/*.expected.json")):
        told = json.loads(path.read_bytes())
        if source in told["source"] and has(told["raw"]):
            found.append(path)
    return found


def words_of(expected: Path) -> Told:
    raw: Told = json.loads(expected.read_bytes())["raw"]
    return raw


def names(paths: list[Path]) -> list[str]:
    return [path.name[:10] for path in paths]


TRADE_EVENTS = expected_files("soljesty", lambda raw: any("solAmount" in one for one in raw.get("actions", [])))
LIFE_EVENTS = expected_files("soljesty", lambda raw: any("bondingCurve" in one for one in raw.get("actions", [])))
POOL_SWAPS = expected_files("soljesty", lambda raw: "expect" in raw)
ASSERTS = expected_files("0xjeffro", lambda raw: any(name.endswith("FeeAmount") for name, _ in raw["asserts"]))
SOL_FLOWS = expected_files("kxypto", lambda raw: "grossTransferredLamports" in raw)


@pytest.mark.usefixtures("fixtures_dir")
def test_there_are_event_lists() -> None:
    assert [len(one) for one in (TRADE_EVENTS, LIFE_EVENTS, POOL_SWAPS, SOL_FLOWS)] == [1, 2, 2, 5]
    assert len(ASSERTS) >= 1


@pytest.mark.parametrize("expected", TRADE_EVENTS, ids=names(TRADE_EVENTS))
def test_trade_events_are_routes_one_by_one(expected: Path) -> None:
    """The source lists the first of the events; each has the curve's price reserves after it."""
    events = words_of(expected)["actions"]
    routes = decoded_of(expected).routes
    assert len(routes) >= len(events) > 0
    for event, route in zip(events, routes, strict=False):
        sol, token = (NATIVE_MINT, int(event["solAmount"])), (event["tokenMint"], int(event["tokenAmount"]))
        assert (route.sold_mint, route.sold_raw) == (sol if event["isBuy"] else token)
        assert (route.bought_mint, route.bought_raw) == (token if event["isBuy"] else sol)
        assert route.trader == event["trader"]
        virtual = {one.mint: one.after_raw for one in route.legs[0].reserves if one.kind == "virtual"}
        assert virtual == {
            NATIVE_MINT: int(event["virtualSolReserves"]),
            event["tokenMint"]: int(event["virtualTokenReserves"]),
        }


@pytest.mark.parametrize("expected", LIFE_EVENTS, ids=names(LIFE_EVENTS))
def test_launches_and_full_curves_are_token_events(expected: Path) -> None:
    (told,) = words_of(expected)["actions"]
    found = [fact for fact in decoded_of(expected).facts if isinstance(fact, TokenEvent)]
    (event,) = found
    assert (event.mint, event.pool) == (told["tokenMint"], told["bondingCurve"])
    assert event.wallet == told.get("createdBy", told.get("user"))
    assert event.kind == ("launch" if "createdBy" in told else "graduation")
    if event.kind == "launch":
        assert (event.name, event.symbol, event.uri) == (told["name"], told["symbol"], told["uri"])


@pytest.mark.parametrize("expected", POOL_SWAPS, ids=names(POOL_SWAPS))
def test_swaps_have_the_pool_and_the_mints_that_are_told(expected: Path) -> None:
    told = dict(words_of(expected)["expect"])
    routes = decoded_of(expected).routes
    assert len(routes) == int(told["actions.length"])
    for route in routes:
        (leg,) = route.legs
        assert (leg.pool, leg.sold_mint, leg.bought_mint) == (told["poolId"], told["tokenIn"], told["tokenOut"])


@pytest.mark.parametrize("expected", ASSERTS, ids=names(ASSERTS))
def test_asserted_trades_are_routes_with_those_fees(expected: Path) -> None:
    """A list of (word, value) that begins anew with each trade's program; fees stand where the source has them."""
    asserted = [(name.partition(".")[2], value) for name, value in words_of(expected)["asserts"]]
    begins = [index for index, (name, _) in enumerate(asserted) if name == "ProgramID"]
    trades = [dict(asserted[start:end]) for start, end in pairwise([*begins, len(asserted)])]
    routes = decoded_of(expected).routes
    assert len(routes) >= len(trades) > 0
    for trade, route in zip(trades, routes, strict=False):
        assert route.trader == trade["Who"]
        assert (route.sold_mint, route.sold_raw) == (mint(trade["FromToken"]), amount(trade["FromTokenAmount"]))
        assert (route.bought_mint, route.bought_raw) == (mint(trade["ToToken"]), amount(trade["ToTokenAmount"]))
        fees_raw = [amount(value) for name, value in trade.items() if name.endswith("FeeAmount")]
        assert [fee.amount_raw for fee in route.fees if fee.side == ON_TOP] == fees_raw


def mint(word: str) -> str:
    return NATIVE_MINT if word == "globals.WSOL" else word


def amount(word: str) -> int:
    return int(word.removeprefix("uint64(").removesuffix(")"))


@pytest.mark.parametrize("expected", SOL_FLOWS, ids=names(SOL_FLOWS))
def test_the_payers_sol_is_his_route_his_fees_tips_and_rent(expected: Path) -> None:
    """Gross is all of the payer's lamports but the network fee: what the trade took or gave, its fees on top, tips, rent."""
    told, decoded = words_of(expected), decoded_of(expected)
    transaction = decoded.transaction
    assert transaction.fee_lamports == told["totalFeeLamports"]
    assert transaction.post_lamports[0] - transaction.pre_lamports[0] == told["netTransferredLamports"]
    assert transaction.is_failed is ("error" in told)
    gross_lamports = 0
    for route in decoded.routes:
        assert route.trader == transaction.fee_payer
        gross_lamports += route.bought_raw if route.bought_mint == NATIVE_MINT else 0
        gross_lamports -= route.sold_raw if route.sold_mint == NATIVE_MINT else 0
        gross_lamports -= sum(fee.amount_raw for fee in route.fees if fee.side == ON_TOP)
    for move in decoded.moves:
        if move.account == transaction.fee_payer and move.kind in ("tip", "rent"):
            gross_lamports += move.delta_raw
    assert gross_lamports == told["grossTransferredLamports"]

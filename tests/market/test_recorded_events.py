"""Recorded transactions: golden events by signature, and what the recordings themselves say of balances and supplies."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from market_scenes import THRESHOLDS
from recorded_events import CHOSEN, GOLDEN, events_of_body, recorded_bodies, rendered

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.market.events import MarketEvent, PoolState, TokenMintInfo, Trade
from oof_pipelines.market.risk import RiskState, step

GRADUATED = "2wkECde79GonMwWQsDMcMm5nNex6ma72pyrKVxgJAps7S26iLqaP5JBPxqNu8vuCM6J15mbfgXavU7DFDDjR2S3i"


@pytest.fixture(scope="module")
def bodies(fixtures_dir: Path) -> dict[str, bytes]:
    return recorded_bodies(fixtures_dir)


@pytest.fixture(scope="module")
def recorded(bodies: dict[str, bytes]) -> dict[str, list[MarketEvent]]:
    """Signature → its events, of every recorded transaction."""
    return {signature: events_of_body(body) for signature, body in bodies.items()}


@pytest.mark.parametrize("title", CHOSEN)
def test_recorded_transactions_tell_these_events(title: str, recorded: dict[str, list[MarketEvent]]) -> None:
    blocks = {block.split("\n")[0]: block for block in GOLDEN.read_text(encoding="utf-8").strip().split("\n\n")}
    signature = CHOSEN[title]
    assert blocks[f"# {title}"].split("\n") == [
        f"# {title}",
        signature,
        *rendered(recorded[signature]).split("\n"),
    ]


def test_a_filled_curve_graduates_at_the_trade_that_fills_it(recorded: dict[str, list[MarketEvent]]) -> None:
    events = recorded[GRADUATED]
    assert [event.KIND for event in events] == ["trade", "pool_state", "graduation"]
    assert len({(event.place.log_idx, event.place.ordinal) for event in events}) == 1


def test_every_kind_but_flags_is_recorded(recorded: dict[str, list[MarketEvent]]) -> None:
    counted = Counter(event.KIND for events in recorded.values() for event in events)
    assert set(counted) == {
        "trade",
        "pool_state",
        "liquidity_changed",
        "token_mint_info",
        "token_launched",
        "pool_created",
        "graduation",
        "migration",
    }
    assert counted["trade"] > 200


def test_trades_are_the_legs_of_the_routes(bodies: dict[str, bytes], recorded: dict[str, list[MarketEvent]]) -> None:
    for signature, events in recorded.items():
        decoded = decode_transaction(parse_transaction(bodies[signature]))
        legs = Counter(
            (leg.pool, frozenset({(leg.sold_mint, leg.sold_raw), (leg.bought_mint, leg.bought_raw)}))
            for route in decoded.routes
            for leg in route.legs
        )
        trades = [event for event in events if isinstance(event, Trade)]
        assert legs == Counter(
            (one.pool, frozenset({(one.mint, one.base_raw), (one.quote_mint, one.quote_raw)})) for one in trades
        )


def test_balances_are_those_of_the_recording(bodies: dict[str, bytes], recorded: dict[str, list[MarketEvent]]) -> None:
    """Straight from the recording's JSON, where it names owners."""
    compared = 0
    for signature, events in recorded.items():
        rows = _rows(bodies[signature], "postTokenBalances")
        if not all("owner" in row for row in rows):
            continue
        for event in events:
            if isinstance(event, Trade) and event.trader_balance_raw is not None:
                held = [
                    int(row["uiTokenAmount"]["amount"])
                    for row in rows
                    if (row["owner"], row["mint"]) == (event.trader, event.mint)
                ]
                assert event.trader_balance_raw == sum(held)
                compared += 1
    assert compared > 100


def test_a_supply_is_all_that_the_first_transaction_left(
    bodies: dict[str, bytes], recorded: dict[str, list[MarketEvent]]
) -> None:
    compared = 0
    for signature, events in recorded.items():
        rows = _rows(bodies[signature], "postTokenBalances")
        for event in events:
            if isinstance(event, TokenMintInfo) and event.supply_raw is not None:
                left = sum(int(row["uiTokenAmount"]["amount"]) for row in rows if row["mint"] == event.mint)
                # What is minted for no account that lives on is burned again, as a pool's first share is.
                assert left == event.supply_raw, (signature, event.mint)
                compared += 1
    assert compared > 10


def _rows(body: bytes, side: str) -> list[dict[str, Any]]:
    return json.loads(body)["meta"].get(side) or []


def test_the_last_state_of_a_vault_is_in_the_recordings_balances(
    bodies: dict[str, bytes], recorded: dict[str, list[MarketEvent]]
) -> None:
    """What the pool held after its last trade of a transaction that changes no liquidity, some account holds at the end."""
    compared, off = 0, []
    for signature, events in recorded.items():
        rows = _rows(bodies[signature], "postTokenBalances")
        last = {event.pool: event for event in events if isinstance(event, PoolState)}
        for state in last.values():
            if state.reserve_kind != "vault" or state.base_reserve_raw is None or state.mint == NATIVE_MINT:
                continue
            held = {int(row["uiTokenAmount"]["amount"]) for row in rows if row["mint"] == state.mint}
            compared += 1
            if state.base_reserve_raw not in held:
                off.append((signature, state.pool))
    assert compared > 60
    # Pools that keep fees aside, and vaults that other pools share, hold more than they trade with.
    assert len(off) * 10 < compared


def test_a_pulled_pool_and_a_holder_of_nearly_everything_are_flagged_and_nobody_else(
    recorded: dict[str, list[MarketEvent]],
) -> None:
    """The holder sells a coin that another recorded transaction made twenty seconds before."""
    everything = sorted((event for events in recorded.values() for event in events), key=lambda event: event.order_key)
    state, flags = RiskState(THRESHOLDS), []
    for event in everything:
        state, raised = step(state, event)
        flags += raised
    assert [
        (flag.flag, flag.place.signature[:8], flag.mint[:8], flag.wallet[:8], flag.share_bps) for flag in flags
    ] == [
        ("liquidity_pulled", "2Z6pDoWE", "JCHpc7Xs", "CBmMUBCW", 9_999),
        ("top_holder_share", "2WjgSSiE", "AL2HhMQL", "AhaLPdAJ", 9_998),
    ]

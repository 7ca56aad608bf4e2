"""Rows of trades, liquidity and token events: every column of every one, and keys that two of a kind do not share."""

from typing import Any

from crafted_bodies import LARGEST_U64, address
from told_trades import COIN, DOLLAR, LEG_FEES, OWN_FEE, PROGRAM, ROUTER, SHARE, facts_told, legs_of, routes_told

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.routes import Route
from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.schemas import FEE_PARTS, LIQUIDITY, SWAPS, TOKEN_EVENTS
from oof_pipelines.storage.parquet.told_rows import Row, liquidity_rows, token_event_rows, trade_rows

PLACE = ("signature", 9, None, "time")
TRADER, MINT = address("trader"), address("mint")
IN_PLACE = dict(zip(("signature", "slot", "tx_index", "block_time"), PLACE, strict=True))


def named(dataset: Dataset, rows: list[Row]) -> list[dict[str, Any]]:
    return [dict(zip(dataset.columns, row, strict=True)) for row in rows]


def swaps_of(routes: list[Route]) -> list[dict[str, Any]]:
    return named(SWAPS, trade_rows(PLACE, routes)[0])


def test_a_route_is_a_row_and_each_of_its_legs_is_one() -> None:
    routed, *_ = routes_told("2.1", TRADER)
    route, first, second = swaps_of([routed])
    shared = IN_PLACE | {"log_idx": 2 * 65_536 + 2, "path": "2.1", "route_path": "2.1", "route_ordinal": 0}
    shared |= {"via": "router", "trader": TRADER, "recipient": ""}
    nothing = dict.fromkeys(name for name in SWAPS.columns if "_reserve_" in name)
    assert route == shared | nothing | {
        "is_route": True, "ordinal": 0, "program_id": ROUTER, "venue": "curve", "pool": "", "sold_mint": NATIVE_MINT,
        "sold_raw": 1_000, "bought_mint": DOLLAR, "bought_raw": 7, "reserve_kind": "",
    }  # fmt: skip
    assert first == shared | {
        "is_route": False, "ordinal": 0, "program_id": PROGRAM, "venue": "curve", "pool": address("curve"),
        "sold_mint": NATIVE_MINT, "sold_raw": 1_000, "bought_mint": COIN, "bought_raw": LARGEST_U64,
        "reserve_kind": "virtual", "sold_reserve_before_raw": 30_000, "sold_reserve_after_raw": 31_000,
        "bought_reserve_before_raw": None, "bought_reserve_after_raw": LARGEST_U64,
    }  # fmt: skip
    assert second == shared | {
        "is_route": False, "ordinal": 1, "program_id": PROGRAM, "venue": "pool", "pool": address("pool"),
        "sold_mint": COIN, "sold_raw": LARGEST_U64, "bought_mint": DOLLAR, "bought_raw": 7, "reserve_kind": "vault",
        "sold_reserve_before_raw": 1, "sold_reserve_after_raw": LARGEST_U64, "bought_reserve_before_raw": 10,
        "bought_reserve_after_raw": 3,
    }  # fmt: skip


def test_a_route_of_one_leg_has_its_pool_and_reserves_and_its_recipient() -> None:
    _, alone = routes_told("0", TRADER)
    route, leg = swaps_of([alone])
    differing = {name for name in route if route[name] != leg[name]}
    assert differing == {"is_route", "recipient"}
    assert (route["recipient"], leg["recipient"]) == (address("friend"), "")


def test_two_routes_at_one_path_share_no_key_and_legs_know_theirs() -> None:
    rows = swaps_of(routes_told("0", TRADER))
    assert [(row["is_route"], row["ordinal"], row["route_ordinal"]) for row in rows] == [
        (True, 0, 0),
        (False, 0, 0),
        (False, 1, 0),
        (True, 1, 1),
        (False, 2, 1),
    ]
    assert len({tuple(row[name] for name in SWAPS.key) for row in rows}) == len(rows)


def test_reserves_of_other_mints_say_nothing() -> None:
    leg = Leg("0", PROGRAM, "pool", "", TRADER, COIN, 1, DOLLAR, 2, (Reserve(SHARE, 1, 2),))
    route = Route("0", PROGRAM, "pool", TRADER, COIN, 1, DOLLAR, 2, "", (leg,), (), ("0",))
    told = [
        (row["reserve_kind"], row["sold_reserve_before_raw"], row["bought_reserve_after_raw"])
        for row in swaps_of([route])
    ]
    assert told == [("vault", None, None)] * 2


def test_fees_are_rows_of_the_swap_they_are_of() -> None:
    rows = named(FEE_PARTS, trade_rows(PLACE, routes_told("3", TRADER))[1])
    by_swap: dict[tuple[bool, int], list[dict[str, Any]]] = {}
    for row in rows:
        by_swap.setdefault((row["is_route"], row["ordinal"]), []).append(row)
    wanted = {(True, 0): [*LEG_FEES, OWN_FEE], (False, 0): [*LEG_FEES], (True, 1): [*LEG_FEES], (False, 2): [*LEG_FEES]}
    assert {swap: len(parts) for swap, parts in by_swap.items()} == {swap: len(fees) for swap, fees in wanted.items()}
    for (is_route, ordinal), fees in wanted.items():
        for seq, (row, fee) in enumerate(zip(by_swap[is_route, ordinal], fees, strict=True)):
            assert row == IN_PLACE | {
                "log_idx": 3 * 65_536, "path": "3", "is_route": is_route, "ordinal": ordinal, "seq": seq, "kind": fee.kind,
                "mint": fee.mint, "amount_raw": fee.amount_raw, "side": fee.side, "recipient": fee.recipient,
            }  # fmt: skip
    assert min(row["amount_raw"] for row in rows) == -2


def test_liquidity_is_a_row_a_mint() -> None:
    rows = named(LIQUIDITY, list(liquidity_rows(PLACE, facts_told("0", TRADER, MINT))))
    shared = IN_PLACE | {
        "log_idx": 0, "path": "0", "kind": "liquidity_add", "program_id": PROGRAM, "venue": "pool", "pool": address("pool"),
        "wallet": TRADER, "share_mint": SHARE, "share_raw": 11,
    }  # fmt: skip
    told = [(COIN, 5), (DOLLAR, 6)] * 2
    assert rows == [
        shared | {"ordinal": ordinal, "mint": mint, "amount_raw": amount_raw}
        for ordinal, (mint, amount_raw) in enumerate(told)
    ]


def test_token_events_hold_what_a_column_can() -> None:
    rows = named(TOKEN_EVENTS, list(token_event_rows(PLACE, facts_told("0", TRADER, MINT))))
    assert [(row["kind"], row["ordinal"]) for row in rows] == [
        ("launch", 0), ("graduation", 0), ("migration", 0), ("pool_created", 0)
    ]  # fmt: skip
    assert rows[0] == IN_PLACE | {
        "log_idx": 0, "path": "0", "kind": "launch", "ordinal": 0, "program_id": PROGRAM, "venue": "curve", "mint": MINT,
        "wallet": TRADER, "pool": address("curve"), "quote_mint": NATIVE_MINT, "creator": address("creator"),
        "name": "name ☃", "symbol": "SYM?", "uri": "u", "token_program": "",
    }  # fmt: skip
    assert {row["mint"] for row in rows} == {MINT}


def test_legs_told_by_a_router_alone_have_no_pool() -> None:
    leg = legs_of("0", TRADER)[0]
    bare = Leg(leg.path, leg.program_id, leg.venue, "", "", leg.sold_mint, 1, leg.bought_mint, 2)
    route = Route("0", ROUTER, "router", TRADER, NATIVE_MINT, 1, COIN, 2, "", (bare,), (), ("0",))
    found = swaps_of([route])[1]
    assert (found["pool"], found["trader"], found["reserve_kind"]) == ("", "", "")

"""Events of made-up transactions: which side is the coin, whose trade it is, places that differ, what makes no event."""

import random
from typing import Any

import msgspec
import pytest
from crafted_bodies import TOKEN, Crafted, address, token_transfer
from solders.pubkey import Pubkey
from told_trades import told_rows, with_told

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import INSIDE, ON_TOP, Fact, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.routes import Route
from oof_pipelines.market.events import (
    KINDS,
    EventPlace,
    Graduation,
    LiquidityChanged,
    MarketEvent,
    Migration,
    PoolCreated,
    PoolState,
    TokenLaunched,
    TokenMintInfo,
    Trade,
)
from oof_pipelines.market.from_decoded import market_events_of

PAYER, TRADER, POOL = address("payer"), address("trader"), address("pool")
PROGRAM, COIN, OTHER = address("program"), address("coin"), address("other coin")
HIS, HIS_SECOND, VAULT = address("his account"), address("his second account"), address("vault")
LOW, HIGH = sorted((COIN, OTHER))


def decoded_of(*, error: Any = None, **tokens: tuple[str, str, int, int]) -> Decoded:
    """A transaction of the payer's with these token accounts: name → (mint, owner, before, after)."""
    books = {address(name.replace("_", " ")): row for name, row in tokens.items()}
    crafted = Crafted("traded", {PAYER: (10_000, 5_000)}, books, error=error, token_program=TOKEN)
    return decode_transaction(parse_transaction(crafted.body()))


def leg(sold: tuple[str, int], bought: tuple[str, int], path: str = "2.0", **more: Any) -> Leg:
    return Leg(path, PROGRAM, "venue", POOL, more.pop("trader", TRADER), *sold, *bought, **more)


def route_of(*legs: Leg, trader: str = TRADER) -> Route:
    first, last = legs[0], legs[-1]
    amounts = (first.sold_mint, first.sold_raw, last.bought_mint, last.bought_raw)
    return Route(first.path, PROGRAM, "router", trader, *amounts, "", legs, (), ())


def events(decoded: Decoded, routes: list[Route] | None = None, facts: list[Fact] | None = None) -> list[MarketEvent]:
    told = msgspec.structs.replace(decoded, routes=routes or [], facts=facts or [])
    return market_events_of("signature", 7, 3, 1_700_000_000, told)


def traded(*legs: Leg, trader: str = TRADER, **tokens: tuple[str, str, int, int]) -> list[Trade]:
    found = events(decoded_of(**tokens), [route_of(*legs, trader=trader)])
    return [event for event in found if isinstance(event, Trade)]


@pytest.mark.parametrize(
    ("sold", "bought", "mint", "quote_mint", "is_buy"),
    [
        (NATIVE_MINT, COIN, COIN, NATIVE_MINT, True),
        (COIN, NATIVE_MINT, COIN, NATIVE_MINT, False),
        (USDC_MINT, NATIVE_MINT, NATIVE_MINT, USDC_MINT, True),
        (USDC_MINT, USDT_MINT, USDT_MINT, USDC_MINT, True),
        (NATIVE_MINT, USDT_MINT, NATIVE_MINT, USDT_MINT, False),
        (LOW, HIGH, LOW, HIGH, False),
        (HIGH, LOW, LOW, HIGH, True),
    ],
)
def test_the_money_is_the_quote(sold: str, bought: str, mint: str, quote_mint: str, is_buy: bool) -> None:
    (trade,) = traded(leg((sold, 5), (bought, 70)))
    assert (trade.mint, trade.quote_mint, trade.is_buy) == (mint, quote_mint, is_buy)
    amounts = {sold: 5, bought: 70}
    assert (trade.base_raw, trade.quote_raw) == (amounts[mint], amounts[quote_mint])


def test_a_trade_says_who_where_and_what() -> None:
    fees = (FeePart("lp", COIN, 1, INSIDE, POOL), FeePart("creator", NATIVE_MINT, 2, ON_TOP, address("creator")))
    reserves = (Reserve(COIN, 900, 800), Reserve(NATIVE_MINT, 100, 110))
    decoded = decoded_of(his_account=(COIN, TRADER, 0, 60), his_second_account=(COIN, TRADER, 9, 40))
    bought = leg((NATIVE_MINT, 10), (COIN, 100), fees=fees, reserves=reserves)
    assert events(decoded, [route_of(bought)]) == [
        Trade(
            EventPlace("signature", 7, 3, 1_700_000_000, 131_073, 0),
            PROGRAM,
            "venue",
            POOL,
            COIN,
            NATIVE_MINT,
            True,
            100,
            10,
            6,
            9,
            TRADER,
            PAYER,
            address("creator"),
            100,
            "vault",
            800,
            110,
        ),
        PoolState(
            EventPlace("signature", 7, 3, 1_700_000_000, 131_073, 0),
            PROGRAM,
            "venue",
            POOL,
            COIN,
            NATIVE_MINT,
            "vault",
            800,
            110,
        ),
    ]


def test_hops_are_the_routes_traders() -> None:
    hops = leg((USDC_MINT, 1), (NATIVE_MINT, 2), trader=address("router's")), leg((NATIVE_MINT, 2), (COIN, 3), "2.4")
    assert [trade.trader for trade in traded(*hops)] == [TRADER, TRADER]
    assert [trade.trader for trade in traded(*hops, trader="")] == [address("router's"), TRADER]


def test_what_the_trader_holds_afterwards() -> None:
    bought = leg((NATIVE_MINT, 1), (COIN, 100))
    assert traded(bought, vault=(COIN, POOL, 500, 400))[0].trader_balance_raw is None
    assert traded(bought, his_account=(COIN, TRADER, 0, 0))[0].trader_balance_raw == 0
    assert traded(bought, his_account=(OTHER, TRADER, 0, 8))[0].trader_balance_raw is None
    # SOL is held unwrapped: its token accounts say nothing.
    (sol,) = traded(leg((USDC_MINT, 1), (NATIVE_MINT, 5)), his_account=(NATIVE_MINT, TRADER, 0, 5))
    assert sol.trader_balance_raw is None


def test_an_account_closed_with_all_sold_holds_nothing() -> None:
    decoded = decoded_of(his_account=(COIN, TRADER, 100, 0))
    decoded.transaction.post_tokens = []
    (trade, *_) = events(decoded, [route_of(leg((COIN, 100), (NATIVE_MINT, 1)))])
    assert isinstance(trade, Trade)
    assert trade.trader_balance_raw == 0


def test_virtual_reserves_are_those_that_price() -> None:
    both = (Reserve(COIN, 1, 2), Reserve(NATIVE_MINT, 8, 9, "virtual"), Reserve(COIN, 3, 4, "virtual"))
    (trade,) = traded(leg((NATIVE_MINT, 1), (COIN, 1), reserves=both))
    assert (trade.reserve_kind, trade.base_reserve_raw, trade.quote_reserve_raw) == ("virtual", 4, 9)
    found = events(decoded_of(), [route_of(leg((NATIVE_MINT, 1), (COIN, 1), reserves=(Reserve(COIN, 5, None),)))])
    assert [event.KIND for event in found] == ["trade"]
    found = events(decoded_of(), [route_of(leg((NATIVE_MINT, 1), (COIN, 1)))])
    assert [(event.KIND, getattr(event, "reserve_kind", None)) for event in found] == [("trade", "")]


def test_a_mint_for_itself_is_no_trade() -> None:
    assert traded(leg((COIN, 5), (COIN, 6))) == []


def test_a_mint_that_claims_impossible_decimals_has_none() -> None:
    decoded = decoded_of()
    decoded.decimals[COIN] = 300
    (trade,) = events(decoded, [route_of(leg((NATIVE_MINT, 1), (COIN, 1)))])
    assert isinstance(trade, Trade)
    assert (trade.base_decimals, trade.quote_decimals) == (None, 9)


def test_a_failed_transaction_tells_nothing() -> None:
    failed = decoded_of(error={"InstructionError": [0, "Custom"]})
    assert events(failed, [route_of(leg((NATIVE_MINT, 1), (COIN, 1)))]) == []


# --- tokens and pools ---


def test_the_steps_of_a_tokens_life() -> None:
    def told(kind: str, **more: str) -> TokenEvent:
        return TokenEvent("3", PROGRAM, "venue", kind, COIN, TRADER, **more)

    names = {"name": "na\0me", "symbol": "SYM\udc80", "uri": "u"}
    launch = told("launch", pool=POOL, quote_mint=USDC_MINT, creator=PAYER, token_program_id=TOKEN, **names)
    facts = [told("migration", pool=POOL), told("graduation", quote_mint=NATIVE_MINT), told("pool_created"), launch]
    at = EventPlace("signature", 7, 3, 1_700_000_000, 3 * 65_536, 0)
    assert events(decoded_of(), facts=list(facts)) == [
        TokenLaunched(at, PROGRAM, "venue", COIN, USDC_MINT, POOL, PAYER, TOKEN, "name", "SYM?", "u"),
        PoolCreated(at, PROGRAM, "venue", "", COIN, "", TRADER),
        Graduation(at, PROGRAM, "venue", COIN, NATIVE_MINT, ""),
        Migration(at, PROGRAM, "venue", COIN, "", POOL),
    ]


@pytest.mark.parametrize("mints", [(COIN, NATIVE_MINT), (NATIVE_MINT, COIN)])
def test_a_pools_coin_is_told_from_its_money(mints: tuple[str, str]) -> None:
    fact = TokenEvent("3", PROGRAM, "venue", "pool_created", mints[0], TRADER, POOL, mints[1])
    (made,) = events(decoded_of(), facts=[fact])
    assert isinstance(made, PoolCreated)
    assert (made.mint, made.quote_mint) == (COIN, NATIVE_MINT)


# --- liquidity ---


def changed(kind: str, *amounts: tuple[str, int], decoded: Decoded | None = None, path: str = "0") -> Any:
    fact = Liquidity(path, PROGRAM, "venue", kind, POOL, TRADER, amounts)
    found = events(decoded or decoded_of(), facts=[fact])
    assert all(isinstance(event, LiquidityChanged) for event in found)
    return found


def test_changed_liquidity_tells_both_sides() -> None:
    (added,) = changed("liquidity_add", (NATIVE_MINT, 5), (COIN, 70))
    assert (added.mint, added.quote_mint, added.base_raw, added.quote_raw) == (COIN, NATIVE_MINT, 70, 5)
    assert (added.is_add, added.wallet, added.base_reserve_raw) == (True, TRADER, None)
    (money,) = changed("liquidity_remove", (NATIVE_MINT, 5))
    assert (money.mint, money.quote_mint, money.base_raw, money.quote_raw) == ("", NATIVE_MINT, 0, 5)
    (coin,) = changed("liquidity_remove", (COIN, 5), (COIN, 2))
    assert (coin.mint, coin.quote_mint, coin.base_raw, coin.quote_raw, coin.is_add) == (COIN, "", 7, 0, False)
    assert changed("liquidity_remove", (NATIVE_MINT, 5), (COIN, 2), (OTHER, 1)) == []


def paying_out(*payments: tuple[str, int], vault_raw: int = 100) -> Decoded:
    """The vault pays token accounts of the trader's, each named, by one outer instruction each."""
    tokens = {VAULT: (COIN, POOL, vault_raw, vault_raw - sum(raw for _, raw in payments))}
    tokens |= {name: (COIN, TRADER, 0, raw) for name, raw in payments}
    calls = [token_transfer(VAULT, name, POOL, raw) for name, raw in payments]
    return decode_transaction(parse_transaction(Crafted("paid", {PAYER: (10_000, 5_000)}, tokens, calls).body()))


def test_reserves_are_those_of_the_account_that_paid() -> None:
    decoded = paying_out((HIS, 30), (HIS_SECOND, 60))
    (first,) = changed("liquidity_remove", (COIN, 30), decoded=decoded, path="0")
    assert (first.base_reserve_raw, first.quote_reserve_raw) == (70, None)
    (second,) = changed("liquidity_remove", (COIN, 60), decoded=decoded, path="1")
    assert second.base_reserve_raw == 10


def test_an_amount_that_no_account_paid_within_the_call_tells_no_reserve() -> None:
    decoded = paying_out((HIS, 30), (HIS_SECOND, 60))
    assert changed("liquidity_remove", (COIN, 60), decoded=decoded, path="0")[0].base_reserve_raw is None
    assert changed("liquidity_remove", (COIN, 31), decoded=decoded, path="0")[0].base_reserve_raw is None
    assert changed("liquidity_add", (COIN, 30), decoded=decoded, path="0")[0].base_reserve_raw is None


# --- mints ---


def test_the_supply_is_what_the_first_transaction_made() -> None:
    key = bytes(Pubkey.from_string(PAYER))
    calls = [
        (TOKEN, [COIN], bytes([20, 6]) + key + b"\0"),
        (TOKEN, [COIN, HIS, PAYER], bytes([7]) + (500).to_bytes(8, "little")),
        (TOKEN, [HIS, COIN, TRADER], bytes([8]) + (20).to_bytes(8, "little")),
        (TOKEN, [COIN, PAYER], bytes([6, 0, 0])),
        (TOKEN, [OTHER, PAYER], bytes([6, 1, 0])),
    ]
    crafted = Crafted("minted", {PAYER: (10_000, 5_000)}, {HIS: (COIN, TRADER, 0, 480)}, calls)
    found = events(decode_transaction(parse_transaction(crafted.body())))
    assert all(isinstance(event, TokenMintInfo) for event in found)
    told = [(e.mint, e.decimals, e.mint_authority, e.freeze_authority, e.supply_raw) for e in found]  # type: ignore[union-attr]
    assert told == [(COIN, 6, PAYER, "", 480), (COIN, 6, "", None, 480), (OTHER, None, None, "", None)]


# --- order ---


def test_events_come_in_their_order_each_with_a_place_of_its_own() -> None:
    for row in told_rows():
        assert row.decoded is not None
        found = market_events_of(row.signature, row.slot, row.tx_index, 0, with_told(row.decoded))
        keys = [event.order_key for event in found]
        assert keys == sorted(set(keys))
        rows = {(e.place.signature, e.place.log_idx, e.KIND, e.place.ordinal) for e in found}
        assert len(rows) == len(found)
        shuffled = random.Random(1).sample(found, len(found))
        assert sorted(shuffled, key=lambda event: event.order_key) == found


def test_the_order_is_total_across_transactions() -> None:
    kinds = list(KINDS)
    at = EventPlace("b", 5, 1, 0, 10, 0)
    (event,) = traded(leg((NATIVE_MINT, 1), (COIN, 1)))
    places = [
        msgspec.structs.replace(at, slot=4, tx_index=None),
        msgspec.structs.replace(at, tx_index=0, signature="z"),
        msgspec.structs.replace(at, signature="a", log_idx=99),
        at,
        msgspec.structs.replace(at, ordinal=1),
        msgspec.structs.replace(at, log_idx=11),
        # Who does not know its place in the block comes behind those who do.
        msgspec.structs.replace(at, tx_index=None, signature="a"),
    ]
    in_order = [msgspec.structs.replace(event, place=one) for one in places]
    shuffled = random.Random(2).sample(in_order, len(in_order))
    assert sorted(shuffled, key=lambda one: one.order_key) == in_order
    state = PoolState(at, PROGRAM, "venue", POOL, COIN, NATIVE_MINT, "vault", 1, 1)
    assert kinds.index("trade") < kinds.index("pool_state")
    assert in_order[3].order_key < state.order_key < in_order[5].order_key

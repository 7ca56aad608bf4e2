"""PumpSwap: amounts before every fee, the fees on top, and liquidity by its events."""

import base64
import json
from pathlib import Path

import hand_ledger
import pytest
from hand_ledger import Call, address
from layout_checks import check_against_idl, check_field_names
from ledger_calls import event_call, packed, run
from recorded_bodies import Recorded
from token_calls import send
from venue_facts import facts_of, fee_lines, legs_of, read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Claim, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.program import anchor_instruction
from oof_pipelines.decode.venues.pumpswap import PROGRAM

PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
BUY_2025 = "2F7KM7K1cZBmmmLvNHBTvzqfGpZtfhU7aQ44Yz2hohw6HYppWT1KiY1vJVk6HGaw4vv1d98ijCHMixTPLQXSuwWf"
SELL_2025 = "3QvhUBMprN6MHUgSn1DnE8UpvnKgCDKziSJetTQ4tTCsny6QjybCRTV2agQosH4Zdj1JFSjBGHtw84Bi3N6SmPhH"
SPENDING_BUY = "3f8wSLzxHod2nnzKD8ZyDaw7z8oZedHpvDME3w9KRxQKQFA9LtaWs7eRQSjVuqtABnsifEizG9FoufgkfQMBevJC"
BUYBACK_BUY = "z8ca7694VE97fXvmAeN623MP6Bm4jXr6HySTrh8TTg9RQ9xCdCz3d4YUxz558dUVjTzT3k4rR6B5k5d6WhfHthf"
CASHBACK_SELL = "3vg7eDuNoxdEfQTgFqRkHm5fyZhPpvJZER3civXLC2KPa5bPAYHa6vYuDWMopxrMcCXBZHwUd4SsNxpZSjiZzjt8"
SOL_AS_BASE = "gauADRJViXKL8S5gazpDGQsLTTd5xNeqXfnfG89h5uAQBSsZkMvumxkQhGUKJHC4YA91XmcqRMrAZjzwri9hWng"
WITHDRAWAL = "2Z6pDoWEVYwf4v4fzNVNLW1c2DzEK24WhpyK45ZBkZBiUBogVCfG67U5b1ff6W3ixKPotLTB2k5FTKCKgNtKYJgv"
DEPOSIT = "63PQNtzDQdBDnf7FMC4jafDPhDVZHHhZwhJAbCT25efDgXt4H3fxPSQCAacV5Psaz5aKrRk35ubc97oQuozg9rwV"
MIGRATION = "2ffHb9AXeKNVs3KSusTHTY3GTPnUJ2WLr48pjHDZjhMYfLC9P6XWXMuDkev13X49qLp6A5CkDmAJciJgieQUFidV"

# The IDL names these by direction; here the two events share one layout.
RENAMED = {"DepositEvent", "WithdrawEvent", "CreatePoolEvent"}
LONGER = {"BuyEvent", "SellEvent"}
BEHIND: dict[str, set[str]] = {"buyback_fee_recipient": set(), "buyback_fee_recipient_token_account": set()}


def test_every_instruction_and_event_of_the_idl_is_laid_out_as_there(fixtures_dir: Path) -> None:
    idl_path = fixtures_dir / "idl" / "pump_amm.json"
    check_against_idl(PROGRAM, idl_path, BEHIND, LONGER)
    check_field_names(PROGRAM, idl_path, LONGER, RENAMED)


# --- recorded ---


def test_a_buy_states_amount_reserves_and_every_fee(by_signature: dict[str, Recorded]) -> None:
    pool, coin = "Ef7wUrbarRXHNMMgBs8cstSkzRttnstjMsniaq7zMp6j", "npB9cxTzwUiGt7jk2dXZa52xZve8SgVD6Et9Bpipump"
    assert facts_of(by_signature[BUY_2025], "pumpswap") == [
        Leg(
            "4",
            PUMPSWAP,
            "pumpswap",
            pool,
            "7tN3U3EHDBhP9ETMhzG3Sd1rovFF6UfpWQ45YHyotMGC",
            NATIVE_MINT,
            1479515651,
            coin,
            5789780068,
            (
                Reserve(coin, 11306664091814, 11300874311746),
                Reserve(NATIVE_MINT, 2887816154031, 2889298628714),
            ),
            (
                FeePart("lp", NATIVE_MINT, 2959032, "on_top", pool),
                FeePart("protocol", NATIVE_MINT, 739758, "on_top", "FWsW1xNtWscwNmKv6wVsU1iTzRN6wmmk3MjxRP5tT7hz"),
                FeePart("creator", NATIVE_MINT, 739758, "on_top", "6AcB6JKbqD24is7tvpfRUU12KLH8tXLFrNUPB584ezRh"),
            ),
        )
    ]


@pytest.mark.parametrize(
    ("signature", "account", "mint"),
    [
        (BUY_2025, "33TNA", NATIVE_MINT),
        (SELL_2025, "Emy6R", NATIVE_MINT),
        (SPENDING_BUY, "GiB7X", NATIVE_MINT),
        (BUYBACK_BUY, "Hm7Ms", NATIVE_MINT),
        (CASHBACK_SELL, "DT2kr", NATIVE_MINT),
        (SOL_AS_BASE, "CGLtf", "2Dg6nRk3m9QfFS7TvLwgkfzTbzfbyErHt2aXym1Z8Gxy"),
    ],
)
def test_amount_and_fees_are_what_the_trader_lost_or_gained(
    signature: str, account: str, mint: str, by_signature: dict[str, Recorded]
) -> None:
    """The trader's account for the quote moved within the call by the leg's amount with the fees on top."""
    found = read(by_signature[signature])
    leg = next(fact for fact in found.reading.facts if isinstance(fact, Leg) and fact.venue == "pumpswap")
    fees_raw = sum(part.amount_raw for part in leg.fees if part.mint == mint and part.side == "on_top")
    expected = leg.bought_raw - fees_raw if leg.bought_mint == mint else -leg.sold_raw - fees_raw
    outer, _, inner = leg.path.partition(".")
    within = [
        move.delta_raw
        for move in found.booked.moves
        if move.account.startswith(account)
        and move.asset == mint
        and move.kind == "transfer"
        and move.path.partition(".")[0] == outer
        and int(inner or -1) < int(move.path.partition(".")[2] or -1) < int(inner or -1) + 7
    ]
    assert sum(within) == expected != 0


def test_one_who_names_what_he_spends_pays_that_with_the_fees(by_signature: dict[str, Recorded]) -> None:
    leg = legs_of(by_signature[SPENDING_BUY], "pumpswap")[0]
    assert leg.sold_raw == 494559841
    assert leg.sold_raw + sum(part.amount_raw for part in leg.fees) == 500_000_000
    assert fee_lines(leg) == [
        "lp 989120 on_top DbKQVH",
        "protocol 247280 on_top FWsW1x",
        "creator 4203759 on_top 7WBx6X",
    ]


def test_the_buyback_is_a_part_of_the_protocols_fee(by_signature: dict[str, Recorded]) -> None:
    leg = legs_of(by_signature[BUYBACK_BUY], "pumpswap")[0]
    assert fee_lines(leg) == [
        "lp 1310 on_top 5ByL7M",
        "protocol 164 on_top 9rPYyA",
        "buyback 164 on_top 5eHhjP",
        "creator 3928 on_top 2DgMm8",
    ]


def test_cashback_is_taken_by_the_sell_and_comes_back_as_a_claim(by_signature: dict[str, Recorded]) -> None:
    leg, claim = facts_of(by_signature[CASHBACK_SELL], "pumpswap")
    assert isinstance(leg, Leg)
    assert fee_lines(leg) == [
        "lp 34907 on_top BmtNSt",
        "protocol 1623156 on_top 62qc2C",
        "cashback 523599 on_top 57hnep",
    ]
    assert claim == Claim("4.8", PUMPSWAP, "pumpswap", "cashback_claim", leg.trader, NATIVE_MINT, 523599)


def test_sol_may_be_the_base(by_signature: dict[str, Recorded]) -> None:
    sold, bought = legs_of(by_signature[SOL_AS_BASE], "pumpswap")
    assert (sold.sold_mint, sold.sold_raw, sold.bought_raw) == (NATIVE_MINT, 14939957472, 4820342589863)
    assert (bought.bought_mint, bought.bought_raw, bought.sold_raw) == (NATIVE_MINT, 14785084951, 4769975079395)
    assert {part.mint for part in (*sold.fees, *bought.fees)} == {sold.bought_mint}


def test_liquidity_is_what_the_event_says(by_signature: dict[str, Recorded]) -> None:
    removed = facts_of(by_signature[WITHDRAWAL], "pumpswap")
    assert removed == [
        Liquidity(
            "3",
            PUMPSWAP,
            "pumpswap",
            "liquidity_remove",
            "3L4qwMchXxXFo25N9WeqtyjDXXREhwrymNfbACmjxqgn",
            "CBmMUBCWvUXZc7WuoTVpb8cqhvC9DxWMato6JijqJ1Ci",
            (("JCHpc7XsjdidfzLqo4eWpSwLAjbmvrBobc5DwmFtAYx", 7999999999991835034), (NATIVE_MINT, 1199999999)),
            "3eKpCkavVYQHYvhrCUzsTRB3jU6H2FuBaQ7K72SSKjLA",
            97979589711227,
        )
    ]
    added = facts_of(by_signature[DEPOSIT], "pumpswap")[0]
    assert isinstance(added, Liquidity)
    assert (added.kind, added.amounts, added.share_raw) == (
        "liquidity_add",
        (("cbbtcf3aa214zXHbiAZQwf4122FBYbraNdFqgw4iMij", 882), (NATIVE_MINT, 5481804)),
        69508,
    )
    booked = read(by_signature[DEPOSIT]).booked
    moved = {
        move.asset: move.delta_raw for move in booked.moves if move.owner == added.wallet and move.path[:2] == "6."
    }
    assert {mint: -moved[mint] for mint, _ in added.amounts} == dict(added.amounts)


def test_a_migration_makes_a_pool_and_fills_it(by_signature: dict[str, Recorded]) -> None:
    made, filled, _ = facts_of(by_signature[MIGRATION], "pumpswap")
    assert isinstance(made, TokenEvent)
    assert isinstance(filled, Liquidity)
    assert (made.kind, made.path, made.quote_mint, made.wallet[:6]) == ("pool_created", "0.22", NATIVE_MINT, "DvKykS")
    assert filled.amounts == ((made.mint, 206900000000001), (NATIVE_MINT, 84990359420))
    assert (filled.pool, filled.share_raw) == (made.pool, 4193388291484)


def test_events_of_other_captures_are_read_to_their_end(fixtures_dir: Path) -> None:
    """One event of the longest recorded version, and two that a stream delivered in another shape."""
    part = json.loads(next((fixtures_dir / "pumpswap_parts").glob("pump_swap_event__EnQwPsrn*")).read_text())
    found = PROGRAM.logged_event_of(base64.b64decode(part["data_base64"]))
    assert found is not None
    layout, record = found
    assert layout.name == "BuyEvent"
    assert (record["ix_name"], record["buyback_fee"], record["virtual_quote_reserves"]) == ("buy", 50, 17584505288)
    assert (record["can_boost"], record["base_supply"]) == (True, 999946434747935)
    assert "holder_rewards" not in record
    fees_raw = record["lp_fee"] + record["protocol_fee"] + record["coin_creator_fee"]
    assert record["quote_amount_in"] + fees_raw == record["user_quote_amount_in"]
    streamed = [
        found
        for path in sorted((fixtures_dir / "geyser_tx_json").glob("*.json"))
        for group in json.loads(path.read_text())["transaction"].get("meta", {}).get("innerInstructions", [])
        for one in group["instructions"]
        if isinstance(one["data"], list) and (found := PROGRAM.event_of(bytes(one["data"]))) is not None
    ]
    assert [(layout.name, record["coin_creator_fee"]) for layout, record in streamed] == [
        ("BuyEvent", 6604852),
        ("SellEvent", 98278),
    ]


# --- hand-built, for what is not recorded ---

EVENT = (
    "i64:0 u64:{base} u64:0 u64:0 u64:0 u64:90000 u64:70000 u64:{quote} u64:20 u64:{lp} u64:5 u64:{protocol} u64:{with_lp}"
    " u64:0 pubkey:{pool} pubkey:alice pubkey:coins pubkey:money pubkey:none pubkey:none pubkey:maker u64:5 u64:{creator}"
)
BUY_TAIL = " bool:0 u64:0 u64:0 u64:0 i64:0 u64:0 string:buy_v2"
TAIL = " u64:0 u64:0 u64:5000 u64:{buyback}"


@pytest.fixture(autouse=True)
def _pumpswap_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hand_ledger.PROGRAMS, "amm", PUMPSWAP)


def amm(name: str, accounts: str, arguments: str, calls: list[Call]) -> Call:
    return Call("amm", accounts, anchor_instruction(name) + packed(arguments), calls=calls)


def bought(pool: str, base: int, quote: int, *, lp: int = 0, protocol: int = 0, creator: int = 0) -> Call:
    numbers = {"base": base, "quote": quote, "lp": lp, "protocol": protocol, "creator": creator, "with_lp": quote + lp}
    values = (EVENT + BUY_TAIL + TAIL).format(pool=pool, buyback=protocol // 2, **numbers)
    return Call("amm", "authority", event_call("BuyEvent", values))


def test_a_buy_v2_leaves_protocol_and_creator_fee_in_the_vault() -> None:
    accounts = (
        "pool alice config coin wsol coins money basevault quotevault token token system saved fees burner authority"
        " amm"
    )
    moved = [
        send("basevault", "coins", 500),
        send("money", "quotevault", 10_000 + 20 + 3 + 5),
        send("money", "burner", 2),
        bought("pool", 500, 10_000, lp=20, protocol=5, creator=5),
    ]
    rent = 2_039_280
    before = f"""
        alice      50000
        coins      {rent} coin 0 alice
        money      {rent + 20_000} wsol 20000 alice
        basevault  {rent} coin 90000 pool
        quotevault {rent + 70_000} wsol 70000 pool
        burner     {rent} wsol 0 pdaburn
    """
    after = f"""
        alice      45000
        coins      {rent} coin 500 alice
        money      {rent + 9_970} wsol 9970 alice
        basevault  {rent} coin 89500 pool
        quotevault {rent + 80_028} wsol 80028 pool
        burner     {rent + 2} wsol 2 pdaburn
    """
    booked, facts = run(before, [amm("buy_v2", accounts, "u64:500 u64:20000", moved)], after)
    assert not booked.has_residual
    leg = facts[0]
    assert isinstance(leg, Leg)
    assert (leg.trader, leg.sold_raw, leg.bought_raw) == (address("alice"), 10_000, 500)
    pool = address("pool")
    assert [(part.kind, part.amount_raw, part.recipient) for part in leg.fees] == [
        ("lp", 20, pool),
        ("protocol", 3, pool),
        ("buyback", 2, address("burner")),
        ("creator", 5, pool),
    ]
    assert leg.sold_raw + sum(part.amount_raw for part in leg.fees) == 20_000 - 9_970


ROUTE = "alice moneyq coinsb config fees saved burner token token22 system authority amm pump global fees2 authority2"
HOPS = " coina wsol poola vaulta1 vaulta2 coinb coina poolb vaultb1 vaultb2"


def test_a_route_has_a_leg_for_each_pool_with_the_pools_own_mints() -> None:
    hops = [bought("poola", 700, 10_000, protocol=10), bought("poolb", 33, 700, lp=2, creator=4)]
    route = amm("multi_hop_swap", ROUTE + HOPS, "u64:10010 u64:30", hops)
    _, facts = run("alice 50000", [route], "alice 45000")
    legs = [fact for fact in facts if isinstance(fact, Leg)]
    assert [(leg.pool, leg.sold_mint, leg.sold_raw, leg.bought_mint, leg.bought_raw) for leg in legs] == [
        (address("poola"), NATIVE_MINT, 10_000, address("coina"), 700),
        (address("poolb"), address("coina"), 700, address("coinb"), 33),
    ]
    assert [[part.kind for part in leg.fees] for leg in legs] == [["protocol", "buyback"], ["lp", "creator"]]


def test_a_route_that_tells_of_a_pool_it_does_not_name_is_unread() -> None:
    route = amm("multi_hop_swap", ROUTE + HOPS, "u64:10010 u64:30", [bought("elsewhere", 700, 10_000)])
    reading = read(hand_ledger.body("alice 50000", [route], "alice 45000")).reading
    assert (reading.facts, reading.unread) == ([], ["0"])


def test_creator_fees_are_claimed_by_the_creator_whoever_signs() -> None:
    accounts = "wsol token maker pdavault kept makers authority amm"
    before = "alice 50000\nkept 2039980 wsol 700 pdavault\nmakers 2039280 wsol 0 maker"
    after = "alice 45000\nkept 2039280 wsol 0 pdavault\nmakers 2039980 wsol 700 maker"
    _, facts = run(before, [amm("collect_coin_creator_fee", accounts, "", [send("kept", "makers", 700)])], after)
    assert facts == [Claim("0", PUMPSWAP, "pumpswap", "creator_fee_claim", address("maker"), NATIVE_MINT, 700)]

"""Raydium CLMM: recorded swaps, layouts as others wrote them down, and by hand routes, positions and limit orders."""

import json
import re
from pathlib import Path

import pytest
from hand_ledger import address
from layout_checks import check_against_idl, check_against_labels, labelled_instructions, layout_named
from ledger_calls import craft, seated
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.venues.raydium_clmm import PROGRAM

PROGRAM_ID = PROGRAM.program_ids[0]
VENUE = "raydium_clmm"
STOCK_MINT = "XsueG8BtpquVJX9LVLLEGuViXUungE6WmK5YZ3p3bd1"
COIN_MINT = "5TfqNKZbn9AnNtzq8bbkyhKgcPGTfNDc9wNzFrTBpump"

EXPECTED: dict[str, list[Fact]] = {
    # swap, twice in a route
    "5XYf7V6rNjRuStgG1ELmug5K5ErGWtfZBa4msAdqw1PeYWAYEg6qcJyFqoHJ5uNmNp3B6YdnQgdyQrpg2XZUDE3q": [
        Leg(
            "4.3",
            PROGRAM_ID,
            VENUE,
            "3nMFwZXwY1s1M5s8vYAHqd4wGs4iSxXE4LRoUMMYqEgF",
            "AS25zph72ZmhtLAz2LjEF9qT8vv5x29GJsXVj1DBNKrw",
            USDT_MINT,
            27859855,
            NATIVE_MINT,
            179601400,
            (Reserve(USDT_MINT, 141209556167, 141237416022), Reserve(NATIVE_MINT, 4513383643562, 4513204042162)),
        ),
        Leg(
            "4.6",
            PROGRAM_ID,
            VENUE,
            "BdYa48bZuSCzdPkkGRyNHCeMQ61e4JAfG5i8k5jWZQ3P",
            "AS25zph72ZmhtLAz2LjEF9qT8vv5x29GJsXVj1DBNKrw",
            NATIVE_MINT,
            179601400,
            COIN_MINT,
            10000000000,
            (Reserve(NATIVE_MINT, 7167917881, 7347519281), Reserve(COIN_MINT, 968341349525, 958341349525)),
        ),
    ],
    # swap_v2, into a Token-2022 mint
    "2QKwmn6Bsev4Z8kDYc9XwCZLje17PmW1Ar91nBmpA5VXFC7WYMZnrCmnqvhVNV9r6xBFtzsRV6dnMwxnF3oCatfi": [
        Leg(
            "1.0",
            PROGRAM_ID,
            VENUE,
            "8sLbNZoA1cfnvMJLPfp98ZLAnFSYCFApfJKMbiXNLwxj",
            "31k2metxvXzW3rrmhe6xvrmGfY4s4fFVaaWf7qCzup15",
            NATIVE_MINT,
            360000000,
            USDC_MINT,
            30098851,
            (Reserve(NATIVE_MINT, 5712855564474, 5713215564474), Reserve(USDC_MINT, 42817684760, 42787585909)),
        ),
        Leg(
            "1.3",
            PROGRAM_ID,
            VENUE,
            "GYqHjuDzTiw7i52Xv1qohDE6eJr6eSZpsrBVikGZyaFV",
            "31k2metxvXzW3rrmhe6xvrmGfY4s4fFVaaWf7qCzup15",
            USDC_MINT,
            30098851,
            STOCK_MINT,
            32539102,
            (Reserve(USDC_MINT, 582182335258, 582212434109), Reserve(STOCK_MINT, 1885748565081, 1885716025979)),
        ),
    ],
}


@pytest.mark.parametrize("signature", EXPECTED, ids=lambda signature: signature[:8])
def test_recorded_swaps_say_what_moved(signature: str, by_signature: dict[str, Recorded]) -> None:
    assert facts_of(by_signature[signature], PROGRAM.name) == EXPECTED[signature]


# --- layouts ---

# The IDL's camel case has no mark before a number: tokenVault0.
ALIASES = {seat: {re.sub(r"_(?=\d)", "", seat)} for layout in PROGRAM.instructions for seat in layout.seats}


def test_layouts_are_those_of_the_idl(fixtures_dir: Path, tmp_path: Path) -> None:
    idl = json.loads((fixtures_dir / "idl" / "raydium_clmm.json").read_bytes())
    swap_event = next(one for one in idl["events"] if one["name"] == "SwapEvent")
    # What the release of 2026 tells behind the fields of the older IDL.
    swap_event["fields"] += [{"name": "tradeFee0", "type": "u64"}, {"name": "tradeFee1", "type": "u64"}]
    path = tmp_path / "idl.json"
    path.write_text(json.dumps(idl))
    check_against_idl(PROGRAM, path, ALIASES)


def test_recorded_labels_are_the_names_of_the_accounts(fixtures_dir: Path) -> None:
    recorded = labelled_instructions(fixtures_dir, "raydium-clmm-decoder")
    named = sum(check_against_labels(PROGRAM, one, ALIASES) for one in recorded)
    assert len(recorded) == 14
    assert named == 93


# --- hand-built ---

SWAP_TOKENS = """
    input_token_account  coin alice 1000
    output_token_account usd  alice 0
    input_vault          coin pdapool 70000
    output_vault         usd  pdapool 90000
"""
SWAP_EVENT = (
    "pubkey:{pool} pubkey:alice pubkey:x pubkey:y u64:100 u64:0 u64:90 u64:0 bool:{forward} u128:1 u128:1 i32:0 u64:{fee_0}"
    " u64:{fee_1}"
)


@pytest.mark.parametrize(
    ("forward", "fee_mint"), [(1, "coin"), (0, "usd")], ids=["token 0 is sold", "token 0 is bought"]
)
def test_the_fee_of_a_swap_is_of_the_token_its_event_says(forward: int, fee_mint: str) -> None:
    told = SWAP_EVENT.format(pool="pool_state", forward=forward, fee_0=7, fee_1=0)
    did = craft(
        PROGRAM,
        "swap_v2",
        SWAP_TOKENS,
        "input_token_account → input_vault 100\noutput_vault → output_token_account 90",
        args="u64:100 u64:0 u128:0 bool:1",
        logged=[("SwapEvent", told)],
    )
    assert isinstance(did.facts[0], Leg)
    assert did.facts[0].fees == (FeePart("lp", address(fee_mint), 7, INSIDE),)


ROUTE_TOKENS = """
    input_token_account coin alice 1000
    middle usd    alice 5
    end    silver alice 0
    in1  coin   pdaone 70000
    out1 usd    pdaone 90000
    in2  usd    pdatwo 60000
    out2 silver pdatwo 80000
"""
ROUTE = [*seated(layout_named(PROGRAM, "swap_router_base_in"), 6), "config1", "pool1", "middle", "in1", "out1", "usd"]
ROUTE += [
    "watch1",
    "ticks1",
    "ticks2",
    "ticks3",
    "config2",
    "pool2",
    "end",
    "in2",
    "out2",
    "silver",
    "watch2",
    "ticks4",
]
ROUTE_TRANSFERS = "input_token_account → in1 100\nout1 → middle 90\nmiddle → in2 90\nout2 → end 80 fee 2"


def test_each_hop_of_a_route_is_a_leg_with_a_path_of_its_own() -> None:
    first = SWAP_EVENT.format(pool="pool1", forward=1, fee_0=3, fee_1=0)
    second = SWAP_EVENT.format(pool="pool2", forward=0, fee_0=0, fee_1=4)
    did = craft(
        PROGRAM,
        "swap_router_base_in",
        ROUTE_TOKENS,
        ROUTE_TRANSFERS,
        args="u64:100 u64:0",
        accounts=ROUTE,
        logged=[("SwapEvent", first), ("SwapEvent", second)],
    )
    alice, coin, usd, silver = (address(name) for name in ("alice", "coin", "usd", "silver"))
    assert did.facts == [
        Leg(
            "0",
            PROGRAM_ID,
            VENUE,
            address("pool1"),
            alice,
            coin,
            100,
            usd,
            90,
            (Reserve(coin, 70000, 70100), Reserve(usd, 90000, 89910)),
            (FeePart("lp", coin, 3, INSIDE),),
        ),
        Leg(
            "0.2",
            PROGRAM_ID,
            VENUE,
            address("pool2"),
            alice,
            usd,
            90,
            silver,
            78,
            (Reserve(usd, 60000, 60090), Reserve(silver, 80000, 79920)),
            (FeePart("lp", usd, 4, INSIDE), FeePart("transfer", silver, 2, INSIDE)),
        ),
    ]


def test_a_route_that_moved_nothing_is_unread() -> None:
    did = craft(
        PROGRAM,
        "swap_router_base_in",
        ROUTE_TOKENS,
        "input_token_account → input_token_account 0",
        args="u64:1 u64:0",
        accounts=ROUTE,
    )
    assert did.reading.unread == ["0"]


POSITION_TOKENS = """
    recipient_token_account_0 coin alice 0
    recipient_token_account_1 usd  alice 0
    bonus         silver alice 0
    token_vault_0 coin pdapool 70000
    token_vault_1 usd  pdapool 90000
    reward_coin   coin pdapool 500
    reward_silver silver pdapool 500
"""
WITHDRAWN = """
    token_vault_0 → recipient_token_account_0 110
    token_vault_1 → recipient_token_account_1 205
    reward_coin → recipient_token_account_0 9
    reward_silver → bonus 8
"""
DECREASED = "pubkey:nft u128:5 u64:100 u64:200 u64:10 u64:5 u64:9 u64:8 u64:0 u64:0 u64:0"


def _claim(kind: str, mint: str, amount_raw: int) -> Claim:
    return Claim("0", PROGRAM_ID, VENUE, kind, address("alice"), address(mint), amount_raw, address("pool_state"))


def _removed(*amounts: tuple[str, int]) -> Liquidity:
    raw = tuple((address(mint), amount) for mint, amount in amounts)
    return Liquidity("0", PROGRAM_ID, VENUE, "liquidity_remove", address("pool_state"), address("alice"), raw)


@pytest.mark.parametrize("name", ["decrease_liquidity", "decrease_liquidity_v2"])
def test_a_withdrawal_parts_liquidity_fees_and_rewards(name: str) -> None:
    """One reward is of a pool's own token and goes to the same account as the liquidity."""
    rewards = ["reward_coin", "recipient_token_account_0", "reward_silver", "bonus"]
    if name.endswith("v2"):
        rewards = ["bitmap", *rewards[:2], "coin", *rewards[2:], "silver"]
    did = craft(
        PROGRAM,
        name,
        POSITION_TOKENS,
        WITHDRAWN,
        args="u128:5 u64:0 u64:0",
        accounts=[*seated(layout_named(PROGRAM, name)), *rewards],
        logged=[("DecreaseLiquidityEvent", DECREASED)],
    )
    assert did.facts == [
        _removed(("coin", 100), ("usd", 200)),
        _claim("lp_fee_claim", "coin", 10),
        _claim("lp_fee_claim", "usd", 5),
        _claim("reward_claim", "coin", 9),
        _claim("reward_claim", "silver", 8),
    ]


def test_what_a_token_withholds_from_a_withdrawal_is_nobodys_fee() -> None:
    """205 leave the vault and 201 arrive; of the liquidity alone, 200, the token would have kept 3."""
    did = craft(
        PROGRAM,
        "decrease_liquidity_v2",
        POSITION_TOKENS,
        "token_vault_1 → recipient_token_account_1 205 fee 4",
        args="u128:5 u64:0 u64:0",
        logged=[("DecreaseLiquidityEvent", DECREASED.removesuffix("u64:0") + "u64:3")],
    )
    assert did.facts == [_removed(("usd", 197)), _claim("lp_fee_claim", "usd", 4)]


def test_without_a_log_a_withdrawal_of_no_liquidity_is_fees() -> None:
    transfers = "token_vault_0 → recipient_token_account_0 11"
    collected = craft(PROGRAM, "decrease_liquidity", POSITION_TOKENS, transfers, args="u128:0 u64:0 u64:0")
    withdrawn = craft(PROGRAM, "decrease_liquidity", POSITION_TOKENS, transfers, args="u128:1 u64:0 u64:0")
    assert collected.facts == [_claim("lp_fee_claim", "coin", 11)]
    assert withdrawn.facts == [_removed(("coin", 11))]


@pytest.mark.parametrize(
    "name",
    [
        "open_position",
        "open_position_v2",
        "open_position_with_token22_nft",
        "increase_liquidity",
        "increase_liquidity_v2",
    ],
)
def test_liquidity_comes_from_the_owner_of_the_accounts(name: str) -> None:
    tokens = """
        token_account_0 coin alice 1000
        token_account_1 usd  alice 1000
        token_vault_0   coin pdapool 1
        token_vault_1   usd  pdapool 1
    """
    did = craft(PROGRAM, name, tokens, "token_account_0 → token_vault_0 30\ntoken_account_1 → token_vault_1 40")
    amounts = ((address("coin"), 30), (address("usd"), 40))
    expected = Liquidity("0", PROGRAM_ID, VENUE, "liquidity_add", address("pool_state"), address("alice"), amounts)
    assert did.facts == [expected]


ORDER_TOKENS = """
    input_token_account  coin alice 1000
    output_token_account usd  alice 0
    input_vault          coin pdapool 70000
    output_vault         usd  pdapool 90000
"""


def test_a_limit_order_is_liquidity_until_it_is_settled() -> None:
    opened = craft(PROGRAM, "open_limit_order", ORDER_TOKENS, "input_token_account → input_vault 100")
    settled = craft(PROGRAM, "settle_limit_order", ORDER_TOKENS, "output_vault → output_token_account 40")
    cut = craft(
        PROGRAM,
        "decrease_limit_order",
        ORDER_TOKENS,
        "output_vault → output_token_account 40\ninput_vault → input_token_account 60",
    )
    assert opened.facts == [
        Liquidity(
            "0",
            PROGRAM_ID,
            VENUE,
            "liquidity_add",
            address("pool_state"),
            address("alice"),
            ((address("coin"), 100),),
        )
    ]
    assert settled.facts == [_removed(("usd", 40))]
    assert cut.facts == [_removed(("coin", 60), ("usd", 40))]


@pytest.mark.parametrize(
    ("name", "closed", "receiver"),
    [
        ("close_position", "personal_position", "nft_owner"),
        ("close_limit_order", "limit_order", "rent_receiver"),
        ("close_permission_pda", "permission", "owner"),
    ],
)
def test_the_rent_of_a_closed_account_goes_to_its_receiver(name: str, closed: str, receiver: str) -> None:
    did = craft(
        PROGRAM,
        name,
        "some coin alice 1\nother coin alice 1",
        "some → other 1",
        lamports=f"{closed} 3000\n{receiver} 10",
        lamports_after=f"{closed} 0\n{receiver} 3010",
    )
    assert not did.booked.has_residual
    assert did.facts == []


def test_a_pool_is_made_of_a_coin_and_its_money() -> None:
    accounts = seated(layout_named(PROGRAM, "create_pool"))
    accounts = ["wsol" if name == "token_mint_0" else name for name in accounts]
    tokens = "some coin alice 1\nother coin alice 1"
    did = craft(PROGRAM, "create_pool", tokens, "some → other 1", accounts=accounts)
    assert did.facts == [
        TokenEvent(
            "0",
            PROGRAM_ID,
            VENUE,
            "pool_created",
            address("token_mint_1"),
            address("pool_creator"),
            pool=address("pool_state"),
            quote_mint=NATIVE_MINT,
        )
    ]

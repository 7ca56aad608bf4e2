"""Orca Whirlpools: recorded swaps with their fees, layouts as others wrote them down, and by hand two hops and positions."""

from pathlib import Path

import pytest
from crafted_calls import u64
from hand_ledger import address
from layout_checks import check_against_idl, check_against_labels, labelled_instructions, layout_named
from ledger_calls import craft, seated
from recorded_bodies import Recorded
from venue_calls import crafted_reading
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.program import anchor_instruction
from oof_pipelines.decode.venues.orca_whirlpool import PROGRAM

PROGRAM_ID = PROGRAM.program_ids[0]
VENUE = "orca_whirlpool"
KMNO_MINT = "KMNo3nJsBXfcpJTVhZcXLW7RmTwTt4GVFE7suUBo9sS"
SEEKER_MINT = "SKRbvo6Gf7GondiT3BbTfuRDPqLWei4j2Qy2NPGZhW3"

EXPECTED = {
    # swap
    "5yFvtkWX3G9ANAvXgc9jtd7EgTE6x36XhC81ochM9CFTneBYooP8fSPVN3eyYQFp7361xdGGey8MQ7QfiDGcqBci": Leg(
        "2.0",
        PROGRAM_ID,
        VENUE,
        "3ndjN1nJVUKGrJBc1hhVpER6kWTZKHdyDrPyCJyX3CXK",
        "AV6VwqhnPSPJQU9i4xfHNscNkkm5GYSP4TajCKS4LAhh",
        KMNO_MINT,
        1984309890,
        USDC_MINT,
        171477013,
        (Reserve(KMNO_MINT, 24171812929552, 24173797239442), Reserve(USDC_MINT, 1504318122156, 1504146645143)),
        (FeePart("lp", KMNO_MINT, 172635, INSIDE), FeePart("protocol", KMNO_MINT, 25796, INSIDE)),
    ),
    # swap_v2
    "44pxrtZzwAMMdLyKgSASFzAXrmRSPALAQ9zmmxUUrfpb5KrhbMhn9EYh5Befoe2JNezEatQnHfc2R8U4sgGEJFio": Leg(
        "2.8",
        PROGRAM_ID,
        VENUE,
        "VY1ZQXjqBwvuWgVfTfhqanJe96GGoQrX7xZZDrWPGiT",
        "D5YqVMoSxnqeZAKAUUE1Dm3bmjtdxQ5DCF356ozqN9cM",
        SEEKER_MINT,
        1581250937,
        USDC_MINT,
        25069459,
        (Reserve(SEEKER_MINT, 17374556138556, 17376137389493), Reserve(USDC_MINT, 241354924273, 241329854814)),
        (FeePart("lp", SEEKER_MINT, 4691098, INSIDE), FeePart("protocol", SEEKER_MINT, 700968, INSIDE)),
    ),
}


@pytest.mark.parametrize("signature", EXPECTED, ids=lambda signature: signature[:8])
def test_recorded_swaps_say_what_moved_and_what_it_cost(signature: str, by_signature: dict[str, Recorded]) -> None:
    assert facts_of(by_signature[signature], PROGRAM.name) == [EXPECTED[signature]]


# --- layouts ---


def test_layouts_are_those_of_the_idl(fixtures_dir: Path) -> None:
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "orca_whirlpool.json", {})


def test_recorded_labels_are_the_names_of_the_accounts(fixtures_dir: Path) -> None:
    recorded = labelled_instructions(fixtures_dir, "orca-whirlpool-decoder")
    named = sum(check_against_labels(PROGRAM, one, {}) for one in recorded)
    assert len(recorded) == 23
    assert named == 109


# --- hand-built ---

SWAP_TOKENS = """
    token_owner_account_a coin alice 1000
    token_owner_account_b usd  alice 1000
    token_vault_a         coin pdapool 70000
    token_vault_b         usd  pdapool 90000
"""


def test_a_swap_from_b_to_a_is_read_in_that_direction() -> None:
    did = craft(
        PROGRAM,
        "swap",
        SWAP_TOKENS,
        "token_owner_account_b → token_vault_b 100\ntoken_vault_a → token_owner_account_a 90",
        args="u64:100 u64:0 u128:0 bool:1 bool:0",
    )
    coin, usd = address("coin"), address("usd")
    reserves = (Reserve(usd, 90000, 90100), Reserve(coin, 70000, 69910))
    assert did.facts == [
        Leg("0", PROGRAM_ID, VENUE, address("whirlpool"), address("alice"), usd, 100, coin, 90, reserves)
    ]


def _traded(pool: str, lp_fee: int, protocol_fee: int) -> tuple[str, str]:
    words = f"pubkey:{pool} bool:1 u128:1 u128:1 u64:100 u64:90 u64:0 u64:0 u64:{lp_fee} u64:{protocol_fee}"
    return "Traded", words


def _hops(paths: tuple[str, str], middle_withheld_raw: int = 0) -> list[Leg]:
    """Two legs of 100 coin into 90 of the middle token (less what it withholds) into 80 silver."""
    alice, coin, usd, silver = (address(name) for name in ("alice", "coin", "usd", "silver"))
    middle_raw = 90 - middle_withheld_raw
    withheld = (FeePart("transfer", usd, middle_withheld_raw, INSIDE),) if middle_withheld_raw else ()
    first = (FeePart("lp", coin, 5, INSIDE), FeePart("protocol", coin, 1, INSIDE), *withheld)
    second = (FeePart("lp", usd, 7, INSIDE),)
    return [
        Leg(
            paths[0],
            PROGRAM_ID,
            VENUE,
            address("whirlpool_one"),
            alice,
            coin,
            100,
            usd,
            middle_raw,
            (Reserve(coin, 70000, 70100), Reserve(usd, 90000, 89910)),
            first,
        ),
        Leg(
            paths[1],
            PROGRAM_ID,
            VENUE,
            address("whirlpool_two"),
            alice,
            usd,
            middle_raw,
            silver,
            80,
            (Reserve(usd, 60000, 60000 + middle_raw), Reserve(silver, 80000, 79920)),
            second,
        ),
    ]


def test_two_hops_pass_through_the_traders_account() -> None:
    """The second pool takes its b: the accounts of the middle token are the same address in both pools."""
    accounts = seated(layout_named(PROGRAM, "two_hop_swap"))
    accounts[accounts.index("token_owner_account_two_b")] = "token_owner_account_one_b"
    did = craft(
        PROGRAM,
        "two_hop_swap",
        """
        token_owner_account_one_a coin   alice 1000
        token_owner_account_one_b usd    alice 0
        token_owner_account_two_a silver alice 0
        token_vault_one_a coin   pdaone 70000
        token_vault_one_b usd    pdaone 90000
        token_vault_two_b usd    pdatwo 60000
        token_vault_two_a silver pdatwo 80000
        """,
        """
        token_owner_account_one_a → token_vault_one_a 100
        token_vault_one_b → token_owner_account_one_b 90
        token_owner_account_one_b → token_vault_two_b 90
        token_vault_two_a → token_owner_account_two_a 80
        """,
        args="u64:100 u64:0 bool:1 bool:1 bool:0 u128:0 u128:0",
        accounts=accounts,
        logged=[_traded("whirlpool_one", 5, 1), _traded("whirlpool_two", 7, 0)],
    )
    assert did.facts == _hops(("0", "0.2"))


@pytest.mark.parametrize("withheld_raw", [0, 2])
def test_two_hops_pass_from_vault_to_vault(withheld_raw: int) -> None:
    did = craft(
        PROGRAM,
        "two_hop_swap_v2",
        """
        token_owner_account_input    coin   alice 1000
        token_owner_account_output   silver alice 0
        token_vault_one_input        coin   pdaone 70000
        token_vault_one_intermediate usd    pdaone 90000
        token_vault_two_intermediate usd    pdatwo 60000
        token_vault_two_output       silver pdatwo 80000
        """,
        f"""
        token_owner_account_input → token_vault_one_input 100
        token_vault_one_intermediate → token_vault_two_intermediate 90 {f"fee {withheld_raw}" if withheld_raw else ""}
        token_vault_two_output → token_owner_account_output 80
        """,
        args="u64:100 u64:0 bool:1 bool:1 bool:1 u128:0 u128:0",
        logged=[_traded("whirlpool_one", 5, 1), _traded("whirlpool_two", 7, 0)],
    )
    assert did.facts == _hops(("0", "0.1"), withheld_raw)


def _liquidity(kind: str, *amounts: tuple[str, int]) -> Liquidity:
    raw = tuple((address(mint), amount) for mint, amount in amounts)
    return Liquidity("0", PROGRAM_ID, VENUE, kind, address("whirlpool"), address("alice"), raw)


INTO_POOL = "token_owner_account_a → token_vault_a 30\ntoken_owner_account_b → token_vault_b 40"
OUT_OF_POOL = "token_vault_a → token_owner_account_a 30\ntoken_vault_b → token_owner_account_b 40"


@pytest.mark.parametrize(
    "name", ["increase_liquidity", "increase_liquidity_v2", "increase_liquidity_by_token_amounts_v2"]
)
def test_liquidity_is_added(name: str) -> None:
    did = craft(PROGRAM, name, SWAP_TOKENS, INTO_POOL)
    assert did.facts == [_liquidity("liquidity_add", ("coin", 30), ("usd", 40))]


@pytest.mark.parametrize("name", ["decrease_liquidity", "decrease_liquidity_v2"])
def test_liquidity_is_taken_out(name: str) -> None:
    did = craft(PROGRAM, name, SWAP_TOKENS, OUT_OF_POOL)
    assert did.facts == [_liquidity("liquidity_remove", ("coin", 30), ("usd", 40))]


def test_a_position_that_moves_pays_in_what_it_lacks_and_gets_what_is_over() -> None:
    transfers = "token_vault_a → token_owner_account_a 30\ntoken_owner_account_b → token_vault_b 40"
    did = craft(PROGRAM, "reposition_liquidity_v2", SWAP_TOKENS, transfers)
    assert did.facts == [_liquidity("liquidity_remove", ("coin", 30)), _liquidity("liquidity_add", ("usd", 40))]


def _claim(kind: str, mint: str, amount_raw: int) -> Claim:
    return Claim("0", PROGRAM_ID, VENUE, kind, address("alice"), address(mint), amount_raw, address("whirlpool"))


@pytest.mark.parametrize("name", ["collect_fees", "collect_fees_v2"])
def test_fees_are_claimed_for_whom_they_reach(name: str) -> None:
    did = craft(PROGRAM, name, SWAP_TOKENS, OUT_OF_POOL)
    assert did.facts == [_claim("lp_fee_claim", "coin", 30), _claim("lp_fee_claim", "usd", 40)]


@pytest.mark.parametrize("name", ["collect_reward", "collect_reward_v2"])
def test_a_reward_is_claimed(name: str) -> None:
    tokens = "reward_owner_account coin alice 0\nreward_vault coin pdapool 90"
    did = craft(PROGRAM, name, tokens, "reward_vault → reward_owner_account 9", args="u8:0")
    assert did.facts == [_claim("reward_claim", "coin", 9)]


@pytest.mark.parametrize("name", ["collect_protocol_fees", "collect_protocol_fees_v2"])
def test_the_protocol_claims_its_fees(name: str) -> None:
    tokens = """
        token_destination_a coin alice 0
        token_destination_b usd  alice 0
        token_vault_a       coin pdapool 70
        token_vault_b       usd  pdapool 80
    """
    did = craft(PROGRAM, name, tokens, "token_vault_b → token_destination_b 4")
    assert did.facts == [_claim("protocol_fee_claim", "usd", 4)]


@pytest.mark.parametrize(
    ("name", "closed"),
    [
        ("close_position", "position"),
        ("close_position_with_token_extensions", "position"),
        ("close_bundled_position", "bundled_position"),
        ("delete_position_bundle", "position_bundle"),
    ],
)
def test_the_rent_of_a_closed_position_goes_to_its_receiver(name: str, closed: str) -> None:
    did = craft(
        PROGRAM,
        name,
        "some coin alice 1\nother coin alice 1",
        "some → other 1",
        lamports=f"{closed} 3000\nreceiver 10",
        lamports_after=f"{closed} 0\nreceiver 3010",
    )
    assert not did.booked.has_residual
    assert did.facts == []


@pytest.mark.parametrize("name", ["initialize_pool", "initialize_pool_v2", "initialize_pool_with_adaptive_fee"])
def test_a_pool_is_made_of_a_coin_and_its_money(name: str) -> None:
    accounts = ["wsol" if seat == "token_mint_a" else seat for seat in seated(layout_named(PROGRAM, name))]
    did = craft(PROGRAM, name, "some coin alice 1\nother coin alice 1", "some → other 1", accounts=accounts)
    coin, wallet, pool = (address(seat) for seat in ("token_mint_b", "funder", "whirlpool"))
    made = TokenEvent("0", PROGRAM_ID, VENUE, "pool_created", coin, wallet, pool=pool, quote_mint=NATIVE_MINT)
    assert did.facts == [made]


def test_what_an_early_admin_did_is_known_and_gives_nothing() -> None:
    reading = crafted_reading(
        PROGRAM.program_ids[0],
        "whirlpools_config whirlpool authority",
        anchor_instruction("admin_increase_liquidity") + u64(1, 0),
        users={"account": "mint"},
        vaults={},
        calls=[],
    )
    assert (reading.facts, reading.unknown, reading.unread) == ([], [], [])

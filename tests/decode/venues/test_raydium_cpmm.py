"""Raydium CPMM: recorded swaps with every kind of fee and a withdrawal, and by hand new pools and collected fees."""

from pathlib import Path

import pytest
from geyser_recordings import read_geyser
from hand_ledger import address
from layout_checks import check_against_idl, layout_named
from ledger_calls import craft, seated
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.venues.raydium_cpmm import PROGRAM

PROGRAM_ID = PROGRAM.program_ids[0]
VENUE = "raydium_cpmm"
COIN_MINT, USD1_MINT = "C6AXzbdc3cUgfVFrkgQjKisZokM3bh4T3gmgkv1NCtLh", "USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB"
PLAIN_MINT, TAXED_MINT = "3C3pXiWCKr3BFEKHkWzuHWmcbYWAoGLE26BTmFHtTBj4", "J5tzd1ww1V1qrgDUQHVCGqpmpbnEnjzGs9LAqJxwkNde"
BONK_MINT = "68GdL4q2fNAu7acwrHRjCQwtfvPxXQEFkBihzbKfbonk"

WITH_EVENT = "4RoVbE9HB9GSQN1wyBRW7TJCq4ovvWyMfegQAM1Lvd3UgYWGGgJcW3GYruAi7j1poKboPCS2bK71J4iM5EUwxD6R"

EXPECTED: dict[str, Fact] = {
    # the creator's fee is taken from what comes out
    "5si5yrFvL1UfcvVoqqC2ShtqZ7b9hopYS6QPgDxJ23Npmw9nu9qJfHpexz6kBpmt1vAgyWVueRsNLQG5L8QrWG8a": Leg(
        "3.0",
        PROGRAM_ID,
        VENUE,
        "FM3xQtvTYZVMxXbUzyTQiUvjmrQM5bgz6gmDJiSzDKaA",
        "FaKcMB8rebNiAa1FUZYhRgWV9LTcTcQSvGToQNgHGP8M",
        COIN_MINT,
        3003373720923,
        USD1_MINT,
        9187430,
        (Reserve(COIN_MINT, 647111554028218, 650114927749141), Reserve(USD1_MINT, 2004948060, 1995760630)),
        (FeePart("lp", COIN_MINT, 150168687, INSIDE), FeePart("creator", USD1_MINT, 69427, INSIDE)),
    ),
    # the token bought withholds a fee of its own; no log was kept
    "GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ": Leg(
        "4.16",
        PROGRAM_ID,
        VENUE,
        "4aBpLMMTSWNX3D9YkSuv5b318YcxLMrch28HA5FxzaDz",
        "46ECY5pTrN9Fbu5HdobxWBKxeAQXMo6uXTDwozrKadWZ",
        PLAIN_MINT,
        13377864233688,
        TAXED_MINT,
        6428459881,
        (
            Reserve(PLAIN_MINT, 34701322587524503, 34714700451758191),
            Reserve(TAXED_MINT, 17065090409353, 17058530756413),
        ),
        (FeePart("transfer", TAXED_MINT, 131193059, INSIDE),),
    ),
    # the fees of locked liquidity, taken out for another than who signs
    "4AUyJRZd62NieW1APoLmuVsP7Crc4XDqsf1u8ssoHv9MWrxDJdffQPcbk4ixS3FssSpwAev9XsXPkAkJmKDBVU6M": Liquidity(
        "1.11",
        PROGRAM_ID,
        VENUE,
        "liquidity_remove",
        "BNzcoiGF7Qj7NFE8cRuwrgbJZsav8qgVNNKb6nZ1ta3k",
        "CWyNgJ2TmwYNzwviBMRrBhgVbGcPKhajWFWu7jkMLqnx",
        (
            ("pSoL47GE52V2bgUUyQvs9LSdWQZsokarp2yNsWQaLYy", 3126),
            ("8tukekVR4QXbCT9PnACCsKv7CGAnNnYkmmxMN4BSUGAR", 144416299),
        ),
        "BWaiERSXGyZFgHkoRYMFb7UsZwoa2y2vtdATviEH32Wg",
        669321,
    ),
}


@pytest.mark.parametrize("signature", EXPECTED, ids=lambda signature: signature[:8])
def test_recorded_calls_say_what_moved(signature: str, by_signature: dict[str, Recorded]) -> None:
    assert facts_of(by_signature[signature], PROGRAM.name) == [EXPECTED[signature]]


def test_the_trade_fee_is_taken_from_what_comes_in(fixtures_dir: Path) -> None:
    assert facts_of(read_geyser(fixtures_dir, WITH_EVENT), VENUE) == [
        Leg(
            "3",
            PROGRAM_ID,
            VENUE,
            "HnrJu2mqgHKUhSmZRnwVPTPUW1GwCxbhggGmuF11oW8G",
            "BQYLDzRweToQfMTpUztSWZu4wwmdPATL3eJEyxToPzPD",
            BONK_MINT,
            218686363204,
            NATIVE_MINT,
            69520899,
            (Reserve(BONK_MINT, 241747197065501, 241965883428705), Reserve(NATIVE_MINT, 77113652285, 77044131386)),
            (FeePart("lp", BONK_MINT, 546715909, INSIDE),),
        )
    ]


def test_layouts_are_those_of_the_idl(fixtures_dir: Path) -> None:
    aliases = {f"payer_{name}": {f"creator_{name}"} for name in ("token_0", "token_1", "lp_token")}
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "raydium_cpmm.json", aliases)


# --- hand-built ---

NEW_POOL = """
    payer_token_0  token_0_mint alice 1000
    payer_token_1  token_1_mint alice 1000
    payer_lp_token lp_mint      alice 0
    vault_0        token_0_mint pdapool 0
    vault_1        token_1_mint pdapool 0
"""


@pytest.mark.parametrize("name", ["initialize", "initialize_with_permission"])
def test_a_pool_is_its_creators_and_filled_by_whoever_pays(name: str) -> None:
    did = craft(
        PROGRAM,
        name,
        NEW_POOL,
        "payer_token_0 → vault_0 30\npayer_token_1 → vault_1 40\nmint payer_lp_token 34",
        args="u64:30 u64:40 u64:0",
    )
    names = ("pool_state", "token_0_mint", "token_1_mint", "creator", "lp_mint")
    pool, first, second, creator, share = (address(one) for one in names)
    amounts = ((first, 30), (second, 40))
    assert did.facts == [
        TokenEvent("0", PROGRAM_ID, VENUE, "pool_created", first, creator, pool=pool, quote_mint=second),
        Liquidity("0", PROGRAM_ID, VENUE, "liquidity_add", pool, address("alice"), amounts, share, 34),
    ]


@pytest.mark.parametrize(
    ("name", "signer_first"),
    [
        ("collect_creator_fee", "creator"),
        ("collect_protocol_fee", "owner"),
        ("collect_fund_fee", "owner"),
    ],
)
def test_fees_are_claimed_for_whom_they_reach(name: str, signer_first: str) -> None:
    accounts = seated(layout_named(PROGRAM, name))
    assert accounts[0] == signer_first
    first, second = accounts[8:10]
    tokens = f"{first} coin alice 0\n{second} usd alice 0\ntoken_0_vault coin pdapool 70\ntoken_1_vault usd pdapool 80"
    did = craft(PROGRAM, name, tokens, f"token_0_vault → {first} 3\ntoken_1_vault → {second} 4", args="u64:3 u64:4")
    kind = "creator_fee_claim" if name == "collect_creator_fee" else "protocol_fee_claim"
    assert did.facts == _claims(kind)


@pytest.mark.parametrize("receivers_at", [8, 10], ids=["config last", "config first"])
def test_a_creators_fee_that_anyone_collects_is_the_creators(receivers_at: int) -> None:
    accounts = [f"a{index}" for index in range(16)]
    accounts[:4] = ["payer", "creator", "authority", "pool_state"]
    vaults, receivers = accounts[receivers_at - 4 : receivers_at - 2], accounts[receivers_at : receivers_at + 2]
    rows = [f"{receivers[0]} coin alice 0", f"{receivers[1]} usd alice 0"]
    rows += [f"{vaults[0]} coin pdapool 70", f"{vaults[1]} usd pdapool 80"]
    transfers = f"{vaults[0]} → {receivers[0]} 3\n{vaults[1]} → {receivers[1]} 4"
    did = craft(PROGRAM, "collect_creator_fee_permissionless", "\n".join(rows), transfers, accounts=accounts)
    assert did.facts == _claims("creator_fee_claim")


def _claims(kind: str) -> list[Claim]:
    pool, alice = address("pool_state"), address("alice")
    return [
        Claim("0", PROGRAM_ID, VENUE, kind, alice, address(mint), raw, pool) for mint, raw in (("coin", 3), ("usd", 4))
    ]


def test_an_exact_output_and_a_deposit_are_read_alike() -> None:
    swap = craft(
        PROGRAM,
        "swap_base_output",
        """
        input_token_account  coin alice 1000
        output_token_account usd  alice 0
        input_vault          coin pdapool 70
        output_vault         usd  pdapool 80
        """,
        "input_token_account → input_vault 30\noutput_vault → output_token_account 20",
        args="u64:40 u64:20",
    )
    coin, usd = address("coin"), address("usd")
    pool, alice = address("pool_state"), address("alice")
    reserves = (Reserve(coin, 70, 100), Reserve(usd, 80, 60))
    assert swap.facts == [Leg("0", PROGRAM_ID, VENUE, pool, alice, coin, 30, usd, 20, reserves)]
    deposit = craft(
        PROGRAM,
        "deposit",
        """
        token_0_account coin alice 1000
        token_1_account usd  alice 1000
        owner_lp_token  lp_mint alice 0
        token_0_vault   coin pdapool 70
        token_1_vault   usd  pdapool 80
        """,
        "token_0_account → token_0_vault 30\ntoken_1_account → token_1_vault 20\nmint owner_lp_token 5",
        args="u64:5",
    )
    amounts = ((coin, 30), (usd, 20))
    share = address("lp_mint")
    assert deposit.facts == [Liquidity("0", PROGRAM_ID, VENUE, "liquidity_add", pool, alice, amounts, share, 5)]

"""Raydium LaunchLab: recorded launches and trades of both ages of its event, and by hand a curve that fills and its end."""

from pathlib import Path

import pytest
from geyser_recordings import read_geyser
from hand_ledger import address
from layout_checks import check_against_idl, layout_named
from ledger_calls import craft, seated
from recorded_bodies import Recorded
from venue_facts import ReadTransaction, facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Leg, Reserve, TokenEvent
from oof_pipelines.decode.venues.raydium_launchlab import PROGRAM

PROGRAM_ID = PROGRAM.program_ids[0]
VENUE = "raydium_launchlab"
TOKEN_PROGRAM_ID = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"

LAUNCH_AND_BUY = "mqSGNwKK8GZW7PztnYDat3F85BWf7JRWfm5k4ToKpKzkoGmQgyr2bwpm47md7jLck4Yc7pmXuciE73Tf8dT74u8"
BUY_IN_A_ROUTE = "8QTg427xrHugSxamZCjXNXuyhkZdosPq8EkL7DZkJ82JB5sqR6igKsRgsD9jjwQjRyRrQFiZcDFeeT7uSxMwxXw"
LAUNCH_V2 = "5LzhiGZB462sKGLhav13z3KUjjN6EhT9y21F4e4hKpsggFj6bseibkmPP7qXMnac6uDuKZZpdwDcbDqP3YHUXRVp"

PENGUX_MINT = "AqFe2tk1BRx6czUuRPGUZ8mtvcBGDZYsG6oPvELwzray"
SORA_MINT = "54y4DV6shhwvojpRCCqwvgRTPd45UGrCEghpsa9pBj7F"
ROUTED_MINT = "9gQhbtdcjQRDQHducXs69bhgfrmKPK4jBffvWW5ebonk"

EXPECTED: dict[str, list[Fact]] = {
    LAUNCH_AND_BUY: [
        TokenEvent(
            "2",
            PROGRAM_ID,
            VENUE,
            "launch",
            PENGUX_MINT,
            "FeGbW3kbwQnV42hxUAFfbupVzDU5sKhcHswvtRbrYpn5",
            pool="7SUXJsAtzPEY7Aq7e8tRjPJR7VrxUkZ6erKGuprnitNa",
            quote_mint=NATIVE_MINT,
            creator="FeGbW3kbwQnV42hxUAFfbupVzDU5sKhcHswvtRbrYpn5",
            name="PenguX",
            symbol="PEX",
            uri="https://ipfs.io/ipfs/bafkreic5ycsovdyioagcsgawljbz3yy3s6f6oxivjtqd6y4acrsr6f6tsa",
            token_program_id=TOKEN_PROGRAM_ID,
        ),
        Leg(
            "6",
            PROGRAM_ID,
            VENUE,
            "7SUXJsAtzPEY7Aq7e8tRjPJR7VrxUkZ6erKGuprnitNa",
            "FeGbW3kbwQnV42hxUAFfbupVzDU5sKhcHswvtRbrYpn5",
            NATIVE_MINT,
            1000000000,
            PENGUX_MINT,
            96087352138307,
            (
                Reserve(PENGUX_MINT, 1066666666666666, 970579314528359, "virtual"),
                Reserve(NATIVE_MINT, 10000000000, 10990000000, "virtual"),
            ),
            (
                FeePart("protocol", NATIVE_MINT, 2500000, INSIDE),
                FeePart("platform", NATIVE_MINT, 7500000, INSIDE),
            ),
        ),
    ],
    BUY_IN_A_ROUTE: [
        Leg(
            "3.9",
            PROGRAM_ID,
            VENUE,
            "9CQBsANUUBZ1JfTs4DBp8bVxYapmDL3QnTVAXSNVYqLC",
            "Cf1VsHUcrwcGwFhswXW9NoDea5Q4wx18YQzm3KGhcJM9",
            NATIVE_MINT,
            9064561,
            ROUTED_MINT,
            280637649999,
            (
                Reserve(ROUTED_MINT, 1004762819610252, 1004482181960253, "virtual"),
                Reserve(NATIVE_MINT, 32039087217, 32048038470, "virtual"),
            ),
            (FeePart("protocol", NATIVE_MINT, 22662, INSIDE), FeePart("platform", NATIVE_MINT, 90646, INSIDE)),
        )
    ],
}


@pytest.mark.parametrize("signature", EXPECTED, ids=lambda signature: signature[:8])
def test_recorded_calls_say_what_happened(signature: str, by_signature: dict[str, Recorded]) -> None:
    assert facts_of(by_signature[signature], PROGRAM.name) == EXPECTED[signature]


def test_the_newer_launch_and_its_event_with_a_creators_fee(fixtures_dir: Path) -> None:
    launch, bought = facts_of(read_geyser(fixtures_dir, LAUNCH_V2), VENUE)
    assert launch == TokenEvent(
        "2",
        PROGRAM_ID,
        VENUE,
        "launch",
        SORA_MINT,
        "7hnTzCVKCa3ToiKC8wgFHzc2s5jRBVDwwg5DpffUKjUu",
        pool="C9HhQft4MTfnboDfpqS5Vy1zdkxPzL9qscWarUMtA999",
        quote_mint=NATIVE_MINT,
        creator="7hnTzCVKCa3ToiKC8wgFHzc2s5jRBVDwwg5DpffUKjUu",
        name="Sora Loser",
        symbol="SORA LOSER",
        uri="https://1ea5c9284bee4d1c815c8bd0.blob.core.windows.net/deploy/c953fc96-2648-4487-8dec-f8ffb97896e7.json",
        token_program_id=TOKEN_PROGRAM_ID,
    )
    assert bought == Leg(
        "6",
        PROGRAM_ID,
        VENUE,
        "C9HhQft4MTfnboDfpqS5Vy1zdkxPzL9qscWarUMtA999",
        "7hnTzCVKCa3ToiKC8wgFHzc2s5jRBVDwwg5DpffUKjUu",
        NATIVE_MINT,
        9999999,
        SORA_MINT,
        352899251106,
        (
            Reserve(SORA_MINT, 1073025605596382, 1072672706345276, "virtual"),
            Reserve(NATIVE_MINT, 30000852951, 30010722950, "virtual"),
        ),
        (
            FeePart("protocol", NATIVE_MINT, 25000, INSIDE),
            FeePart("platform", NATIVE_MINT, 100000, INSIDE),
            FeePart("creator", NATIVE_MINT, 5000, INSIDE),
        ),
    )


def test_layouts_are_those_of_the_idl(fixtures_dir: Path) -> None:
    aliases = {
        "base_token_mint": {"base_mint"},
        "quote_token_mint": {"quote_mint"},
        "new_pool": {"amm_pool", "cpswap_pool"},
    }
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "raydium_launchpad.json", aliases)


# --- hand-built ---

TOKENS = """
    user_base_token  base_token_mint  alice 1000
    user_quote_token quote_token_mint alice 1000
    base_vault       base_token_mint  pdapool 70000
    quote_vault      quote_token_mint pdapool 90000
    friend           quote_token_mint bob 0
"""
# A curve of 1000 base and 1000 quote; a fee of 10 of what comes in or goes out.
EVENT = (
    "pubkey:pool_state u64:500 u64:1000 u64:1000 u64:{0} u64:{1} u64:{2} u64:{3} u64:0 u64:0 u64:4 u64:3 u64:1 u64:2 u8:{4}"
    " u8:{5} bool:1"
)
BUY = "user_quote_token → quote_vault 110"
BOUGHT = "base_vault → user_base_token 90"


def _trade(name: str, does: str, *event: int) -> ReadTransaction:
    return craft(PROGRAM, name, TOKENS, does, args="u64:1 u64:1 u64:0", told=[("TradeEvent", EVENT.format(*event))])


def _fees() -> tuple[FeePart, ...]:
    parts = (("protocol", 4), ("platform", 3), ("creator", 1), ("referral", 2))
    return tuple(FeePart(kind, address("quote_token_mint"), raw, INSIDE) for kind, raw in parts)


def test_a_seller_gets_what_the_fees_leave_him() -> None:
    """100 base sold bring 110 of quote, 10 of them are fees; the curve had sold 100 base for 110 before."""
    did = _trade(
        "sell_exact_in",
        "user_base_token → base_vault 100\nquote_vault → user_quote_token 101\nquote_vault → friend 2",
        100,
        111,
        0,
        0,
        1,
        0,
    )
    base, quote = address("base_token_mint"), address("quote_token_mint")
    reserves = (Reserve(base, 900, 1000, "virtual"), Reserve(quote, 1111, 1000, "virtual"))
    assert did.facts == [
        Leg(
            "0",
            PROGRAM_ID,
            VENUE,
            address("pool_state"),
            address("alice"),
            base,
            100,
            quote,
            101,
            reserves,
            _fees(),
        )
    ]


def test_the_trade_that_fills_the_curve_graduates_the_token() -> None:
    did = _trade("buy_exact_in", f"{BUY}\n{BOUGHT}", 0, 0, 90, 99, 0, 1)
    base, quote = address("base_token_mint"), address("quote_token_mint")
    reserves = (Reserve(base, 1000, 910, "virtual"), Reserve(quote, 1000, 1099, "virtual"))
    assert did.facts == [
        Leg(
            "0",
            PROGRAM_ID,
            VENUE,
            address("pool_state"),
            address("alice"),
            quote,
            110,
            base,
            90,
            reserves,
            _fees(),
        ),
        TokenEvent(
            "0",
            PROGRAM_ID,
            VENUE,
            "graduation",
            base,
            address("alice"),
            pool=address("pool_state"),
            quote_mint=quote,
        ),
    ]


def test_numbers_that_are_no_constant_product_are_not_its_reserves() -> None:
    """A curve of another kind: the vaults say what the pool holds."""
    did = _trade("buy_exact_out", f"{BUY}\n{BOUGHT}", 0, 0, 90, 300, 0, 0)
    assert isinstance(did.facts[0], Leg)
    base, quote = address("base_token_mint"), address("quote_token_mint")
    assert did.facts[0].reserves == (Reserve(base, 70000, 69910), Reserve(quote, 90000, 90110))
    assert len(did.facts) == 1


def test_a_trade_without_its_event_is_still_a_leg() -> None:
    did = craft(PROGRAM, "buy_exact_in", TOKENS, f"{BUY}\n{BOUGHT}", args="u64:1 u64:1 u64:0")
    assert [type(one) for one in did.facts] == [Leg]
    assert isinstance(did.facts[0], Leg)
    assert (did.facts[0].sold_raw, did.facts[0].bought_raw, did.facts[0].fees) == (110, 90, ())


@pytest.mark.parametrize("name", ["migrate_to_amm", "migrate_to_cpswap"])
def test_a_migration_names_the_new_pool(name: str) -> None:
    did = craft(PROGRAM, name, TOKENS, "base_vault → user_base_token 0", args="u64:1 u64:1 u8:1")
    names = (address("base_token_mint"), address("payer"))
    pool, quote = address("new_pool"), address("quote_token_mint")
    assert did.facts == [TokenEvent("0", PROGRAM_ID, VENUE, "migration", *names, pool=pool, quote_mint=quote)]


@pytest.mark.parametrize("name", ["initialize", "initialize_v2", "initialize_with_token_2022"])
def test_a_launch_is_read_from_its_arguments(name: str) -> None:
    did = craft(
        PROGRAM,
        name,
        TOKENS,
        "base_vault → user_base_token 0",
        args="u8:6 string:Moon string:MN string:ipfs",
        accounts=seated(layout_named(PROGRAM, name), 18),
    )
    assert did.facts == [
        TokenEvent(
            "0",
            PROGRAM_ID,
            VENUE,
            "launch",
            address("base_token_mint"),
            address("payer"),
            pool=address("pool_state"),
            quote_mint=address("quote_token_mint"),
            creator=address("creator"),
            name="Moon",
            symbol="MN",
            uri="ipfs",
            token_program_id=address("base_token_program"),
        )
    ]


@pytest.mark.parametrize(
    ("name", "kind", "pool"),
    [
        ("claim_creator_fee", "creator_fee_claim", ""),
        ("claim_platform_fee", "platform_fee_claim", "pool_state"),
        ("claim_platform_fee_from_vault", "platform_fee_claim", ""),
        ("collect_fee", "protocol_fee_claim", "pool_state"),
        ("collect_migrate_fee", "protocol_fee_claim", "pool_state"),
    ],
)
def test_fees_are_claimed_for_whom_they_reach(name: str, kind: str, pool: str) -> None:
    tokens = "recipient_token_account usd alice 0\nquote_vault usd pdapool 50"
    did = craft(PROGRAM, name, tokens, "quote_vault → recipient_token_account 5")
    claimed = Claim("0", PROGRAM_ID, VENUE, kind, address("alice"), address("usd"), 5, address(pool) if pool else "")
    assert did.facts == [claimed]

"""Raydium AMM v4: recorded swaps of every generation and a migration, and by hand the forms that take fewer accounts."""

import base64
import json
import struct
from pathlib import Path

import pytest
from hand_ledger import address
from layout_checks import layout_named, snake_case
from ledger_calls import craft, seated
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.venues import raydium_amm_v4
from oof_pipelines.decode.venues.raydium_amm_v4 import PROGRAM

PROGRAM_ID = PROGRAM.program_ids[0]
VENUE = "raydium_amm_v4"

SEVENTEEN_ACCOUNTS = "VYDwTuhxqaiLtsURhfjtqhuc6kBBtmH1wu6hNFhN1Fz397ReBkD9ScYN1D7vKyyQ7FrRy1NKjAaq1cpakcubyo6"
EIGHTEEN_ACCOUNTS = "2WjgSSiEnMNTynHFH5voUepgeB7RhbXDCK7ZZPwjKAMmBsmJiiJn5kcvT2aKsQuiJrHSzhWmNtJEDZYie9nE7RAz"
EIGHT_ACCOUNTS = "2pbFktFoaNbT7WuoqtsY4C7onBuntwazTjVbadbzZxyh49yVBH5szn4igTgqSgp2jS9S3S2ryFivXAegopaheKSs"
EXACT_OUTPUT = "3ZNBcDqz7sM2tKqPm8DFAYqpMeHhZYox2mCAkFohuH1xDhhW2sztMa1TP4jcU22kLXHqE3tvrQ4GW5E2vSqws7Ar"
PUMP_MIGRATION = "3yq88CT3MUzpzk6rgvdjT9NtGJitR1JVaUfax7yPpWUvfXeVPTm82qqwvRsBwbpFLwM6Aqf5r2BuAUBcyFemR4eR"

EXPECTED: dict[str, list[Fact]] = {
    SEVENTEEN_ACCOUNTS: [
        Leg(
            "0.5",
            PROGRAM_ID,
            VENUE,
            "8GKQGnqLQhm8ffJx979hMeXZMQA3FDf4BRaw67peUQTq",
            "GxqAGVpWTqPE5X5FdkP83HHwYRUHbhnNbJcceDys7bGt",
            "7tTMQNtJ8X1RFPy9CBeggVWvJk6DHk6HNvecr5Ndpump",
            252006264295,
            NATIVE_MINT,
            74924914,
            (
                Reserve(NATIVE_MINT, 93085801509, 93010876595),
                Reserve("7tTMQNtJ8X1RFPy9CBeggVWvJk6DHk6HNvecr5Ndpump", 312055414225523, 312307420489818),
            ),
            (FeePart("lp", "7tTMQNtJ8X1RFPy9CBeggVWvJk6DHk6HNvecr5Ndpump", 630015661, INSIDE),),
        ),
        Leg(
            "0.8",
            PROGRAM_ID,
            VENUE,
            "BZTm64W7gzkGwmke3CsHy6ftFZHSuATAY8pqf6Fz9UmQ",
            "GxqAGVpWTqPE5X5FdkP83HHwYRUHbhnNbJcceDys7bGt",
            NATIVE_MINT,
            74924914,
            "6EXCmHZeCcspoLFFpbiwXBtAiPz6rNqydMncVnDhpump",
            1115250260749,
            (
                Reserve(NATIVE_MINT, 34762887689, 34837812603),
                Reserve("6EXCmHZeCcspoLFFpbiwXBtAiPz6rNqydMncVnDhpump", 519854399508494, 518739149247745),
            ),
            (FeePart("lp", NATIVE_MINT, 187313, INSIDE),),
        ),
    ],
    EIGHTEEN_ACCOUNTS: [
        Leg(
            "5",
            PROGRAM_ID,
            VENUE,
            "36TQrxTTH16RZovowLuJNfAurUS1ZjS3pd53ZdzXG8q3",
            "AhaLPdAJquxKZ4wn3o44V9q6BM7BNoi4AgUbBwnzLTs4",
            NATIVE_MINT,
            790010000000,
            "AL2HhMQLkJqeeK5w4akoogzyYBZ6GYkBfxjscCf2L2yC",
            99987311818004270,
            (
                Reserve("AL2HhMQLkJqeeK5w4akoogzyYBZ6GYkBfxjscCf2L2yC", 100000000000000000, 12688181995730),
                Reserve(NATIVE_MINT, 100000000, 790110000000),
            ),
            (FeePart("lp", NATIVE_MINT, 1975025000, INSIDE),),
        )
    ],
    EIGHT_ACCOUNTS: [
        Leg(
            "2.1",
            PROGRAM_ID,
            VENUE,
            "HL4KFTfhZZMm7NGefszQxzJ3M6CaDWE7TesyuRuQYmMJ",
            "D5YqVMoSxnqeZAKAUUE1Dm3bmjtdxQ5DCF356ozqN9cM",
            "74SBV4zDXxTRgv1pEMoECskKBkZHc2yGPnc7GYVepump",
            3840044344,
            NATIVE_MINT,
            999382179,
            (
                Reserve(NATIVE_MINT, 11826757650349, 11825758268170),
                Reserve("74SBV4zDXxTRgv1pEMoECskKBkZHc2yGPnc7GYVepump", 45325910823974, 45329750868318),
            ),
            (FeePart("lp", "74SBV4zDXxTRgv1pEMoECskKBkZHc2yGPnc7GYVepump", 9600111, INSIDE),),
        )
    ],
    EXACT_OUTPUT: [
        Leg(
            "0",
            PROGRAM_ID,
            VENUE,
            "47857wX96Tb4Ud3M3ka949iVRFmUqS33KLBxoVsqgfLK",
            "GnyLQQUacDEYuAL6kvQ3pc5GyNoLfaniBrANn3TknARW",
            NATIVE_MINT,
            3600871464,
            "AHW5N8iqZobTcBepkSJzZ61XtAuSzBDcpxtrLG6KUKPk",
            14068518946460,
            (
                Reserve("AHW5N8iqZobTcBepkSJzZ61XtAuSzBDcpxtrLG6KUKPk", 8143125062958251, 8129056544011791),
                Reserve(NATIVE_MINT, 2075450061692, 2079050933156),
            ),
            (FeePart("lp", NATIVE_MINT, 9002179, INSIDE),),
        )
    ],
    PUMP_MIGRATION: [
        TokenEvent(
            "2",
            PROGRAM_ID,
            VENUE,
            "pool_created",
            "6TArF7DG91BVuAvSidiT1wMPyvv5WNEkmJY2ovopump",
            "39azUYFWPz3VHgKCf3VChUwbpURdCHRxjWVowf5jUJjg",
            pool="5smitM3H4yJZHqPyXrrXGyZmWvvoREWgiUxzUPjM8bVU",
            quote_mint=NATIVE_MINT,
        ),
        Liquidity(
            "2",
            PROGRAM_ID,
            VENUE,
            "liquidity_add",
            "5smitM3H4yJZHqPyXrrXGyZmWvvoREWgiUxzUPjM8bVU",
            "39azUYFWPz3VHgKCf3VChUwbpURdCHRxjWVowf5jUJjg",
            ((NATIVE_MINT, 79005361670), ("6TArF7DG91BVuAvSidiT1wMPyvv5WNEkmJY2ovopump", 206900000000000)),
            "9o5UGjPE2mbDU3oi7NF76gScDaLGjpwW8xtuA4bqHSsf",
            4042044561901,
        ),
    ],
}


@pytest.mark.parametrize("signature", EXPECTED, ids=lambda signature: signature[:8])
def test_recorded_calls_say_what_moved(signature: str, by_signature: dict[str, Recorded]) -> None:
    assert facts_of(by_signature[signature], PROGRAM.name) == EXPECTED[signature]


def test_every_instruction_of_the_idl_has_its_tag(fixtures_dir: Path) -> None:
    idl = json.loads((fixtures_dir / "idl" / "raydium_amm_v4.json").read_bytes())
    for tag, one in enumerate(idl["instructions"]):
        layout = PROGRAM.layout_of(bytes([tag]), None)
        assert layout is not None
        assert layout.name == snake_case(one["name"])
        assert layout.args.names == [snake_case(argument["name"]) for argument in one["args"]][: len(layout.args.names)]


# --- hand-built: what is not recorded ---

TOKENS = """
    user_coin coin alice 1000
    user_pc   usd  alice 500
    user_lp   lp   alice 10
    coin_vault coin pdapool 70000
    pc_vault   usd  pdapool 90000
    coin_destination coin keeper 0
    pc_destination   usd  keeper 0
"""


SWAP_TOKENS = """
    user_source      coin alice 1000
    user_destination usd  alice 0
    coin_vault       coin pdapool 70000
    pc_vault         usd  pdapool 90000
"""


def _ray_log(*numbers: int) -> str:
    return "Program log: ray_log: " + base64.b64encode(struct.pack("<B7Q", *numbers)).decode()


@pytest.mark.parametrize(
    ("log", "fee_raw"),
    [
        # 25 parts of 800 are 2, so that 798 enter 70000 coin against 90000 usd
        (_ray_log(3, 800, 0, 2, 1000, 70_000, 90_000, 1_014), 2),
        (_ray_log(4, 999, 1_014, 2, 1000, 70_000, 90_000, 800), 2),
        # a pool where that rate would bring 1027
        (_ray_log(3, 800, 0, 2, 1000, 80_000, 104_000, 1_014), 0),
        # another swap's
        (_ray_log(3, 801, 0, 2, 1000, 70_000, 90_000, 1_014), 0),
        ("Program log: ray_log: AwA=", 0),
        ("Program log: ray_log: ?", 0),
    ],
    ids=["exact input", "exact output", "another rate", "another swap", "too short", "no base64"],
)
def test_the_fee_is_told_where_the_log_proves_it(log: str, fee_raw: int) -> None:
    transfers = "user_source → coin_vault 800\npc_vault → user_destination 1014"
    did = craft(PROGRAM, "swap_base_in_v2", SWAP_TOKENS, transfers, args="u64:800 u64:0", said=[log])
    assert isinstance(did.facts[0], Leg)
    assert did.facts[0].fees == ((FeePart("lp", address("coin"), fee_raw, INSIDE),) if fee_raw else ())


def test_a_log_of_an_empty_pool_proves_nothing() -> None:
    transfers = "user_source → coin_vault 1\npc_vault → user_destination 1014"
    log = _ray_log(3, 1, 0, 2, 1000, 0, 0, 1_014)
    did = craft(PROGRAM, "swap_base_in_v2", SWAP_TOKENS, transfers, args="u64:1 u64:0", said=[log])
    assert isinstance(did.facts[0], Leg)
    assert did.facts[0].fees == ()


@pytest.mark.parametrize("accounts", [14, 15, 11])
def test_a_deposit_is_read_with_and_without_a_market(accounts: int) -> None:
    short = raydium_amm_v4._SHORT_DEPOSIT if accounts == 11 else None
    did = craft(
        PROGRAM,
        "deposit",
        TOKENS.replace("lp   alice", "lp_mint alice"),
        "user_coin → coin_vault 700\nuser_pc → pc_vault 90\nmint user_lp 42",
        args="u64:700 u64:100 u64:0",
        accounts=seated(short or layout_named(PROGRAM, "deposit"), accounts),
    )
    amounts = ((address("coin"), 700), (address("usd"), 90))
    expected = Liquidity(
        "0", PROGRAM_ID, VENUE, "liquidity_add", address("amm"), address("alice"), amounts, address("lp_mint"), 42
    )
    assert did.facts == [expected]


@pytest.mark.parametrize("accounts", [20, 21, 22, 23, 11])
def test_a_withdrawal_is_read_in_all_its_forms(accounts: int) -> None:
    layouts = {
        11: raydium_amm_v4._SHORT_WITHDRAW,
        22: raydium_amm_v4._PADDED_WITHDRAW,
        23: raydium_amm_v4._PADDED_WITHDRAW,
    }
    long = layout_named(PROGRAM, "withdraw")
    did = craft(
        PROGRAM,
        "withdraw",
        TOKENS.replace("lp   alice", "lp_mint alice"),
        "coin_vault → user_coin 70\npc_vault → user_pc 9\nburn user_lp 10",
        args="u64:10",
        accounts=seated(layouts.get(accounts, long), accounts),
    )
    amounts = ((address("coin"), 70), (address("usd"), 9))
    expected = Liquidity(
        "0", PROGRAM_ID, VENUE, "liquidity_remove", address("amm"), address("alice"), amounts, address("lp_mint"), 10
    )
    assert did.facts == [expected]


def test_a_pool_is_made_without_a_market() -> None:
    did = craft(
        PROGRAM,
        "initialize2",
        TOKENS.replace(" coin alice", " coin_mint alice")
        .replace(" coin pdapool", " coin_mint pdapool")
        .replace("usd", "pc_mint")
        .replace("lp   alice", "lp_mint alice"),
        "user_coin → coin_vault 700\nuser_pc → pc_vault 90\nmint user_lp 42",
        args="u8:254 u64:0 u64:90 u64:700",
        accounts=seated(raydium_amm_v4._SHORT_INITIALIZE),
    )
    coin, money, pool, owner = (address(name) for name in ("coin_mint", "pc_mint", "amm", "user_owner"))
    made = TokenEvent("0", PROGRAM_ID, VENUE, "pool_created", coin, owner, pool=pool, quote_mint=money)
    amounts = ((coin, 700), (money, 90))
    filled = Liquidity("0", PROGRAM_ID, VENUE, "liquidity_add", pool, address("alice"), amounts, address("lp_mint"), 42)
    assert did.facts == [made, filled]


@pytest.mark.parametrize("accounts", [17, 18, 10])
def test_profit_is_claimed_for_the_protocol(accounts: int) -> None:
    short = raydium_amm_v4._SHORT_PROFIT
    long = layout_named(PROGRAM, "withdraw_pnl")
    did = craft(
        PROGRAM,
        "withdraw_pnl",
        TOKENS,
        "coin_vault → coin_destination 5\npc_vault → pc_destination 6",
        accounts=seated(short if accounts == 10 else long, accounts),
    )
    pool, keeper = address("amm"), address("keeper")
    assert did.facts == [
        Claim("0", PROGRAM_ID, VENUE, "protocol_fee_claim", keeper, address("coin"), 5, pool),
        Claim("0", PROGRAM_ID, VENUE, "protocol_fee_claim", keeper, address("usd"), 6, pool),
    ]


def test_a_swap_whose_accounts_are_missing_is_unread_not_guessed() -> None:
    short = seated(layout_named(PROGRAM, "swap_base_in_v2"))[:6]
    did = craft(PROGRAM, "swap_base_in_v2", TOKENS, "user_coin → coin_vault 1", args="u64:1 u64:1", accounts=short)
    assert (did.reading.facts, did.reading.unread) == ([], ["0"])

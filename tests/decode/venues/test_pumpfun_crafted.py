"""pump.fun by hand-built calls: sells of later generations, fees left on the curve, claims, and buys beyond a curve."""

from struct import pack

import hand_ledger
import pytest
from hand_ledger import Call, address, booked_lines, key, names_of, squeeze
from hypothesis import given
from hypothesis import strategies as st
from ledger_calls import event_call, packed, run
from token_calls import send
from venue_facts import read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Claim, Leg, Reserve, TokenEvent
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.operations import MoveLamports
from oof_pipelines.decode.program import anchor_instruction
from oof_pipelines.decode.pump_curve import PUMP_PROGRAM_ID
from oof_pipelines.decode.venues.pumpfun import PROGRAM


@pytest.fixture(autouse=True)
def _pump_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hand_ledger.PROGRAMS, "pump", PUMP_PROGRAM_ID)
    monkeypatch.setitem(hand_ledger.PROGRAMS, "usdc", USDC_MINT)


def pump(name: str, accounts: str, arguments: str = "", calls: list[Call] | None = None) -> Call:
    """A call of an instruction of pump.fun."""
    return Call("pump", accounts, anchor_instruction(name) + packed(arguments), calls=calls or [])


def tells(name: str, values: str) -> Call:
    return Call("pump", "authority", event_call(name, values))


def trade_event(
    *,
    is_buy: bool = False,
    amount: int = 1_000_000,
    fee: int = 9_500,
    cashback: int = 0,
    creator_fee: int = 3_000,
    buyback: int = 4_000,
    quote: str = "none",
) -> Call:
    """A trade of 500 coins as told since May 2026; where the quote is a token the SOL fields are zero."""
    sol = amount if quote == "none" else 0
    virtual_sol = 30_000_000 if quote == "none" else 0
    return tells(
        "TradeEvent",
        f"pubkey:coin u64:{sol} u64:500 bool:{int(is_buy)} pubkey:alice i64:1780000000 u64:{virtual_sol} u64:9000 u64:0 u64:0"
        f" pubkey:fees u64:95 u64:{fee} pubkey:maker u64:30 u64:{creator_fee} bool:0 u64:0 u64:0 u64:0 i64:0 string:sell"
        f" bool:0 u64:0 u64:{cashback} u64:0 u64:{buyback} bytes:00000000 pubkey:{quote} u64:{amount} u64:30000000 u64:0",
    )


BEFORE = """
    alice     50000
    coins   2039280 coin 500 alice
    held    2039280 coin   0 pdacurve
    pdacurve 9000000
    fees          0
    pdavault      0
    pdasaved      0
    burner        0
"""
SELL = "global fees coin pdacurve held coins alice system pdavault token authority pump config feeprogram"
SELL_V2 = (
    "global coin QUOTE token token ata fees feesq burner burnerq pdacurve held heldq alice coins coinsq pdavault vaultq share"
    " pdasaved savedq config feeprogram system authority pump"
)
V3 = "global coin wsol token token pdacurve held heldq alice coins coinsq pdasaved config burner system authority pump"


def leg_amounts(fact: object) -> tuple[str, int, str, int]:
    assert isinstance(fact, Leg)
    return fact.sold_mint, fact.sold_raw, fact.bought_mint, fact.bought_raw


@pytest.mark.parametrize(
    ("accounts", "cashback", "creator_fee"),
    [
        (f"{SELL} second burner", 0, 3_000),
        (f"{SELL} pdasaved second burner", 3_000, 0),
    ],
    ids=["creator", "cashback"],
)
def test_a_sell_pays_seller_and_fees_out_of_the_curve(accounts: str, cashback: int, creator_fee: int) -> None:
    event = trade_event(cashback=cashback, creator_fee=creator_fee)
    calls = [pump("sell", accounts, "u64:500 u64:1", [send("coins", "held", 500), event])]
    after = f"""
        alice    {50_000 - 5_000 + 1_000_000 - 9_500 - 3_000}
        coins    2039280 coin   0 alice
        held     2039280 coin 500 pdacurve
        pdacurve 8000000
        fees     5500
        pdavault {creator_fee}
        pdasaved {cashback}
        burner   4000
    """
    booked, facts = run(BEFORE, calls, after)
    assert not booked.has_residual
    assert leg_amounts(facts[0]) == (address("coin"), 500, NATIVE_MINT, 1_000_000)
    assert isinstance(facts[0], Leg)
    kept = "cashback" if cashback else "creator"
    assert {part.kind: (part.amount_raw, part.recipient) for part in facts[0].fees} == {
        "protocol": (5_500, address("fees")),
        "buyback": (4_000, address("burner")),
        kept: (3_000, address("pdasaved" if cashback else "pdavault")),
    }


def test_a_sell_v2_in_sol_is_paid_to_wallets_not_to_their_token_accounts() -> None:
    calls = [
        pump("sell_v2", SELL_V2.replace("QUOTE", "wsol"), "u64:500 u64:1", [send("coins", "held", 500), trade_event()])
    ]
    after = """
        alice    1032500
        coins    2039280 coin   0 alice
        held     2039280 coin 500 pdacurve
        pdacurve 8000000
        fees     5500
        pdavault 3000
        burner   4000
    """
    booked, facts = run(BEFORE, calls, after)
    assert booked_lines(booked, names_of(BEFORE, calls, after)) == squeeze("""
        0.0 coins coin -500 transfer of alice
        0.0 held coin +500 transfer of pdacurve
        0.1 pdacurve lamports -987500 transfer
        0.1 alice lamports +987500 transfer
        0.1 pdacurve lamports -5500 transfer
        0.1 fees lamports +5500 transfer
        0.1 pdacurve lamports -3000 transfer
        0.1 pdavault lamports +3000 transfer
        0.1 pdacurve lamports -4000 transfer
        0.1 burner lamports +4000 transfer
    """)
    assert leg_amounts(facts[0]) == (address("coin"), 500, NATIVE_MINT, 1_000_000)


def test_a_sell_v2_in_a_token_is_paid_by_transfers() -> None:
    moved = [send("coins", "held", 500), send("heldq", "coinsq", 987_500), trade_event(quote="usdc")]
    calls = [pump("sell_v2", SELL_V2.replace("QUOTE", "usdc"), "u64:500 u64:1", moved)]
    dollars = "heldq 2039280 usdc {} pdacurve\ncoinsq 2039280 usdc {} alice"
    before = BEFORE + dollars.format(987_500, 0)
    after = BEFORE.replace("50000", "45000").replace("coin 500 alice", "coin 0 alice")
    after = after.replace("coin   0 pdacurve", "coin 500 pdacurve") + dollars.format(0, 987_500)
    booked, facts = run(before, calls, after)
    assert not booked.has_residual
    assert leg_amounts(facts[0]) == (address("coin"), 500, USDC_MINT, 1_000_000)


def test_a_sell_v3_leaves_the_fees_on_the_curve_but_for_the_buyback() -> None:
    calls = [pump("sell_v3", V3, "u64:500 u64:1", [send("coins", "held", 500), trade_event()])]
    after = """
        alice    1032500
        coins    2039280 coin   0 alice
        held     2039280 coin 500 pdacurve
        pdacurve 8008500
        burner   4000
    """
    booked, facts = run(BEFORE, calls, after)
    assert not booked.has_residual
    assert isinstance(facts[0], Leg)
    curve = address("pdacurve")
    assert [(part.kind, part.amount_raw, part.recipient) for part in facts[0].fees] == [
        ("protocol", 5_500, curve),
        ("buyback", 4_000, address("burner")),
        ("creator", 3_000, curve),
    ]


@given(
    amount=st.integers(1_000, 10**12),
    fee_bps=st.integers(0, 300),
    creator_bps=st.integers(0, 300),
    buyback_bps=st.integers(0, 10_000),
    is_cashback=st.booleans(),
)
def test_a_sell_pays_out_exactly_its_amount(
    amount: int, fee_bps: int, creator_bps: int, buyback_bps: int, *, is_cashback: bool
) -> None:
    fee, creator_fee = amount * fee_bps // 10_000, amount * creator_bps // 10_000
    buyback = fee * buyback_bps // 10_000
    event = trade_event(
        amount=amount,
        fee=fee,
        buyback=buyback,
        cashback=creator_fee if is_cashback else 0,
        creator_fee=0 if is_cashback else creator_fee,
    )
    found = PROGRAM.event_of(event.data)
    layout = PROGRAM.layout_of(anchor_instruction("sell"), None)
    assert found is not None
    assert found[0].debits is not None
    assert layout is not None
    seats = [f"seat{number}" for number in range(17)]
    paid = {}
    for one in found[0].debits(found[1], layout.take(seats, b"")):
        assert isinstance(one, MoveLamports)
        assert one.source == "seat3"
        assert one.lamports is not None
        paid[one.destination] = one.lamports
    assert sum(paid.values()) == amount
    assert paid["seat6"] == amount - fee - creator_fee
    assert paid.get("seat1", 0) + paid.get("seat16", 0) == fee
    assert paid.get("seat14" if is_cashback else "seat8", 0) == creator_fee


def test_a_buy_beyond_the_curve_has_a_leg_for_each_price() -> None:
    beyond = tells(
        "PostCompleteBuyEvent",
        "pubkey:alice pubkey:coin pubkey:pdacurve pubkey:none i64:1790000000 u64:40 u64:7000 u64:95 u64:66 u64:30 u64:21"
        " u64:33 u64:2000 u64:300000 u64:1960 u64:307000",
    )
    full = tells("CompleteEvent", "pubkey:alice pubkey:coin pubkey:pdacurve i64:1790000000 pubkey:none")
    calls = [pump("buy_v3", V3, "u64:540 u64:2000000", [trade_event(is_buy=True), full, beyond])]
    before = "alice 50000\npdacurve 9000000"
    _, facts = run(before, calls, before.replace("50000", "45000"))
    assert leg_amounts(facts[0]) == (NATIVE_MINT, 1_000_000, address("coin"), 500)
    assert leg_amounts(facts[1]) == (NATIVE_MINT, 7_000, address("coin"), 40)
    assert isinstance(facts[1], Leg)
    assert [(part.kind, part.amount_raw) for part in facts[1].fees] == [
        ("protocol", 33),
        ("buyback", 33),
        ("creator", 21),
    ]
    assert facts[1].reserves == (
        Reserve(NATIVE_MINT, 300_000, 307_000, "virtual"),
        Reserve(address("coin"), 2_000, 1_960, "virtual"),
    )
    assert isinstance(facts[2], TokenEvent)
    assert facts[2].kind == "graduation"


def test_cashback_and_swept_fees_leave_program_accounts_by_no_instruction() -> None:
    sweep = "alice global coin wsol token ata system pdacurve heldq pdavault vaultq authority pump"
    calls = [
        pump(
            "claim_cashback",
            "bob pdasaved system authority pump",
            "",
            [tells("ClaimCashbackEvent", "pubkey:bob u64:700 i64:0 u64:0 u64:0")],
        ),
        pump(
            "sweep_creator_fee",
            sweep,
            "",
            [
                tells(
                    "SweepBondingCurveFeeEvent",
                    "i64:0 pubkey:coin pubkey:pdacurve pubkey:wsol pubkey:pdavault u64:400 u8:1",
                )
            ],
        ),
        pump(
            "collect_creator_fee",
            "maker pdavault system authority pump",
            "",
            [
                Call("system", "pdavault maker", pack("<IQ", 2, 900)),
                tells("CollectCreatorFeeEvent", "i64:0 pubkey:maker u64:900 pubkey:none"),
            ],
        ),
    ]
    before = "alice 50000\nbob 10\npdasaved 1844400\npdacurve 9000000\npdavault 500\nmaker 1"
    after = "alice 45000\nbob 710\npdasaved 1843700\npdacurve 8999600\npdavault 0\nmaker 901"
    booked, facts = run(before, calls, after)
    assert not booked.has_residual
    assert facts == [
        Claim("0", PUMP_PROGRAM_ID, "pumpfun", "cashback_claim", address("bob"), NATIVE_MINT, 700),
        Claim("2", PUMP_PROGRAM_ID, "pumpfun", "creator_fee_claim", address("maker"), NATIVE_MINT, 900),
    ]


def test_shared_creator_fees_are_a_claim_of_each_shareholder() -> None:
    shares = f"02000000{key('ann').hex()}8813{key('ben').hex()}8813"
    event = tells(
        "DistributeCreatorFeesEvent",
        f"i64:0 pubkey:coin pubkey:pdacurve pubkey:share pubkey:maker bytes:{shares} u64:900 pubkey:none",
    )
    paid = [
        Call("system", "pdavault ann", pack("<IQ", 2, 450)),
        Call("system", "pdavault ben", pack("<IQ", 2, 449)),
    ]
    accounts = "coin pdacurve share pdavault system authority pump ann ben"
    before = "alice 50000\npdavault 900\nann 1\nben 1"
    _, facts = run(
        before,
        [pump("distribute_creator_fees", accounts, "", [*paid, event])],
        "alice 45000\npdavault 1\nann 451\nben 450",
    )
    curve = address("pdacurve")
    assert facts == [
        Claim("0", PUMP_PROGRAM_ID, "pumpfun", "creator_fee_claim", address("ann"), NATIVE_MINT, 450, curve),
        Claim("0", PUMP_PROGRAM_ID, "pumpfun", "creator_fee_claim", address("ben"), NATIVE_MINT, 449, curve),
    ]


def test_a_trade_that_tells_nothing_is_unread() -> None:
    calls = [pump("sell_v3", V3, "u64:500 u64:1")]
    reading = read(hand_ledger.body("alice 50000", calls, "alice 45000")).reading
    assert (reading.facts, reading.unread) == ([], ["0"])

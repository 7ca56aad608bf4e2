"""BonkSwap after its published layout: the recorded swaps failed, and show only that the layout knows them."""

from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, VENUE, crafted_reading, moved
from venue_facts import read

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.facts import INSIDE, FeePart, Leg, Liquidity, Reserve

PROGRAM_ID = "BSwp6bEBihVLdqJRKGgzjcGLHkcTuzmSo1TQkHepzH8p"
USERS = {"user_x": "x", "user_y": "y"}
VAULTS = {"pool_x": "x", "pool_y": "y", "referrer_x": "x", "referrer_y": "y"}


def test_recorded_failures_are_known(recorded: list[Recorded]) -> None:
    transactions = [
        parse_transaction(one.body) for one in recorded if one.file == "blocks/mainnet_254170887_base64_full.json.gz"
    ]
    of_program = [one for one in transactions if any(call.program_id == PROGRAM_ID for call in one.instructions)]
    assert len(of_program) == 2
    for one in of_program:
        reading = read(one).reading
        assert one.is_failed
        assert not [call for call in reading.unknown if call.program_id == PROGRAM_ID]


def test_a_swap_pays_the_referrer_inside() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "state pool x y pool_x pool_y user_x user_y owner referrer_x referrer_y referrer authority",
        bytes.fromhex("f8c69e91e17587c8") + u64(50) + bytes(16) + b"\0",
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_y", "pool_y", 50), moved("pool_x", "user_x", 40), moved("pool_y", "referrer_y", 2)],
    )
    expected = Leg(
        "0",
        PROGRAM_ID,
        "bonkswap",
        address("pool"),
        OWNER,
        address("y"),
        50,
        address("x"),
        40,
        reserves=(Reserve(address("x"), 1_000_000, 999_960), Reserve(address("y"), 1_000_000, 1_000_048)),
        fees=(FeePart("referral", address("y"), 2, INSIDE, VENUE),),
    )
    assert reading.facts == [expected]


def test_a_new_provider_adds_both_tokens() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool farm provider x y pool_x pool_y user_x user_y owner",
        bytes.fromhex("4a35d3ae26a8e3b1") + u64(3, 4) + b"\xff",
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_x", "pool_x", 3), moved("user_y", "pool_y", 4)],
    )
    amounts = ((address("x"), 3), (address("y"), 4))
    expected = Liquidity("0", PROGRAM_ID, "bonkswap", "liquidity_add", address("pool"), OWNER, amounts)
    assert reading.facts == [expected]

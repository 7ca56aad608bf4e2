"""Orca's first two programs: recorded swaps at both addresses, and a deposit by hand."""

import pytest
from hand_ledger import address
from ledger_calls import craft
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Liquidity, Reserve
from oof_pipelines.decode.money import USDT_MINT
from oof_pipelines.decode.program import is_event_call
from oof_pipelines.decode.venues.orca_v2 import PROGRAM

SECOND, FIRST = PROGRAM.program_ids
VENUE = "orca_token_swap"
KIN_MINT = "kinXdEcpDQeHPEuQnqmUgtYykqKGVFq6CeVX5iAHJq6"

EXPECTED = {
    "5F3rNHPy4ipRwpmR9Wk8qeEgnkGXTKsakrVzdPivcvigH15Wjr1pn8THL9GMGndF1pZV9ANjd3XQPysk6btc6vWo": Leg(
        "4",
        SECOND,
        VENUE,
        "Ez52BLSoZw3MxWxMK4ADsJXqzUiYW9sUnwcrrQwQGdLT",
        "D7XYERWodEGaoN2X855T2qLvse28BSjfkvfCyW2EDBWy",
        NATIVE_MINT,
        20000000,
        KIN_MINT,
        4744455002,
        (Reserve(NATIVE_MINT, 5347237349776, 5347257349776), Reserve(KIN_MINT, 1272308003927947, 1272303259472945)),
    ),
    "3ptkKyi3bcueehpQtQevoEJR4b5zLYYnbnLrWwbjnPjjNNBgqydNeUEC2wVzMWpoZtiwSK2XCY2DRyxy1ZkKei7Y": Leg(
        "2.9",
        FIRST,
        VENUE,
        "4bS6bkBdJ4B1Bt4ft3oGF8La7eKpCqz8xnu1AMpMxWSP",
        "5y5jCvdD6uTPjWbQtLj8ABQ56jCor2SxURidAqGSyviw",
        NATIVE_MINT,
        5475796,
        USDT_MINT,
        907632,
        (Reserve(NATIVE_MINT, 40373166974, 40378642770), Reserve(USDT_MINT, 6713035131, 6712127499)),
    ),
}


@pytest.mark.parametrize("signature", EXPECTED, ids=lambda signature: signature[:8])
def test_recorded_swaps_say_what_moved(signature: str, by_signature: dict[str, Recorded]) -> None:
    assert facts_of(by_signature[signature], PROGRAM.name) == [EXPECTED[signature]]


def test_a_tag_that_no_layout_has_is_unknown_not_a_swap() -> None:
    data = bytes.fromhex("f8c69e91e17587c8")
    assert PROGRAM.layout_of(data, None) is None
    assert not is_event_call(data)


def test_a_deposit_of_both_tokens_is_liquidity_with_its_share() -> None:
    did = craft(
        PROGRAM,
        "deposit_all_token_types",
        """
        user_a        coin alice 1000
        user_b        usd  alice 500
        share_account share_mint alice 0
        vault_a       coin pdapool 70
        vault_b       usd  pdapool 80
        """,
        "user_a → vault_a 30\nuser_b → vault_b 20\nmint share_account 5",
        args="u64:5 u64:30 u64:20",
    )
    amounts = ((address("coin"), 30), (address("usd"), 20))
    pool, wallet, share = (address(name) for name in ("pool", "alice", "share_mint"))
    assert did.facts == [Liquidity("0", SECOND, VENUE, "liquidity_add", pool, wallet, amounts, share, 5)]

"""ZeroFi: a recorded swap, and one the other way."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, moved
from venue_facts import facts_of

from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "5acNq9XFxMxEzLWTR7hC2v6iNGbXxwChqR5mP2KkfkLvB6LAzTMpVDNSY7yaq4EbU7ypywKtpfLZgLQqDnwfeX8P": [
        Leg(
            path="0.0",
            program_id="ZERor4xhbUycZ6gb9ntrhqscUcZmAbQDjEAtCf4hbZY",
            venue="zerofi",
            pool="Du4WfVEeXmYtgwvX5FYzJaW5J8LokjFRNFbPFMXYfe4",
            trader="E2MPTDnFPNiCRmbJGKYSYew48NWRGVNfHjoiibFP5VL2",
            sold_mint="DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263",
            sold_raw=45525798707,
            bought_mint=USDC_MINT,
            bought_raw=8820304,
            reserves=(
                Reserve(
                    mint="DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263",
                    before_raw=1616106366787404,
                    after_raw=1616151892586111,
                ),
                Reserve(mint=USDC_MINT, before_raw=623622625408, after_raw=623613805104),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "zerofi")
    assert facts == RECORDED[signature]


PROGRAM_ID = "ZERor4xhbUycZ6gb9ntrhqscUcZmAbQDjEAtCf4hbZY"
ACCOUNTS = "pool info_a vault_a info_b vault_b user_a user_b user token_program instructions"
USERS = {"user_a": "a", "user_b": "b"}
VAULTS = {"vault_a": "a", "vault_b": "b"}


def test_a_swap_the_other_way_is_told_by_what_moved() -> None:
    calls = [moved("user_b", "vault_b", 50), moved("vault_a", "user_a", 40)]
    reading = crafted_reading(PROGRAM_ID, ACCOUNTS, b"\6" + u64(50, 1), users=USERS, vaults=VAULTS, calls=calls)
    reserves = (Reserve(address("a"), 1_000_000, 999_960), Reserve(address("b"), 1_000_000, 1_000_050))
    expected = Leg(
        "0", PROGRAM_ID, "zerofi", address("pool"), OWNER, address("b"), 50, address("a"), 40, reserves=reserves
    )
    assert reading.facts == [expected]


def test_a_call_that_moves_nothing_is_no_swap() -> None:
    reading = crafted_reading(PROGRAM_ID, ACCOUNTS, b"\6" + u64(50, 1), users=USERS, vaults=VAULTS, calls=[])
    assert (reading.facts, reading.unread) == ([], [])

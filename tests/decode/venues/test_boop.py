"""Boop: a recorded sell; a buy and a launch after the published layout."""

from pathlib import Path

import pytest
from crafted_bodies import address
from crafted_calls import pays_lamports, texts, u64
from geyser_recordings import read_geyser
from recorded_bodies import Recorded
from venue_calls import OWNER, crafted_reading, moved
from venue_facts import facts_of, read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import FeePart, Leg, Reserve, TokenEvent
from oof_pipelines.decode.programs import BY_ID

RECORDED = {
    "64iMkSa7wMrdijA918tPonuuHi6KFEKmy448XZYUkJrndfhsH5vnRozQJHihsSuAr3WbsMyNcePM6rpmR1gYjdh2": [
        Leg(
            path="2",
            program_id="boop8hVGQGqehUK2iVEMEnMrL5RbjywRzHKBmBE7ry4",
            venue="boop",
            pool="DnivLzmynfaCFbULRjgC5FsJd5N7UXW3eid9CZLJoM7w",
            trader="3TjkU3MEqphgQG7QKKWexnv7Qy1bMrkw6NaW6ZN6jfDy",
            sold_mint="14cL8YSNUWMR1kWJoLSm9TXDG1qg8UiKnrHYXoUgboop",
            sold_raw=33076589599,
            bought_mint=NATIVE_MINT,
            bought_raw=981,
            reserves=(
                Reserve(
                    mint="14cL8YSNUWMR1kWJoLSm9TXDG1qg8UiKnrHYXoUgboop",
                    before_raw=999999966923410398,
                    after_raw=999999999999999997,
                ),
            ),
            fees=(
                FeePart(
                    kind="protocol",
                    mint=NATIVE_MINT,
                    amount_raw=9,
                    side="inside",
                    recipient="JqLDYJ6eqknD3VwAoCZVzoNTMeA9zTvoJVapUgQmRjL",
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "boop")
    assert facts == RECORDED[signature]


PROGRAM_ID = "boop8hVGQGqehUK2iVEMEnMrL5RbjywRzHKBmBE7ry4"


def test_a_launch_tells_the_names() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "config metadata coin owner rent",
        bytes.fromhex("5434cce4188cea4b") + u64(1) + texts("Coin", "CN", "https://coin"),
        users={},
        vaults={},
        calls=[],
    )
    expected = TokenEvent(
        "0",
        PROGRAM_ID,
        "boop",
        "launch",
        address("coin"),
        OWNER,
        quote_mint=NATIVE_MINT,
        name="Coin",
        symbol="CN",
        uri="https://coin",
    )
    assert reading.facts == [expected]


def test_a_buyer_pays_the_curve_and_the_fee() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "coin curve fee_vault curve_vault curve_sol user_coin owner",
        bytes.fromhex("8a7f0e5b26577369") + u64(100, 1),
        users={"user_coin": "coin"},
        vaults={"curve_vault": "coin"},
        calls=[
            pays_lamports(OWNER, address("curve_sol"), 99),
            moved("curve_vault", "user_coin", 500),
        ],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.trader, leg.sold_mint, leg.sold_raw, leg.bought_raw) == (OWNER, NATIVE_MINT, 99, 500)
    assert leg.fees == ()


def test_a_seller_of_the_stream_gets_what_the_event_says(fixtures_dir: Path) -> None:
    signature = "53mugqLKTaQquv8nVNqKFFgTyEyf3HfZ468wDtNRmZpZPh8UwvsmLj9uuyu5gQVjB2PFC7EaECGdPNVyv9fW7zcN"
    found = read(read_geyser(fixtures_dir, signature))
    (leg,) = found.facts
    assert isinstance(leg, Leg)
    scene = found.scene
    logged = scene.logs.of(scene.order_of(leg.path))
    (told,) = (event for data in logged if (event := BY_ID[PROGRAM_ID].logged_event_of(data)))
    assert (leg.sold_raw, leg.bought_raw, leg.fees[0].amount_raw) == (399211831516600, 11755127, 118738)
    assert [told[1][name] for name in ("amount_in", "amount_out", "swap_fee")] == [399211831516600, 11755127, 118738]

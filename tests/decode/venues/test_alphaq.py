"""AlphaQ: recorded swaps in both directions."""

import pytest
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import crafted_reading, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Leg, Reserve
from oof_pipelines.decode.money import USDC_MINT

RECORDED = {
    "2orRh64eJCGPWXa5Se1e6Jm6mYZoQczs8K4x3Y7TUx2HPNDfF5E4tvnADBSDFtJdXCG9cPH9EU4xHLzsn3RwWGgr": [
        Leg(
            path="3.0",
            program_id="ALPHAQmeA7bjrVuccPsYPiCvsi428SNwte66Srvs4pHA",
            venue="alphaq",
            pool="9xPhpwq6GLUkrDBNfXCbnSP9ARAMMyUQqgkrqaDW6NLV",
            trader="Aaa4v5anYmDymZPgvKe6A94f6MMMPzPLK7cSyZ61LFAa",
            sold_mint=USDC_MINT,
            sold_raw=1000000000,
            bought_mint="USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB",
            bought_raw=999855349,
            reserves=(
                Reserve(
                    mint="USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB", before_raw=14213980860, after_raw=13214125511
                ),
                Reserve(mint=USDC_MINT, before_raw=330142747114, after_raw=331142747114),
            ),
        ),
    ],
    "4EoaRY7jgd7bETXjjvchE57iPnj3J9zjJ9iCdRQZZcqLjx3bMNAeqbkLCp8u9eWaiAL8tDLeaQjV12mvhZkCrBLV": [
        Leg(
            path="3.7",
            program_id="ALPHAQmeA7bjrVuccPsYPiCvsi428SNwte66Srvs4pHA",
            venue="alphaq",
            pool="hKH9LFREBm3TxTx5Ex6D1nHTKEA8ii3CWfhEkB9s21u",
            trader="9sceVSTJ3bysMbG2ggmhi2NBMtb7KkMAtb4rc1koFdzW",
            sold_mint="J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn",
            sold_raw=923475600,
            bought_mint=NATIVE_MINT,
            bought_raw=1177228399,
            reserves=(
                Reserve(
                    mint="J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn", before_raw=173055228825, after_raw=173978704425
                ),
                Reserve(mint=NATIVE_MINT, before_raw=590159813988, after_raw=588982585589),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "alphaq")
    assert facts == RECORDED[signature]


def test_the_makers_table_of_numbers_is_known_and_says_nothing() -> None:
    table = crafted_reading(
        "ALPHAQmeA7bjrVuccPsYPiCvsi428SNwte66Srvs4pHA",
        "config maker pool_a pool_b",
        b"\x0b" + u64(24, 1_000_000, 2_000_000),
        users={},
        vaults={},
        calls=[],
    )
    assert (table.facts, table.unread, table.unknown) == ([], [], [])


def test_a_tag_of_no_layout_is_unknown() -> None:
    other = crafted_reading(
        "ALPHAQmeA7bjrVuccPsYPiCvsi428SNwte66Srvs4pHA",
        "config maker user_a vault_a",
        b"\x0d" + u64(1),
        users={"user_a": "a"},
        vaults={"vault_a": "a"},
        calls=[moved("user_a", "vault_a", 10)],
    )
    assert [one.discriminator[:2] for one in other.unknown] == ["0d"]

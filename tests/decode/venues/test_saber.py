"""Saber: recorded swaps, the admin's fee, and liquidity after the published layout."""

import pytest
from crafted_bodies import address
from crafted_calls import u64
from recorded_bodies import Recorded
from venue_calls import OWNER, VENUE, burned, crafted_reading, minted, moved
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, FeePart, Leg, Liquidity, Reserve

RECORDED = {
    "4okovGHuRH3ToayK5g3PcHPSvhfHGyD8QJGBJnGBSrkNFNRvHtRh1o6hhkSG12KCZUEMuGgERj1oKTvjA8XQNxGo": [
        Leg(
            path="2.4",
            program_id="SSwpkEEcbUqx4vtoEByFjSkhKdCT862DNVb52nZg1UZ",
            venue="saber",
            pool="STK75uPSyBnEhGTTzb1nwmP3n427XoXmfRhXxxhyady",
            trader="5y5jCvdD6uTPjWbQtLj8ABQ56jCor2SxURidAqGSyviw",
            sold_mint="bSo13r4TkiE4KumL71LsHTPpL2euBYLFx6h9HP3piy1",
            sold_raw=4903590,
            bought_mint=NATIVE_MINT,
            bought_raw=5471560,
            reserves=(
                Reserve(
                    mint="bSo13r4TkiE4KumL71LsHTPpL2euBYLFx6h9HP3piy1", before_raw=88377811401, after_raw=88382714991
                ),
                Reserve(mint=NATIVE_MINT, before_raw=475775846761, after_raw=475770375201),
            ),
        ),
    ],
    "S3z6oPjogs9VcYYdCugJVNe25VavQQNxp71BaeY65aSox3rrSWQs3UgGVM3Bu1FcRRGN2pcydgwUqpHfWWC4mi7": [
        Leg(
            path="2.5",
            program_id="SSwpkEEcbUqx4vtoEByFjSkhKdCT862DNVb52nZg1UZ",
            venue="saber",
            pool="Lee1XZJfJ9Hm2K1qTyeCz1LXNc1YBZaKZszvNY4KCDw",
            trader="6U91aKa8pmMxkJwBCfPTmUEfZi6dHe7DcFq2ALvB2tbB",
            sold_mint=NATIVE_MINT,
            sold_raw=37908765,
            bought_mint="mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So",
            bought_raw=32917565,
            reserves=(
                Reserve(mint=NATIVE_MINT, before_raw=57534466813880, after_raw=57534504722645),
                Reserve(
                    mint="mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So",
                    before_raw=8088860135675,
                    after_raw=8088827218110,
                ),
            ),
        ),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded(by_signature: dict[str, Recorded], signature: str) -> None:
    facts = facts_of(by_signature[signature], "saber")
    assert facts == RECORDED[signature]


PROGRAM_ID = "SSwpkEEcbUqx4vtoEByFjSkhKdCT862DNVb52nZg1UZ"
USERS = {"user_a": "a", "user_b": "b", "user_share": "share"}
VAULTS = {"vault_a": "a", "vault_b": "b", "admin_a": "a", "admin_b": "b"}


def test_a_deposit_is_liquidity_of_both_tokens() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool authority user user_a user_b vault_a vault_b share user_share token_program",
        b"\2" + u64(10, 20, 25),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_a", "vault_a", 10), moved("user_b", "vault_b", 20), minted("share", "user_share", 29)],
    )
    amounts = ((address("a"), 10), (address("b"), 20))
    expected = Liquidity(
        "0", PROGRAM_ID, "saber", "liquidity_add", address("pool"), OWNER, amounts, address("share"), 29
    )
    assert reading.facts == [expected]


def test_a_withdrawal_leaves_the_admins_part_out() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool authority user share user_share vault_a vault_b user_a user_b admin_a admin_b token_program",
        b"\3" + u64(30, 1, 1),
        users=USERS,
        vaults=VAULTS,
        calls=[
            moved("vault_a", "user_a", 10),
            moved("vault_a", "admin_a", 1),
            moved("vault_b", "user_b", 20),
            moved("vault_b", "admin_b", 2),
            burned("share", "user_share", 30),
        ],
    )
    amounts = ((address("a"), 10), (address("b"), 20))
    expected = Liquidity(
        "0", PROGRAM_ID, "saber", "liquidity_remove", address("pool"), OWNER, amounts, address("share"), 30
    )
    assert reading.facts == [expected]


def test_a_withdrawal_of_one_token() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool authority user share user_share vault_a vault_b user_a admin_a token_program",
        b"\4" + u64(30, 1),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("vault_a", "user_a", 31), moved("vault_a", "admin_a", 1), burned("share", "user_share", 30)],
    )
    amounts = ((address("a"), 31),)
    expected = Liquidity(
        "0", PROGRAM_ID, "saber", "liquidity_remove", address("pool"), OWNER, amounts, address("share"), 30
    )
    assert reading.facts == [expected]


def test_the_admins_part_of_a_swap_is_an_inside_fee() -> None:
    reading = crafted_reading(
        PROGRAM_ID,
        "pool authority user user_a vault_a vault_b user_b admin_b token_program",
        b"\1" + u64(100, 90),
        users=USERS,
        vaults=VAULTS,
        calls=[moved("user_a", "vault_a", 100), moved("vault_b", "user_b", 98), moved("vault_b", "admin_b", 1)],
    )
    (leg,) = reading.facts
    assert isinstance(leg, Leg)
    assert (leg.sold_raw, leg.bought_raw) == (100, 98)
    assert leg.fees == (FeePart("protocol", address("b"), 1, INSIDE, VENUE),)
    assert leg.reserves == (
        Reserve(address("a"), 1_000_000, 1_000_100),
        Reserve(address("b"), 1_000_000, 999_901),
    )


def test_a_cut_instruction_is_unread_and_an_unknown_tag_counted() -> None:
    cut = crafted_reading(PROGRAM_ID, "pool authority user", b"\1" + u64(100, 90), users=USERS, vaults=VAULTS, calls=[])
    assert (cut.facts, cut.unread) == ([], ["0"])
    unknown = crafted_reading(PROGRAM_ID, "pool", b"\x63", users={}, vaults={}, calls=[])
    assert [one.discriminator for one in unknown.unknown] == ["63"]

"""Meteora DAMM v2: swaps of both events and all fee modes, liquidity, claims, closed positions."""

from pathlib import Path

import pytest
from crafted_bodies import address
from crafted_calls import RICH_LAMPORTS, CraftedCall, event_data
from layout_checks import check_against_idl
from recorded_bodies import Recorded
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.venues.meteora_damm_v2 import PROGRAM

DAMM = "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG"
TOLD_BY = (DAMM, "meteora_damm_v2")
ALIASES = {
    "owner": {"payer", "partner", "signer"},
    "token_a_account": {"payer_token_a"},
    "token_b_account": {"payer_token_b"},
    "setting": {"config", "operator", "token_badge"},
}


def test_layouts_are_the_idls(fixtures_dir: Path) -> None:
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "meteora_damm_v2.json", ALIASES)


def test_swap_that_told_both_events(by_signature: dict[str, Recorded]) -> None:
    signature = "3QHC6GMfi2GsZaJ9pFCgRt6E3eevgvgDuULiJEPUzin86S4TUPqZoozNtptkM2iyKqiYWxd1fwFAFkTiU4QCoqfj"
    coin = "4KCqTCbhV4qkCTGcc7adxSym5j7irot7ZW7EEVUJ2s7C"
    assert facts_of(by_signature[signature], PROGRAM.name) == [
        Leg(
            "3",
            *TOLD_BY,
            "yJLejZTJeMnETVDuUcbucL3FhEydMBsFLWtqnY9NABf",
            "8QXHLs61dPPz9V4SLKPw7WN1vsuRpgGqxVo3Wtc55jWy",
            NATIVE_MINT,
            3_853_747,
            coin,
            10_049_442_880,
            (
                Reserve(coin, 173_673_691_248_437, 173_663_641_805_557),
                Reserve(NATIVE_MINT, 66_503_154_662, 66_507_008_409),
            ),
            (FeePart("lp", coin, 8_047_603, INSIDE), FeePart("protocol", coin, 2_011_900, INSIDE)),
        )
    ]


def test_swap2_of_a_route(by_signature: dict[str, Recorded]) -> None:
    signature = "3DafP7fgvWm1EUYiNRGdGEJzCN7uTtvoFSBfr9HwYukNXsmhEkUiuDEvTgzF1etuhfz2DAE7eTuoLUKjCJtgr4Nc"
    (leg,) = facts_of(by_signature[signature], PROGRAM.name)
    assert isinstance(leg, Leg)
    assert leg.trader == "ARu4n5mFdZogZAravu7CcizaojWnS6oqka37gdLT5SZn"
    assert (leg.sold_mint, leg.sold_raw, leg.bought_raw) == (NATIVE_MINT, 113_602_835, 612_030_882_524_262)
    assert {part.mint for part in leg.fees} == {leg.bought_mint}
    # Half a percent of what the pool computed.
    fee_raw = sum(part.amount_raw for part in leg.fees)
    assert fee_raw * 200 // (leg.bought_raw + fee_raw) == 1


# --- what is not recorded ---

TRADER, POOL, COIN, NFT = (address(word) for word in ("trader", "pool", "coin", "nft"))
USER_A, USER_B, VAULT_A, VAULT_B, REFERRAL = (address(word) for word in ("ua", "ub", "va", "vb", "referral"))
TOKENS = {
    USER_A: (COIN, TRADER, 10_000),
    USER_B: (NATIVE_MINT, TRADER, 10_000),
    VAULT_A: (COIN, address("authority"), 50_000),
    VAULT_B: (NATIVE_MINT, address("authority"), 60_000),
    REFERRAL: (NATIVE_MINT, address("referrer"), 0),
}
SIDES = {
    "pool": POOL,
    "token_a_vault": VAULT_A,
    "token_b_vault": VAULT_B,
    "token_a_mint": COIN,
    "token_b_mint": NATIVE_MINT,
}
PRICE = (2**70).to_bytes(16, "little")
A_TO_B, B_TO_A = 0, 1


def swap(direction: int, event: bytes, referral: str = DAMM) -> Leg:
    source, destination = (USER_A, USER_B) if direction == A_TO_B else (USER_B, USER_A)
    into, out_of = (VAULT_A, VAULT_B) if direction == A_TO_B else (VAULT_B, VAULT_A)
    accounts = {"input_token_account": source, "output_token_account": destination, "referral_token_account": referral}
    call = CraftedCall(
        PROGRAM,
        "swap2",
        SIDES | accounts,
        TOKENS,
        moves=[(source, into, 1_000), (out_of, destination, 500)],
        events=[event],
    )
    (leg,) = call.read().facts
    assert isinstance(leg, Leg)
    assert (leg.sold_raw, leg.bought_raw) == (1_000, 500)
    return leg


def swapped2(direction: int, mode: int, is_fee_on_input: bool, has_referral: bool = False) -> bytes:
    excluded_raw = 985 if is_fee_on_input else 1_000
    amounts = (1_000, 1, 0, 1_000, excluded_raw, 0, 500, PRICE, 8, 4, 2, 1, 1_000, 500, 500, 7, 1, 1)
    return event_data("EvtSwap2", "32sBB?QQBQQQQ16sQQQQQQQQQQ", POOL, direction, mode, has_referral, *amounts)


@pytest.mark.parametrize(
    ("direction", "is_fee_on_input", "mint"),
    [(A_TO_B, False, NATIVE_MINT), (B_TO_A, False, COIN), (B_TO_A, True, NATIVE_MINT)],
)
def test_fees_are_in_the_token_that_the_mode_takes_them_from(direction: int, is_fee_on_input: bool, mint: str) -> None:
    assert swap(direction, swapped2(direction, 1, is_fee_on_input)).fees == (
        FeePart("lp", mint, 8, INSIDE),
        FeePart("protocol", mint, 4, INSIDE),
        FeePart("platform", mint, 2, INSIDE),
        FeePart("referral", mint, 1, INSIDE),
    )


def test_in_a_compounding_pool_the_partners_part_is_the_providers() -> None:
    leg = swap(B_TO_A, swapped2(B_TO_A, 2, True, has_referral=True), REFERRAL)
    assert [(part.kind, part.amount_raw) for part in leg.fees] == [
        ("lp", 8),
        ("protocol", 4),
        ("lp", 2),
        ("referral", 1),
    ]
    assert leg.fees[-1].recipient == REFERRAL


def test_the_old_event_alone() -> None:
    def told(direction: int, has_referral: bool) -> bytes:
        amounts = (1_000, 1, 500, PRICE, 8, 4, 0, 1 if has_referral else 0, 1_000, 7)
        return event_data("EvtSwap", "32sB?QQQ16sQQQQQQ", POOL, direction, has_referral, *amounts)

    assert {part.mint for part in swap(A_TO_B, told(A_TO_B, False)).fees} == {NATIVE_MINT}
    assert {part.mint for part in swap(B_TO_A, told(B_TO_A, True), REFERRAL).fees} == {NATIVE_MINT}
    assert swap(B_TO_A, told(B_TO_A, False)).fees == ()


def owned(name: str, moves: list[tuple[str, str, int]], **accounts: str) -> CraftedCall:
    named = {"token_a_account": USER_A, "token_b_account": USER_B, "receiver_token": USER_A, "owner": TRADER}
    return CraftedCall(PROGRAM, name, SIDES | named | {"user_token_account": USER_B} | accounts, TOKENS, moves=moves)


def test_liquidity_in_and_out() -> None:
    both = ((COIN, 7), (NATIVE_MINT, 9))
    into, out = [(USER_A, VAULT_A, 7), (USER_B, VAULT_B, 9)], [(VAULT_A, USER_A, 7), (VAULT_B, USER_B, 9)]
    assert owned("add_liquidity", into).read().facts == [Liquidity("0", *TOLD_BY, "liquidity_add", POOL, TRADER, both)]
    for name in ("remove_liquidity", "remove_all_liquidity"):
        assert owned(name, out).read().facts == [Liquidity("0", *TOLD_BY, "liquidity_remove", POOL, TRADER, both)]
    for name in ("initialize_pool", "initialize_customizable_pool", "initialize_pool_with_dynamic_config"):
        assert owned(name, into).read().facts == [
            TokenEvent("0", *TOLD_BY, "pool_created", COIN, TRADER, pool=POOL, quote_mint=NATIVE_MINT),
            Liquidity("0", *TOLD_BY, "liquidity_add", POOL, TRADER, both),
        ]


def test_claims() -> None:
    kinds = {
        "claim_position_fee": "lp_fee_claim",
        "claim_partner_fee": "platform_fee_claim",
        "claim_protocol_fee": "protocol_fee_claim",
        "claim_protocol_fee2": "protocol_fee_claim",
        "zap_protocol_fee": "protocol_fee_claim",
    }
    for name, kind in kinds.items():
        claimed = owned(name, [(VAULT_A, USER_A, 3)]).read().facts
        assert claimed == [Claim("0", *TOLD_BY, kind, TRADER, COIN, 3, POOL)], name
    assert owned("claim_reward", [(VAULT_B, USER_B, 3)]).read().facts == [
        Claim("0", *TOLD_BY, "reward_claim", TRADER, NATIVE_MINT, 3, POOL)
    ]


def test_a_closed_position_gives_its_rent_back() -> None:
    position, receiver = address("position"), address("receiver")
    call = owned("close_position", [], position=position, rent_receiver=receiver)
    call.lamport_changes = {position: -(RICH_LAMPORTS), receiver: RICH_LAMPORTS}
    booked = call.read().booked
    assert not booked.has_residual
    assert {(move.account, move.delta_raw, move.kind) for move in booked.moves} == {
        (position, -(RICH_LAMPORTS), "rent"),
        (receiver, RICH_LAMPORTS, "rent"),
    }

"""Meteora DBC: launches, trades, full curves, both migrations in both layouts, claims and fees paid by no instruction."""

from pathlib import Path

import pytest
from crafted_bodies import address
from crafted_calls import CraftedCall, event_data, texts
from geyser_recordings import read_geyser
from layout_checks import check_against_idl
from venue_facts import facts_of

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, FeePart, Leg, Reserve, TokenEvent
from oof_pipelines.decode.venues.meteora_dbc import PROGRAM

DBC = "dbcij3LWUppWqq96dh6gJWwBifmcGfLSB5D4DuSMaqN"
DAMM_V2 = "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG"
TOLD_BY = (DBC, "meteora_dbc")
SALE = "23BXcBmnM3S3kFxcR49poVKADhGyfdN8GtSGj4tjffFHAYRZHjLpZYWL2McmEMWQT2WcVDwa88CbzvU6N9NjCZCS"
ALIASES = {
    "owner": {"creator", "fee_claimer", "sender", "signer"},
    "pool": {"virtual_pool"},
    "token_a_account": {"token_base_account"},
    "token_b_account": {"token_quote_account"},
    "setting": {"claim_fee_operator"},
    "base_mint": {"token_a_mint"},
    "quote_mint": {"token_b_mint"},
    # The first layout of the migration has one account more before these.
    "base_mint_or_program": {"base_mint"},
    "quote_or_base_mint": {"quote_mint"},
    "first_quote_mint": {"token_a_vault"},
    "first_payer": {"token_base_program"},
}


def test_layouts_are_the_idls(fixtures_dir: Path) -> None:
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "meteora_dbc.json", ALIASES)


def test_sale_that_told_both_events(fixtures_dir: Path) -> None:
    coin = "EeXMYKCMjVLU1PrjAi4o2fMpC37h9RpuU3y7k4WHBQN9"
    assert facts_of(read_geyser(fixtures_dir, SALE), PROGRAM.name) == [
        Leg(
            "3",
            *TOLD_BY,
            "CQLuGpgxg5qmuw5BnHCG8zHquKn3jxXuVrgSLYGBk48t",
            "H2GjtXqmbhRCedTidoMPbzuvVjgSeWt1KYMrKcaCC2R7",
            coin,
            47_192_506_267,
            NATIVE_MINT,
            553_679_124,
            (
                Reserve(coin, 795_992_601_345_447, 796_039_793_851_714),
                Reserve(NATIVE_MINT, 221_342_002_384, 220_788_323_260),
            ),
            (FeePart("platform", NATIVE_MINT, 44_300, INSIDE), FeePart("protocol", NATIVE_MINT, 11_074, INSIDE)),
        )
    ]


# --- what is not recorded ---

TRADER, POOL, CONFIG, COIN = (address(word) for word in ("trader", "pool", "config", "coin"))
COINS, QUOTES, BASE_VAULT, QUOTE_VAULT, REFERRAL = (address(word) for word in ("c", "q", "bv", "qv", "referral"))
TOKENS = {
    COINS: (COIN, TRADER, 1_000),
    QUOTES: (NATIVE_MINT, TRADER, 1_000),
    BASE_VAULT: (COIN, address("authority"), 90_000),
    QUOTE_VAULT: (NATIVE_MINT, address("authority"), 90_000),
    REFERRAL: (NATIVE_MINT, address("referrer"), 0),
}
SIDES = {
    "config": CONFIG,
    "pool": POOL,
    "base_mint": COIN,
    "quote_mint": NATIVE_MINT,
    "base_vault": BASE_VAULT,
    "quote_vault": QUOTE_VAULT,
    "payer": TRADER,
}
PRICE = (2**66).to_bytes(16, "little")
BUY = 1


def buy(events: list[bytes], referral: str = DBC) -> CraftedCall:
    sides = {"input_token_account": QUOTES, "output_token_account": COINS, "referral_token_account": referral}
    moves = [(QUOTES, QUOTE_VAULT, 500), (BASE_VAULT, COINS, 200)]
    if referral != DBC:
        moves.append((QUOTE_VAULT, referral, 1))
    return CraftedCall(PROGRAM, "swap2", SIDES | sides, TOKENS, moves=moves, events=events)


def swapped2(excluded_raw: int, has_referral: bool) -> bytes:
    amounts = (500, 1, 0, 500, excluded_raw, 0, 200, PRICE, 6, 3, 1 if has_referral else 0, 9, 9, 7)
    return event_data("EvtSwap2", "32s32sB?QQBQQQQ16sQQQQQQ", POOL, CONFIG, BUY, has_referral, *amounts)


def test_a_buyer_pays_in_the_quote_token_with_a_referral() -> None:
    (leg,) = buy([swapped2(490, True)], REFERRAL).read().facts
    assert isinstance(leg, Leg)
    assert (leg.sold_mint, leg.sold_raw, leg.bought_raw) == (NATIVE_MINT, 500, 200)
    assert leg.fees == (
        FeePart("platform", NATIVE_MINT, 6, INSIDE),
        FeePart("protocol", NATIVE_MINT, 3, INSIDE),
        FeePart("referral", NATIVE_MINT, 1, INSIDE, REFERRAL),
    )


def test_or_in_what_he_buys() -> None:
    (leg,) = buy([swapped2(500, False)]).read().facts
    assert isinstance(leg, Leg)
    assert {part.mint for part in leg.fees} == {COIN}


@pytest.mark.parametrize(("actual_raw", "mint"), [(490, NATIVE_MINT), (500, COIN)])
def test_the_old_event_alone(actual_raw: int, mint: str) -> None:
    amounts = (500, 1, actual_raw, 200, PRICE, 6, 3, 0, 500, 7)
    told = event_data("EvtSwap", "32s32sB?QQQQ16sQQQQQ", POOL, CONFIG, BUY, False, *amounts)
    (leg,) = buy([told]).read().facts
    assert isinstance(leg, Leg)
    assert leg.fees == (FeePart("platform", mint, 6, INSIDE), FeePart("protocol", mint, 3, INSIDE))


def test_the_trade_that_fills_the_curve_graduates_the_coin() -> None:
    full = event_data("EvtCurveComplete", "32s32sQQ", POOL, CONFIG, 1, 2)
    leg, graduated = buy([swapped2(490, False), full]).read().facts
    assert isinstance(leg, Leg)
    assert graduated == TokenEvent("0", *TOLD_BY, "graduation", COIN, TRADER, pool=POOL, quote_mint=NATIVE_MINT)


@pytest.mark.parametrize("standard", ["spl_token", "token2022"])
def test_a_launch(standard: str) -> None:
    text = texts("Name", "SYM", "https://uri")
    accounts = SIDES | {"creator": address("creator"), "token_program": address("tokens")}
    name = f"initialize_virtual_pool_with_{standard}"
    assert CraftedCall(PROGRAM, name, accounts, {}, arguments=text).read().facts == [
        TokenEvent(
            "0",
            *TOLD_BY,
            "launch",
            COIN,
            TRADER,
            pool=POOL,
            quote_mint=NATIVE_MINT,
            creator=address("creator"),
            name="Name",
            symbol="SYM",
            uri="https://uri",
            token_program_id=address("tokens"),
        )
    ]


def test_migrations() -> None:
    migrated = TokenEvent("0", *TOLD_BY, "migration", COIN, TRADER, pool=POOL, quote_mint=NATIVE_MINT)
    accounts = SIDES | {"base_mint_or_program": COIN, "quote_or_base_mint": NATIVE_MINT}
    first = SIDES | {"base_mint_or_program": DAMM_V2, "quote_or_base_mint": COIN, "first_quote_mint": NATIVE_MINT}
    first |= {"first_payer": TRADER, "payer": address("quote vault")}
    assert CraftedCall(PROGRAM, "migrate_meteora_damm", accounts, {}).read().facts == [migrated]
    assert CraftedCall(PROGRAM, "migration_damm_v2", accounts, {}).read().facts == [migrated]
    assert CraftedCall(PROGRAM, "migration_damm_v2", first, {}).read().facts == [migrated]


def claim(name: str, arguments: bytes = b"") -> CraftedCall:
    named = {"token_a_account": COINS, "token_b_account": QUOTES, "token_quote_account": QUOTES}
    named |= {"receiver_token": QUOTES, "owner": TRADER}
    moves = [(QUOTE_VAULT, QUOTES, 5)]
    return CraftedCall(PROGRAM, name, SIDES | named, TOKENS, moves=moves, arguments=arguments)


def test_claims() -> None:
    kinds = {
        "claim_trading_fee": "platform_fee_claim",
        "claim_creator_trading_fee": "creator_fee_claim",
        "claim_protocol_fee": "protocol_fee_claim",
        "claim_protocol_fee2": "protocol_fee_claim",
        "zap_protocol_fee": "protocol_fee_claim",
        "partner_withdraw_surplus": "platform_fee_claim",
        "creator_withdraw_surplus": "creator_fee_claim",
        "protocol_withdraw_surplus": "protocol_fee_claim",
    }
    for name, kind in kinds.items():
        assert claim(name).read().facts == [Claim("0", *TOLD_BY, kind, TRADER, NATIVE_MINT, 5, POOL)], name
    for flag, kind in ((0, "platform_fee_claim"), (1, "creator_fee_claim")):
        facts = claim("withdraw_migration_fee", bytes([flag])).read().facts
        assert facts == [Claim("0", *TOLD_BY, kind, TRADER, NATIVE_MINT, 5, POOL)]


def test_the_fee_for_making_a_pool_is_paid_by_no_instruction() -> None:
    told = {
        "claim_partner_pool_creation_fee": (
            "platform_fee_claim",
            event_data("EvtPartnerClaimPoolCreationFee", "32s32sQ32s", POOL, address("partner"), 700, TRADER),
        ),
        "claim_protocol_pool_creation_fee": (
            "protocol_fee_claim",
            event_data("EvtClaimPoolCreationFee", "32s32sQ", POOL, TRADER, 700),
        ),
    }
    for name, (kind, event) in told.items():
        accounts = {"pool": POOL, "receiver": TRADER}
        call = CraftedCall(PROGRAM, name, accounts, {}, events=[event], lamport_changes={POOL: -700, TRADER: 700})
        assert call.read().facts == [Claim("0", *TOLD_BY, kind, TRADER, NATIVE_MINT, 700, POOL)]
        assert not call.read().booked.has_residual

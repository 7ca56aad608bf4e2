"""pump.fun: what its calls of all generations say, and the lamports that its curves pay by no instruction."""

from itertools import pairwise
from pathlib import Path

import pytest
from layout_checks import check_against_idl, check_field_names
from recorded_bodies import Recorded
from venue_facts import facts_of, fee_lines, legs_of, read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import FeePart, Leg, Reserve, TokenEvent
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.pump_curve import PUMP_PROGRAM_ID, curve_address
from oof_pipelines.decode.venues.pumpfun import PROGRAM

SELL_2024 = "3bYXWjjNkVZpz3VWrp8Sh12usVCnzEqhYCnNNMQrMu7C8XHssi2WBTW37zukC5oyYTsAKYRtUQ1xhwFMYFMH19VJ"
SELL_MARCH_2025 = "3EBWPyZHcv6ZCFVY5R49JnuBp9vK1pAaT4ZymBnVJN2ZivfSs8upED9NeP6YV7GFeSRmQNVVEAFTH2mQPhjnwyxr"
SELL_JULY_2025 = "4YFHVTyNZ5ssqRfuTZzwQSRejA2Y4p5XHc2M336h5RNzuoQq8ecGjcBvYP5H7nCjgDr67aDyoxP9fQmNbKxMY8Tx"
FOUR_BUYS = "JBnrBbgqh9jRUkUD68GdwBWoxWyz8SqEuM4eYqR6cyMMofFD43XQKjWBMHvRanPuzSU9UC8CFBQH1brAmvjxZpA"
CASHBACK_BUY = "4HbY43S9UigSctrfxY5nszgf3ozN1f4kPQYaqaFLZaCDhwa55rauuRmhP85u67U7dBvGFwB5C6stmkH2b1TNxgQh"
BUYBACK_BUY = "5EDHe12KqokKkhDLY8n5cs7hYs5g49mNFTMKHARafs9FMVBYcG1rYf7VD4h1zd19G7zaXGNLqqyTsczPXbbafYuZ"
USDC_BUY = "2m5nWLnDSbM5SEGCnRxuftg5PFFZR6kziuNQbmrmqtEhbH81PyKVeEsipiXaFQxnerN8zQYB2XRwozrjoZheFDuG"
LAST_BUY = "2wkECde79GonMwWQsDMcMm5nNex6ma72pyrKVxgJAps7S26iLqaP5JBPxqNu8vuCM6J15mbfgXavU7DFDDjR2S3i"
MIGRATION = "2ffHb9AXeKNVs3KSusTHTY3GTPnUJ2WLr48pjHDZjhMYfLC9P6XWXMuDkev13X49qLp6A5CkDmAJciJgieQUFidV"
LAUNCH_2024 = "2s393PSYYxJJJfGiwHf18HZeC68nZs44ssbeB4aAkeYMyd1dyiiu3yVmGyRWZuArk5HzYDgVxYfhKLYd2CJ8kCBj"


def test_every_instruction_and_event_of_the_idl_is_laid_out_as_there(fixtures_dir: Path) -> None:
    idl_path = fixtures_dir / "idl" / "pump.json"
    check_against_idl(PROGRAM, idl_path, {"buyback_fee_recipient": set()}, longer={"TradeEvent"})
    check_field_names(PROGRAM, idl_path, longer={"TradeEvent"})


def test_a_sell_of_2024_has_its_fee_though_the_event_tells_none(by_signature: dict[str, Recorded]) -> None:
    coin, curve = "CnNVDyM7GXBBcH8giuRYm17YCn6kpFTTbnd6Tx4hpump", "6cSXbsWdUE86Nvwq8UZSQS8X8v4Rz3TP39V6gSb9Rg6f"
    assert facts_of(by_signature[SELL_2024], "pumpfun") == [
        Leg(
            "3",
            PUMP_PROGRAM_ID,
            "pumpfun",
            curve,
            "4DdrfiDHpmx55i4SPssxVzS9ZaKLb8qr45NKY9Er9nNh",
            coin,
            592443959000000,
            NATIVE_MINT,
            37437283903,
            (
                Reserve(NATIVE_MINT, 67550131944, 30112848041, "virtual"),
                Reserve(coin, 476534968601996, 1068978927601996, "virtual"),
            ),
            (FeePart("protocol", NATIVE_MINT, 374372839, "on_top", "CebN5WGQ4jvEPvsVU4EoHEpgzq1VV7AbicfhtW4xC9iM"),),
        )
    ]
    assert curve_address(coin) == curve


@pytest.mark.parametrize("signature", [SELL_2024, SELL_MARCH_2025, SELL_JULY_2025])
def test_what_a_curve_pays_out_leaves_nothing_unexplained(signature: str, by_signature: dict[str, Recorded]) -> None:
    """Rounded down in 2024, up in March 2025, told by the event since."""
    booked = read(by_signature[signature]).booked
    assert not booked.has_residual


def test_buys_in_a_row_chain_their_reserves_and_state_their_fees(by_signature: dict[str, Recorded]) -> None:
    legs = legs_of(by_signature[FOUR_BUYS], "pumpfun")
    assert [(one.trader[:6], one.sold_raw, one.bought_raw, fee_lines(one)) for one in legs] == [
        ("Gh6D6D", 386100226, 12373970345963, ["protocol 3861002 on_top CebN5W"]),
        ("7SPkzf", 386820768, 12100159018198, ["protocol 3868207 on_top CebN5W"]),
        ("GdCFP1", 393794276, 12023935360031, ["protocol 3937942 on_top CebN5W"]),
        ("8rL9du", 404234089, 12044860698416, ["protocol 4042340 on_top CebN5W"]),
    ]
    for earlier, later in pairwise(legs):
        assert [one.after_raw for one in earlier.reserves] == [one.before_raw for one in later.reserves]


def test_a_buyer_pays_cashback_and_the_buyback_part_beside_the_amount(by_signature: dict[str, Recorded]) -> None:
    leg = legs_of(by_signature[CASHBACK_BUY], "pumpfun")[0]
    assert (leg.sold_raw, leg.bought_raw) == (10_000, 357666547)
    assert fee_lines(leg) == [
        "protocol 48 on_top 62qc2C",
        "buyback 47 on_top GXPFM2",
        "cashback 30 on_top co4qgg",
    ]
    leg = legs_of(by_signature[BUYBACK_BUY], "pumpfun")[0]
    assert fee_lines(leg) == [
        "protocol 469063 on_top G5UZAV",
        "buyback 469063 on_top 5YxQFd",
        "creator 296251 on_top 8MT2dx",
    ]


def test_a_coin_paired_with_usdc_is_priced_in_usdc(by_signature: dict[str, Recorded]) -> None:
    leg = legs_of(by_signature[USDC_BUY], "pumpfun")[0]
    assert (leg.sold_mint, leg.sold_raw, leg.bought_raw, leg.fees) == (USDC_MINT, 3517192, 445377137871, ())
    assert leg.reserves[0] == Reserve(USDC_MINT, 9798461752 - 3517192, 9798461752, "virtual")


def test_the_buy_that_fills_a_curve_is_its_graduation(by_signature: dict[str, Recorded]) -> None:
    leg, graduation = facts_of(by_signature[LAST_BUY], "pumpfun")
    assert isinstance(leg, Leg)
    assert isinstance(graduation, TokenEvent)
    assert (graduation.kind, graduation.path, graduation.wallet) == ("graduation", "3.0", leg.trader)
    assert (graduation.mint, graduation.pool, graduation.quote_mint) == (leg.bought_mint, leg.pool, NATIVE_MINT)


def test_a_migration_names_the_pool(by_signature: dict[str, Recorded]) -> None:
    assert facts_of(by_signature[MIGRATION], "pumpfun") == [
        TokenEvent(
            "0",
            PUMP_PROGRAM_ID,
            "pumpfun",
            "migration",
            "npB9cxTzwUiGt7jk2dXZa52xZve8SgVD6Et9Bpipump",
            "9ZbTXdPSdKZeTCY215VwzEHhJoiDK4xtbaRqr3f7b3R1",
            pool="Ef7wUrbarRXHNMMgBs8cstSkzRttnstjMsniaq7zMp6j",
            quote_mint=NATIVE_MINT,
        )
    ]
    booked = read(by_signature[MIGRATION]).booked
    paid = [(move.account[:6], move.delta_raw) for move in booked.moves if move.path == "0.40"]
    assert paid == [
        ("8qoeYo", -84_990_359_420),
        ("DggbxK", 84_990_359_420),
        ("8qoeYo", -15_000_001),
        ("DvKykS", 15_000_001),
    ]


def test_a_launch_names_coin_creator_and_metadata(by_signature: dict[str, Recorded]) -> None:
    launch = facts_of(by_signature[LAUNCH_2024], "pumpfun")[0]
    assert launch == TokenEvent(
        "3",
        PUMP_PROGRAM_ID,
        "pumpfun",
        "launch",
        "5dNYcCZXEGfGgbdUdq7MMR7KLsNJLLLgL83wLH8Fpump",
        "6xo262KbDXepWbF3vPTrFXysr5vJwk3mozBXmXk3hmMx",
        pool="CQrqvWERJtEjw2rCCQV6EqfM6V6jzTuKjhJjKNFmGB7r",
        quote_mint=NATIVE_MINT,
        creator="6xo262KbDXepWbF3vPTrFXysr5vJwk3mozBXmXk3hmMx",
        name="MOO DOG",
        symbol="MOODOG",
        uri="https://ipfs.io/ipfs/QmbeFeWTrm1u1ev5VreMoqNK4aVuxtBXKpMdTrjdnHj7P3",
        token_program_id="TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA",
    )
    launch = facts_of(by_signature[CASHBACK_BUY], "pumpfun")[0]
    assert isinstance(launch, TokenEvent)
    assert (launch.kind, launch.symbol, launch.token_program_id[:6], launch.creator) == (
        "launch",
        "NUT",
        "Tokenz",
        launch.wallet,
    )

"""Moonshot: launches, trades with both fees on top, sales paid by no instruction."""

from pathlib import Path

from crafted_bodies import address
from crafted_calls import CraftedCall, texts
from geyser_recordings import read_geyser
from layout_checks import check_against_idl, check_against_labels, labelled_instructions
from recorded_bodies import Recorded
from venue_facts import facts_of, read

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT
from oof_pipelines.decode.facts import ON_TOP, FeePart, Leg, Reserve, TokenEvent
from oof_pipelines.decode.venues.moonshot import PROGRAM

MOONSHOT = "MoonCVVNZFSYkqNXP6bxHLPL6QQJiMagDL3qcqUQTrG"
TOLD_BY = (MOONSHOT, "moonshot")
DEX, HELIO = "3udvfL24waJcLhskRAsStNMoNUvtyXdxrWQz4hgi953N", "5K5RtTWzzLp4P8Npi84ocf7F1vBsAu29N1irG4iiUnzt"
SALE = "3hbuxW9jyQ1fNt4HNz3dx2DYD2mqPXFPYymqjDajHmFfPd7AYdQo2x9iDcu5d8oX4iGKmYJAaFcqUsVx7nEL6iuk"
PURCHASE = "5UWcde33J3rxFusKri4UCihzq2YatSoYbVjEhm5PRbYxx7VGxh2DPAMixkfnZ5wVyoE4wZNhwMLeJCULkufRd5cn"


def test_layouts_are_the_idls(fixtures_dir: Path) -> None:
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "moonshot.json", {})


def test_recorded_instructions(fixtures_dir: Path) -> None:
    recorded = {one.name: one for one in labelled_instructions(fixtures_dir, "moonshot-decoder")}
    for one in recorded.values():
        check_against_labels(PROGRAM, one, {})
    layout = PROGRAM.layout_of(recorded["token_mint"].data, None)
    assert layout is not None
    args = layout.take([], recorded["token_mint"].data).args
    assert (args["name"], args["symbol"], args["decimals"]) == ("Gamestop", "$GME", 9)
    assert args["uri"] == "https://cdn.dexscreener.com/cms/tokens/metadata/UgnNvayhAu8K97aoT3B8"
    assert (args["amount"], args["curve_type"], args["migration_target"]) == (10**18, 1, 0)


def test_sale(by_signature: dict[str, Recorded]) -> None:
    coin, seller = (
        "CT3r8cpZjQmYGuvJFfgVzCVKi6RmVwKWcmDYb4CQmoon",
        "ETHhoTiKGRacGPLx5tCA5HsKwn5YppRpoZ7NSg9mCBer",
    )
    curve = "87h6gzJDiAGxWYQyPuFijJmUUe4otA7mZg8P7PesWQB4"
    assert facts_of(by_signature[SALE], PROGRAM.name) == [
        Leg(
            "2",
            *TOLD_BY,
            curve,
            seller,
            coin,
            57_886_551_891_123_424,
            NATIVE_MINT,
            1_752_300_000,
            (Reserve(coin, 929_668_035_101_854_349, 987_554_586_992_977_773),),
            (
                FeePart("protocol", NATIVE_MINT, 8_761_500, ON_TOP, DEX),
                FeePart("platform", NATIVE_MINT, 8_761_500, ON_TOP, HELIO),
            ),
        )
    ]
    booked = read(by_signature[SALE]).booked
    assert not booked.has_residual
    paid = {move.account: move.delta_raw for move in booked.moves if (move.path, move.asset) == ("2", LAMPORTS_ASSET)}
    assert (paid[DEX], paid[HELIO]) == (8_761_500, 8_761_500)
    received = [
        m.delta_raw for m in booked.moves if m.account == seller and m.path == "2" and m.asset == LAMPORTS_ASSET
    ]
    assert sum(received) == 1_752_300_000 - 2 * 8_761_500


def test_purchase(fixtures_dir: Path) -> None:
    (leg,) = facts_of(read_geyser(fixtures_dir, PURCHASE), PROGRAM.name)
    assert isinstance(leg, Leg)
    assert (leg.sold_mint, leg.sold_raw, leg.bought_raw) == (NATIVE_MINT, 1_965_030, 6_551_568_276_092)
    assert leg.trader == "3xPtPLAfgBan33sbmcoxgDaAm2qkSNRKajMBj1oN1w27"
    assert [(part.kind, part.amount_raw, part.side) for part in leg.fees] == [
        ("protocol", 9_924, ON_TOP),
        ("platform", 9_924, ON_TOP),
    ]


# --- what is not recorded ---

SELLER, COIN = address("seller"), address("coin")
WALLET_COINS, CURVE_COINS, CURVE = address("wallet coins"), address("curve coins"), address("curve")
SEATS = {
    "sender": SELLER,
    "sender_token_account": WALLET_COINS,
    "curve_account": CURVE,
    "curve_token_account": CURVE_COINS,
    "mint": COIN,
}
TOKENS = {WALLET_COINS: (COIN, SELLER, 100), CURVE_COINS: (COIN, CURVE, 900)}


def test_a_sale_whose_log_is_lost_is_unread_and_a_residual() -> None:
    call = CraftedCall(
        PROGRAM,
        "sell",
        SEATS,
        TOKENS,
        moves=[(WALLET_COINS, CURVE_COINS, 40)],
        lamport_changes={CURVE: -1_000, SELLER: 1_000},
    )
    assert call.read().reading.unread == ["0"]
    assert call.read().booked.has_residual


def test_a_launch_and_a_migration() -> None:
    text = texts("Name", "SYM", "https://uri")
    accounts = SEATS | {"token_program": address("tokens"), "migration_authority": address("authority")}
    launched = CraftedCall(PROGRAM, "token_mint", accounts, {}, arguments=text + bytes(12)).read().facts
    assert launched == [
        TokenEvent(
            "0",
            *TOLD_BY,
            "launch",
            COIN,
            SELLER,
            pool=CURVE,
            quote_mint=NATIVE_MINT,
            creator=SELLER,
            name="Name",
            symbol="SYM",
            uri="https://uri",
            token_program_id=address("tokens"),
        )
    ]
    assert CraftedCall(PROGRAM, "migrate_funds", accounts, {}).read().facts == [
        TokenEvent("0", *TOLD_BY, "migration", COIN, address("authority"), quote_mint=NATIVE_MINT)
    ]

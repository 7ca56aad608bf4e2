"""Meteora DLMM: swaps, liquidity, claims and closed positions; old and new fee events."""

from pathlib import Path

from crafted_bodies import address
from crafted_calls import CraftedCall, event_data
from geyser_recordings import read_geyser
from layout_checks import check_against_idl, check_against_labels, labelled_instructions
from recorded_bodies import Recorded
from venue_facts import facts_of, read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Claim, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.venues.meteora_dlmm import PROGRAM

DLMM = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
ALIASES = {
    "funder": {"admin"},
    "user_token": {"user_token_account"},
    "user_token_x": {"receiver_token_x"},
    "user_token_y": {"receiver_token_y"},
    "sender": {"operator"},
    "setting": {"preset_parameter", "claim_fee_operator"},
    "position": {"position_v1"},
}
TOLD_BY = (DLMM, "meteora_dlmm")


def test_layouts_are_the_idls(fixtures_dir: Path) -> None:
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "meteora_dlmm.json", ALIASES)


def test_accounts_are_those_of_labelled_instructions(fixtures_dir: Path) -> None:
    recorded = labelled_instructions(fixtures_dir, "meteora-dlmm-decoder")
    assert len(recorded) == 31
    assert sum(check_against_labels(PROGRAM, one, ALIASES) for one in recorded) > 100


def test_arguments_of_labelled_instructions(fixtures_dir: Path) -> None:
    recorded = {one.name: one for one in labelled_instructions(fixtures_dir, "meteora-dlmm-decoder")}
    layout = PROGRAM.layout_of(recorded["swap_exact_out"].data, None)
    assert layout is not None
    args = layout.take([], recorded["swap_exact_out"].data).args
    assert (args["max_in_amount"], args["out_amount"]) == (2**64 - 1, 5_950_000)
    layout = PROGRAM.layout_of(recorded["swap_with_price_impact2"].data, None)
    assert layout is not None
    args = layout.take([], recorded["swap_with_price_impact2"].data).args
    assert (args["amount_in"], args["active_id"], args["max_price_impact_bps"]) == (58_823, -533, 1_000)


def test_swap2(by_signature: dict[str, Recorded]) -> None:
    signature = "3izFs7kd8SNUF3s3ifjFWowxPkW2HBj5S4haB9SWTUpaR7gdMzLthewQfuaSY2n9mfnHN8DDuHLnUPpEcATfAFe"
    coin = "4df1wZoygsynEZ6XmpcoabrVwv7nBgjHLyCns5xApump"
    (leg,) = facts_of(by_signature[signature], PROGRAM.name)
    assert isinstance(leg, Leg)
    assert leg.trader == "ARu4n5mFdZogZAravu7CcizaojWnS6oqka37gdLT5SZn"
    assert leg.pool == "2D4tPW3GVMwCiS5BFpabh9tDzbkZRxgWnk7yjWCf9zyD"
    assert (leg.sold_mint, leg.sold_raw) == (coin, 2_947_910_000)
    assert (leg.bought_mint, leg.bought_raw) == (NATIVE_MINT, 89_740_463)
    # The event's whole fee of 56_246_465 is the sum.
    assert leg.fees == (
        FeePart("lp", coin, 53_434_142, INSIDE),
        FeePart("protocol", coin, 2_812_323, INSIDE),
    )
    assert {one.mint: (one.after_raw or 0) - (one.before_raw or 0) for one in leg.reserves} == {
        coin: 2_947_910_000,
        NATIVE_MINT: -89_740_463,
    }


def test_swap_of_a_stream(fixtures_dir: Path) -> None:
    signature = "2DfsmTYvMqKwXDBEicEtqLeFfyJ43LLPeVbg8NSjzsQZuhzKzUmZP9XeQLm8C9z8pu3z5paHdJKcnQrw3PA8s4hs"
    (leg,) = facts_of(read_geyser(fixtures_dir, signature), PROGRAM.name)
    assert isinstance(leg, Leg)
    assert (leg.sold_mint, leg.sold_raw, leg.bought_raw) == (USDC_MINT, 116_033_029, 521_092_597)
    assert sum(part.amount_raw for part in leg.fees) == 19_958


def test_liquidity_taken_out_with_its_fees_and_the_position_closed(by_signature: dict[str, Recorded]) -> None:
    signature = "5TjXcSVPadYrApvVxZRhZLd8QQ2eX5Qb22c17rnKEobMYMaL44xW23Nko7dZWpf7hF8nCz7xoxjnD1yzzzmqTiJP"
    pool, wallet = (
        "5rCf1DM8LjKTw4YqhnoLcngyZYeNnQqztScTogYHAS6",
        "7dQDhdizfNgN2qQzhhCJAvLpfw96v6nyXyfH7MKaT4Jz",
    )
    assert facts_of(by_signature[signature], PROGRAM.name) == [
        Liquidity("2", *TOLD_BY, "liquidity_remove", pool, wallet, ((NATIVE_MINT, 4_758_565_522), (USDC_MINT, 9))),
        Claim("3", *TOLD_BY, "lp_fee_claim", wallet, NATIVE_MINT, 1_223_683, pool),
        Claim("3", *TOLD_BY, "lp_fee_claim", wallet, USDC_MINT, 54_268, pool),
    ]
    booked = read(by_signature[signature]).booked
    assert not booked.has_residual
    rent = [(move.account, move.delta_raw) for move in booked.moves if move.path == "4" and move.kind == "rent"]
    assert (wallet, 57_406_080) in rent
    assert sum(delta for _, delta in rent) == 0


def test_closed_if_empty(by_signature: dict[str, Recorded]) -> None:
    signature = "5zYnEBQ5iwp4YhZzk1ChrKPXb4LWoynSh9o1D2q89KDNTuauNz1NirzAEo4hCEdEFdHzqFc8jxC7r6ZUxUgjgi9W"
    (removed,) = facts_of(by_signature[signature], PROGRAM.name)
    assert isinstance(removed, Liquidity)
    assert removed.amounts == ((NATIVE_MINT, 1_500_001_496),)
    assert not read(by_signature[signature]).booked.has_residual


def test_liquidity_added(by_signature: dict[str, Recorded]) -> None:
    signature = "2LZBWdD5N9xbbqEMz6USpySo1zF697hnqEww2c9Q1snzAsJSY1eJcsAK7fYt547jmSfNgJhQGsmdiw1cCy4rsS6e"
    (added,) = facts_of(by_signature[signature], PROGRAM.name)
    assert isinstance(added, Liquidity)
    assert (added.kind, added.amounts) == ("liquidity_add", ((NATIVE_MINT, 2_499_999_995), (USDC_MINT, 344_901_992)))


# --- what is not recorded ---

TRADER, POOL, COIN = address("trader"), address("pool"), address("coin")
USER_X, USER_Y, RESERVE_X, RESERVE_Y, HOST = (address(word) for word in ("ux", "uy", "rx", "ry", "host"))
TOKENS = {
    USER_X: (COIN, TRADER, 5_000),
    USER_Y: (NATIVE_MINT, TRADER, 5_000),
    RESERVE_X: (COIN, POOL, 100_000),
    RESERVE_Y: (NATIVE_MINT, POOL, 200_000),
    HOST: (NATIVE_MINT, address("host owner"), 0),
}
SIDES = {
    "lb_pair": POOL,
    "reserve_x": RESERVE_X,
    "reserve_y": RESERVE_Y,
    "token_x_mint": COIN,
    "token_y_mint": NATIVE_MINT,
}
FEE_RATE = (10**7).to_bytes(16, "little")


def test_fee_taken_from_the_output_and_shared_with_limit_orders_and_a_host() -> None:
    told = (POOL, TRADER, 1, 2, True, FEE_RATE, 1_000, 0, 470, 20, 4, 5, 1, False, False)
    call = CraftedCall(
        PROGRAM,
        "swap2",
        SIDES | {"user_token_in": USER_X, "user_token_out": USER_Y, "host_fee_in": HOST},
        TOKENS,
        moves=[(USER_X, RESERVE_X, 1_000), (RESERVE_Y, USER_Y, 470), (RESERVE_Y, HOST, 1)],
        # `Swap` is told beside it and must not be counted twice.
        events=[
            event_data("Swap", "32s32siiQQ?QQ16sQ", POOL, TRADER, 1, 2, 1_000, 470, True, 30, 4, FEE_RATE, 1),
            event_data("Swap2Evt", "32s32sii?16sQQQQQQQ??", *told),
        ],
    )
    assert call.read().facts == [
        Leg(
            "0",
            *TOLD_BY,
            POOL,
            TRADER,
            COIN,
            1_000,
            NATIVE_MINT,
            470,
            (Reserve(COIN, 100_000, 101_000), Reserve(NATIVE_MINT, 200_000, 199_529)),
            (
                FeePart("lp", NATIVE_MINT, 25, INSIDE),
                FeePart("protocol", NATIVE_MINT, 4, INSIDE),
                FeePart("referral", NATIVE_MINT, 1, INSIDE, HOST),
            ),
        )
    ]


def test_a_swap_without_its_event_has_no_fees() -> None:
    call = CraftedCall(
        PROGRAM,
        "swap_exact_out",
        SIDES | {"user_token_in": USER_Y, "user_token_out": USER_X, "host_fee_in": DLMM},
        TOKENS,
        moves=[(USER_Y, RESERVE_Y, 100), (RESERVE_X, USER_X, 40)],
    )
    (leg,) = call.read().facts
    assert isinstance(leg, Leg)
    assert (leg.sold_raw, leg.bought_raw, leg.fees) == (100, 40, ())


def rebalancing(events: list[bytes]) -> CraftedCall:
    return CraftedCall(
        PROGRAM,
        "rebalance_liquidity",
        SIDES | {"user_token_x": USER_X, "user_token_y": USER_Y},
        TOKENS,
        moves=[(RESERVE_X, USER_X, 303), (USER_Y, RESERVE_Y, 95)],
        events=events,
    )


def test_a_rebalancing_is_its_parts_and_not_their_difference() -> None:
    amounts = (700, 400, 0, 100, 3, 5)
    told = event_data(
        "Rebalancing", "32s32s32siQQQQQQiiiiQQ", POOL, address("position"), TRADER, 7, *amounts, 0, 1, 2, 3, 0, 0
    )
    reading = rebalancing([told]).read()
    assert reading.facts == [
        Liquidity("0", *TOLD_BY, "liquidity_remove", POOL, TRADER, ((COIN, 700),)),
        Liquidity("0", *TOLD_BY, "liquidity_add", POOL, TRADER, ((COIN, 400), (NATIVE_MINT, 100))),
        Claim("0", *TOLD_BY, "lp_fee_claim", TRADER, COIN, 3, POOL),
        Claim("0", *TOLD_BY, "lp_fee_claim", TRADER, NATIVE_MINT, 5, POOL),
    ]
    assert rebalancing([]).read().reading.unread == ["0"]


def test_a_limit_order_is_a_position_of_its_own() -> None:
    placed = CraftedCall(
        PROGRAM,
        "place_limit_order",
        {"lb_pair": POOL, "user_token": USER_Y},
        TOKENS,
        moves=[(USER_Y, RESERVE_Y, 900)],
    )
    assert placed.read().facts == [Liquidity("0", *TOLD_BY, "liquidity_add", POOL, TRADER, ((NATIVE_MINT, 900),))]
    cancelled = CraftedCall(
        PROGRAM,
        "cancel_limit_order",
        SIDES | {"user_token_x": USER_X, "user_token_y": USER_Y},
        TOKENS,
        moves=[(RESERVE_X, USER_X, 50), (RESERVE_Y, USER_Y, 30)],
    )
    assert cancelled.read().facts == [
        Liquidity("0", *TOLD_BY, "liquidity_remove", POOL, TRADER, ((COIN, 50), (NATIVE_MINT, 30)))
    ]


def test_a_created_pool() -> None:
    accounts = {"lb_pair": POOL, "token_mint_x": NATIVE_MINT, "token_mint_y": COIN, "funder": TRADER}
    for name in ("initialize_lb_pair", "initialize_lb_pair2", "initialize_customizable_permissionless_lb_pair2"):
        assert CraftedCall(PROGRAM, name, accounts, {}).read().facts == [
            TokenEvent("0", *TOLD_BY, "pool_created", COIN, TRADER, pool=POOL, quote_mint=NATIVE_MINT)
        ]


def test_a_position_that_stays_keeps_its_rent() -> None:
    accounts = {"position": address("position"), "rent_receiver": TRADER}
    call = CraftedCall(PROGRAM, "close_position_if_empty", accounts, {})
    assert call.read().booked.moves == []

"""Risk flags, each with the case that just misses it, and what must not be taken for one."""

import msgspec
import pytest
from crafted_bodies import address
from market_scenes import (
    ALICE,
    BOB,
    COIN,
    MAKER,
    POOL,
    THRESHOLDS,
    fold,
    launched,
    mint_info,
    moved_to,
    place,
    pool_made,
    removed,
    said,
    trade,
)
from solders.pubkey import Pubkey

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.market.events import MarketEvent, PoolState
from oof_pipelines.market.risk import FLAGS, RiskConfigError, RiskState, step, thresholds_of

PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMP_SWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpMSwMn52FMfXEA"
SMALL = {"base_raw": 1, "trader_balance_raw": 1}


# --- authorities ---


def test_live_authorities_are_flagged_at_the_first_trade() -> None:
    first = trade(**SMALL)
    flags = fold([mint_info(MAKER, BOB), first, trade(BOB, **SMALL)])
    assert said(flags) == [("mint_authority_live", MAKER, None), ("freeze_authority_live", BOB, None)]
    assert [(flag.mint, flag.pool) for flag in flags] == [(COIN, POOL)] * 2
    # Both stand at the trade, one behind the other.
    assert [flag.place for flag in flags] == [first.place, msgspec.structs.replace(first.place, ordinal=1)]


def test_authorities_given_up_before_the_first_trade_are_not() -> None:
    assert fold([mint_info(MAKER, BOB), mint_info("", None, None), mint_info(None, "", None), trade(**SMALL)]) == []


def test_one_authority_given_up_leaves_the_other() -> None:
    assert said(fold([mint_info(MAKER, BOB), mint_info("", None), trade(**SMALL)])) == [
        ("freeze_authority_live", BOB, None)
    ]


def test_authorities_that_nobody_told_are_not_flagged() -> None:
    assert fold([trade(**SMALL), launched(), trade(**SMALL), mint_info(None, None), trade(**SMALL)]) == []


def test_an_authority_handed_on_is_flagged_anew() -> None:
    flags = fold([mint_info(MAKER), trade(**SMALL), mint_info(BOB, None), trade(**SMALL), trade(BOB, **SMALL)])
    assert said(flags) == [("mint_authority_live", MAKER, None), ("mint_authority_live", BOB, None)]


def test_a_mint_that_is_not_traded_is_not_flagged() -> None:
    assert fold([mint_info(MAKER, MAKER), trade(mint=address("another coin"))]) == []


@pytest.mark.parametrize("money", [NATIVE_MINT, USDC_MINT])
def test_money_is_never_flagged(money: str) -> None:
    everything = [
        mint_info(MAKER, MAKER, 100, mint=money),
        launched(mint=money),
        trade(MAKER, mint=money, quote_mint=COIN, is_buy=False, trader_balance_raw=0),
        trade(ALICE, mint=money, quote_mint=COIN),
        removed(mint=money, quote_mint=USDC_MINT, quote_raw=99, quote_reserve_raw=1),
    ]
    assert fold(everything) == []


# --- holders ---


@pytest.mark.parametrize(("balance_raw", "share_bps"), [(1_500, 1_500), (1_501, 1_501), (10_000, 10_000)])
def test_who_holds_a_large_part_is_flagged(balance_raw: int, share_bps: int) -> None:
    flags = fold([mint_info(), trade(trader_balance_raw=balance_raw)])
    assert said(flags) == [("top_holder_share", ALICE, share_bps)]


def test_who_holds_a_unit_less_is_not() -> None:
    assert fold([mint_info(), trade(trader_balance_raw=1_499)]) == []


def test_a_seller_who_still_holds_much_is_flagged() -> None:
    assert said(fold([mint_info(), trade(is_buy=False, trader_balance_raw=2_000)])) == [
        ("top_holder_share", ALICE, 2_000)
    ]


def test_without_supply_or_balance_nobody_is_a_top_holder() -> None:
    assert fold([mint_info(supply_raw=None), trade(trader_balance_raw=9_999)]) == []
    assert fold([mint_info(), trade(trader_balance_raw=None)]) == []
    # More than there is: the supply was not what it was taken for.
    assert fold([mint_info(), trade(trader_balance_raw=10_001)]) == []
    assert fold([mint_info(supply_raw=0), trade(trader_balance_raw=0)]) == []


@pytest.mark.parametrize("told", [pool_made(pool=BOB), launched(pool=BOB), trade(pool=BOB, **SMALL)], ids=str)
def test_pools_and_curves_hold_for_others(told: MarketEvent) -> None:
    assert fold([mint_info(), told, trade(BOB, trader_balance_raw=9_000)]) == []
    assert len(fold([mint_info(), told, trade(ALICE, trader_balance_raw=9_000)])) == 1


def test_a_pool_known_by_its_state_holds_for_others() -> None:
    state = PoolState(place(), POOL, "venue", BOB, COIN, NATIVE_MINT, "vault", 1, 1)
    assert fold([mint_info(), state, trade(BOB, trader_balance_raw=9_000)]) == []


def test_program_accounts_hold_for_others() -> None:
    vault = str(Pubkey.find_program_address([b"vault"], Pubkey.from_string(PUMP))[0])
    assert fold([mint_info(), trade(vault, trader_balance_raw=9_000)]) == []


# --- the creator ---


@pytest.mark.parametrize(("left_raw", "share_bps"), [(0, 10_000), (99, 5_025), (100, 5_000)])
def test_a_creator_who_sells_half_is_flagged(left_raw: int, share_bps: int) -> None:
    flags = fold([launched(), trade(MAKER, is_buy=False, trader_balance_raw=left_raw)])
    assert said(flags) == [("creator_dumping", MAKER, share_bps)]


@pytest.mark.parametrize(
    "harmless",
    [
        trade(MAKER, is_buy=False, trader_balance_raw=101),
        trade(MAKER, is_buy=False, trader_balance_raw=None),
        trade(MAKER, trader_balance_raw=0),
        trade(ALICE, is_buy=False, trader_balance_raw=0),
    ],
    ids=["sells less than half", "balance unknown", "buys", "is another"],
)
def test_who_sells_less_or_is_another_is_not(harmless: MarketEvent) -> None:
    assert fold([launched(), harmless]) == []


@pytest.mark.parametrize(("program_id", "seed"), [(PUMP, b"creator-vault"), (PUMP_SWAP, b"creator_vault")])
def test_a_creator_is_known_by_the_vault_that_is_paid(program_id: str, seed: bytes) -> None:
    owner = bytes(Pubkey.from_string(MAKER))
    vault = str(Pubkey.find_program_address([seed, owner], Pubkey.from_string(program_id))[0])
    sold = {"is_buy": False, "trader_balance_raw": 0, "program_id": program_id, "creator": vault}
    assert said(fold([trade(MAKER, **sold)])) == [("creator_dumping", MAKER, 10_000)]
    assert fold([trade(ALICE, **sold)]) == []
    # Where the launch names another, that is who it is.
    assert fold([launched(creator=BOB), trade(MAKER, **sold)]) == []


def test_a_creator_is_known_by_his_own_account() -> None:
    sold = {"is_buy": False, "trader_balance_raw": 0}
    assert len(fold([trade(MAKER, creator=MAKER, **sold)])) == 1
    assert fold([trade(MAKER, creator="", **sold)]) == []
    assert fold([trade("not an address", creator=MAKER, program_id=PUMP, **sold)]) == []


# --- liquidity ---


def test_half_of_a_pool_taken_out_is_flagged() -> None:
    assert said(fold([removed()])) == [("liquidity_pulled", MAKER, 5_000)]


@pytest.mark.parametrize(
    "harmless",
    [
        removed(quote_reserve_raw=51),
        removed(is_add=True),
        removed(quote_reserve_raw=None, base_reserve_raw=None),
        removed(quote_reserve_raw=None, base_reserve_raw=501),
        removed(quote_raw=0, quote_reserve_raw=0),
        removed(mint="", base_raw=0, base_reserve_raw=None),
    ],
    ids=["less", "put in", "reserves unknown", "less of the coin", "nothing", "the coin unknown"],
)
def test_less_or_what_is_not_known_is_not(harmless: MarketEvent) -> None:
    assert fold([harmless]) == []


def test_where_the_money_is_not_seen_the_coin_counts() -> None:
    assert said(fold([removed(quote_reserve_raw=None)])) == [("liquidity_pulled", MAKER, 5_000)]


@pytest.mark.parametrize("told", [pool_made(), trade(**SMALL), launched()], ids=str)
def test_the_coin_of_a_pool_is_known_from_before(told: MarketEvent) -> None:
    flags = fold([told, removed(mint="", base_raw=0, base_reserve_raw=None)])
    assert [(flag.flag, flag.mint) for flag in flags] == [("liquidity_pulled", COIN)]


@pytest.mark.parametrize(
    "told",
    [
        pool_made(pool=""),
        trade(pool="", **SMALL),
        launched(pool=""),
        PoolState(place(), POOL, "venue", "", COIN, NATIVE_MINT, "vault", 1, 1),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events_without_a_pool_tell_of_no_pool(told: MarketEvent) -> None:
    state, _ = step(RiskState(THRESHOLDS), told)
    assert state.coins_of_pools == {}
    assert fold([told, removed(pool="", mint="", base_raw=0, base_reserve_raw=None)]) == []


# --- the fold ---


def test_a_flag_is_raised_once_for_a_coin_and_wallet() -> None:
    flags = fold([removed(), removed(), removed(BOB), removed(mint=address("another coin"))])
    assert [(flag.mint, flag.wallet) for flag in flags] == [
        (COIN, MAKER),
        (COIN, BOB),
        (address("another coin"), MAKER),
    ]


def test_flags_at_one_path_have_places_of_their_own() -> None:
    at = place()
    hops = [trade(wallet, at=at, trader_balance_raw=5_000) for wallet in (ALICE, BOB)]
    hops[1] = moved_to(hops[1], ordinal=1)
    flags = fold([mint_info(MAKER), *hops, trade(MAKER, trader_balance_raw=5_000)])
    assert [flag.place.ordinal for flag in flags] == [0, 1, 2, 0]
    keys = [flag.order_key for flag in flags]
    assert keys == sorted(set(keys))
    assert all(flag.order_key > hop.order_key for flag, hop in zip(flags[1:3], hops, strict=True))


def test_flags_themselves_change_nothing() -> None:
    state = RiskState(THRESHOLDS)
    (flag,) = fold([removed()])
    again, raised = step(state, flag)
    assert (again, raised) == (RiskState(THRESHOLDS), [])


# --- thresholds ---


def test_the_file_beside_the_code_holds_thresholds() -> None:
    thresholds = thresholds_of(read_config("risk.yaml"))
    assert set(msgspec.structs.asdict(thresholds)) >= {
        f"{flag}_bps" for flag in FLAGS if not flag.endswith("authority_live")
    }


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"liquidity_pulled_bps": 0}, "liquidity_pulled_bps"),
        ({"creator_dumping_bps": 10_001}, "creator_dumping_bps"),
        ({"top_holder_share_bps": "15 %"}, "top_holder_share_bps"),
        ({"top_holder_share_bps": 15.5}, "top_holder_share_bps"),
        ({"lookback_days": -1}, "lookback_days"),
        ({"lookback_weeks": 1}, "lookback_weeks"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(change: dict[str, object], word: str) -> None:
    settings = msgspec.structs.asdict(THRESHOLDS)
    assert thresholds_of(settings) == THRESHOLDS
    with pytest.raises(RiskConfigError, match=word) as refused:
        thresholds_of({**settings, **change})
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("settings", [None, [], "text", {}])
def test_a_file_without_thresholds_is_refused(settings: object) -> None:
    with pytest.raises(RiskConfigError, match=r"risk\.yaml"):
        thresholds_of(settings)

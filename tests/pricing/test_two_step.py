"""Prices by way of another coin: at what was known, with less confidence, and only where nothing better is."""

from decimal import Decimal

import polars as pl
import pytest
from trade_rows import COIN, FILTERS, NO_REFERENCE, OTHER, SOL, THIRD, USDC, candles_of, frame_of, sol_at, trade

from oof_pipelines.pricing.candles import finish_day, fold_stretch
from oof_pipelines.pricing.coded_trades import known_decimals
from oof_pipelines.pricing.trust import no_levels

TEN_COINS = 10_000_000
TWO_SOL = 2_000_000_000


def other_in_sol(at_s: float) -> dict[str, object]:
    """Ten of OTHER for two SOL: 0.2 SOL each."""
    return trade(at_s, TEN_COINS, TWO_SOL, mint=OTHER, signer="maker")


def coin_in_other(at_s: float, **more: object) -> dict[str, object]:
    """Ten of COIN for five of OTHER."""
    return trade(at_s, TEN_COINS, TEN_COINS // 2, quote=OTHER, **more)


def test_a_coin_traded_for_a_coin_gets_a_price_in_sol_and_dollars() -> None:
    made = candles_of([other_in_sol(30), coin_in_other(70)], sol_at("150", 0))["1m"]

    by_key = {(row["mint"], row["quote_mint"]): row for row in made.to_dicts() if row["bucket_start"].minute == 1}
    assert by_key[COIN, OTHER]["vwap"] == Decimal("0.5")
    assert by_key[COIN, OTHER]["usd_source"] == ""
    # Seen from the other coin, the same trade is a price of two.
    assert by_key[OTHER, COIN]["vwap"] == Decimal(2)
    through = by_key[COIN, SOL]
    assert (through["source"], through["is_primary"]) == ("swaps_two_step", True)
    assert [through[name] for name in ("open", "high", "low", "close", "vwap")] == [Decimal("0.1")] * 5
    assert (through["vwap_usd"], through["usd_source"]) == (Decimal(15), "klines")
    # Five of OTHER at 0.2 SOL.
    assert (through["quote_volume_raw"], through["quote_decimals"], through["trades"]) == (1_000_000_000, 9, 1)
    step = made.filter((made["mint"] == OTHER) & (made["quote_mint"] == SOL))["confidence"].item()
    assert through["confidence"] == by_key[COIN, OTHER]["confidence"] * step / 2


def test_trades_of_two_coins_told_from_either_side_keep_the_order_of_the_chain() -> None:
    rows = [
        coin_in_other(10),  # 0.5 of OTHER a coin
        # The same two coins with OTHER as the base: 4 of OTHER for 10 coins are 0.4 a coin.
        trade(20, TEN_COINS * 4 // 10, TEN_COINS, mint=OTHER, quote=COIN),
        trade(30, TEN_COINS, TEN_COINS * 6 // 10, quote=OTHER),
        trade(40, TEN_COINS * 55 // 100, TEN_COINS, mint=OTHER, quote=COIN),
    ]

    made = {(row["mint"], row["quote_mint"]): row for row in candles_of(rows)["1m"].to_dicts()}

    seen = made[COIN, OTHER]
    assert [seen[name] for name in ("open", "high", "low", "close")] == list(
        map(Decimal, ("0.5", "0.6", "0.4", "0.55"))
    )
    turned = made[OTHER, COIN]
    assert (turned["open"], turned["high"], turned["low"]) == (
        Decimal(2),
        Decimal("2.5"),
        Decimal("1.666666666666666667"),
    )
    assert turned["close"] == Decimal("1.818181818181818182")


def test_the_second_step_is_taken_at_what_was_known_when_the_candle_began() -> None:
    # OTHER's candle is known from 01:00 on, not within its own minute, and for 15 minutes.
    def sources(at_s: float) -> list[str]:
        made = candles_of([other_in_sol(30), coin_in_other(at_s)])["1m"]
        return made.filter((made["mint"] == COIN) & (made["quote_mint"] == SOL))["source"].to_list()

    assert sources(40) == []
    assert sources(60) == ["swaps_two_step"]
    assert sources(16 * 60) == ["swaps_two_step"]
    assert sources(17 * 60) == []


def test_a_price_in_money_is_better_and_of_several_coins_the_one_with_more_signers() -> None:
    in_money = [other_in_sol(30), coin_in_other(70), trade(80, TEN_COINS, 5_000_000, quote=USDC)]
    made = candles_of(in_money)["1m"]
    assert set(made["source"]) == {"swaps"}

    third_in_sol = trade(20, TEN_COINS, 2 * TWO_SOL, mint=THIRD)
    in_third = [trade(71 + place, TEN_COINS, TEN_COINS, quote=THIRD, signer=f"{place}") for place in range(2)]
    made = candles_of([other_in_sol(30), third_in_sol, coin_in_other(70), *in_third])["1m"]
    assert made.filter(made["source"] == "swaps_two_step")["vwap"].to_list() == [Decimal("0.4")]


def test_a_minute_in_sol_that_has_no_price_keeps_its_row() -> None:
    dust = trade(75, TEN_COINS, 5_000)
    made = candles_of([other_in_sol(30), coin_in_other(70), dust])["1m"]

    [kept] = made.filter((made["mint"] == COIN) & (made["quote_mint"] == SOL)).to_dicts()
    assert (kept["source"], kept["vwap"], kept["excluded_dust"]) == ("swaps", None, 1)


def test_hours_take_the_second_step_at_their_own_beginning() -> None:
    made = candles_of([other_in_sol(3_500), coin_in_other(3_700)])["1h"]

    through = made.filter(made["source"] == "swaps_two_step").to_dicts()
    assert [(row["mint"], row["bucket_start"].hour, row["vwap"]) for row in through] == [(COIN, 1, Decimal("0.1"))]


@pytest.mark.parametrize("cut_s", [None, 3_600])
def test_in_one_stretch_or_in_two_every_timeframe_is_finished_the_same(cut_s: int | None) -> None:
    rows = [other_in_sol(3_500), coin_in_other(3_400), coin_in_other(3_700), other_in_sol(3_650), coin_in_other(7_100)]
    frame = frame_of(rows)
    decimals = known_decimals(frame.lazy())
    hour = frame["block_time"].dt.epoch("s") // 3_600
    first_hour = hour.min()
    parts = [frame] if cut_s is None else [frame.filter(hour == first_hour), frame.filter(hour > first_hour)]
    stretches, levels = [], no_levels()
    for part in parts:
        stretch = fold_stretch(part, decimals, FILTERS, levels)
        levels = stretch.levels
        stretches.append(stretch.by_timeframe)
    made = finish_day(stretches, NO_REFERENCE)

    through = {name: frame.filter(pl.col("source") == "swaps_two_step") for name, frame in made.items()}
    assert {name: sorted(rows["bucket_start"].dt.epoch("s") % 86_400) for name, rows in through.items()} == {
        "1m": [3_660],
        "5m": [3_600],
        "1h": [3_600],
    }
    assert {name: set(rows["is_primary"]) for name, rows in through.items()} == {name: {True} for name in made}

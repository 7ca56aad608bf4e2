"""Which trades are believed: dust, thin pools, prices nothing bears out; and prices that truly move."""

from decimal import Decimal

import polars as pl
import pytest
from trade_rows import COIN, OTHER, SOL, USDC, candles_of, trade

from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.coded_trades import MOST_PRICE
from oof_pipelines.pricing.filters import PriceConfigError, read_filters
from oof_pipelines.pricing.trust import _is_within

HALF = 500_000_000
THOUSAND_COINS = 1_000_000_000


def excluded(trades: list[dict[str, object]]) -> dict[str, int]:
    """Reason → trades, over the whole day."""
    made = candles_of(trades)["1m"]
    counts = {name: int(made[f"excluded_{name}"].sum()) for name in ("unpriced", "dust", "thin", "outlier")}
    assert sum(counts.values()) == made["excluded_trades"].sum()
    assert made["trades"].sum() + made["excluded_trades"].sum() == len(trades)
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (trade(1, THOUSAND_COINS, 20_000_000), None),
        (trade(1, THOUSAND_COINS, 19_999_999), "dust"),
        (trade(1, THOUSAND_COINS, 1_999_999, quote=USDC), "dust"),
        (trade(1, 1_000, HALF), None),
        (trade(1, 999, HALF), "dust"),
        (trade(1, 0, HALF), "unpriced"),
        (trade(1, THOUSAND_COINS, 0), "unpriced"),
        (trade(1, THOUSAND_COINS, HALF, decimals=None), "unpriced"),
        (trade(1, THOUSAND_COINS, HALF, reserve=2_000_000_000), None),
        (trade(1, THOUSAND_COINS, HALF, reserve=1_999_999_999), "thin"),
        # 1.8e13 SOL a coin is a price, 1.8e14 is none.
        (trade(1, 1_000, 2**64 - 1, decimals=6), None),
        (trade(1, 1_000, 2**64 - 1, decimals=7), "unpriced"),
        # 0.02 SOL for 2^64 whole coins: at 18 places no digit is left.
        (trade(1, 2**64 - 1, 20_000_000, decimals=0), "dust"),
        # Of two coins nobody knows what is dust; only the digits count.
        (trade(1, THOUSAND_COINS, 1_000, quote=OTHER), None),
    ],
)
def test_a_trade_by_itself(row: dict[str, object], reason: str | None) -> None:
    both_ways = 2 if row["quote_mint"] == OTHER else 1
    made = candles_of([row])["1m"]
    told = {name: int(made[f"excluded_{name}"].sum()) for name in ("unpriced", "dust", "thin", "outlier")}
    assert told == {name: int(name == reason) for name in told}
    assert made["trades"].sum() == (0 if reason else both_ways)


def steady(minute: int, count: int, price_percent: int = 100) -> list[dict[str, object]]:
    """Trades of half a SOL within a minute, at a percentage of 0.0005 SOL a coin."""
    return [
        trade(minute * 60 + 1 + place, THOUSAND_COINS * 100 // price_percent, HALF, signer=f"{minute} {place}")
        for place in range(count)
    ]


def test_a_price_far_off_its_minute_is_an_outlier() -> None:
    # Three trades around it are too few to call it a spike: only the median speaks.
    assert excluded([*steady(0, 3), trade(3.5, THOUSAND_COINS // 5, HALF)]) == {}
    absurd = trade(3.5, THOUSAND_COINS // 6, HALF)
    assert excluded([*steady(0, 3), absurd]) == {"outlier": 1}
    [candle] = candles_of([*steady(0, 3), absurd])["1m"].to_dicts()
    assert (candle["high"], candle["low"]) == (Decimal("0.0005"), Decimal("0.0005"))
    assert candle["excluded_quote_raw"] == HALF


def test_a_price_that_stands_alone_among_others_is_an_outlier() -> None:
    # 1,000 coins against 666 for the same money: half as much again.
    assert excluded([*steady(0, 6), trade(3.5, THOUSAND_COINS * 2 // 3 + 1, HALF)]) == {}
    assert excluded([*steady(0, 6), trade(3.5, THOUSAND_COINS * 2 // 3, HALF)]) == {"outlier": 1}
    # A neighbour by another signer bears it out, one by the same signer does not.
    pair = [trade(3.5, THOUSAND_COINS // 2, HALF, signer="x"), trade(3.6, THOUSAND_COINS // 2, HALF, signer="y")]
    assert excluded([*steady(0, 6), *pair]) == {}
    assert excluded([*steady(0, 6), *({**row, "signer": "x"} for row in pair)]) == {"outlier": 2}


def test_the_median_goes_by_volume_and_not_by_the_number_of_trades() -> None:
    small = [trade(place, THOUSAND_COINS, HALF // 10, signer="bot") for place in range(1, 8)]
    large = [trade(place, 10 * THOUSAND_COINS, 100 * HALF) for place in range(10, 13)]
    # Seven small trades at a hundredth of the price, of one signer: they do not bear each other out.
    assert excluded([*small, *large]) == {"outlier": 7}


def test_a_fall_within_a_minute_that_trades_bear_out_is_no_outlier() -> None:
    fall = [trade(place, THOUSAND_COINS * 2 ** (place // 2), HALF, signer=f"{place}") for place in range(2, 20)]
    assert excluded(fall) == {}
    [candle] = candles_of(fall)["1m"].to_dicts()
    assert candle["high"] / candle["low"] > 200


def test_far_off_three_others_bear_a_price_out_and_a_bundle_of_three_trades_does_not() -> None:
    def odd(count: int, signer: str = "") -> list[dict[str, object]]:
        """A coin for 0.05 SOL each, a hundred times the price."""
        return [trade(3 + at / 10, 1_000_000, 50_000_000, signer=signer or f"{at}") for at in range(count)]

    assert excluded([*steady(0, 9), *odd(3)]) == {"outlier": 3}
    assert excluded([*steady(0, 9), *odd(4)]) == {}
    assert excluded([*steady(0, 9), *odd(4, signer="bot")]) == {"outlier": 4}


def test_a_lone_trade_far_off_the_minutes_before_is_an_outlier() -> None:
    assert excluded([*steady(0, 3), *steady(2, 1, price_percent=1_000)]) == {"outlier": 1}
    # Three trades by different signers carry a minute by themselves.
    assert excluded([*steady(0, 3), *steady(2, 3, price_percent=1_000)]) == {}


def test_a_new_price_is_believed_when_it_comes_again() -> None:
    again = [*steady(0, 3), *steady(2, 1, price_percent=2), *steady(5, 1, price_percent=2)]
    assert excluded(again) == {"outlier": 1}
    made = candles_of(again)["1m"]
    assert made["close"].to_list() == [Decimal("0.0005"), None, Decimal("0.00001")]


def test_an_hour_later_the_price_before_says_nothing_any_more() -> None:
    assert excluded([*steady(0, 3), *steady(60, 1, price_percent=1_000)]) == {"outlier": 1}
    assert excluded([*steady(0, 3), *steady(61, 1, price_percent=1_000)]) == {}


def test_pairs_do_not_judge_each_other() -> None:
    others = [trade(2, THOUSAND_COINS // 100, HALF, mint=OTHER), trade(3, THOUSAND_COINS, HALF, quote=USDC)]
    assert excluded([*steady(0, 5), *others]) == {}
    made = candles_of([*steady(0, 5), *others])["1m"]
    assert set(made.select("mint", "quote_mint").iter_rows()) == {(COIN, SOL), (COIN, USDC), (OTHER, SOL)}


@pytest.mark.parametrize("percent", [101, 500, 100 * 10_000])
def test_nearness_is_exact_up_to_the_largest_price_and_the_largest_factor(percent: int) -> None:
    largest = MOST_PRICE - 1
    pairs = [(largest, largest // part) for part in (1, 2, 3, 10_000, 10_001, 10**9)]
    pairs += [(largest, -(-largest * 100 // percent) + off) for off in (-1, 0)]
    frame = pl.DataFrame(pairs, schema={"one": pl.Int128, "other": pl.Int128}, orient="row")
    found = frame.select(
        ahead=_is_within(pl.col("one"), pl.col("other"), percent),
        back=_is_within(pl.col("other"), pl.col("one"), percent),
    )
    wanted = [one * 100 <= other * percent for one, other in pairs]
    assert found.rows() == [(is_near, is_near) for is_near in wanted]
    assert wanted[-2:] == [False, True]


@pytest.mark.parametrize(
    ("name", "most"), [("outlier_factor", 10_000), ("neighbour_factor", 10_000), ("spike_percent", 1_000_000)]
)
def test_a_factor_whose_products_would_overflow_is_refused(name: str, most: int) -> None:
    values = read_config("prices.yaml")
    assert isinstance(values, dict)
    assert getattr(read_filters({**values, name: most}), name) == most
    with pytest.raises(PriceConfigError, match=rf"^prices\.yaml: {name} is no whole number from \d+ to {most}$"):
        read_filters({**values, name: most + 1})

"""What holds of any trades: their order as rows is nothing, parts and whole are the same, and a plain fold agrees."""

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from unittest import mock

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from trade_rows import COIN, FILTERS, NO_REFERENCE, OTHER, SOL, THIRD, USDC, candles_of, frame_of, sol_at, trade

from oof_pipelines.pricing import candles as candles_module
from oof_pipelines.pricing.candles import (
    finish_candles,
    finish_day,
    fold_pieces,
    fold_stretch,
    of_timeframe,
    steps_of,
)
from oof_pipelines.pricing.coded_trades import ORDERED_TRADE_COLUMNS, known_decimals
from oof_pipelines.pricing.stripes import choose_stripes, quote_coins
from oof_pipelines.pricing.trust import no_levels
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS

_AMOUNT = st.sampled_from([0, 1, 999, 10**6, 10**9, 5 * 10**10, 2**64 - 1]) | st.integers(10**6, 10**12)
_PAIR = st.sampled_from([(COIN, SOL), (COIN, USDC), (OTHER, SOL), (COIN, OTHER), (OTHER, THIRD), (SOL, USDC)])


@st.composite
def some_trades(draw: st.DrawFn) -> list[dict[str, object]]:
    """Up to forty trades over four hours, at places of their own, some with absurd prices, some without decimals."""
    seconds = sorted(draw(st.lists(st.integers(0, 4 * 3_600 - 1), max_size=40)))
    rows = []
    for place, second in enumerate(seconds):
        mint, quote = draw(_PAIR)
        rows.append(
            trade(
                second,
                draw(_AMOUNT),
                draw(_AMOUNT),
                slot=second * 10 + place,
                mint=mint,
                quote=quote,
                signer=draw(st.sampled_from("abcd")),
                decimals=9 if mint == SOL else draw(st.sampled_from([6, 6, 6, None])),
                reserve=draw(st.sampled_from([None, 10**9, 10**11])),
                tx_index=draw(st.sampled_from([None, 1, 2])),
            )
        )
    return rows


def arranged(made: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: dataset.arrange(made[name.removeprefix("price_")]) for name, dataset in CANDLE_DATASETS.items()}


def same(first: dict[str, pl.DataFrame], second: dict[str, pl.DataFrame]) -> bool:
    return all(first[name].equals(second[name]) for name in first)


@settings(max_examples=15, deadline=None)
@given(some_trades(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_is_nothing(rows: list[dict[str, object]], chance: object) -> None:
    shuffled = list(rows)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert same(arranged(candles_of(rows)), arranged(candles_of(shuffled)))


@settings(max_examples=15, deadline=None)
@given(some_trades(), st.sets(st.integers(1, 3)))
def test_stretches_of_whole_hours_give_what_the_whole_day_gives(rows: list[dict[str, object]], cuts: set[int]) -> None:
    frame = frame_of(rows)
    decimals = known_decimals(frame.lazy())
    hour = frame["block_time"].dt.hour()
    levels, stretches = no_levels(), []
    bounds = [0, *sorted(cuts), 4]
    for first, last in pairwise(bounds):
        stretch = fold_stretch(frame.filter((hour >= first) & (hour < last)), decimals, FILTERS, levels)
        levels = stretch.levels
        stretches.append(stretch.by_timeframe)

    reference = sol_at("150", *range(0, 4 * 3_600, 300))
    assert same(arranged(finish_day(stretches, reference)), arranged(candles_of(rows, reference)))


def pairs_of(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.group_by("mint", "quote_mint").agg(pl.len().alias("trades"))


@settings(max_examples=25, deadline=None)
@given(some_trades(), st.integers(1, 7), st.booleans())
def test_parts_and_pieces_of_a_stretch_give_what_the_whole_gives(
    rows: list[dict[str, object]], most: int, are_categories: bool
) -> None:
    frame = frame_of(rows).sort("slot", "tx_index", nulls_last=True)
    decimals = known_decimals(frame.lazy())
    hour = frame["block_time"].dt.hour()
    levels, stretches = no_levels(), []
    mints, signers = pl.Categories.random(), pl.Categories.random()
    if are_categories:
        coded = (
            pl.col("mint", "quote_mint").cast(pl.Categorical(mints)),
            pl.col("signer").cast(pl.Categorical(signers)),
        )
        frame = frame.with_columns(*coded)
    with mock.patch.object(candles_module, "PART_TRADES", most):
        for first in (0, 2):
            of_stretch = frame.filter((hour >= first) & (hour < first + 2)).select(ORDERED_TRADE_COLUMNS)
            pieces = list(of_stretch.iter_slices(5)) or [of_stretch]
            stretch = fold_pieces(pieces, decimals, FILTERS, levels)
            levels = stretch.levels
            stretches.append(stretch.by_timeframe)

    assert same(arranged(finish_day(stretches, NO_REFERENCE)), arranged(candles_of(rows)))


@settings(max_examples=25, deadline=None)
@given(some_trades(), st.integers(1, 60))
def test_stripes_finished_apart_give_what_the_whole_day_gives(rows: list[dict[str, object]], most: int) -> None:
    frame = frame_of(rows)
    reference = sol_at("150", *range(0, 4 * 3_600, 300))
    folded = fold_stretch(frame, known_decimals(frame.lazy()), FILTERS, no_levels()).by_timeframe
    pairs = pairs_of(frame)
    steps = steps_of(folded["1m"], quote_coins(pairs))
    stripes = choose_stripes(pairs, most)
    finished = [
        (part["mint"].n_unique(), finish_candles(part, steps, reference))
        for _, part in stripes.cut(pl.concat(folded.values()))
    ]

    # No stripe has more than was foreseen, but where a mint has more by itself.
    assert all(candles.height <= most or mints == 1 for mints, candles in finished)
    made = pl.concat([candles for _, candles in finished])
    assert same(arranged({name: of_timeframe(made, name) for name in folded}), arranged(candles_of(rows, reference)))


@settings(max_examples=25, deadline=None)
@given(some_trades())
def test_every_trade_is_believed_or_counted_and_prices_are_in_order(rows: list[dict[str, object]]) -> None:
    of_coins = sum(row["quote_mint"] in (OTHER, THIRD) for row in rows)
    for dataset, frame in arranged(candles_of(rows)).items():
        CANDLE_DATASETS[dataset].schema.validate(frame)
        direct = frame.filter(pl.col("source") == "swaps")
        assert direct["trades"].sum() + direct["excluded_trades"].sum() == len(rows) + of_coins
        reasons = pl.sum_horizontal(f"excluded_{name}" for name in ("unpriced", "dust", "thin", "outlier"))
        assert direct.filter(reasons != pl.col("excluded_trades")).is_empty()
        for row in frame.filter(pl.col("trades") > 0).iter_rows(named=True):
            assert row["low"] <= min(row["open"], row["close"], row["vwap"])
            assert row["high"] >= max(row["open"], row["close"], row["vwap"])
        assert frame.filter((pl.col("trades") == 0) & pl.col("vwap").is_not_null()).is_empty()


@settings(max_examples=25, deadline=None)
@given(some_trades())
def test_a_fold_in_plain_python_gives_the_same(rows: list[dict[str, object]]) -> None:
    """Trades of one coin near one price, so that all are believed: the fold is then five lines."""
    tame = [
        {**row, "mint": COIN, "quote_mint": SOL, "quote_decimals": 9, "base_decimals": 6, "quote_reserve_raw": None}
        | {"base_raw": 10**9 + index, "quote_raw": 5 * 10**8 + 7 * index}
        for index, row in enumerate(rows)
    ]
    groups: dict[int, list[dict[str, object]]] = defaultdict(list)
    for row in tame:
        groups[row["block_time"].timestamp() // 300].append(row)  # type: ignore[attr-defined]

    made = candles_of(tame, NO_REFERENCE)["5m"]
    assert made.height == len(groups)
    for candle, (_, ours) in zip(made.iter_rows(named=True), sorted(groups.items()), strict=True):
        prices = [Fraction(int(str(row["quote_raw"])), int(str(row["base_raw"]))) / 1_000 for row in ours]
        base, quote = (sum(int(str(row[name])) for row in ours) for name in ("base_raw", "quote_raw"))
        expected = [prices[0], max(prices), min(prices), prices[-1], Fraction(quote, base) / 1_000]
        told = [candle[name] for name in ("open", "high", "low", "close", "vwap")]
        assert told == [Decimal(round(price * 10**18)) / 10**18 for price in expected]
        assert (candle["trades"], candle["signers"]) == (len(ours), len({row["signer"] for row in ours}))

"""Candles against a ledger by hand: a few trades, every column worked out on paper."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from trade_rows import COIN, MIDNIGHT, NO_REFERENCE, SOL, USDC, USDT, candles_of, sol_at, trade

from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.storage.parquet.price_schemas import CANDLE_DATASETS, PRICE_1M

# Half a SOL is 500,000,000 lamports. 1 coin is 1,000,000 base units.
HALF = 500_000_000


def test_every_column_of_a_minute_by_hand() -> None:
    rows = [
        trade(10, 1_000_000_000, HALF, signer="ann"),  # 1,000 coins for 0.5 SOL: 0.0005
        trade(20, 500_000_000, HALF, signer="bob", reserve=30_000_000_000),  # 500 for 0.5: 0.001
        trade(30, 1_250_000_000, HALF, signer="ann", reserve=10_000_000_000),  # 1,250 for 0.5: 0.0004
        trade(40, 1_000_000, 5_000, signer="eve"),  # 0.000005 SOL is dust
    ]

    [candle] = candles_of(rows, sol_at("150", 0))["1m"].to_dicts()

    assert candle == {
        "mint": COIN,
        "quote_mint": SOL,
        "bucket_start": MIDNIGHT,
        "open": Decimal("0.0005"),
        "high": Decimal("0.001"),
        "low": Decimal("0.0004"),
        "close": Decimal("0.0004"),
        # 1.5 SOL for 2,750 coins, half to even at 18 places.
        "vwap": Decimal("0.000545454545454545"),
        "base_volume_raw": 2_750_000_000,
        "quote_volume_raw": 1_500_000_000,
        "base_decimals": 6,
        "quote_decimals": 9,
        "trades": 3,
        "signers": 2,
        "excluded_trades": 1,
        "excluded_unpriced": 0,
        "excluded_dust": 1,
        "excluded_thin": 0,
        "excluded_outlier": 0,
        "excluded_quote_raw": 5_000,
        "quote_reserve_raw": 10_000_000_000,
        "quote_usd": Decimal(150),
        "usd_source": "klines",
        "usd_confidence": Decimal("0.9"),
        "open_usd": Decimal("0.075"),
        "high_usd": Decimal("0.15"),
        "low_usd": Decimal("0.06"),
        "close_usd": Decimal("0.06"),
        "vwap_usd": Decimal("0.08181818181818175"),
        "volume_usd": Decimal("225"),
        "source": "swaps",
        # 3 of 5 trades' share, 2 of 3 signers' share, 0.999 of the volume, 10 SOL beside a usual 10.
        "confidence": Decimal("0.600") * Decimal("0.666") * Decimal("0.999") * Decimal("0.500"),
        "is_primary": True,
        "available_at": MIDNIGHT + timedelta(minutes=1),
    }


def test_five_minutes_and_hours_are_their_trades_together() -> None:
    rows = [
        trade(10, 1_000_000_000, HALF, signer="ann"),
        trade(130, 500_000_000, HALF, signer="ann"),
        trade(301, 2_000_000_000, HALF, signer="bob"),
        trade(3_599, 1_000_000_000, HALF, signer="ann"),
        trade(3_600, 800_000_000, HALF, signer="ann"),
    ]
    made = candles_of(rows)

    starts = {name: (frame["bucket_start"] - MIDNIGHT).dt.total_seconds().to_list() for name, frame in made.items()}
    assert starts == {"1m": [0, 120, 300, 3_540, 3_600], "5m": [0, 300, 3_300, 3_600], "1h": [0, 3_600]}
    hour = made["1h"].row(0, named=True)
    assert [hour[name] for name in ("open", "high", "low", "close")] == [
        Decimal(text) for text in ("0.0005", "0.001", "0.00025", "0.0005")
    ]
    assert (hour["trades"], hour["base_volume_raw"], hour["quote_volume_raw"]) == (4, 4_500_000_000, 4 * HALF)
    assert hour["vwap"] == Decimal("0.000444444444444444")
    # Ann trades in three of its minutes and is one signer.
    assert hour["signers"] == 2
    assert hour["available_at"] == MIDNIGHT + timedelta(hours=1)


def test_the_rate_is_the_one_known_when_the_bucket_begins() -> None:
    rows = [trade(10, 1_000_000_000, HALF), trade(70, 1_000_000_000, HALF), trade(1_000, 1_000_000_000, HALF)]
    # Made five seconds into the first minute, and 15 minutes old at 15:05.
    made = candles_of(rows, sol_at("150", 5))["1m"]

    assert made["quote_usd"].to_list() == [None, Decimal(150), None]
    assert made["usd_source"].to_list() == ["", "klines", ""]
    assert made["vwap_usd"].to_list() == [None, Decimal("0.075"), None]
    assert made["vwap"].null_count() == 0


def test_dollar_coins_are_dollars_and_sol_without_a_source_is_none() -> None:
    rows = [
        trade(1, 1_000_000, 5_000_000, quote=USDC),
        trade(2, 1_000_000, 6_000_000, quote=USDT),
        trade(3, 1_000_000, HALF),
    ]
    made = candles_of(rows)["1m"]

    told = {row["quote_mint"]: (row["usd_source"], row["vwap_usd"], row["volume_usd"]) for row in made.to_dicts()}
    assert told == {USDC: ("par", Decimal(5), Decimal(5)), USDT: ("par", Decimal(6), Decimal(6)), SOL: ("", None, None)}


def test_the_quote_with_more_signers_is_primary_then_more_trades_then_the_dollar() -> None:
    known = sol_at("150", 0)

    def primary(*trades: dict[str, object], sol_usd: ReferencePrices = known) -> str:
        made = candles_of(list(trades), sol_usd)["1m"]
        return str(made.filter("is_primary")["quote_mint"].item())

    in_usdc, in_usdt = trade(1, 10**6, 5 * 10**6, quote=USDC, signer="a"), trade(2, 10**6, 5 * 10**6, quote=USDT)
    in_sol = [trade(place, 10**6, HALF, signer=f"{place}") for place in (3, 4)]
    assert primary(in_usdc, in_usdt, in_sol[0]) == USDC
    assert primary(in_usdt, in_sol[0]) == USDT
    assert primary(in_usdc, in_usdt, *in_sol) == SOL
    assert primary(in_usdt, in_usdc, trade(5, 10**6, 5 * 10**6, quote=USDC, signer="a")) == USDC
    # Where nobody says what a SOL is worth, the pair in dollars is the one that can be looked up.
    assert primary(in_usdc, *in_sol, sol_usd=NO_REFERENCE) == USDC
    assert primary(*in_sol, sol_usd=NO_REFERENCE) == SOL


def test_a_minute_in_which_nothing_is_believed_is_counted_and_has_no_price() -> None:
    [candle] = candles_of([trade(1, 1_000_000, 5_000)])["1m"].to_dicts()

    assert (candle["trades"], candle["excluded_trades"], candle["excluded_dust"]) == (0, 1, 1)
    assert [candle[name] for name in ("open", "high", "low", "close", "vwap", "vwap_usd")] == [None] * 6
    assert (candle["confidence"], candle["is_primary"], candle["quote_volume_raw"]) == (0, False, 0)


def test_the_first_and_last_price_go_by_the_chain_not_by_the_clock() -> None:
    # One second, one slot: the place in the block decides, an unknown one comes last; then the path.
    rows = [
        trade(5, 4_000_000, HALF, slot=7, tx_index=None, signature="a"),
        trade(5, 3_000_000, HALF, slot=7, tx_index=2, signature="b", log_idx=9),
        trade(5, 2_000_000, HALF, slot=7, tx_index=2, signature="b", log_idx=3),
        trade(5, 1_000_000, HALF, slot=7, tx_index=1, signature="z"),
    ]
    [candle] = candles_of(rows)["1m"].to_dicts()

    assert (candle["open"], candle["close"]) == (Decimal("0.5"), Decimal("0.125"))


def test_decimals_are_taken_from_another_trade_of_the_day() -> None:
    rows = [trade(1, 10**6, HALF, decimals=None), trade(7_300, 10**6, HALF, decimals=6)]
    assert candles_of(rows)["1m"]["vwap"].to_list() == [Decimal("0.5"), Decimal("0.5")]

    [unknown] = candles_of(rows[:1])["1m"].to_dicts()
    assert (unknown["vwap"], unknown["excluded_unpriced"], unknown["base_decimals"]) == (None, 1, None)


@pytest.mark.parametrize("largest", [2**64 - 1])
def test_the_largest_amounts_keep_every_digit(largest: int) -> None:
    [candle] = candles_of([trade(place, largest, largest) for place in range(3)])["1m"].to_dicts()

    assert candle["quote_volume_raw"] == 3 * largest
    assert candle["vwap"] == Decimal("0.001")
    [tiny] = candles_of([trade(1, largest, 2 * 10**7 + 1)])["1m"].to_dicts()
    # 0.020000001 SOL over 18,446,744,073,709.551615 coins is 1.0842...e-15: 18 places leave four digits.
    assert tiny["vwap"] == Decimal("0.000000000000001084")


def test_nothing_traded_gives_empty_frames_of_the_datasets_columns() -> None:
    made = candles_of([])

    for name, dataset in CANDLE_DATASETS.items():
        frame = dataset.arrange(made[name.removeprefix("price_")])
        dataset.schema.validate(frame)
        assert frame.height == 0
    assert PRICE_1M.columns["vwap"] == pl.Decimal(38, 18)

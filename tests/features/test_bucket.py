"""The row of a bucket, column by column, against numbers worked out by hand."""

from decimal import Decimal, localcontext

import pytest
from made_trades import MINUTE_S, rates, trade

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.features.bucket import Bucket, key_of, row_of_bucket, trade_id
from oof_pipelines.features.rows import FeatureRow
from oof_pipelines.market.events import Trade

SOL = 10**9


def row_of(*trades: Trade, sol_usd: str | None = None) -> FeatureRow:
    bucket = Bucket(key_of(trades[0]))
    bucket.trades = {trade_id(one): one for one in trades}
    assert {key_of(one) for one in trades} == {bucket.key}
    return row_of_bucket(bucket, rates(sol_usd).at(bucket.key[1]) if sol_usd else None)


def three_trades() -> list[Trade]:
    """Alice buys for 1 SOL, Bob for 12, and Alice sells for 3; prices of 0.001, 0.0012 and 0.0009 SOL a coin."""
    return [
        trade(MINUTE_S + 5, signature="a", slot=1, quote_raw=SOL, base_raw=1_000 * 10**6),
        trade(
            MINUTE_S + 5, signature="b", slot=2, quote_raw=12 * SOL, base_raw=10_000 * 10**6, trader="bob", signer="bob"
        ),
        trade(MINUTE_S + 59, signature="c", slot=3, quote_raw=int(2.7 * SOL), base_raw=3_000 * 10**6, is_buy=False),
    ]


def test_counts_and_flows() -> None:
    row = row_of(*three_trades())
    assert (row.trades, row.buys, row.sells, row.uniq_signers, row.holders_touched) == (3, 2, 1, 2, 2)
    assert (row.vol_in_raw, row.vol_out_raw, row.base_volume_raw) == (13 * SOL, 2_700_000_000, 14_000 * 10**6)
    assert (row.vol_in_sol, row.vol_out_sol, row.net_inflow_sol) == (13, Decimal("2.7"), Decimal("10.3"))
    assert (row.bucket_start_s, row.available_at_s) == (MINUTE_S, MINUTE_S + 60)
    assert (row.base_decimals, row.quote_decimals) == (6, 9)


def test_who_paid_the_fee_is_not_who_traded() -> None:
    relayed = [trade(signature=name, trader=name, signer="relayer") for name in "abc"]
    assert (row_of(*relayed).uniq_signers, row_of(*relayed).holders_touched) == (1, 3)


def test_shares() -> None:
    row = row_of(*three_trades())
    assert row.whale_share_top5 == 1
    assert row.large_trade_share == Decimal("0.764331210191082803"), "12 of 15.7, and 10 SOL are large"
    seven = [trade(signature=name, trader=name, quote_raw=size * SOL) for size, name in enumerate("abcdefg", start=1)]
    assert row_of(*seven).whale_share_top5 == Decimal("0.892857142857142857"), "25 of 28"
    nothing = row_of(trade(quote_raw=0))
    assert (nothing.whale_share_top5, nothing.large_trade_share, nothing.open_price) == (None, None, None)


def test_prices_returns_and_volatility() -> None:
    row = row_of(*three_trades())
    assert (row.open_price, row.close_price) == (Decimal("0.001"), Decimal("0.0009"))
    assert row.price_change == Decimal("-0.1")
    assert row.realised_volatility == Decimal("0.320156211"), "the root of 0.2² + 0.25², rounded down"
    alone = row_of(three_trades()[0])
    assert (alone.price_change, alone.realised_volatility) == (0, 0)


def test_the_order_is_that_of_the_chain_not_of_arrival() -> None:
    first, second, third = three_trades()
    assert row_of(third, second, first) == row_of(first, second, third)


def test_dust_and_rounding_make_no_price_but_count() -> None:
    dust = trade(signature="d", slot=0, quote_raw=999, base_raw=1)
    row = row_of(dust, *three_trades())
    assert row.trades == 4
    assert row.open_price == Decimal("0.001")
    whole = trade(base_decimals=0, base_raw=1, quote_raw=3 * SOL)
    assert row_of(whole).open_price == 3, "one coin of a mint without decimals is a whole coin"


def test_one_absurd_price_stays_finite() -> None:
    absurd = trade(signature="z", slot=11, quote_raw=2**62, base_raw=1_000)
    row = row_of(trade(), absurd)
    assert (row.price_change, row.realised_volatility) == (999, 999)


def test_dollars_and_sol_by_the_price_known_at_the_start() -> None:
    row = row_of(*three_trades(), sol_usd="150.25")
    assert (row.volume_usd, row.usd_source, row.sol_usd, row.sol_usd_source) == (
        Decimal("2358.925"),
        "klines",
        Decimal("150.25"),
        "klines",
    )
    assert row.sol_usd_confidence == Decimal("0.9")
    dollars = trade(quote_mint=USDC_MINT, quote_raw=1_000_000, quote_decimals=6)
    row = row_of(dollars, sol_usd="150.25")
    assert (row.volume_usd, row.usd_source, row.vol_in_sol) == (1, "par", Decimal("0.006655574043261231"))


def test_without_a_price_of_sol_its_columns_are_null() -> None:
    row = row_of(trade())
    assert (row.volume_usd, row.usd_source, row.sol_usd, row.sol_usd_source) == (None, "", None, "")
    assert row.vol_in_sol == 1
    dollars = row_of(trade(quote_mint=USDC_MINT, quote_raw=1_000_000))
    assert (dollars.volume_usd, dollars.usd_source) == (1, "par")
    assert (dollars.vol_in_sol, dollars.vol_out_sol, dollars.net_inflow_sol) == (None, None, None)


def test_of_other_money_neither_sol_nor_dollars_nor_size_are_known() -> None:
    row = row_of(trade(quote_mint="coin of another kind", quote_decimals=8), sol_usd="150.25")
    assert (row.vol_in_sol, row.volume_usd, row.usd_source, row.large_trade_share) == (None, None, "", None)
    assert (row.quote_decimals, row.open_price, row.whale_share_top5) == (8, Decimal("0.01"), 1)


def test_unknown_decimals_leave_no_price_to_show_but_returns_all_the_same() -> None:
    row = row_of(*(trade(signature=name, base_decimals=None, quote_raw=SOL * (1 + (name == "b"))) for name in "ab"))
    assert (row.base_decimals, row.open_price, row.price_change) == (None, None, 1)
    known = row_of(trade(quote_mint=NATIVE_MINT, quote_decimals=None))
    assert known.quote_decimals == 9


def test_a_callers_decimal_context_changes_nothing() -> None:
    expected = row_of(*three_trades(), sol_usd="150.25")
    with localcontext() as context:
        context.prec = 3
        assert row_of(*three_trades(), sol_usd="150.25") == expected


def test_an_empty_bucket_has_no_row() -> None:
    with pytest.raises(ValueError, match="no trade"):
        row_of_bucket(Bucket(("coin", MINUTE_S, "pumpswap", NATIVE_MINT)), None)

"""Trades for the tests of features: one by hand, and any by Hypothesis, with the frame of market_events they would be."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.features.trade_frames import PLACED_TRADE_COLUMNS
from oof_pipelines.market.events import EventPlace, Trade
from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

MINUTE_S = 1_767_571_200
"""2026-01-05T00:00:00Z."""


def trade(at_s: int = MINUTE_S, **changed: Any) -> Trade:
    """A buy of 1,000 coins of six decimals for one SOL, with what is `changed`; `place` fields may be among it."""
    place = {"signature": "sig", "slot": 10, "tx_index": 0, "log_idx": 1, "ordinal": 0}
    place |= {name: changed.pop(name) for name in list(changed) if name in place}
    fields: dict[str, Any] = {
        "program_id": "",
        "venue": "pumpswap",
        "pool": "",
        "mint": "coin",
        "quote_mint": NATIVE_MINT,
        "is_buy": True,
        "base_raw": 1_000 * 10**6,
        "quote_raw": 10**9,
        "base_decimals": 6,
        "quote_decimals": 9,
        "trader": "alice",
        "signer": "alice",
    }
    return Trade(EventPlace(block_time_s=at_s, **place), **{**fields, **changed})


def trade_frame(trades: Iterable[Trade]) -> pl.DataFrame:
    """The rows of market_events that the features read, in the dataset's order."""
    rows = [
        (
            one.place.signature,
            one.place.slot,
            one.place.tx_index,
            one.place.log_idx,
            one.place.ordinal,
            datetime.fromtimestamp(one.place.block_time_s, UTC),
            one.venue,
            one.mint,
            one.quote_mint,
            one.trader,
            one.signer,
            one.is_buy,
            Decimal(one.base_raw),
            Decimal(one.quote_raw),
            one.base_decimals,
            one.quote_decimals,
        )
        for one in trades
    ]
    schema = {name: MARKET_EVENTS.columns[name] for name in PLACED_TRADE_COLUMNS}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.sort("slot", "tx_index", "signature", "log_idx", "ordinal", nulls_last=True)


def rates(
    price_usd: str = "150.25", *, first_s: int = MINUTE_S, minutes: int = 3, source: str = "klines"
) -> ReferencePrices:
    """A price known at the start of each of some minutes, and of the quarter of an hour behind them."""
    return ReferencePrices(
        ReferencePrice(at_s, Decimal(price_usd), source, Decimal("0.9"), at_s)
        for at_s in range(first_s, first_s + 60 * minutes, 60)
    )


_AMOUNTS = st.one_of(
    st.integers(0, 2_000),
    st.integers(1, 10**13),
    st.sampled_from([999, 1_000, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**19]),
    st.integers(1, 2**64 - 1),
)
_DECIMALS = st.sampled_from([None, 0, 1, 2, 3, 6, 9, 18, 19, 255])


@st.composite
def trades(draw: st.DrawFn) -> list[Trade]:
    """Distinct trades of a few coins and wallets within twenty minutes, in any order."""
    places = draw(
        st.lists(
            st.tuples(st.integers(0, 5), st.sampled_from([None, 0, 1]), st.sampled_from("abc"), st.integers(1, 3)),
            min_size=1,
            max_size=40,
            unique_by=lambda place: (place[0], place[2], place[3]),
        )
    )
    made = []
    for slot, tx_index, signature, log_idx in places:
        made.append(
            trade(
                MINUTE_S + slot * draw(st.sampled_from([1, 30, 61, 200])),
                signature=f"{slot}{signature}",
                slot=slot,
                tx_index=tx_index,
                log_idx=log_idx,
                venue=draw(st.sampled_from(["pumpswap", ""])),
                mint=draw(st.sampled_from(["coin", "other"])),
                quote_mint=draw(st.sampled_from([NATIVE_MINT, USDC_MINT, USDT_MINT, "money"])),
                is_buy=draw(st.booleans()),
                base_raw=draw(_AMOUNTS),
                quote_raw=draw(_AMOUNTS),
                base_decimals=draw(_DECIMALS),
                quote_decimals=draw(_DECIMALS),
                trader=draw(st.sampled_from("abcdefgh")),
                signer=draw(st.sampled_from("ab")),
            )
        )
    return made


PRICES_USD = st.one_of(
    st.none(),
    st.sampled_from(["150.25", "0.000000001", "100000", "100000.1", "0.0000000004", "183.123456789012345678"]),
    st.decimals(min_value=Decimal("0.01"), max_value=Decimal(2_000), places=8).map(str),
)

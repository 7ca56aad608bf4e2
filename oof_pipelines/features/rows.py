"""What a row of features_1m is: one coin in one minute at one venue in one money. Units and formulas of every column.

Spec 1 asks for trades, uniq_signers, vol_in_sol, vol_out_sol, net_inflow_sol and whale_share_top5 by (mint, bucket_start,
venue); docs/features.md says what the rest is for. All of it is computed with integers, so that Python (`bucket.py`) and
Polars (`frames.py`) give the same digits.
"""

from decimal import Decimal

import msgspec

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

BUCKET_SECONDS = 60

MOST_AMOUNT_RAW = 2**64 - 1
"""A token account holds a u64. A trade with more is an error of whoever told it, and is not counted."""

MOST_PRICED_RAW = 2**63 - 1
LEAST_PRICED_RAW = 1_000
"""A trade has a price where its quote amount is at least this, and its base amount this or one whole coin, whichever is less.

Below, rounding to whole base units alone moves the price by more than a thousandth. Above 2^63 − 1 products of two
amounts would not fit into 128 bits.
"""

MOST_VOLUME_RAW = 10**22
"""Sums above have no value in SOL or dollars: ten trillion SOL in one minute, of which there are 600 million."""

PARTS_PER_BILLION = 10**9
MOST_RATIO_PPB = 10**12
"""A price that is more than a thousand times the one before counts as a thousand times: one absurd trade stays finite."""

WHALES = 5

QUOTE_DECIMALS = {NATIVE_MINT: 9, USDC_MINT: 6, USDT_MINT: 6}
DOLLARS = frozenset({USDC_MINT, USDT_MINT})
PAR = "par"
"""The source of a dollar value by the rule that USDC and USDT are worth one dollar."""

LARGE_TRADE_RAW = {NATIVE_MINT: 10 * 10**9, USDC_MINT: 1_000 * 10**6, USDT_MINT: 1_000 * 10**6}
"""From which quote amount on a trade is large: 10 SOL, or 1,000 dollars. Of other money nobody knows."""

BucketKey = tuple[str, int, str, str]
"""(mint, bucket_start in seconds since 1970 UTC, venue, quote_mint)."""


class FeatureRow(msgspec.Struct, frozen=True):
    """One bucket's features. A trade is one swap in one pool (`market.events.Trade`), counted once, in order of its key.

    `bucket_start_s`, `available_at_s`: seconds since 1970, UTC; a row is known from the end of its minute on.
    `trades` = `buys` + `sells`; `uniq_signers`: distinct fee payers; `holders_touched`: distinct traders, who own the
    token accounts that change.
    `vol_in_raw`, `vol_out_raw`: quote base units paid by buys, got by sells; `base_volume_raw`: base units traded.
    `base_decimals`, `quote_decimals`: None where no transaction of the bucket shows them.
    `vol_in_sol`, `vol_out_sol`, `net_inflow_sol` (their difference): in SOL. For USDC and USDT by `sol_usd`, None without
    one; None for other money.
    `volume_usd`: both directions in dollars, by `usd_source`: `par` for USDC and USDT, the reference's name for SOL, ''
    where there is none.
    `sol_usd`: dollars a SOL as known at the bucket's start, with its source and confidence.
    `whale_share_top5`: the part of the quote volume that its five largest traders made; None where no quote moved.
    `large_trade_share`: the part of the quote volume in trades of at least `LARGE_TRADE_RAW`; None for other money.
    `open_price`, `close_price`: first and last price, whole quote a whole coin, to 18 places; None where no trade has one,
    decimals are unknown, or 10^20 is reached.
    `price_change`: close / open − 1. `realised_volatility`: square root of the sum of squared returns from trade to trade;
    0 with one price, None with none. Both are in whole parts per billion, rounded down.
    Quotients are rounded half-even at 18 places.
    """

    mint: str
    bucket_start_s: int
    venue: str
    quote_mint: str
    trades: int
    buys: int
    sells: int
    uniq_signers: int
    holders_touched: int
    vol_in_raw: int
    vol_out_raw: int
    base_volume_raw: int
    base_decimals: int | None
    quote_decimals: int | None
    vol_in_sol: Decimal | None
    vol_out_sol: Decimal | None
    net_inflow_sol: Decimal | None
    volume_usd: Decimal | None
    usd_source: str
    sol_usd: Decimal | None
    sol_usd_source: str
    sol_usd_confidence: Decimal | None
    whale_share_top5: Decimal | None
    large_trade_share: Decimal | None
    open_price: Decimal | None
    close_price: Decimal | None
    price_change: Decimal | None
    realised_volatility: Decimal | None
    available_at_s: int

    @property
    def key(self) -> BucketKey:
        return (self.mint, self.bucket_start_s, self.venue, self.quote_mint)

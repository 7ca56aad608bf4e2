"""What the position engine says: realised trades, lots, episodes, what moved out and what is in pools.

Quantities and amounts are integers in base units of their mint, dollars whole 1e-18 dollars (`_usd_e18`), None where no
price is known. `wallet` is whose event it is: a lot's buyer, a sale's seller; in an owner set they may differ.
"""

from decimal import Decimal

import msgspec

KNOWN = "known"
"""What was paid is known: `cost_raw` of `cost_mint`."""
MARKET = "market"
"""Nothing was paid that the chain shows; the basis is what the units were worth when they came in."""
UNKNOWN = "unknown"
"""Nobody knows what the units cost, or no lot stands for them."""
BASIS_STATUSES = (KNOWN, MARKET, UNKNOWN)

SALE = "sell"
EXCHANGE_TRANSFER = "exchange_transfer"
BURNED = "burn"
EXIT_KINDS = (SALE, EXCHANGE_TRANSFER, BURNED)

PENDING = "pending"
"""Nobody has said yet where what moved out arrived."""

ID_DIGITS = 32
"""Ids are the first so many hexadecimal digits of a SHA-256."""


class RealizedTrade(msgspec.Struct, frozen=True, gc=False):
    """A sale, a transfer to an exchange or a burn, or the part of it over units of one cost mint and basis status.

    `proceeds_raw` is 0 of '' where nothing was received on the chain (exchange_transfer, burn). `cost_raw` is None unless
    the basis is known, `cost_usd_e18` None where the dollars of any of its units are unknown. `realized_pnl_usd_e18` is
    proceeds less cost, fees apart. The fee columns are the exit transaction's and stand on the first row of the sale, 0
    on the others; `fees_usd_e18` is the network fee and the tips. `average_…` is the same sale by average cost.
    `entry_at_s` is when the first unit came in, None without a lot. `price_…` is the source of `proceeds_usd_e18`.
    `exit_id` = sha256(wallet|mint|signature|path|seq|kind|cost_mint|basis_status), '' for no mint.
    """

    exit_id: str
    wallet: str
    mint: str
    episode_id: str
    kind: str
    signature: str
    path: str
    slot: int
    tx_index: int | None
    sold_at_s: int
    qty_raw: int
    decimals: int | None
    proceeds_mint: str
    proceeds_raw: int
    proceeds_usd_e18: int | None
    cost_mint: str | None
    cost_raw: int | None
    cost_usd_e18: int | None
    basis_status: str
    realized_pnl_usd_e18: int | None
    average_cost_usd_e18: int | None
    average_pnl_usd_e18: int | None
    entry_at_s: int | None
    network_fee_lamports: int
    tip_lamports: int
    rent_lamports: int
    fees_usd_e18: int | None
    price_source: str
    price_confidence_e18: int | None


class Lot(msgspec.Struct, frozen=True, gc=False):
    """Units that came in together, and where they are now: initial = remaining + sold + moved + in_pool.

    `origin` is buy, receive, exchange, claim or lp (out of a pool beyond what was put in; put into one, or into an escrow,
    without a lot).
    `cost_raw` and `cost_usd_e18` are of all its units, `cost_remaining_…` of those that remain, pools left out.
    `qty_sold_raw` has what was realised in any way. `lot_id` = sha256(wallet|mint|signature|path|seq).
    """

    lot_id: str
    wallet: str
    mint: str
    episode_id: str
    origin: str
    signature: str
    path: str
    slot: int
    tx_index: int | None
    entry_at_s: int
    decimals: int | None
    qty_initial_raw: int
    qty_remaining_raw: int
    qty_sold_raw: int
    qty_moved_raw: int
    qty_in_pool_raw: int
    cost_mint: str | None
    cost_raw: int | None
    cost_remaining_raw: int | None
    cost_usd_e18: int | None
    cost_remaining_usd_e18: int | None
    basis_status: str


class Episode(msgspec.Struct, frozen=True, gc=False):
    """From nothing to nothing of one mint (held and in pools); `number` counts them, above 1 is a re-entry.

    `bought_raw`, `sold_raw` (realised in any way), `received_raw` (came in otherwise than by a buy or out of a pocket) and
    `moved_out_raw` are sums of its events' units; `held_raw` and `in_pool_raw` are what there is now.
    `basis_usd_e18` is what its lots cost, `proceeds_usd_e18` what units with a basis brought, `unknown_proceeds_usd_e18`
    what those without one did, `realized_pnl_usd_e18` and `average_pnl_usd_e18` the sums over its realised rows,
    `fees_usd_e18` the network fees and tips of its trades. Each sums what is known, 0 where there was nothing to sum, None
    where no part of it has a price. `roi_pct` is realised PnL ÷ basis (0.25 is a quarter), half-even at 18 places, None
    without a basis and from 1e20 on. `trades` counts buys and sells.
    `episode_id` = sha256(episode|wallet|mint|signature|path|seq) of the event that began it.
    """

    episode_id: str
    wallet: str
    mint: str
    number: int
    start_at_s: int
    end_at_s: int | None
    start_signature: str
    end_signature: str
    bought_raw: int
    sold_raw: int
    received_raw: int
    moved_out_raw: int
    held_raw: int
    in_pool_raw: int
    basis_usd_e18: int | None
    proceeds_usd_e18: int | None
    unknown_proceeds_usd_e18: int | None
    realized_pnl_usd_e18: int | None
    roi_pct: Decimal | None
    average_pnl_usd_e18: int | None
    fees_usd_e18: int | None
    trades: int
    is_open: bool


class MovedOut(msgspec.Struct, frozen=True, gc=False):
    """Units that left beside the trades with their basis: no sale, and `status` pending until somebody knows where to.

    One row a cost mint and basis status, as of a sale. `counterparty` is '' where unknown.
    """

    wallet: str
    mint: str
    episode_id: str
    signature: str
    path: str
    slot: int
    moved_at_s: int
    counterparty: str
    qty_raw: int
    cost_mint: str | None
    cost_raw: int | None
    cost_usd_e18: int | None
    basis_status: str
    status: str


class InPool(msgspec.Struct, frozen=True, gc=False):
    """Units of one lot that are in a pool, or in an escrow (`pool` is its address), with what they cost."""

    pool: str
    wallet: str
    mint: str
    lot_id: str
    qty_raw: int
    cost_mint: str | None
    cost_raw: int | None
    cost_usd_e18: int | None
    basis_status: str

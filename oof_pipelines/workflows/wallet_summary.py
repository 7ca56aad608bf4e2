"""What an owner has and made, as of an instant: holdings at their last price, realised PnL two ways, costs, win rate."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal

import msgspec

from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.detectors.extremes import realized_sales
from oof_pipelines.detectors.moment import KINDS, Moment
from oof_pipelines.positions.events import TRADES
from oof_pipelines.positions.results import UNKNOWN, Episode, Lot, RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent
from oof_pipelines.positions.valuing import CANDLE, PAR, UnitPrice
from oof_pipelines.pricing.exact import half_even
from oof_pipelines.pricing.windows import PriceWindows

HOLDING_PRICE_AGE_S = 86_400
"""What is held stands at its newest minute, if that is no older than a day: an older price is none."""

_ONE_E18 = 10**18
_PAR_MINTS = (USDC_MINT, USDT_MINT)
_RATIO = Context(prec=60)
_PLACES = Decimal(1).scaleb(-18)


class Holding(msgspec.Struct, frozen=True):
    """What is held of one mint, in the wallets and in pools.

    `cost_usd_e18` is of the units whose basis is known in dollars, `unpriced_raw` how many have none. `price_…` is of a whole
    coin, made at `price_at_s`; None and '' without one. `value_usd_e18` is of all units, `unrealized_pnl_usd_e18` of those
    with a basis; both None without a price.
    """

    mint: str
    decimals: int | None
    held_raw: int
    in_pool_raw: int
    unpriced_raw: int
    cost_usd_e18: int
    price_usd_e18: int | None
    price_source: str
    price_at_s: int | None
    value_usd_e18: int | None
    unrealized_pnl_usd_e18: int | None


class WalletSummary(msgspec.Struct, frozen=True):
    """An owner's story in figures. Dollars sum what has a price; `unpriced_exits` counts the exits that have none.

    `trades` and `sales` are of coins: USDC and USDT are what is paid with. `win_rate` is of the sales with a known PnL (0.25
    is a quarter), None without any; what was sold with an unknown basis is in `unknown_proceeds_usd_e18` alone. Fees are
    network fees and tips; rent is a deposit.
    """

    holdings: list[Holding]
    held_value_usd_e18: int
    unrealized_pnl_usd_e18: int
    realized_pnl_usd_e18: int
    average_pnl_usd_e18: int
    proceeds_usd_e18: int
    unknown_proceeds_usd_e18: int
    unpriced_exits: int
    fees_usd_e18: int
    network_fee_lamports: int
    tip_lamports: int
    rent_lamports: int
    trades: int
    sales: int
    wins: int
    losses: int
    win_rate: Decimal | None
    open_episodes: int
    episodes: int
    moments: dict[str, int]
    missed_usd_e18: int
    first_activity_at_s: int | None
    last_activity_at_s: int | None


def summarize(
    valued: Sequence[ValuedEvent],
    lots: Iterable[Lot],
    realized: Sequence[RealizedTrade],
    episodes: Sequence[Episode],
    moments: Sequence[Moment],
    windows: PriceWindows,
    as_of_s: int,
) -> WalletSummary:
    """The summary of one owner. Everything passed in is of that owner and not later than `as_of_s`."""
    holdings = holdings_of(lots, windows, as_of_s)
    sales = [sale.realized_pnl_usd_e18 for sale in realized_sales(realized)]
    of_coins = exits_of_coins(realized)
    wins, losses = sum(pnl > 0 for pnl in sales), sum(pnl < 0 for pnl in sales)
    counts = Counter(moment.kind for moment in moments)
    seconds = [one.event.block_time_s for one in valued]
    return WalletSummary(
        holdings=holdings,
        held_value_usd_e18=_known(one.value_usd_e18 for one in holdings),
        unrealized_pnl_usd_e18=_known(one.unrealized_pnl_usd_e18 for one in holdings),
        realized_pnl_usd_e18=_known(row.realized_pnl_usd_e18 for row in realized),
        average_pnl_usd_e18=_known(row.average_pnl_usd_e18 for row in realized),
        proceeds_usd_e18=_known(row.proceeds_usd_e18 for row in of_coins if row.basis_status != UNKNOWN),
        unknown_proceeds_usd_e18=_known(row.proceeds_usd_e18 for row in of_coins if row.basis_status == UNKNOWN),
        unpriced_exits=unpriced_count(of_coins),
        fees_usd_e18=_known(one.fees_usd_e18 for one in valued),
        network_fee_lamports=sum(one.event.network_fee_lamports for one in valued),
        tip_lamports=sum(one.event.tip_lamports for one in valued),
        rent_lamports=sum(one.event.rent_lamports for one in valued),
        trades=sum(one.event.kind in TRADES and one.event.mint not in _PAR_MINTS for one in valued),
        sales=len(sales),
        wins=wins,
        losses=losses,
        win_rate=_ratio(wins, len(sales)),
        open_episodes=sum(episode.is_open for episode in episodes),
        episodes=len(episodes),
        moments={kind: counts[kind] for kind in KINDS},
        missed_usd_e18=_known(moment.missed_usd_e18 for moment in moments),
        first_activity_at_s=min(seconds, default=None),
        last_activity_at_s=max(seconds, default=None),
    )


def exits_of_coins(realized: Iterable[RealizedTrade]) -> list[RealizedTrade]:
    """The rows that are of no USDC or USDT: those are what is paid with."""
    return [row for row in realized if row.mint not in _PAR_MINTS]


def unpriced_count(rows: Iterable[RealizedTrade]) -> int:
    """How many exits have no price in dollars; one over lots paid for in several mints is one."""
    return len({(row.wallet, row.mint, row.signature, row.path) for row in rows if row.proceeds_usd_e18 is None})


def holdings_of(lots: Iterable[Lot], windows: PriceWindows, as_of_s: int) -> list[Holding]:
    """What is held, by value (what has no price last), then by mint."""
    by_mint: dict[str, list[Lot]] = {}
    for lot in lots:
        if lot.qty_remaining_raw or lot.qty_in_pool_raw:
            by_mint.setdefault(lot.mint, []).append(lot)
    holdings = [_holding(mint, its_lots, windows, as_of_s) for mint, its_lots in by_mint.items()]
    return sorted(holdings, key=lambda one: (one.value_usd_e18 is None, -(one.value_usd_e18 or 0), one.mint))


def _holding(mint: str, lots: Sequence[Lot], windows: PriceWindows, as_of_s: int) -> Holding:
    decimals = next((lot.decimals for lot in lots if lot.decimals is not None), None)
    held, pooled = sum(lot.qty_remaining_raw for lot in lots), sum(lot.qty_in_pool_raw for lot in lots)
    cost, with_basis = 0, 0
    for lot in lots:
        its_cost = _cost_left(lot)
        if its_cost is not None:
            cost += its_cost
            with_basis += lot.qty_remaining_raw + lot.qty_in_pool_raw
    price, price_at_s = _price(mint, windows, as_of_s)
    value = None if price is None or decimals is None else _worth(held + pooled, decimals, price.usd_e18)
    unrealized = None
    if price is not None and decimals is not None:
        unrealized = _worth(with_basis, decimals, price.usd_e18) - cost
    return Holding(
        mint=mint,
        decimals=decimals,
        held_raw=held,
        in_pool_raw=pooled,
        unpriced_raw=held + pooled - with_basis,
        cost_usd_e18=cost,
        price_usd_e18=None if price is None else price.usd_e18,
        price_source="" if price is None else price.source,
        price_at_s=price_at_s,
        value_usd_e18=value,
        unrealized_pnl_usd_e18=unrealized,
    )


def _cost_left(lot: Lot) -> int | None:
    """What the units cost that are held or in pools: those in pools by their share of the whole, rounded down."""
    if lot.cost_usd_e18 is None or lot.cost_remaining_usd_e18 is None:
        return None
    return lot.cost_remaining_usd_e18 + lot.cost_usd_e18 * lot.qty_in_pool_raw // max(lot.qty_initial_raw, 1)


def _price(mint: str, windows: PriceWindows, as_of_s: int) -> tuple[UnitPrice | None, int | None]:
    if mint in _PAR_MINTS:
        return UnitPrice(_ONE_E18, PAR, _ONE_E18), as_of_s
    candles = windows.candles(mint, as_of_s - HOLDING_PRICE_AGE_S, as_of_s)
    if not candles:
        return None, None
    newest = candles[-1]
    return UnitPrice(newest.vwap_usd_e18, CANDLE, newest.confidence_e18), newest.end_s


def _worth(units_raw: int, decimals: int, price_usd_e18: int) -> int:
    return half_even(units_raw * price_usd_e18, 10**decimals)


def _known(dollars: Iterable[int | None]) -> int:
    return sum(one for one in dollars if one is not None)


def _ratio(part: int, whole: int) -> Decimal | None:
    """At 18 places, half to even."""
    return _RATIO.divide(Decimal(part), Decimal(whole)).quantize(_PLACES, context=_RATIO) if whole else None

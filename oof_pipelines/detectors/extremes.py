"""A wallet's extremes: of each kind the one thing that stands out, with ties that every run breaks alike.

The larger figure comes first, then the earlier event, then the smaller id.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.detectors.moment import (
    BAD_ROUTE,
    BHD,
    IDLE,
    RUG,
    S2E,
    Moment,
    fits_e18,
    text_of_e18,
)
from oof_pipelines.detectors.sold_too_early import sales_of
from oof_pipelines.positions.results import EXIT_KINDS, RealizedTrade

TOP_WIN = "top_win"
TOP_LOSS = "top_loss"
NAMES = (TOP_WIN, TOP_LOSS, S2E, BHD, BAD_ROUTE, IDLE, RUG)
"""The extremes there are, in the order in which they are told."""

_Size: TypeAlias = Callable[[Moment], tuple[object, ...]]


class RealizedSale(msgspec.Struct, frozen=True):
    """A sale's realised rows together: `id` is the smallest exit_id, the PnL is that of the rows that have one."""

    id: str
    wallet: str
    mint: str
    kind: str
    signature: str
    path: str
    slot: int
    t_event_s: int
    qty_raw: int
    realized_pnl_usd_e18: int


class WalletExtremes(msgspec.Struct, frozen=True):
    """What stands out; None where there is nothing of the kind. A win is above 0, a loss below."""

    top_win: RealizedSale | None = None
    top_loss: RealizedSale | None = None
    s2e: Moment | None = None
    bhd: Moment | None = None
    bad_route: Moment | None = None
    idle: Moment | None = None
    rug: Moment | None = None

    def told(self) -> dict[str, dict[str, str | None] | None]:
        """As JSON has it: by the names of `NAMES`, every amount as text."""
        moments = (self.s2e, self.bhd, self.bad_route, self.idle, self.rug)
        return {
            TOP_WIN: _told_sale(self.top_win),
            TOP_LOSS: _told_sale(self.top_loss),
            **{kind: _told_moment(moment) for kind, moment in zip(NAMES[2:], moments, strict=True)},
        }


def extremes_of(realized: Iterable[RealizedTrade], moments: Iterable[Moment]) -> WalletExtremes:
    """The extremes of a wallet's realised trades and moments, whatever their order.

    Top S2E by dollars, then share; worst BHD and BadRoute by share; largest Idle and Rug by dollars.
    """
    sales = realized_sales(realized)
    by_kind: dict[str, list[Moment]] = {}
    for moment in moments:
        by_kind.setdefault(moment.kind, []).append(moment)
    return WalletExtremes(
        top_win=_first_sale([sale for sale in sales if sale.realized_pnl_usd_e18 > 0], sign=-1),
        top_loss=_first_sale([sale for sale in sales if sale.realized_pnl_usd_e18 < 0], sign=1),
        s2e=_first(by_kind.get(S2E, []), lambda one: (-_missed(one), -one.pct)),
        bhd=_first(by_kind.get(BHD, []), lambda one: (one.pct,)),
        bad_route=_first(by_kind.get(BAD_ROUTE, []), lambda one: (-one.pct,)),
        idle=_first(by_kind.get(IDLE, []), lambda one: (-_missed(one),)),
        rug=_first(by_kind.get(RUG, []), lambda one: (-_missed(one),)),
    )


def realized_sales(realized: Iterable[RealizedTrade]) -> list[RealizedSale]:
    """Exits of every kind, each with the sum of its rows' realised PnL; those without any known PnL are left out.

    Dollars that are spent are no exit: USDC and USDT come and go at par. Sums that do not fit (`moment.fits_e18`) are none.
    """
    told = []
    for sale in sales_of(realized, EXIT_KINDS):
        row = sale.first
        if row.mint in (USDC_MINT, USDT_MINT):
            continue
        known = [one.realized_pnl_usd_e18 for one in sale.rows if one.realized_pnl_usd_e18 is not None]
        if known and fits_e18(sum(known)):
            told.append(
                RealizedSale(
                    id=row.exit_id,
                    wallet=row.wallet,
                    mint=row.mint,
                    kind=row.kind,
                    signature=row.signature,
                    path=row.path,
                    slot=row.slot,
                    t_event_s=row.sold_at_s,
                    qty_raw=sale.qty_raw,
                    realized_pnl_usd_e18=sum(known),
                )
            )
    return told


def _missed(moment: Moment) -> int:
    return moment.missed_usd_e18 or 0


def _first(moments: list[Moment], size: _Size) -> Moment | None:
    return min(moments, key=lambda one: (*size(one), one.t_event_s, one.id), default=None)


def _first_sale(sales: list[RealizedSale], sign: int) -> RealizedSale | None:
    return min(sales, key=lambda one: (sign * one.realized_pnl_usd_e18, one.t_event_s, one.id), default=None)


def _told_sale(sale: RealizedSale | None) -> dict[str, str | None] | None:
    if sale is None:
        return None
    return {
        "id": sale.id,
        "wallet": sale.wallet,
        "mint": sale.mint,
        "kind": sale.kind,
        "signature": sale.signature,
        "path": sale.path,
        "slot": str(sale.slot),
        "t_event_s": str(sale.t_event_s),
        "qty_raw": str(sale.qty_raw),
        "realized_pnl_usd": text_of_e18(sale.realized_pnl_usd_e18),
    }


def _told_moment(moment: Moment | None) -> dict[str, str | None] | None:
    if moment is None:
        return None
    missed, reachable = moment.missed_usd_e18, moment.reachable_usd_e18
    return {
        "id": moment.id,
        "wallet": moment.wallet,
        "mint": moment.mint,
        "kind": moment.kind,
        "signature": moment.signature,
        "path": moment.path,
        "slot": str(moment.slot),
        "t_event_s": str(moment.t_event_s),
        "pct": format(moment.pct, "f"),
        "missed_usd": None if missed is None else text_of_e18(missed),
        "reachable_usd": None if reachable is None else text_of_e18(reachable),
        "severity": format(moment.severity, "f"),
        "status": moment.status,
        "version": moment.version,
        "price_source": moment.price_source,
        "confidence": format(moment.confidence, "f"),
    }

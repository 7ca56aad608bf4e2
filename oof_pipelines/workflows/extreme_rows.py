"""A wallet's extremes as rows, one each, and all of them as JSON tells them."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from oof_pipelines.detectors.extremes import NAMES, RealizedSale, WalletExtremes
from oof_pipelines.detectors.moment import Moment


class ExtremeRow(msgspec.Struct, frozen=True):
    """One thing that stands out: a row of wallet_extremes. `told` is what JSON says of it, every amount as text.

    `source_id` is the moment's id, or the smallest exit_id of the sale; `amount_usd_e18` was realised, or missed.
    """

    wallet: str
    name: str
    source_id: str
    mint: str
    event_at_s: int
    amount_usd_e18: int | None
    pct: Decimal | None
    signature: str
    slot: int
    told: dict[str, str | None]


def extreme_rows(wallet: str, extremes: WalletExtremes) -> Iterator[ExtremeRow]:
    """The extremes that there are, in the order of `NAMES`."""
    told = extremes.told()
    for name, field in zip(NAMES, WalletExtremes.__struct_fields__, strict=True):
        found: RealizedSale | Moment | None = getattr(extremes, field)
        words = told[name]
        if found is None or words is None:
            continue
        yield ExtremeRow(
            wallet=wallet,
            name=name,
            source_id=found.id,
            mint=found.mint,
            event_at_s=found.t_event_s,
            amount_usd_e18=found.missed_usd_e18 if isinstance(found, Moment) else found.realized_pnl_usd_e18,
            pct=found.pct if isinstance(found, Moment) else None,
            signature=found.signature,
            slot=found.slot,
            told=words,
        )

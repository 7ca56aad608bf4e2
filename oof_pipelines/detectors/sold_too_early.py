"""S2E: after a sale the price rose, and what was sold would have brought much more within the week."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby

import msgspec

from oof_pipelines.detectors.input import DAY_S, DetectorInput
from oof_pipelines.detectors.moment import (
    ONE_E18,
    S2E,
    Explained,
    Moment,
    clamped_e18,
    decimal_of_e18,
    moment_id,
    rounded_e18,
    seen_until,
    status_at,
    text_of_e18,
    value_usd,
)
from oof_pipelines.detectors.reachable import reachable_proceeds_usd
from oof_pipelines.detectors.seen_prices import (
    SeenPrices,
    explained_candle,
    explained_share,
    joined_sources,
    least_confidence_e18,
    source_of,
)
from oof_pipelines.positions.results import SALE, RealizedTrade
from oof_pipelines.pricing.windows import MinuteCandle


class Sale(msgspec.Struct, frozen=True):
    """A sale: all its realised rows together. `decimals` and `proceeds_usd_e18` are None where a row's are."""

    rows: tuple[RealizedTrade, ...]
    qty_raw: int
    decimals: int | None
    proceeds_usd_e18: int | None

    @property
    def first(self) -> RealizedTrade:
        """The row that stands for the sale: where and when it was is the same for all."""
        return self.rows[0]


def sales_of(realized: Iterable[RealizedTrade], kinds: Sequence[str] = (SALE,)) -> list[Sale]:
    """The realised rows of these kinds, by sale, in the order of the chain."""
    chosen = sorted((row for row in realized if row.kind in kinds), key=_sale_key)
    sales = []
    for _key, rows in groupby(chosen, key=_sale_key):
        own = tuple(sorted(rows, key=lambda row: row.exit_id))
        proceeds = [row.proceeds_usd_e18 for row in own]
        known = [one for one in proceeds if one is not None]
        qty_raw = sum(row.qty_raw for row in own)
        sales.append(Sale(own, qty_raw, own[0].decimals, sum(known) if len(known) == len(proceeds) else None))
    return sales


def _sale_key(row: RealizedTrade) -> tuple[int, bool, int, str, str, str, str, str]:
    tx_index = row.tx_index
    return (row.slot, tx_index is None, tx_index or 0, row.signature, row.path, row.wallet, row.mint, row.kind)


class SoldTooEarly:
    """Each sale by itself: whoever sells in ten slices sold ten times."""

    kind = S2E
    version = 1

    def detect(self, seen: DetectorInput) -> list[Moment]:
        """The moments of an input, in the order of its sales."""
        prices = SeenPrices(seen)
        found = (self._of_sale(seen, prices, sale) for sale in sales_of(seen.realized))
        return [moment for moment in found if moment is not None]

    def _of_sale(self, seen: DetectorInput, prices: SeenPrices, sale: Sale) -> Moment | None:
        limits, row = seen.thresholds.sold_too_early, sale.first
        if sale.proceeds_usd_e18 is None or sale.decimals is None or sale.proceeds_usd_e18 <= 0 or sale.qty_raw <= 0:
            return None
        until_s = row.sold_at_s + limits.window_days * DAY_S
        peak = prices.highest(row.mint, row.sold_at_s, until_s) if row.sold_at_s <= seen.as_of_s else None
        if peak is None:
            return None
        # Most sales missed little: whole numbers of 10^-18 dollars times a whole coin's units say so at once, and exactly.
        got, more = sale.proceeds_usd_e18 * 10**sale.decimals, sale.qty_raw * peak.vwap_usd_e18
        more -= got
        if (
            more * ONE_E18 < limits.least_missed_share_e18 * got
            or more < limits.least_missed_usd_e18 * 10**sale.decimals
        ):
            return None
        proceeds = Fraction(sale.proceeds_usd_e18, ONE_E18)
        at_peak = value_usd(sale.qty_raw, sale.decimals, peak.vwap_usd_e18)
        missed, share = at_peak - proceeds, at_peak / proceeds - 1
        brought = reachable_proceeds_usd(at_peak, peak)
        confidences = (peak.confidence_e18, *(one.price_confidence_e18 for one in sale.rows))
        return Moment(
            id=moment_id(S2E, row.wallet, row.mint, row.signature, row.path),
            wallet=row.wallet,
            mint=row.mint,
            kind=S2E,
            t_event_s=row.sold_at_s,
            window_start_s=row.sold_at_s,
            window_end_s=until_s,
            pct=decimal_of_e18(rounded_e18(share)),
            missed_usd_e18=rounded_e18(missed),
            reachable_usd_e18=None if brought is None else rounded_e18(brought - proceeds),
            severity=decimal_of_e18(clamped_e18(share * ONE_E18 / limits.full_severity_share_e18)),
            signature=row.signature,
            path=row.path,
            slot=row.slot,
            version=str(self.version),
            status=status_at(until_s, seen.as_of_s),
            price_source=joined_sources((source_of(peak), *(one.price_source for one in sale.rows))),
            confidence=decimal_of_e18(least_confidence_e18(confidences)),
            explain=self._explained(seen, sale, peak, brought),
        )

    def _explained(
        self, seen: DetectorInput, sale: Sale, peak: MinuteCandle, brought: Fraction | None
    ) -> dict[str, Explained]:
        limits, row = seen.thresholds.sold_too_early, sale.first
        assert sale.proceeds_usd_e18 is not None and sale.decimals is not None  # noqa: PT018 - whoever calls looked
        exit_price = Fraction(sale.proceeds_usd_e18 * 10**sale.decimals, sale.qty_raw * ONE_E18)
        by_basis: dict[str, Explained] = {}
        for status in sorted({one.basis_status for one in sale.rows}):
            by_basis[status] = str(sum(one.qty_raw for one in sale.rows if one.basis_status == status))
        return {
            "detector": f"{S2E} {self.version}",
            "seen_until_s": seen_until(row.sold_at_s + limits.window_days * DAY_S, seen.as_of_s),
            "signature": row.signature,
            "qty_raw": str(sale.qty_raw),
            "decimals": str(sale.decimals),
            "qty_raw_by_basis_status": by_basis,
            "proceeds_usd": text_of_e18(sale.proceeds_usd_e18),
            "proceeds": [{"mint": one.proceeds_mint, "raw": str(one.proceeds_raw)} for one in sale.rows],
            "exit_price_usd": text_of_e18(rounded_e18(exit_price)),
            "peak": explained_candle(peak),
            "reachable_proceeds_usd": "unknown" if brought is None else text_of_e18(rounded_e18(brought)),
            "thresholds": {
                "window_days": str(limits.window_days),
                "least_missed_share": explained_share(limits.least_missed_share_e18),
                "least_missed_usd": explained_share(limits.least_missed_usd_e18),
                "full_severity_share": explained_share(limits.full_severity_share_e18),
                "least_volume_usd": explained_share(seen.thresholds.prices.least_volume_usd_e18),
            },
        }

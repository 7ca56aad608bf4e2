"""BHD: after a buy the price fell, and at the lowest point of the week its units were still held."""

from fractions import Fraction

from oof_pipelines.detectors.input import DAY_S, DetectorInput, HeldLot
from oof_pipelines.detectors.moment import (
    BHD,
    ONE_E18,
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
from oof_pipelines.positions.events import BUY
from oof_pipelines.pricing.windows import MinuteCandle


class BagHolder:
    """Each buy by itself. Who had sold all of it before the lowest point of the week is no bag-holder of it."""

    kind = BHD
    version = 1

    def detect(self, seen: DetectorInput) -> list[Moment]:
        """The moments of an input, in the order of its lots."""
        prices = SeenPrices(seen)
        found = (self._of_lot(seen, prices, lot) for lot in seen.lots if lot.kind == BUY)
        return [moment for moment in found if moment is not None]

    def _of_lot(self, seen: DetectorInput, prices: SeenPrices, lot: HeldLot) -> Moment | None:
        limits = seen.thresholds.bag_holder
        if not lot.cost_usd_e18 or lot.decimals is None or lot.qty_raw <= 0 or lot.entry_at_s > seen.as_of_s:
            return None
        until_s = lot.entry_at_s + limits.window_days * DAY_S
        trough = prices.lowest(lot.mint, lot.entry_at_s, until_s)
        held_raw = 0 if trough is None else lot.held_raw(trough.start_s)
        if trough is None or held_raw <= 0:
            return None
        # Most buys fell little: the whole lot's cost and what it is worth, in 10^-18 dollars times a coin's units, say so.
        paid, left = lot.cost_usd_e18 * 10**lot.decimals, lot.qty_raw * trough.vwap_usd_e18
        if (paid - left) * ONE_E18 < limits.least_drawdown_share_e18 * paid:
            return None
        # What the units held then had cost, at the lot's own price.
        cost = Fraction(lot.cost_usd_e18 * held_raw, lot.qty_raw * ONE_E18)
        at_trough = value_usd(held_raw, lot.decimals, trough.vwap_usd_e18)
        share, missed = at_trough / cost - 1, cost - at_trough
        if missed * ONE_E18 < limits.least_missed_usd_e18:
            return None
        brought = reachable_proceeds_usd(at_trough, trough)
        beyond = (-share * ONE_E18 - limits.least_drawdown_share_e18) / limits.severity_span_share_e18
        return Moment(
            id=moment_id(BHD, lot.wallet, lot.mint, lot.signature, lot.path),
            wallet=lot.wallet,
            mint=lot.mint,
            kind=BHD,
            t_event_s=lot.entry_at_s,
            window_start_s=lot.entry_at_s,
            window_end_s=until_s,
            pct=decimal_of_e18(rounded_e18(share)),
            missed_usd_e18=rounded_e18(missed),
            reachable_usd_e18=None if brought is None else rounded_e18(cost - brought),
            severity=decimal_of_e18(clamped_e18(beyond)),
            signature=lot.signature,
            path=lot.path,
            slot=lot.slot,
            version=str(self.version),
            status=status_at(until_s, seen.as_of_s),
            price_source=joined_sources((lot.price_source, source_of(trough))),
            confidence=decimal_of_e18(least_confidence_e18((lot.confidence_e18, trough.confidence_e18))),
            explain=self._explained(seen, lot, trough, held_raw, brought),
        )

    def _explained(
        self, seen: DetectorInput, lot: HeldLot, trough: MinuteCandle, held_raw: int, brought: Fraction | None
    ) -> dict[str, Explained]:
        limits = seen.thresholds.bag_holder
        assert lot.cost_usd_e18 is not None and lot.decimals is not None  # noqa: PT018 - whoever calls looked
        entry_price = Fraction(lot.cost_usd_e18 * 10**lot.decimals, lot.qty_raw * ONE_E18)
        return {
            "detector": f"{BHD} {self.version}",
            "seen_until_s": seen_until(lot.entry_at_s + limits.window_days * DAY_S, seen.as_of_s),
            "signature": lot.signature,
            "qty_raw": str(lot.qty_raw),
            "held_at_trough_raw": str(held_raw),
            "decimals": str(lot.decimals),
            "cost_usd": text_of_e18(lot.cost_usd_e18),
            "entry_price_usd": text_of_e18(rounded_e18(entry_price)),
            "trough": explained_candle(trough),
            "reachable_proceeds_usd": "unknown" if brought is None else text_of_e18(rounded_e18(brought)),
            "thresholds": {
                "window_days": str(limits.window_days),
                "least_drawdown_share": explained_share(limits.least_drawdown_share_e18),
                "severity_span_share": explained_share(limits.severity_span_share_e18),
                "least_missed_usd": explained_share(limits.least_missed_usd_e18),
                "least_volume_usd": explained_share(seen.thresholds.prices.least_volume_usd_e18),
            },
        }

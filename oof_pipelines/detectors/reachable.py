"""What selling so much at once would have brought, given the money that was in the pools then."""

from fractions import Fraction

from oof_pipelines.detectors.moment import ONE_E18
from oof_pipelines.pricing.windows import MinuteCandle


def reachable_proceeds_usd(value_usd: Fraction, candle: MinuteCandle) -> Fraction | None:
    """Dollars that units worth `value_usd` at the candle's price would have brought; None where no pool shows its money.

    A constant product whose money is R dollars gives v·R ÷ (R + v) for coins that are worth v at its price. R is the least
    that a pool of a believed trade of the minute held: a route over several pools might have brought more.
    """
    reserve_e18 = candle.quote_reserve_usd_e18
    if reserve_e18 is None:
        return None
    reserve = Fraction(reserve_e18, ONE_E18)
    # An empty pool gives nothing, also for nothing.
    return value_usd * reserve / (reserve + value_usd) if reserve + value_usd else Fraction(0)

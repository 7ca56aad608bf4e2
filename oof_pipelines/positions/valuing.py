"""What an event was worth in dollars when it happened.

USDC and USDT are at par, whatever was paid for them. Of other coins it is what was paid or received where something was:
USDC and USDT at par, SOL by its reference price, another token by its candle; else the units themselves by their candle.
Prices are passed in and were known at the time, so a value does not change as time goes on. Half-even at 18 places, in whole
1e-18 dollars; None where no price is known.
"""

from typing import NamedTuple, Protocol

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.positions.events import COST, PositionEvent
from oof_pipelines.positions.valued import ValuedEvent

PAR = "par"
CANDLE = "candle"

_PAR_MINTS = (USDC_MINT, USDT_MINT)
_PAR_DECIMALS = 6
_SOL_DECIMALS = 9
_ONE_E18 = 10**18
# A million million dollars: no event is worth that, so a price that says so is wrong, and sums keep within 38 digits.
_MOST_VALUE_E18 = 10**12 * _ONE_E18


class UnitPrice(NamedTuple):
    """Dollars of a whole coin in whole 1e-18, whose word that is, and how sure (1e18 is certain)."""

    usd_e18: int
    source: str
    confidence_e18: int


class SolPrices(Protocol):
    """What a SOL was worth."""

    def at(self, at_s: int) -> UnitPrice | None:
        """As known at the second `at_s`."""
        ...


class CoinPrices(Protocol):
    """What any other coin was worth."""

    def at(self, mint: str, at_s: int) -> UnitPrice | None:
        """As known at the second `at_s`."""
        ...


_PAR_PRICE = UnitPrice(_ONE_E18, PAR, _ONE_E18)


def priced_side(event: PositionEvent) -> tuple[str, int, int | None]:
    """(mint, base units, decimals) that say what the event was worth: of the other side, or of the units themselves.

    A dollar that is sold for a coin is worth a dollar, not what the coin's last candle says.
    """
    if event.other_raw is not None and event.other_mint and event.mint not in _PAR_MINTS:
        return event.other_mint, event.other_raw, event.other_decimals
    return event.mint, event.qty_raw, event.decimals


def value_event(event: PositionEvent, sol: SolPrices, coins: CoinPrices) -> ValuedEvent:
    """The event with its dollars, and with those of its network fee and tips."""
    fee_lamports = event.network_fee_lamports + event.tip_lamports
    fees_usd_e18: int | None = 0
    if fee_lamports:
        price = sol.at(event.block_time_s)
        fees_usd_e18 = None if price is None else _value(fee_lamports, _SOL_DECIMALS, price)
    if event.kind == COST:
        return ValuedEvent(event, fees_usd_e18=fees_usd_e18)
    mint, units_raw, decimals = priced_side(event)
    if mint in _PAR_MINTS:
        found: UnitPrice | None = _PAR_PRICE
        decimals = _PAR_DECIMALS
    elif mint == NATIVE_MINT:
        found = sol.at(event.block_time_s)
        decimals = _SOL_DECIMALS
    else:
        found = coins.at(mint, event.block_time_s)
    value = None if found is None or decimals is None else _value(units_raw, decimals, found)
    if found is None or value is None:
        # Nothing of anything is worth nothing, whatever it stood at.
        return ValuedEvent(event, None if units_raw else 0, fees_usd_e18=fees_usd_e18)
    return ValuedEvent(event, value, found.source, found.confidence_e18, fees_usd_e18)


def needs_candle(event: PositionEvent) -> str:
    """The mint whose candle says what the event was worth; '' where none is needed."""
    if event.kind == COST:
        return ""
    mint = priced_side(event)[0]
    return "" if mint in _PAR_MINTS or mint == NATIVE_MINT else mint


def _value(units_raw: int, decimals: int, price: UnitPrice) -> int | None:
    """Half-even; None where it is beyond belief."""
    divisor = 10**decimals
    whole, rest = divmod(units_raw * price.usd_e18, divisor)
    twice = 2 * rest
    if twice > divisor or (twice == divisor and whole & 1):
        whole += 1
    return whole if whole < _MOST_VALUE_E18 else None

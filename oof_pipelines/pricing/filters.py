"""Which trades a candle believes: the thresholds, read from a mapping (oof_pipelines/config/prices.yaml) and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

MONEY_MINTS = {"USDC": USDC_MINT, "USDT": USDT_MINT, "SOL": NATIVE_MINT}
"""The mints that prices are believed in, in the order of precedence."""

MONEY_DECIMALS = {USDC_MINT: 6, USDT_MINT: 6, NATIVE_MINT: 9}

_KEYS = {
    "smallest_trade",
    "fewest_raw",
    "thinnest_reserve",
    "outlier_factor",
    "neighbour_factor",
    "confirming_neighbours",
    "spike_percent",
    "spike_neighbours",
    "backing_trades",
    "backing_signers",
}
_MOST_NUMBER = 1_000_000
# In per cent it is a million: times a price below 10^32 that still fits Int128 (trust.py).
_MOST_FACTOR = 10_000


class PriceConfigError(ValueError):
    """A threshold that cannot be used; the one-line message names it."""


@dataclass(frozen=True, slots=True)
class PriceFilters:
    """Thresholds by quote mint in base units, and whole-numbered factors and counts. See oof_pipelines/config/prices.yaml."""

    smallest_trade_raw: Mapping[str, int]
    thinnest_reserve_raw: Mapping[str, int]
    fewest_raw: int
    outlier_factor: int
    neighbour_factor: int
    confirming_neighbours: int
    spike_percent: int
    spike_neighbours: int
    backing_trades: int
    backing_signers: int


def read_filters(values: object) -> PriceFilters:
    """The thresholds of a parsed configuration; raises `PriceConfigError` where one is missing, unknown or no number."""
    if not isinstance(values, Mapping):
        raise PriceConfigError("prices.yaml: holds no settings")
    different = sorted(_KEYS ^ set(values))
    if different:
        raise PriceConfigError(f"prices.yaml: {different[0]} is {'missing' if different[0] in _KEYS else 'no setting'}")
    return PriceFilters(
        smallest_trade_raw=_amounts(values, "smallest_trade"),
        thinnest_reserve_raw=_amounts(values, "thinnest_reserve"),
        fewest_raw=_number(values, "fewest_raw", 1),
        outlier_factor=_number(values, "outlier_factor", 2, _MOST_FACTOR),
        neighbour_factor=_number(values, "neighbour_factor", 2, _MOST_FACTOR),
        confirming_neighbours=_number(values, "confirming_neighbours", 1),
        spike_percent=_number(values, "spike_percent", 101, 100 * _MOST_FACTOR),
        spike_neighbours=_number(values, "spike_neighbours", 1),
        backing_trades=_number(values, "backing_trades", 1),
        backing_signers=_number(values, "backing_signers", 1),
    )


def _amounts(values: Mapping[str, object], name: str) -> dict[str, int]:
    amounts = values[name]
    if not isinstance(amounts, Mapping) or set(amounts) != set(MONEY_MINTS):
        raise PriceConfigError(f"prices.yaml: {name} wants one amount for each of {', '.join(MONEY_MINTS)}")
    raw = {}
    for symbol, amount in amounts.items():
        mint = MONEY_MINTS[symbol]
        try:
            # Text only: a float of YAML would have lost digits already.
            in_raw = Decimal(amount).scaleb(MONEY_DECIMALS[mint]) if isinstance(amount, str) else Decimal("NaN")
        except InvalidOperation:
            in_raw = Decimal("NaN")
        if not in_raw.is_finite() or in_raw < 0 or in_raw != int(in_raw) or in_raw >= 2**63:
            raise PriceConfigError(f"prices.yaml: {name}.{symbol} is no quoted amount of {symbol}")
        raw[mint] = int(in_raw)
    return raw


def _number(values: Mapping[str, object], name: str, at_least: int, at_most: int = _MOST_NUMBER) -> int:
    number = values[name]
    if not isinstance(number, int) or isinstance(number, bool) or not at_least <= number <= at_most:
        raise PriceConfigError(f"prices.yaml: {name} is no whole number from {at_least} to {at_most}")
    return number

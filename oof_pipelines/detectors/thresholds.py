"""When a moment is one: the thresholds, read from a mapping (oof_pipelines/config/detectors.yaml) and checked.

Shares and dollars are whole numbers of 10^-18 here, so that they are compared with exact figures.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from oof_pipelines.detectors.moment import BAD_ROUTE, BHD, IDLE, RUG, S2E

FILE = "detectors.yaml"
INPUT_FEE = "input"
QUOTE_FEE = "quote"
VAULT = "vault"
VIRTUAL = "virtual"

_PLACES = 18
_MOST_NUMBER = 10**9
_MOST_DAYS = 366
_WHOLE_BPS = 10_000
# More digits than any number here may have, so that none is lost before it is counted.
_EXACT = Context(prec=200)


class DetectorConfigError(ValueError):
    """A threshold that cannot be used; the one-line message names the file and the key."""


@dataclass(frozen=True, slots=True)
class PriceThresholds:
    """Which minutes count."""

    least_volume_usd_e18: int


@dataclass(frozen=True, slots=True)
class SoldTooEarlyThresholds:
    """Of S2E."""

    window_days: int
    least_missed_share_e18: int
    least_missed_usd_e18: int
    full_severity_share_e18: int


@dataclass(frozen=True, slots=True)
class BagHolderThresholds:
    """Of BHD."""

    window_days: int
    least_drawdown_share_e18: int
    severity_span_share_e18: int
    least_missed_usd_e18: int


@dataclass(frozen=True, slots=True)
class PoolRule:
    """How a venue's pools price: by which reserves, and what the least fee is taken from."""

    fee_bps: int
    fee_from: str
    reserves: str


@dataclass(frozen=True, slots=True)
class BadRouteThresholds:
    """Of BadRoute; `pools` by venue."""

    least_worse_share_e18: int
    full_severity_share_e18: int
    fewest_best_raw: int
    pool_state_age_seconds: int
    proof_seconds: int
    unproven_age_seconds: int
    unseen_change_bps: int
    most_fee_bps: int
    pools: Mapping[str, PoolRule]


@dataclass(frozen=True, slots=True)
class IdleThresholds:
    """Of Idle."""

    least_seconds: int
    least_missed_usd_e18: int
    apr_share_e18: int
    full_severity_usd_e18: int


@dataclass(frozen=True, slots=True)
class RugThresholds:
    """Of Rug."""

    most_close_share_e18: int
    least_hours: int
    least_volume_usd_e18: int
    least_missed_usd_e18: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """All of detectors.yaml."""

    prices: PriceThresholds
    sold_too_early: SoldTooEarlyThresholds
    bag_holder: BagHolderThresholds
    bad_route: BadRouteThresholds
    idle: IdleThresholds
    rug: RugThresholds

    @property
    def digest(self) -> str:
        """The same for the same thresholds: 64 hex digits. Whoever keeps moments knows by it whether they are outdated."""
        return hashlib.sha256(repr(self).encode()).hexdigest()


def read_thresholds(values: object) -> Thresholds:
    """The thresholds of a parsed configuration; raises `DetectorConfigError` where one is missing, unknown or no number."""
    top = _Section("", values, ("prices", S2E, BHD, BAD_ROUTE, IDLE, RUG))
    return Thresholds(
        prices=_prices(top.values["prices"]),
        sold_too_early=_sold_too_early(top.values[S2E]),
        bag_holder=_bag_holder(top.values[BHD]),
        bad_route=_bad_route(top.values[BAD_ROUTE]),
        idle=_idle(top.values[IDLE]),
        rug=_rug(top.values[RUG]),
    )


def _prices(values: object) -> PriceThresholds:
    return PriceThresholds(_Section("prices", values, ("least_volume_usd",)).amount("least_volume_usd"))


def _sold_too_early(values: object) -> SoldTooEarlyThresholds:
    keys = ("window_days", "least_missed_share", "least_missed_usd", "full_severity_share")
    section = _Section(S2E, values, keys)
    return SoldTooEarlyThresholds(
        section.number("window_days", 1, _MOST_DAYS),
        section.amount("least_missed_share"),
        section.amount("least_missed_usd"),
        section.amount("full_severity_share", is_above_zero=True),
    )


def _bag_holder(values: object) -> BagHolderThresholds:
    keys = ("window_days", "least_drawdown_share", "severity_span_share", "least_missed_usd")
    section = _Section(BHD, values, keys)
    return BagHolderThresholds(
        section.number("window_days", 1, _MOST_DAYS),
        section.share("least_drawdown_share"),
        section.amount("severity_span_share", is_above_zero=True),
        section.amount("least_missed_usd"),
    )


def _bad_route(values: object) -> BadRouteThresholds:
    whole = {
        "fewest_best_raw": (1, _MOST_NUMBER),
        "pool_state_age_seconds": (0, _MOST_NUMBER),
        "proof_seconds": (0, _MOST_NUMBER),
        "unproven_age_seconds": (0, _MOST_NUMBER),
        "unseen_change_bps": (0, _WHOLE_BPS),
        "most_fee_bps": (0, _WHOLE_BPS),
    }
    section = _Section(BAD_ROUTE, values, ("least_worse_share", "full_severity_share", *whole, "pools"))
    numbers = {name: section.number(name, *bounds) for name, bounds in whole.items()}
    return BadRouteThresholds(
        section.share("least_worse_share"),
        section.amount("full_severity_share", is_above_zero=True),
        **numbers,
        pools=_pools(section.values["pools"]),
    )


def _pools(values: object) -> dict[str, PoolRule]:
    if not isinstance(values, Mapping):
        raise DetectorConfigError(f"{FILE}: {BAD_ROUTE}.pools names no venues")
    rules = {}
    for venue, rule in sorted((str(venue), rule) for venue, rule in values.items()):
        section = _Section(f"{BAD_ROUTE}.pools.{venue}", rule, ("fee_bps", "fee_from", "reserves"))
        rules[venue] = PoolRule(
            section.number("fee_bps", 0, _WHOLE_BPS - 1),
            section.word("fee_from", (INPUT_FEE, QUOTE_FEE)),
            section.word("reserves", (VAULT, VIRTUAL)),
        )
    return rules


def _idle(values: object) -> IdleThresholds:
    section = _Section(IDLE, values, ("least_seconds", "least_missed_usd", "apr_share", "full_severity_usd"))
    return IdleThresholds(
        section.number("least_seconds", 1, _MOST_NUMBER),
        section.amount("least_missed_usd"),
        section.amount("apr_share"),
        section.amount("full_severity_usd", is_above_zero=True),
    )


def _rug(values: object) -> RugThresholds:
    section = _Section(RUG, values, ("most_close_share", "least_hours", "least_volume_usd", "least_missed_usd"))
    return RugThresholds(
        section.share("most_close_share"),
        section.number("least_hours", 1, 24 * _MOST_DAYS),
        section.amount("least_volume_usd"),
        section.amount("least_missed_usd"),
    )


class _Section:
    """One mapping of the file. Raises `DetectorConfigError` where its keys are not exactly those it has to have."""

    def __init__(self, name: str, values: object, keys: tuple[str, ...]) -> None:
        self._name = name
        if not isinstance(values, Mapping):
            raise DetectorConfigError(f"{FILE}: {name + ' ' if name else ''}holds no settings")
        self.values: Mapping[str, object] = values
        different = sorted(str(key) for key in set(keys) ^ set(values))
        if different:
            what = "missing" if different[0] in keys else "no setting"
            raise DetectorConfigError(f"{FILE}: {self._key(different[0])} is {what}")

    def _key(self, key: str) -> str:
        return f"{self._name}.{key}" if self._name else key

    def amount(self, key: str, *, is_above_zero: bool = False) -> int:
        """A number of dollars, or a ratio, of at most 18 places, as text."""
        value = self.values[key]
        try:
            # Text only: a float of YAML would have lost digits already.
            scaled = Decimal(value).scaleb(_PLACES, _EXACT) if isinstance(value, str) else Decimal("NaN")
        except InvalidOperation:
            scaled = Decimal("NaN")
        if not scaled.is_finite() or not 0 <= scaled < 10**28 or scaled != int(scaled):
            raise DetectorConfigError(f"{FILE}: {self._key(key)} is no quoted number from 0 up with at most 18 places")
        if is_above_zero and not scaled:
            raise DetectorConfigError(f"{FILE}: {self._key(key)} must be above 0")
        return int(scaled)

    def share(self, key: str) -> int:
        """A share of a whole."""
        value = self.amount(key)
        if value > 10**_PLACES:
            raise DetectorConfigError(f"{FILE}: {self._key(key)} is no share from 0 to 1")
        return value

    def number(self, key: str, at_least: int, at_most: int) -> int:
        value = self.values[key]
        if not isinstance(value, int) or isinstance(value, bool) or not at_least <= value <= at_most:
            raise DetectorConfigError(f"{FILE}: {self._key(key)} is no whole number from {at_least} to {at_most}")
        return value

    def word(self, key: str, words: tuple[str, ...]) -> str:
        value = self.values[key]
        if value not in words:
            raise DetectorConfigError(f"{FILE}: {self._key(key)} is not one of {', '.join(words)}")
        return str(value)

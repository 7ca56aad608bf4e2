"""Plans and boosts: what a user may ask for, read from a mapping (oof_pipelines/config/plans.yaml) and checked.

Spec 2 §12. Nothing here knows a user or a clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from oof_pipelines.workflows.ceilings import Ceilings

PLANS_FILE = "plans.yaml"
FREE = "FREE"
"""What everybody has."""

MANUAL, WEEKLY, DAILY = "manual", "weekly", "daily"
CADENCES = {WEEKLY: timedelta(days=7), DAILY: timedelta(days=1)}
"""Cadence → how old the last analysis of a watched wallet may be. Those of `manual` plans are never due."""

MOST_BACKFILL_DAYS = 730

_MOST = 2**31 - 1
_CENT = Decimal("0.01")


class PlansConfigError(ValueError):
    """Plans that cannot be used; the one-line message names the file and the entry."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan, or, `boosted`, what one user has of it. Money is in dollars; `priority` orders jobs, the higher first."""

    code: str
    price_usd: Decimal
    daily_wallets: int
    backfill_days: int
    cadence: str
    alerts: int
    api_rows: int
    card_mint_fee_usd: Decimal
    priority: int
    ceilings: Ceilings
    is_boosted: bool = False


@dataclass(frozen=True, slots=True)
class Boost:
    """What is added for who has staked at least `staked_at_least` whole tokens. Percentages are of the plan's figure."""

    staked_at_least: Decimal
    daily_wallets_percent: int
    card_mint_fee_percent: int
    alerts: int
    priority: int


@dataclass(frozen=True, slots=True)
class Plans:
    """All plans by code, in the order of the file, and the boost."""

    by_code: Mapping[str, Plan]
    boost: Boost

    def effective(self, codes: list[str]) -> Plan:
        """The best of a user's running plans: by price, then priority; FREE where he has none."""
        own = [self.by_code[code] for code in codes if code in self.by_code]
        return max(own, key=lambda plan: (plan.price_usd, plan.priority), default=self.by_code[FREE])

    def boosted(self, plan: Plan, staked_raw: int, decimals: int | None) -> Plan:
        """`plan` with the boost where enough is staked. Half a wallet is none."""
        if decimals is None or staked_raw < self.boost.staked_at_least.scaleb(decimals):
            return plan
        fee_usd = plan.card_mint_fee_usd * (100 + self.boost.card_mint_fee_percent) / 100
        return replace(
            plan,
            daily_wallets=plan.daily_wallets * (100 + self.boost.daily_wallets_percent) // 100,
            card_mint_fee_usd=fee_usd.quantize(_CENT),
            alerts=plan.alerts + self.boost.alerts,
            priority=plan.priority + self.boost.priority,
            is_boosted=True,
        )


def is_due(cadence: str, last_requested_at: datetime | None, now: datetime) -> bool:
    """Whether a watched wallet is to be analysed again."""
    longest = CADENCES.get(cadence)
    return longest is not None and (last_requested_at is None or now - last_requested_at >= longest)


def read_plans(values: object) -> Plans:
    """The plans of a parsed configuration. Raises `PlansConfigError`."""
    if not isinstance(values, Mapping) or set(values) != {"plans", "boost"}:
        raise PlansConfigError(f"{PLANS_FILE}: wants plans and boost, and nothing else")
    told, boost = values["plans"], values["boost"]
    if not isinstance(told, Mapping) or FREE not in told:
        raise PlansConfigError(f"{PLANS_FILE}: plans wants one named {FREE}, which everybody has")
    return Plans({str(code): _plan(str(code), entry) for code, entry in told.items()}, _boost(boost))


def _plan(code: str, entry: object) -> Plan:
    names = {field.name for field in fields(Plan)} - {"code", "is_boosted"}
    where = f"plans.{code}"
    told = _entry(where, entry, names)
    cadence = told["cadence"]
    if cadence not in (MANUAL, *CADENCES):
        raise PlansConfigError(f"{PLANS_FILE}: {where}.cadence is none of {', '.join((MANUAL, *CADENCES))}")
    return Plan(
        code=code,
        price_usd=_money(f"{where}.price_usd", told["price_usd"]),
        daily_wallets=_number(f"{where}.daily_wallets", told["daily_wallets"], 0),
        backfill_days=_number(f"{where}.backfill_days", told["backfill_days"], 1, MOST_BACKFILL_DAYS),
        cadence=str(cadence),
        alerts=_number(f"{where}.alerts", told["alerts"], 0),
        api_rows=_number(f"{where}.api_rows", told["api_rows"], 0),
        card_mint_fee_usd=_money(f"{where}.card_mint_fee_usd", told["card_mint_fee_usd"]),
        priority=_number(f"{where}.priority", told["priority"], 0),
        ceilings=_ceilings(f"{where}.ceilings", told["ceilings"]),
    )


def _ceilings(where: str, entry: object) -> Ceilings:
    names = {"max_signatures", "max_tx", "max_cpu_ms", "max_candle_reads"}
    told = _entry(where, entry, names)
    return Ceilings(**{name: _number(f"{where}.{name}", told[name], 1) for name in sorted(names)})


def _boost(entry: object) -> Boost:
    told = _entry("boost", entry, {field.name for field in fields(Boost)})
    return Boost(
        staked_at_least=_decimal("boost.staked_at_least", told["staked_at_least"]),
        daily_wallets_percent=_number("boost.daily_wallets_percent", told["daily_wallets_percent"], 0, 10_000),
        card_mint_fee_percent=_number("boost.card_mint_fee_percent", told["card_mint_fee_percent"], -100, 0),
        alerts=_number("boost.alerts", told["alerts"], 0),
        priority=_number("boost.priority", told["priority"], 0),
    )


def _entry(where: str, entry: object, names: set[str]) -> Mapping[str, object]:
    if not isinstance(entry, Mapping):
        raise PlansConfigError(f"{PLANS_FILE}: {where} holds no settings")
    different = sorted(names ^ set(map(str, entry)))
    if different:
        word = "missing" if different[0] in names else "no setting"
        raise PlansConfigError(f"{PLANS_FILE}: {where}.{different[0]} is {word}")
    return entry


def _number(where: str, number: object, at_least: int, at_most: int = _MOST) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not at_least <= number <= at_most:
        raise PlansConfigError(f"{PLANS_FILE}: {where} is no whole number from {at_least} to {at_most}")
    return number


def _decimal(where: str, text: object) -> Decimal:
    try:
        # Text only: a float of YAML would have lost digits already.
        amount = Decimal(text) if isinstance(text, str) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount < 10**15:
        raise PlansConfigError(f"{PLANS_FILE}: {where} is no quoted amount")
    return amount


def _money(where: str, text: object) -> Decimal:
    amount = _decimal(where, text)
    if amount != amount.quantize(_CENT) or amount >= 10**8:
        raise PlansConfigError(f"{PLANS_FILE}: {where} is no amount in dollars and cents")
    return amount.quantize(_CENT)


def plan_row(plan: Plan) -> dict[str, object]:
    """The plan as the table `plans` has it."""
    ceilings = plan.ceilings
    return {
        "code": plan.code,
        "price_usd_dec": str(plan.price_usd),
        "daily_wallets": plan.daily_wallets,
        "backfill_days": plan.backfill_days,
        "cadence": plan.cadence,
        "alerts": plan.alerts,
        "api_rows": plan.api_rows,
        "perks_json": {
            "priority": plan.priority,
            "card_mint_fee_usd": str(plan.card_mint_fee_usd),
            "max_signatures": ceilings.max_signatures,
            "max_tx": ceilings.max_tx,
            "max_cpu_ms": ceilings.max_cpu_ms,
            "max_candle_reads": ceilings.max_candle_reads,
        },
    }

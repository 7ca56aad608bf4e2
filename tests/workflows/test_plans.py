"""Plans and boosts as plans.yaml tells them; what is wrong with a file is said in one line."""

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from oof_pipelines.config_files import read_config
from oof_pipelines.workflows.plans import DAILY, MANUAL, PLANS_FILE, WEEKLY, PlansConfigError, is_due, read_plans

VALUES: Any = read_config(PLANS_FILE)
PLANS = read_plans(VALUES)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


def test_the_plans_of_spec_2() -> None:
    told = {
        code: (plan.daily_wallets, plan.backfill_days, plan.cadence, plan.price_usd)
        for code, plan in PLANS.by_code.items()
    }
    assert told == {
        "FREE": (2, 180, MANUAL, Decimal("0.00")),
        "LITE": (5, 365, WEEKLY, Decimal("2.00")),
        "PRO": (25, 730, DAILY, Decimal("10.00")),
    }
    free = PLANS.by_code["FREE"]
    assert (free.alerts, free.api_rows) == (0, 0)
    assert all(
        getattr(plan.ceilings, name)
        for plan in PLANS.by_code.values()
        for name in ("max_signatures", "max_tx", "max_cpu_ms", "max_candle_reads")
    )


def test_who_has_several_plans_has_the_best_and_who_has_none_is_free() -> None:
    assert PLANS.effective(["LITE", "PRO"]).code == "PRO"
    assert PLANS.effective([]).code == "FREE"
    assert PLANS.effective(["GONE"]).code == "FREE"


@pytest.mark.parametrize(("code", "wallets"), [("FREE", 3), ("LITE", 7), ("PRO", 37)])
def test_staking_adds_half_the_wallets_and_halves_the_fee(code: str, wallets: int) -> None:
    plan = PLANS.by_code[code]
    boosted = PLANS.boosted(plan, 1_000 * 10**9, 9)
    assert (boosted.daily_wallets, boosted.card_mint_fee_usd) == (wallets, Decimal("0.50"))
    assert boosted.alerts == plan.alerts + 5
    # The fast lane: in front of every plan without a boost.
    assert boosted.priority > max(each.priority for each in PLANS.by_code.values())
    assert boosted.backfill_days == plan.backfill_days


@pytest.mark.parametrize(("staked_raw", "decimals"), [(1_000 * 10**9 - 1, 9), (10**30, None), (0, 9)])
def test_too_little_staked_adds_nothing(staked_raw: int, decimals: int | None) -> None:
    assert PLANS.boosted(PLANS.by_code["FREE"], staked_raw, decimals) == PLANS.by_code["FREE"]


def test_a_watched_wallet_is_due_as_often_as_the_plan_says() -> None:
    assert is_due(DAILY, None, NOON)
    assert is_due(DAILY, NOON - timedelta(days=1), NOON)
    assert not is_due(DAILY, NOON - timedelta(hours=23), NOON)
    assert not is_due(WEEKLY, NOON - timedelta(days=6), NOON)
    assert is_due(WEEKLY, NOON - timedelta(days=7), NOON)
    assert not is_due(MANUAL, None, NOON)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("plans", "FREE"), None, "plans.FREE holds no settings"),
        (("plans",), {}, "plans wants one named FREE"),
        (("plans", "PRO", "daily_wallets"), 2.5, "plans.PRO.daily_wallets is no whole number"),
        (("plans", "PRO", "daily_wallets"), True, "plans.PRO.daily_wallets is no whole number"),
        (("plans", "PRO", "backfill_days"), 731, "plans.PRO.backfill_days is no whole number from 1 to 730"),
        (("plans", "PRO", "cadence"), "hourly", "plans.PRO.cadence is none of manual, weekly, daily"),
        (("plans", "PRO", "price_usd"), 9.99, "plans.PRO.price_usd is no quoted amount"),
        (("plans", "PRO", "price_usd"), "9.999", "plans.PRO.price_usd is no amount in dollars and cents"),
        (("plans", "PRO", "colour"), "red", "plans.PRO.colour is no setting"),
        (("plans", "PRO", "ceilings", "max_tx"), 0, "plans.PRO.ceilings.max_tx is no whole number"),
        (("boost", "staked_at_least"), "NaN", "boost.staked_at_least is no quoted amount"),
        (("boost", "card_mint_fee_percent"), 50, "boost.card_mint_fee_percent is no whole number from -100 to 0"),
    ],
)
def test_what_is_wrong_is_named(path: tuple[str, ...], value: object, said: str) -> None:
    values = deepcopy(VALUES)
    place = values
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(PlansConfigError, match=said) as raised:
        read_plans(values)
    assert str(raised.value).startswith(PLANS_FILE)


def test_a_missing_entry_is_named() -> None:
    values = deepcopy(VALUES)
    del values["boost"]["alerts"]
    with pytest.raises(PlansConfigError, match=r"boost\.alerts is missing"):
        read_plans(values)

"""What is true of the golden story, by its own arithmetic: `answers.json`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from oof_pipelines.testing import golden_moments as moments
from oof_pipelines.testing.golden_diary import (
    BUY,
    LP_REMOVE,
    RECEIVE,
    Diary,
    Entry,
)
from oof_pipelines.testing.golden_lots import Exit, StoryBook
from oof_pipelines.testing.golden_market import DAY_S, StoryError, StoryMarket, decimal_text, dollars_text, half_even
from oof_pipelines.testing.golden_moments import KINDS, Scene, StoryMoment

_CAME_IN = frozenset({BUY, RECEIVE, LP_REMOVE})


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Something that is no moment, and how near it came: `value` against `threshold`, of `what`."""

    kind: str
    mint: str
    signature: str
    what: str
    value: str
    threshold: str


@dataclass(slots=True)
class Plan:
    """What the plot promises: signatures (of a rug its coin) of each kind's moments, and the near misses."""

    moments: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    near_misses: list[NearMiss] = field(default_factory=list)

    def expect(self, kind: str, signature_or_mint: str) -> None:
        self.moments[kind].add(signature_or_mint)


def found_moments(
    diary: Diary, book: StoryBook, scene: Scene, wallets: frozenset[str], oof: str
) -> dict[str, list[StoryMoment]]:
    """The moments of an owner by kind, in the order of time."""
    found: dict[str, list[StoryMoment]] = {kind: [] for kind in KINDS}
    for mint, holding in book.holdings.items():
        sales = (moments.after_sale(scene, one.entry) for one in holding.exits)
        _keep(found, moments.S2E, sales, moments.is_sold_too_early)
        _keep(found, moments.BHD, (moments.after_buy(scene, lot) for lot in holding.lots), moments.is_bag)
        falls = [one for one in moments.falls_of(scene, mint, moments.RUG_SHARE) if moments.is_collapse(one)]
        rugs = (moments.of_fall(scene, holding, mint, fall) for fall in falls)
        _keep(found, moments.RUG, rugs, lambda one: one.missed_usd >= 1)
    swaps = (moments.of_route(swap) for swap in diary.swaps if swap.wallet in wallets)
    _keep(found, moments.BAD_ROUTE, swaps, moments.is_bad_route)
    changes = [(entry, _signed_raw(entry)) for entry in diary.of(wallets) if entry.mint == oof]
    _keep(found, moments.IDLE, iter(moments.idle_stretches(scene, oof, changes)), moments.is_idle)
    return {kind: sorted(ones, key=lambda one: (one.at_s, one.signature)) for kind, ones in found.items()}


def _keep(
    found: dict[str, list[StoryMoment]],
    kind: str,
    candidates: Any,
    is_moment: Callable[[StoryMoment], bool],
) -> None:
    found[kind] += [one for one in candidates if one is not None and is_moment(one)]


def _signed_raw(entry: Entry) -> int:
    return entry.qty_raw if entry.kind in _CAME_IN else -entry.qty_raw


def check_plan(plan: Plan, found: dict[str, list[StoryMoment]]) -> None:
    """Raise `StoryError` where the arithmetic finds other moments than the plot promises."""
    for kind in KINDS:
        told = {one.mint if kind == moments.RUG else one.signature for one in found[kind]}
        if told != plan.moments[kind]:
            missing, surplus = plan.moments[kind] - told, told - plan.moments[kind]
            raise StoryError(f"{kind}: the plot's {sorted(missing)} are missing, {sorted(surplus)} are not in the plot")


def owner_answers(
    book: StoryBook, found: dict[str, list[StoryMoment]], diary: Diary, wallets: list[str], scene: Scene
) -> dict[str, Any]:
    """The answers for one owner: realised dollars, what is left, episodes, moments and extremes, all amounts as text."""
    exits = [one for holding in book.holdings.values() for one in holding.exits]
    by_mint = {mint: sum(one.pnl_usd_e18 for one in holding.exits) for mint, holding in book.holdings.items()}
    costs = [diary.costs[wallet] for wallet in wallets]
    return {
        "wallets": wallets,
        "realized_pnl_usd": dollars_text(sum(by_mint.values())),
        "realized_pnl_usd_by_mint": {mint: dollars_text(pnl) for mint, pnl in sorted(by_mint.items()) if pnl},
        "unknown_basis_proceeds_usd": dollars_text(sum(one.unknown_proceeds_usd_e18 for one in exits)),
        "exits": _counted(one.kind for one in exits),
        "realized_by_exit": [_exit(one) for one in sorted(exits, key=_place) if one.pnl_usd_e18 or one.unknown_raw],
        "unrealized_pnl_usd_by_mint": _unrealized(book, scene),
        "open_raw": {
            mint: {"held": str(holding.held_raw), "in_pools": str(holding.in_pools_raw)}
            for mint, holding in sorted(book.holdings.items())
            if holding.is_open
        },
        "episodes": sum(holding.episodes for holding in book.holdings.values()),
        "episodes_by_mint": {mint: holding.episodes for mint, holding in sorted(book.holdings.items())},
        "moments": {kind: len(found[kind]) for kind in KINDS},
        "moment_signatures": {kind: [one.signature for one in found[kind]] for kind in KINDS},
        "extremes": _extremes(exits, found),
        "costs": {
            "network_fee_lamports": str(sum(one.network_fee_lamports for one in costs)),
            "tip_lamports": str(sum(one.tip_lamports for one in costs)),
            "transactions": sum(one.transactions for one in costs),
            "failed_transactions": sum(one.failed for one in costs),
        },
    }


def _unrealized(book: StoryBook, scene: Scene) -> dict[str, str]:
    """What the coins still there would bring at their newest minute of the last day, less what they cost; by mint."""
    told: dict[str, str] = {}
    for mint, holding in sorted(book.holdings.items()):
        minute = scene.market.known_at(mint, scene.as_of_s, DAY_S)
        if holding.is_open and minute is not None:
            units_raw = holding.held_raw + holding.in_pools_raw
            value = half_even(units_raw * minute.vwap_usd_e18, 10 ** scene.decimals[mint])
            told[mint] = dollars_text(value - holding.cost_left_usd_e18)
    return told


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _extremes(exits: list[Exit], found: dict[str, list[StoryMoment]]) -> dict[str, Any]:
    known = [one for one in exits if one.unknown_raw < one.entry.qty_raw]
    best = max(known, key=lambda one: one.pnl_usd_e18)
    worst = min(known, key=lambda one: one.pnl_usd_e18)
    most_missed = ("missed_usd", lambda one: one.missed_usd)
    keys: dict[str, tuple[str, Callable[[StoryMoment], Any]]] = {
        moments.S2E: most_missed,
        moments.BHD: ("pct", lambda one: -one.pct),
        moments.BAD_ROUTE: ("pct", lambda one: one.pct),
        moments.IDLE: most_missed,
        moments.RUG: most_missed,
    }
    told: dict[str, Any] = {"top_win": _exit(best), "top_loss": _exit(worst)}
    for kind, (_, key) in keys.items():
        one = max(found[kind], key=key)
        told[kind] = {
            "signature": one.signature,
            "mint": one.mint,
            "pct": decimal_text(one.pct),
            "missed_usd": decimal_text(one.missed_usd),
        }
    return told


def _exit(one: Exit) -> dict[str, str]:
    return {
        "signature": one.entry.signature,
        "mint": one.entry.mint,
        "kind": one.kind,
        "realized_pnl_usd": dollars_text(one.pnl_usd_e18),
    }


def _place(one: Exit) -> tuple[int, str, str]:
    return (one.entry.at_s, one.entry.signature, one.entry.mint)


def scene_of(market: StoryMarket, diary: Diary, wallets: list[str], as_of_s: int) -> Scene:
    """Where an owner's moments are looked for."""
    return Scene(market, diary.decimals, frozenset(wallets), as_of_s)


def instant_text(at_s: int) -> str:
    """Seconds since 1970 as ISO 8601, UTC."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def near_miss_list(plan: Plan) -> list[dict[str, str]]:
    return [
        {"kind": one.kind, "mint": one.mint, "signature": one.signature, "what": one.what}
        | {"value": one.value, "threshold": one.threshold}
        for one in plan.near_misses
    ]

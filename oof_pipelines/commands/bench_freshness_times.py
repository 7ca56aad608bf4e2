"""How long things took until they were served, from what the node, the store and the refresher noted. Pure.

A moment counts from when it could first be known: from its own transaction's announcement, or from that of a later one that
it needs (the first after the minute of its price, the next in the pool that was better).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

AT_ONCE, BY_PRICES, POSITIONS = "moments at once", "moments by later prices", "positions"
GROUPS = (AT_ONCE, BY_PRICES, POSITIONS)
HEARD, STORED, WAITED, MADE, SEEN = "heard", "fetched, stored", "waited", "made", "seen"
STAGES = (HEARD, STORED, WAITED, MADE, SEEN)

_UNPROVEN_AGE_S = 5
"""Up to this age a pool's state is believed without its next one (unproven_age_seconds of detectors.yaml)."""


@dataclass(frozen=True, slots=True)
class Announced:
    """A transaction as the node told it, in the order of the chain. `stored_ms` is None where it was not stored."""

    signature: str
    trader: str
    pool: str
    block_time_s: int
    is_measured: bool
    announced_ms: int
    heard_ms: int | None = None
    stored_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A wallet that was made again: `read_ms` is up to when it counts what was stored."""

    wallet: str
    newest_block_s: int
    began_ms: int
    read_ms: int
    served_ms: int


@dataclass(frozen=True, slots=True)
class SeenMoment:
    """A row as it was when it was first seen."""

    kind: str
    wallet: str
    signature: str
    explain: Mapping[str, Any]
    seen_ms: int


@dataclass(frozen=True, slots=True)
class Timed:
    """Milliseconds from the announcement to the row, and of each stage of it."""

    total_ms: int
    stages_ms: Mapping[str, int]


@dataclass(slots=True)
class Measured:
    """What was timed of a group; `missing` were not served in the time that was watched."""

    timed: list[Timed] = field(default_factory=list)
    missing: int = 0

    def percentile_ms(self, percent: int) -> int | None:
        """Nearest rank, where what is missing comes last; None where that is what stands there, or nothing was timed."""
        ordered = sorted(one.total_ms for one in self.timed)
        rank = max(1, -(-(len(ordered) + self.missing) * percent // 100))
        return ordered[rank - 1] if rank <= len(ordered) else None

    def stage_shares_percent(self) -> dict[str, int]:
        """Of all the time together, the share of each stage, rounded."""
        total_ms = sum(one.total_ms for one in self.timed)
        sums = {stage: sum(one.stages_ms.get(stage, 0) for one in self.timed) for stage in STAGES}
        return {stage: round(100 * part / total_ms) for stage, part in sums.items()} if total_ms else {}


class Chain:
    """The announcements of a run, to be asked when something could first be known."""

    def __init__(self, announced: Sequence[Announced]) -> None:
        self._announced = announced
        self._by_signature = {one.signature: number for number, one in enumerate(announced)}
        self._times_s = [one.block_time_s for one in announced]
        self._by_pool: dict[str, list[int]] = {}
        for number, one in enumerate(announced):
            self._by_pool.setdefault(one.pool, []).append(number)

    def cause(self, moment: SeenMoment) -> Announced | None:
        """The transaction with whose announcement the moment could be known; None where that is not in the run."""
        own = self._by_signature.get(moment.signature)
        if own is None:
            return None
        candle = moment.explain.get("peak") or moment.explain.get("trough")
        if candle is not None:
            behind = bisect_left(self._times_s, int(candle["end_s"]))
            return self._announced[max(own, behind)] if behind < len(self._announced) else None
        best = moment.explain.get("best", {})
        age_s = self._announced[own].block_time_s - int(best.get("state_at_s", 0))
        if best.get("is_proven_by_next_state") != "true" or age_s <= _UNPROVEN_AGE_S:
            return self._announced[own]
        places = self._by_pool.get(best["pool"], [])
        later = bisect_right(places, own)
        return self._announced[places[later]] if later < len(places) else None


def time_moments(chain: Chain, moments: Iterable[SeenMoment], refreshed: Iterable[Refreshed]) -> dict[str, Measured]:
    """Group → what was measured of the moments whose cause is in the measured part of the run."""
    by_wallet = _by_wallet(refreshed)
    measured = {AT_ONCE: Measured(), BY_PRICES: Measured()}
    for moment in moments:
        cause = chain.cause(moment)
        if cause is None or not cause.is_measured or cause.stored_ms is None:
            continue
        group = AT_ONCE if moment.kind == "BadRoute" else BY_PRICES
        served = [one for one in by_wallet.get(moment.wallet, []) if one.served_ms <= moment.seen_ms]
        stages = _stages(cause, served[-1], moment.seen_ms) if served else {}
        measured[group].timed.append(Timed(moment.seen_ms - cause.announced_ms, stages))
    return measured


def time_positions(announced: Iterable[Announced], refreshed: Iterable[Refreshed]) -> Measured:
    """From a transaction to the first time its trader was made again with it."""
    by_wallet = _by_wallet(refreshed)
    measured = Measured()
    for one in announced:
        if not one.is_measured:
            continue
        served = None if one.stored_ms is None else _first_with(by_wallet.get(one.trader, []), one)
        if served is None:
            measured.missing += 1
        else:
            stages = _stages(one, served, served.served_ms)
            measured.timed.append(Timed(served.served_ms - one.announced_ms, stages))
    return measured


def _first_with(served: Sequence[Refreshed], announced: Announced) -> Refreshed | None:
    stored_ms = announced.stored_ms or 0
    fitting = (one for one in served if one.read_ms >= stored_ms and one.newest_block_s >= announced.block_time_s)
    return next(fitting, None)


def _by_wallet(refreshed: Iterable[Refreshed]) -> dict[str, list[Refreshed]]:
    by_wallet: dict[str, list[Refreshed]] = {}
    for one in sorted(refreshed, key=lambda row: row.served_ms):
        by_wallet.setdefault(one.wallet, []).append(one)
    return by_wallet


def _stages(cause: Announced, served: Refreshed, seen_ms: int) -> dict[str, int]:
    """Milliseconds by stage; they add up to the whole. What was read before it was stored did not wait."""
    heard_ms = min(max(cause.heard_ms or 0, cause.announced_ms), seen_ms)
    stored_ms = min(max(cause.stored_ms or heard_ms, heard_ms), seen_ms)
    began_ms = min(max(served.began_ms, stored_ms), seen_ms)
    served_ms = min(max(served.served_ms, began_ms), seen_ms)
    ends = (cause.announced_ms, heard_ms, stored_ms, began_ms, served_ms, seen_ms)
    return {stage: after - before for stage, (before, after) in zip(STAGES, pairwise(ends), strict=True)}

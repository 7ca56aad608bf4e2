"""What becomes of signatures that only a webhook told of: fetched as others are, and given up whatever slot they claim."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from memory_chain import FIRST_SLOT, HandClock, MemoryChain, signature_of

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import PutOff, QuarantinedTransaction, QueuedSignature, SourceUnavailableError
from oof_pipelines.workflows.fetch import (
    EMPTY_ANSWERS_UNTIL_GIVEN_UP,
    EMPTY_ANSWERS_UNTIL_HINT_GIVEN_UP,
    HINT_PATIENCE,
    MOST_SLOTS_AHEAD,
    Fetcher,
)
from oof_pipelines.workflows.prepare import FetchedBody

FORGED_SLOTS = (0, 1, FIRST_SLOT - 1, FIRST_SLOT, FIRST_SLOT + MOST_SLOTS_AHEAD + 1, 2**62)


@dataclass
class PutOffs:
    """An inbox of which only `defer` is used."""

    why: list[PutOff] = field(default_factory=list)
    not_before: list[datetime] = field(default_factory=list)

    async def defer(self, signature: str, not_before: datetime, why: PutOff, detail: str) -> None:
        self.why.append(why)
        self.not_before.append(not_before)


@dataclass
class Scene:
    chain: MemoryChain = field(default_factory=lambda: MemoryChain(first_block=FIRST_SLOT - 100))
    inbox: PutOffs = field(default_factory=PutOffs)
    clock: HandClock = field(default_factory=HandClock)

    def fetch(
        self, slot: int, *, empty_answers: int, age: timedelta, name: str = "forged"
    ) -> FetchedBody | QuarantinedTransaction | None:
        """Fetch a hint that has had so many empty answers before."""
        fetcher = Fetcher(self.chain, self.inbox, self.clock)  # type: ignore[arg-type]
        hinted_at = self.clock.now() - age
        queued = QueuedSignature(signature_of(name), slot, empty_answers, empty_answers, hinted_at=hinted_at)
        return asyncio.run(fetcher.fetch(queued))


@pytest.mark.parametrize("slot", FORGED_SLOTS)
def test_a_forged_hint_ends_in_quarantine_whatever_slot_it_claims(slot: int) -> None:
    scene = Scene()
    refused = scene.fetch(slot, empty_answers=EMPTY_ANSWERS_UNTIL_HINT_GIVEN_UP - 1, age=HINT_PATIENCE)
    assert isinstance(refused, QuarantinedTransaction)
    assert refused.reason == QuarantineReason.NOT_FOUND
    assert scene.inbox.why == []


@pytest.mark.parametrize("slot", FORGED_SLOTS)
def test_a_young_hint_is_asked_for_again(slot: int) -> None:
    scene = Scene()
    young = HINT_PATIENCE - timedelta(seconds=1)
    assert scene.fetch(slot, empty_answers=EMPTY_ANSWERS_UNTIL_GIVEN_UP + 20, age=young) is None
    assert scene.fetch(slot, empty_answers=EMPTY_ANSWERS_UNTIL_HINT_GIVEN_UP - 2, age=HINT_PATIENCE) is None
    assert scene.inbox.why == [PutOff.EMPTY_ANSWER] * 2
    assert max(scene.inbox.not_before) - scene.clock.now() <= timedelta(seconds=15)


def test_a_hint_that_finality_has_yet_to_reach_is_waited_for() -> None:
    scene = Scene()
    for ahead in (1, MOST_SLOTS_AHEAD):
        assert scene.fetch(FIRST_SLOT + ahead, empty_answers=50, age=timedelta(hours=1)) is None
    scene.chain.finalized += 1
    assert scene.fetch(FIRST_SLOT + 1, empty_answers=50, age=timedelta(hours=1)) is not None


def test_a_hint_that_the_node_knows_of_is_not_given_up() -> None:
    scene = Scene()
    scene.chain.land("late", slot=FIRST_SLOT, is_heard=False)
    scene.chain.empty_answers[signature_of("late")] = 1
    assert scene.fetch(2**62, empty_answers=50, age=timedelta(hours=1), name="late") is None
    body = scene.fetch(2**62, empty_answers=51, age=timedelta(hours=1), name="late")
    assert isinstance(body, FetchedBody)


def test_an_outage_gives_nothing_up() -> None:
    scene = Scene()
    scene.chain.errors["slot finalized"] = [SourceUnavailableError("nobody there")]
    assert scene.fetch(0, empty_answers=50, age=timedelta(hours=1)) is None
    assert scene.inbox.why == [PutOff.OUTAGE]


def test_the_same_signature_told_by_a_node_is_waited_for_as_ever() -> None:
    scene = Scene()
    fetcher = Fetcher(scene.chain, scene.inbox, scene.clock)  # type: ignore[arg-type]
    told = QueuedSignature(signature_of("told"), FIRST_SLOT + 10_000, 50, 50)
    assert asyncio.run(fetcher.fetch(told)) is None
    before_history = QueuedSignature(signature_of("told"), 1, 50, 50)
    assert asyncio.run(fetcher.fetch(before_history)) is None

"""Runs that ceilings or kills end early: together they do what one run does, and prove nothing that is not so."""

import asyncio
import contextlib
from datetime import UTC, datetime
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_chain import FIRST_SLOT
from wallet_chain import COIN, OTHER, STRANGER, WALLET, World, address_of, held

from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.storage.wallet_history import ProvenRange, merged
from oof_pipelines.workflows import backfill_bodies, repair
from oof_pipelines.workflows.ceilings import Ceilings

ACCOUNTS = [address_of(f"account {number}") for number in range(4)]
_MOST_RUNS = 400

# Slot, who signs, and which of the accounts are named, or owned by whom.
ACTS = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from([WALLET, OTHER, STRANGER]),
        st.lists(st.sampled_from(range(4)), max_size=2, unique=True),
        st.sampled_from([WALLET, OTHER, None]),
    ),
    max_size=14,
)
HELD = st.lists(st.sampled_from(range(4)), max_size=3, unique=True)
CEILINGS = st.builds(
    Ceilings,
    max_signatures=st.none() | st.integers(1, 5),
    max_tx=st.none() | st.integers(1, 5),
    max_cpu_ms=st.none() | st.integers(1, 30),
)


def world_of(acts: list[Any], open_accounts: list[int]) -> World:
    world = World()
    for number, (offset, signer, named, owner) in enumerate(acts):
        accounts = tuple(ACCOUNTS[one] for one in named)
        balances = () if owner is None else tuple((account, COIN, owner) for account in accounts)
        world.chain.act(number, FIRST_SLOT + offset * 10, signers=(signer,), named=accounts, balances=balances)
    world.chain.held[WALLET] = [held(f"account {number}") for number in open_accounts]
    world.chain.finalized = max(world.chain.finalized, FIRST_SLOT + 200)
    return world


def at(slot: int) -> datetime:
    return datetime.fromtimestamp(estimate_block_time_s(slot), UTC)


def left_by(world: World) -> tuple[Any, ...]:
    """Everything that a run leaves and that should not depend on how often it had to begin."""
    coverage = world.coverage
    ranges = {
        (wallet, account): [(one.first_slot, one.last_slot, one.from_at) for one in own]
        for wallet, accounts in coverage.proven.items()
        for account, own in accounts.items()
    }
    return (
        {signature: row.tx_index for signature, row in world.inbox.stored.items()},
        world.inbox.final,
        coverage.listed,
        coverage.settled,
        {key: (one.is_signed, one.first_slot) for key, one in coverage.known.items()},
        ranges,
        coverage.states,
    )


@settings(max_examples=150)
@given(ACTS, HELD, CEILINGS, st.integers(2, 6), st.none() | st.integers(0, 12))
def test_runs_under_ceilings_come_to_what_one_run_does(
    acts: list[Any], open_accounts: list[int], ceilings: Ceilings, page: int, since: int | None
) -> None:
    since_at = None if since is None else at(FIRST_SLOT + since * 10)
    whole, parts = world_of(acts, open_accounts), world_of(acts, open_accounts)
    wallets = (WALLET, OTHER)
    clock_ms = count(step=7)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(repair, "SIGNATURES_A_PAGE", page)
        patched.setattr(backfill_bodies, "PAGE", page)
        assert whole.backfill(*wallets, since=since_at).is_complete
        for _ in range(_MOST_RUNS):
            report = parts.backfill(*wallets, since=since_at, ceilings=ceilings, cpu_ms=lambda: next(clock_ms))
            parts.assert_nothing_untrue()
            assert ceilings.max_tx is None or report.fetched <= ceilings.max_tx
            if not report.is_partial:
                break
    assert report.is_complete
    assert left_by(parts) == left_by(whole)
    assert max(parts.chain.served.values(), default=0) <= 1
    assert parts.backfill(*wallets, since=since_at).calls == {}


@settings(max_examples=60)
@given(ACTS, HELD, st.integers(2, 5), st.lists(st.integers(1, 60), max_size=6))
def test_a_run_killed_anywhere_is_gone_on_with(
    acts: list[Any], open_accounts: list[int], page: int, kills: list[int]
) -> None:
    """A kill is any write or question that never returns; what was written before it stays."""
    whole, killed = world_of(acts, open_accounts), world_of(acts, open_accounts)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(repair, "SIGNATURES_A_PAGE", page)
        patched.setattr(backfill_bodies, "PAGE", page)
        whole.backfill()
        for steps in kills:
            with pytest.MonkeyPatch.context() as fatal, contextlib.suppress(KilledError):
                arm(fatal, killed, steps)
                killed.backfill(is_asked_again=True)
            killed.assert_nothing_untrue()
        assert killed.backfill(is_asked_again=True).is_complete
    assert left_by(killed)[:6] == left_by(whole)[:6]
    assert max(killed.chain.served.values(), default=0) <= 1 + len(kills)


class KilledError(BaseException):
    """The process is gone."""


def arm(patched: pytest.MonkeyPatch, world: World, steps: int) -> None:
    """Have the `steps`-th call of a write or a question end the run before it does anything."""
    left = [steps]

    def dying(owner: object, name: str) -> None:
        made = getattr(owner, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] <= 0:
                raise KilledError
            return await made(*arguments, **named)

        patched.setattr(owner, name, call)

    for name in ("note_listed", "prove", "note_accounts", "settle", "set_tx_index", "save_state"):
        dying(world.coverage, name)
    for name in ("enqueue", "store", "mark_final"):
        dying(world.inbox, name)
    for name in ("signatures_for_address", "transaction", "token_accounts_of", "block_signatures"):
        dying(world.chain, name)


def test_new_signatures_are_counted_and_the_ceiling_is_kept_to() -> None:
    world = World()
    for number in range(10):
        world.chain.act(number, FIRST_SLOT + number)
    report = world.backfill(ceilings=Ceilings(max_signatures=4))
    assert (report.queued, report.stored, report.ceilings_hit) == (4, 4, ("max_signatures",))
    assert {world.chain.slots[s] for s in world.inbox.stored} == set(range(FIRST_SLOT + 6, FIRST_SLOT + 10))
    proof = report.wallets[WALLET]
    assert (proof.first_slot, proof.last_slot) == (FIRST_SLOT + 6, FIRST_SLOT + 9)
    report = world.backfill(ceilings=Ceilings(max_signatures=4))
    assert (report.queued, report.fetched) == (4, 4)
    report = world.backfill(ceilings=Ceilings(max_signatures=4))
    assert (report.queued, report.is_partial, report.is_complete) == (2, False, True)


def test_what_is_known_does_not_count_as_new() -> None:
    world = World()
    for number in range(6):
        world.chain.act(number, FIRST_SLOT + number, signers=(WALLET, OTHER))
    world.backfill(WALLET)
    report = world.backfill(OTHER, ceilings=Ceilings(max_signatures=1, max_tx=0))
    assert (report.queued, report.fetched, report.is_complete, report.listed) == (0, 0, True, 6)


def test_bodies_asked_for_are_counted_and_the_ceiling_is_kept_to() -> None:
    world = World()
    for number in range(5):
        world.chain.act(number, FIRST_SLOT + number)
    report = world.backfill(ceilings=Ceilings(max_tx=2))
    assert (report.fetched, report.stored, report.ceilings_hit, report.waiting) == (2, 2, ("max_tx",), 3)
    assert set(world.inbox.final) == set(world.inbox.stored)
    assert max(world.chain.slots[s] for s in world.inbox.queue) < min(world.chain.slots[s] for s in world.inbox.stored)
    assert world.backfill(ceilings=Ceilings(max_tx=3)).is_complete


def test_a_node_that_serves_nothing_of_what_it_listed_makes_a_run_stuck() -> None:
    world = World()
    for number in range(30):
        world.chain.act(number, FIRST_SLOT + number)
    first = world.backfill(ceilings=Ceilings(max_tx=1))
    assert (first.stored, first.is_partial, first.is_stuck) == (1, True, False)
    # It forgets its oldest blocks as it goes: what was listed in them is neither served nor given up.
    world.chain.first_block, world.chain.finalized = FIRST_SLOT + 100, FIRST_SLOT + 200
    world.chain.bodies.clear()
    for _run in range(3):
        report = world.backfill(ceilings=Ceilings(max_tx=20))
        assert (report.fetched, report.waiting, report.is_partial, report.is_stuck) == (20, 29, True, True)


def test_a_ceiling_of_nothing_does_nothing() -> None:
    world = World()
    world.chain.act(1, FIRST_SLOT + 1)
    report = world.backfill(ceilings=Ceilings(max_signatures=0, max_tx=0))
    assert (report.queued, report.fetched, report.ceilings_hit) == (0, 0, ("max_signatures",))
    assert world.inbox.queue == {}


def test_a_ceiling_that_is_just_enough_is_not_hit() -> None:
    world = World()
    for number in range(3):
        world.chain.act(number, FIRST_SLOT + number)
    assert world.backfill(ceilings=Ceilings(max_signatures=3, max_tx=3)).is_complete


def test_a_slot_with_more_signatures_than_a_page_is_proven_whole_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "SIGNATURES_A_PAGE", 3)
    world = World()
    for number in range(8):
        world.chain.act(number, FIRST_SLOT + 5)
    world.chain.act("older", FIRST_SLOT + 1)
    report = world.backfill(ceilings=Ceilings(max_signatures=2))
    assert (report.queued, report.is_partial) == (8, True), "a slot is not cut in two"
    world.assert_nothing_untrue()
    assert world.backfill().is_complete
    assert len(world.inbox.final) == 9


def test_several_accounts_at_once_do_not_each_use_up_the_ceiling() -> None:
    world = World()
    world.chain.held[WALLET] = [held(f"account {number}") for number in range(4)]
    for number, account in enumerate(ACCOUNTS * 3):
        world.chain.act(number, FIRST_SLOT + number, signers=(STRANGER,), named=(account,))
    report = world.backfill(ceilings=Ceilings(max_signatures=5))
    assert report.queued == 5
    world.assert_nothing_untrue()


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 8)), max_size=10))
def test_merged_ranges_hold_the_same_slots_and_never_touch(parts: list[tuple[int, int]]) -> None:
    ranges = [ProvenRange(a, a + n, at(a), at(a + n), f"cursor {a}") for a, n in parts]
    whole = merged(ranges)
    slots = {slot for one in ranges for slot in range(one.first_slot, one.last_slot + 1)}
    assert {slot for one in whole for slot in range(one.first_slot, one.last_slot + 1)} == slots
    assert all(below.last_slot + 1 < above.first_slot for below, above in pairwise(whole))
    for one in whole:
        assert (one.from_at, one.to_at) == (at(one.first_slot), at(one.last_slot))
        assert one.cursor == f"cursor {one.first_slot}"


def test_two_runs_at_once_do_no_harm() -> None:
    world, alone = World(), World()
    for each in (world, alone):
        for number in range(12):
            each.chain.act(number, FIRST_SLOT + number, balances=((ACCOUNTS[number % 4], COIN, WALLET),))
    alone.backfill()

    async def both() -> None:
        await asyncio.gather(world.backfilling(), world.backfilling())

    asyncio.run(both())
    assert left_by(world)[:6] == left_by(alone)[:6]
    world.assert_nothing_untrue()


def test_listed_rows_are_equal_whatever_time_they_bring() -> None:
    assert ListedSignature("a", 1, 5) == ListedSignature("a", 1)

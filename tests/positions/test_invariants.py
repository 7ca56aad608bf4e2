"""What holds whatever happens: units and costs add up, nothing is below nothing, ids are unique."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.commands.bench_fifo_events import RULES, all_kinds, event_of, trades
from oof_pipelines.positions import events as kinds
from oof_pipelines.positions.average_cost import AverageCost
from oof_pipelines.positions.book import OWNER_SET, Book, OwnedMint
from oof_pipelines.positions.lots import share
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import ValuedEvent


def owned(valued: ValuedEvent) -> OwnedMint:
    event = valued.event
    return (OWNER_SET if event.wallet in RULES.owner_set else event.wallet, event.mint)


def is_put_aside(valued: ValuedEvent) -> bool:
    """Whether units went to, or came from, a pool or an escrow, and so stay the owner's or were it."""
    event = valued.event
    return event.kind in (kinds.LP_ADD, kinds.LP_REMOVE) or (
        event.is_escrow and event.counterparty not in RULES.exchanges
    )


@given(st.integers(0, 2**32), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_units_add_up(seed: int, count: int) -> None:
    """Lots: initial = remaining + sold + moved + in pools. Sales: rows = what the events say. Balances: lots = events."""
    events = list(all_kinds(count, seed, mints=3))
    book = Book(RULES)
    rows = [(valued, row) for valued in events for row in book.step(valued)]
    balance: dict[OwnedMint, int] = defaultdict(int)
    for valued in events:
        balance[owned(valued)] += valued.event.change_raw
        if is_put_aside(valued):
            # What is in a pool or an escrow is still the owner's.
            balance[owned(valued)] -= valued.event.change_raw
    left: dict[OwnedMint, int] = defaultdict(int)
    for lot in book.lots():
        parts = lot.qty_remaining_raw, lot.qty_sold_raw, lot.qty_moved_raw, lot.qty_in_pool_raw
        assert min(*parts, lot.qty_initial_raw) >= 0
        assert sum(parts) == lot.qty_initial_raw
        owner = OWNER_SET if lot.wallet in RULES.owner_set else lot.wallet
        left[(owner, lot.mint)] += lot.qty_remaining_raw + lot.qty_in_pool_raw
    from_aside: dict[OwnedMint, int] = defaultdict(int)
    put_aside = {(valued.event.signature, valued.event.path) for valued in events if is_put_aside(valued)}
    for lot in book.lots():
        if (lot.signature, lot.path) in put_aside:
            owner = OWNER_SET if lot.wallet in RULES.owner_set else lot.wallet
            from_aside[(owner, lot.mint)] += lot.qty_initial_raw
    unheld = book.unheld()
    for key in balance:
        assert left[key] == balance[key] + unheld.get(key, 0) + from_aside[key]
    sold: dict[tuple[str, int], int] = defaultdict(int)
    for valued, row in rows:
        sold[(valued.event.signature, valued.event.seq)] += row.qty_raw
    for valued in events:
        event = valued.event
        if event.kind in (kinds.SELL, kinds.BURN):
            assert sold[(event.signature, event.seq)] == event.qty_raw


@given(st.integers(0, 2**32), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_costs_and_proceeds_add_up(seed: int, count: int) -> None:
    """What was paid = cost of what was realised, moved, held and in pools, by cost mint and in dollars; so do proceeds."""
    events = list(all_kinds(count, seed, mints=3))
    book = Book(RULES)
    rows: list[RealizedTrade] = [row for valued in events for row in book.step(valued)]
    lots, moved, in_pools = book.lots(), book.moved(), book.in_pools()
    paid: dict[str | None, int] = defaultdict(int)
    for lot in lots:
        paid[lot.cost_mint] += lot.cost_raw or 0
    for row in (*rows, *moved, *in_pools):
        paid[row.cost_mint] -= row.cost_raw or 0
    for lot in lots:
        paid[lot.cost_mint] -= lot.cost_remaining_raw or 0
    assert not any(paid.values())
    assert sum(lot.cost_raw or 0 for lot in lots) == sum(
        valued.event.other_raw or 0 for valued in events if valued.event.kind == kinds.BUY
    )
    assert sum(row.proceeds_raw for row in rows) == sum(
        valued.event.other_raw or 0 for valued in events if valued.event.kind == kinds.SELL
    )
    if not any(row.cost_usd_e18 is None and row.basis_status == "known" for row in (*rows, *moved)):
        whole = sum(lot.cost_usd_e18 or 0 for lot in lots)
        gone = sum(row.cost_usd_e18 or 0 for row in (*rows, *moved, *in_pools))
        assert whole == gone + sum(lot.cost_remaining_usd_e18 or 0 for lot in lots)
    known = [
        amount
        for row in rows
        for amount in (row.cost_raw, row.cost_usd_e18, row.proceeds_usd_e18)
        if amount is not None
    ]
    assert min([0, *known]) == 0


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_episodes_are_numbered_and_end_with_nothing(seed: int) -> None:
    book = Book(RULES)
    for valued in all_kinds(400, seed, mints=3):
        book.step(valued)
    numbers: dict[OwnedMint, list[int]] = defaultdict(list)
    for episode in book.episodes():
        owner = OWNER_SET if episode.wallet in RULES.owner_set else episode.wallet
        numbers[(owner, episode.mint)].append(episode.number)
        assert episode.is_open == (episode.end_at_s is None)
        assert episode.is_open or (episode.held_raw, episode.in_pool_raw) == (0, 0)
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1))


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_both_methods_realise_the_same_over_an_episode_that_is_over(seed: int) -> None:
    """Where every unit was bought, sold and priced, the method only says when the profit was made, not how much it is."""
    book = Book(RULES)
    rows = [row for trade in trades(300, seed, mints=2) for row in book.step(event_of(trade))]
    over = [episode for episode in book.episodes() if not episode.is_open]
    assert over
    assert all(episode.realized_pnl_usd_e18 == episode.average_pnl_usd_e18 for episode in over)
    assert any(row.realized_pnl_usd_e18 != row.average_pnl_usd_e18 for row in rows)


def test_ids_are_unique_and_the_same_again() -> None:
    told = []
    for _ in range(2):
        book = Book(RULES)
        rows = [row for valued in all_kinds(3_000, 8) for row in book.step(valued)]
        ids = (
            [row.exit_id for row in rows],
            [lot.lot_id for lot in book.lots()],
            [one.episode_id for one in book.episodes()],
        )
        for named in ids:
            assert len(set(named)) == len(named)
            assert all(len(one) == 32 for one in named)
        told.append(ids)
    assert told[0] == told[1]


AMOUNTS = st.integers(0, 2**90)


@given(AMOUNTS, st.lists(st.integers(1, 2**40), min_size=1, max_size=9))
def test_shares_add_up_however_a_lot_is_cut(amount_raw: int, parts: list[int]) -> None:
    ends = [sum(parts[: index + 1]) for index in range(len(parts))]
    shares = [share(amount_raw, ends[-1], end - part, end) for end, part in zip(ends, parts, strict=True)]
    assert sum(shares) == amount_raw
    assert all(one >= 0 for one in shares)


@given(st.lists(st.tuples(st.integers(1, 10**9), AMOUNTS), min_size=1), st.lists(st.integers(0, 10**9)))
def test_average_cost_loses_nothing(bought: list[tuple[int, int]], sold: list[int]) -> None:
    average = AverageCost()
    for units_raw, cost_usd_e18 in bought:
        average.add(units_raw, cost_usd_e18)
    taken = sum(average.take(min(units_raw, average.units_raw)) for units_raw in sold)
    assert taken + average.cost_usd_e18 == sum(cost for _, cost in bought)
    assert average.take(average.units_raw) + taken == sum(cost for _, cost in bought)
    assert (average.units_raw, average.cost_usd_e18) == (0, 0)

"""However storing, folding, serving files and making wallets again meet: it ends in what files alone give."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from operator import itemgetter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from position_world import KilledError, killing
from refreshed_world import SERVED, Make, RefreshedWorld, cold_tables, made_worlds, trading_rows

from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.storage.postgres.wallet_contents import PostgresWalletContents
from oof_pipelines.workflows.update_wallets import DaySlices, update_bucket

make = pytest.fixture(made_worlds)


def test_what_is_stored_is_served_before_anything_is_folded(make: Make) -> None:
    rows = trading_rows()
    expected = cold_tables(make, rows)
    assert all(expected[name] for name in ("lots", "realized_trades", "episodes", "wallet_extremes"))
    world = make()
    for first in range(0, len(rows), 20):
        world.hear(rows[first : first + 20])
        assert world.refresh().failed == 0
    world.make_prices_due()
    world.refresh()
    assert world.select("select count(*) from tx_raw where is_decoded") == [(0,)]
    assert world.select("select count(*) from touched_wallets") == [(0,)]
    found = world.tables()
    for name, told in expected.items():
        assert found[name] == told, name


STEPS = ("hear", "hear", "hear", "refresh", "refresh", "finalise", "fold", "price", "update", "cold", "retract", "take")


def play(world: RefreshedWorld, rows: tuple[StoredTransaction, ...], steps: list[str], dice: Random) -> set[str]:
    """Take the steps, then store the rest; which signatures were taken back."""
    order = list(rows)
    # What is heard comes a little out of order.
    order = [
        row for _, row in sorted(((at + dice.randrange(12), row) for at, row in enumerate(order)), key=itemgetter(0))
    ]
    waiting, gone = list(reversed(order)), set[str]()
    provisional: list[str] = []
    for step in steps:
        if step == "hear":
            batch = [waiting.pop() for _ in range(min(len(waiting), dice.randrange(1, 30)))]
            world.hear(batch)
            provisional += [row.signature for row in batch]
        elif step == "refresh":
            world.refresh()
        elif step == "take":
            # A refresher that was killed after it took what was due.
            with world.refreshing() as work:
                work.touched.take(datetime.now(UTC), 50)
        elif step == "finalise":
            final = [signature for signature in provisional if dice.random() < 0.7]
            provisional = [signature for signature in provisional if signature not in final]
            world.finalise(final)
        elif step == "retract" and provisional:
            signature = provisional.pop(dice.randrange(len(provisional)))
            gone.add(signature)
            world.retract(signature)
        elif step == "fold":
            world.fold()
        elif step == "price":
            world.price()
        elif step == "update":
            world.update_buckets()
        elif step == "cold":
            world.make_cold()
    world.hear(waiting[::-1])
    return gone


@settings(max_examples=3, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(st.sampled_from(STEPS), min_size=8, max_size=24), seed=st.integers(0, 2**32))
def test_any_interleaving_ends_in_the_tables_of_files_alone(make: Make, steps: list[str], seed: int) -> None:
    rows = trading_rows(4, 4, 150)
    world = make()
    gone = play(world, rows, steps, Random(seed))
    expected = cold_tables(make, tuple(row for row in rows if row.signature not in gone))
    world.make_prices_due()
    world.refresh()
    # Wallets that were made again are told as files would tell them, while most of it is in no file.
    fresh = {wallet for (wallet,) in world.select("select wallet from hot_wallets")}
    newest = max(row.block_time for row in rows if row.signature not in gone)
    found = world.tables()
    for name in SERVED:
        wallet_at = column_at(world, name, "wallet")
        told = [row for row in expected[name] if row[wallet_at] in fresh]
        assert [row for row in found[name] if row[wallet_at] in fresh] == told, name
    assert newest == world.select("select max(ts) from tx_raw")[0][0]
    world.settle()
    assert world.tables() == expected
    assert world.select("select count(*) from hot_position_events") == [(0,)]
    assert world.select("select count(*) from hot_wallets") == [(0,)]
    assert world.select("select count(*) from position_buckets where inputs like '% hot'") == [(0,)]
    # And once more, for whoever is still due.
    world.make_prices_due()
    world.refresh()
    assert world.tables() == expected


def column_at(world: RefreshedWorld, table: str, column: str) -> int:
    found = world.select(
        "select ordinal_position from information_schema.columns where table_name = %s and column_name = %s",
        table,
        column,
    )
    return int(found[0][0]) - 1


KILLED_AT = ("read", "validate", "mark", "write wallet_actions", "write wallet_events", "record", "done")


def test_buckets_killed_while_they_are_written_neither_lose_nor_double_an_event(make: Make) -> None:
    rows = trading_rows()
    expected = cold_tables(make, rows)
    world = make()
    world.hear(rows)
    world.execute("update tx_raw set is_final = true")
    world.fold()
    world.price()
    with PostgresWalletContents(world.url) as contents:
        events = [bucket for (bucket,) in world.select("select distinct bucket from hot_position_events order by 1")]
        stale = [*events, *(bucket for bucket in contents.stale_buckets() if bucket not in events)]
        assert len(stale) >= len(KILLED_AT)
        for number, bucket in enumerate(stale):
            kill = killing(KILLED_AT[number % len(KILLED_AT)])
            with pytest.raises(KilledError):
                update_bucket(world.store, contents, DaySlices(world.store), bucket, at_step=kill)
    world.refresh()
    assert world.tables() == expected
    world.update_buckets()
    world.make_cold()
    assert world.tables() == expected
    assert world.select("select count(*) from hot_position_events") == [(0,)]


def test_side_by_side_they_neither_stop_each_other_nor_lose_anything(make: Make) -> None:
    rows = trading_rows(4, 4, 150)
    world = make()
    dice = Random(1)
    gone: set[str] = set()
    is_over = threading.Event()

    def feed() -> None:
        for first in range(0, len(rows), 6):
            batch = rows[first : first + 6]
            world.hear(batch)
            vanished = batch[-1].signature if dice.random() < 0.3 else ""
            if vanished:
                gone.add(vanished)
                world.retract(vanished)
            world.finalise([row.signature for row in batch if row.signature != vanished])

    def until_over(step: Callable[[], object]) -> Callable[[], None]:
        def go_on() -> None:
            while not is_over.is_set():
                step()

        return go_on

    def fold() -> None:
        world.fold()
        world.price()
        world.update_buckets()

    failures: list[BaseException] = []
    others = [
        threading.Thread(target=_noting(until_over(step), failures)) for step in (world.refresh, fold, world.make_cold)
    ]
    for thread in others:
        thread.start()
    try:
        _noting(feed, failures)()
    finally:
        is_over.set()
        for thread in others:
            thread.join(120)
    assert failures == []
    world.settle()
    assert world.tables() == cold_tables(make, [row for row in rows if row.signature not in gone])
    assert world.select("select count(*) from hot_position_events") == [(0,)]


def _noting(work: Callable[[], None], failures: list[BaseException]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
            raise

    return run

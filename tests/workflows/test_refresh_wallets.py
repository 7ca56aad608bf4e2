"""Making touched wallets again: the same rows as the buckets' workflows make, in the right order of reading, one by one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from position_world import DOLLAR, ELSEWHERE, NEIGHBOUR, START, WALLET, World, candle, event

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.refresh_interfaces import Asked, BucketNote, RefreshedWallet, TakenWallet
from oof_pipelines.storage.parquet.event_schemas import WALLET_EVENTS
from oof_pipelines.storage.parquet.position_schemas import MOMENT_DATASETS, POSITION_DATASETS
from oof_pipelines.storage.parquet.wallet_rows import ParquetWalletRows
from oof_pipelines.workflows import refresh_wallets as module
from oof_pipelines.workflows.minute_candles import CandleSource
from oof_pipelines.workflows.refresh_wallets import RefreshTurn, refresh_turn, wallet_events
from oof_pipelines.workflows.wallet_moments import Market

WHOLE = 10**6
BUY = event("buy", 0, qty=1_000 * WHOLE, usdc=1_000 * DOLLAR)
SALE = event("sell", 60, qty=1_000 * WHOLE, usdc=1_200 * DOLLAR, network_fee_lamports=5_000)
NEIGHBOURS = event("buy", 5, wallet=NEIGHBOUR, qty=700 * WHOLE, usdc=700 * DOLLAR)
HELD = event("buy", 30, wallet=ELSEWHERE, qty=500 * WHOLE, usdc=500 * DOLLAR)
NOTE = BucketNote("", "", "", "", None)
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass
class Touched:
    """Touches and waiting events in memory, and what was served; `log` says what was asked in which order."""

    as_of: datetime
    due: list[str]
    waiting: list[PositionEvent] = field(default_factory=list)
    served: dict[str, pl.DataFrame] = field(default_factory=dict)
    put_aside: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    batches: list[list[str]] = field(default_factory=list)
    busy_buckets: frozenset[int] = frozenset()

    def take(self, now: datetime, limit: int) -> list[TakenWallet]:
        assert now == NOW
        self.log.append("take")
        taken, self.due = self.due[:limit], self.due[limit:]
        return [
            TakenWallet(wallet, wallet_bucket(wallet), {"event": place}, NOW - timedelta(seconds=place))
            for place, wallet in enumerate(taken)
        ]

    def newest_block_at(self) -> datetime | None:
        return self.as_of

    def notes(self, buckets: Collection[int]) -> dict[int, BucketNote]:
        self.log.append("notes")
        return dict.fromkeys(buckets, NOTE)

    def waiting_events(self, wallets: Collection[str]) -> dict[str, list[PositionEvent]]:
        self.log.append("waiting")
        found: dict[str, list[PositionEvent]] = {}
        for one in self.waiting:
            if one.wallet in wallets:
                found.setdefault(one.wallet, []).append(one)
        return found

    def serve(
        self, asked: Asked, refreshed: Sequence[RefreshedWallet], frames: Mapping[str, pl.DataFrame]
    ) -> list[str]:
        self.log.append("serve")
        assert asked.notes == {one.taken.bucket: NOTE for one in refreshed}
        self.batches.append([one.taken.wallet for one in refreshed])
        self.served |= {
            name: pl.concat([self.served[name], frame]) if name in self.served else frame
            for name, frame in frames.items()
        }
        return [one.taken.wallet for one in refreshed if one.taken.bucket not in self.busy_buckets]

    def put_off(self, wallets: Collection[str], why: str) -> None:
        self.put_aside |= dict.fromkeys(wallets, why)


@dataclass
class Files:
    """A store's files of wallet_events, noting when they are read."""

    rows: ParquetWalletRows
    touched: Touched

    def events(self, bucket: int, wallets: Collection[str]) -> dict[str, list[PositionEvent]]:
        self.touched.log.append("files")
        return self.rows.events(bucket, wallets)


@dataclass
class Prices:
    """Prices of a world's files."""

    world: World

    def at(self, as_of: datetime) -> tuple[CandleSource, Market]:
        assert as_of == self.world.as_of
        return self.world.source, self.world.market


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "store", as_of=START + timedelta(days=4))
    made.put_sol("150", START.date())
    made.put_candles(candle(0, "1.0"), candle(59, "1.2"), candle(120, "2.0"), candle(3_000, "0.6"))
    return made


def turn(world: World, touched: Touched, limit: int = 100) -> RefreshTurn:
    files = Files(ParquetWalletRows(world.store), touched)
    return refresh_turn(touched, files, Prices(world), world.rules, lambda: NOW, limit=limit)


def cold(world: World) -> dict[str, pl.DataFrame]:
    """What the buckets' workflows make of the files, all buckets together."""
    world.position()
    world.look()
    frames: dict[str, list[pl.DataFrame]] = {}
    for published in world.notes.published.values():
        for name, frame in published.items():
            frames.setdefault(name, []).append(frame)
    return {name: pl.concat(parts) for name, parts in frames.items()}


def same(found: dict[str, pl.DataFrame], expected: dict[str, pl.DataFrame]) -> bool:
    datasets = POSITION_DATASETS | MOMENT_DATASETS
    assert found.keys() == expected.keys() == datasets.keys()
    return all(
        dataset.arrange(found[name]).equals(dataset.arrange(expected[name])) for name, dataset in datasets.items()
    )


@pytest.mark.parametrize("filed", [(), (BUY,), (BUY, NEIGHBOURS), (BUY, SALE, NEIGHBOURS, HELD)], ids=len)
def test_rows_are_those_of_the_buckets_workflows_however_much_is_in_files(
    world: World, filed: tuple[PositionEvent, ...]
) -> None:
    every = [BUY, SALE, NEIGHBOURS, HELD]
    world.put_events(*filed)
    touched = Touched(world.as_of, [WALLET, NEIGHBOUR, ELSEWHERE], [one for one in every if one not in filed])
    done = turn(world, touched)
    assert (done.taken, done.failed, done.left) == (3, 0, 0)
    assert set(done.served) == {WALLET, NEIGHBOUR, ELSEWHERE}
    assert done.oldest_touched_at == NOW - timedelta(seconds=2)
    world.put_events(*every)
    expected = cold(world)
    assert expected["oof_moments"].height > 0
    assert same(touched.served, expected)


def test_what_moves_is_read_before_where_it_moves_to(world: World) -> None:
    touched = Touched(world.as_of, [WALLET, ELSEWHERE], [BUY])
    turn(world, touched)
    assert touched.log == ["take", "notes", "waiting", "files", "files", "serve"]


@given(seed=st.integers(0, 2**32), count=st.integers(0, 12))
def test_an_event_that_is_in_the_file_and_waits_counts_once(
    tmp_path_factory: pytest.TempPathFactory, seed: int, count: int
) -> None:
    dice = Random(seed)
    every = [event("buy", minute, qty=minute + 1, usdc=1, tx_index=dice.choice([None, 3])) for minute in range(count)]
    places = [dice.choice(["file", "waiting", "both"]) for _ in every]
    world = World(tmp_path_factory.mktemp("store"))
    filed = [one for one, place in zip(every, places, strict=True) if place != "waiting"]
    if filed:
        world.put_events(*filed)
    waiting = [one for one, place in zip(every, places, strict=True) if place != "file"]
    dice.shuffle(waiting)
    touched = Touched(world.as_of, [], waiting)
    taken = TakenWallet(WALLET, wallet_bucket(WALLET), {"event": 1}, NOW)
    files = ParquetWalletRows(world.store)
    assert wallet_events(touched, files, [taken]) == {WALLET: sorted(every, key=lambda one: one.order_key)}


def test_a_wallet_without_any_event_has_no_rows(world: World) -> None:
    touched = Touched(world.as_of, [WALLET])
    assert turn(world, touched).served == (WALLET,)
    assert [frame.height for frame in touched.served.values()] == [0] * 5


def test_nothing_due_is_no_work(world: World) -> None:
    touched = Touched(world.as_of, [])
    assert turn(world, touched) == RefreshTurn(0)
    assert touched.log == ["take"]


def test_one_that_cannot_be_made_is_put_off_alone(world: World) -> None:
    too_many = [event("buy", minute, wallet=ELSEWHERE, qty=9 * 10**37, usdc=1) for minute in (1, 2)]
    touched = Touched(world.as_of, [WALLET, ELSEWHERE, NEIGHBOUR], [BUY, *too_many, NEIGHBOURS])
    done = turn(world, touched)
    assert set(done.served) == {WALLET, NEIGHBOUR}
    assert (done.failed, done.left) == (1, 0)
    assert list(touched.put_aside) == [ELSEWHERE]
    assert "38 digits" in touched.put_aside[ELSEWHERE]


def test_wallets_of_many_events_are_made_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENTS_AT_ONCE", 2)
    touched = Touched(world.as_of, [WALLET, NEIGHBOUR, ELSEWHERE], [BUY, SALE, NEIGHBOURS, HELD])
    assert turn(world, touched).served == (WALLET, NEIGHBOUR, ELSEWHERE)
    assert touched.batches == [[WALLET], [NEIGHBOUR, ELSEWHERE]]


def test_what_is_not_served_since_its_bucket_was_counts_as_left(world: World) -> None:
    touched = Touched(world.as_of, [WALLET, ELSEWHERE], [BUY, HELD], busy_buckets=frozenset({wallet_bucket(WALLET)}))
    done = turn(world, touched)
    assert (done.served, done.left) == ((ELSEWHERE,), 1)


def test_a_turn_takes_no_more_than_it_was_told(world: World) -> None:
    touched = Touched(world.as_of, [WALLET, NEIGHBOUR, ELSEWHERE], [BUY, HELD])
    assert turn(world, touched, limit=2).taken == 2
    assert touched.due == [ELSEWHERE]
    assert WALLET_EVENTS.name not in touched.served

"""The stored stream again: equal to what was stored, in its order, a part of it alone, with little in memory."""

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from told_trades import told_rows

from oof_pipelines.market.events import MarketEvent, RiskFlag, Trade
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.storage.parquet.decoded_rows import frames_of
from oof_pipelines.storage.parquet.market_rows import risk_frame, row_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import ROWS_A_GROUP, ParquetStore
from oof_pipelines.workflows.replay import day_events, stored_events

FIRST, LAST = date.min, date.max


def frame_of(events: list[MarketEvent]) -> pl.DataFrame:
    rows = [row_of(event) for event in events]
    random.Random(5).shuffle(rows)
    return frames_of({name: rows if name == MARKET_EVENTS.name else [] for name in DECODED_DATASETS})[
        MARKET_EVENTS.name
    ]


def events_told() -> list[MarketEvent]:
    """What a synthetic chain of two days tells, in order."""
    found: list[MarketEvent] = []
    for row in told_rows():
        assert row.decoded is not None
        found += market_events_of(row.signature, row.slot, row.tx_index, int(row.block_time.timestamp()), row.decoded)
    return sorted(found, key=lambda event: event.order_key)


def day_of(event: MarketEvent) -> date:
    return datetime.fromtimestamp(event.place.block_time_s, UTC).date()


def write(store: ParquetStore, events: list[MarketEvent]) -> list[date]:
    days = sorted({day_of(event) for event in events})
    for day in days:
        store.write(MARKET_EVENTS.name, day, frame_of([event for event in events if day_of(event) == day]))
    return days


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path)


def test_replay_gives_what_was_stored(store: ParquetStore) -> None:
    events = events_told()
    days = write(store, events)
    assert len(days) > 1
    assert {event.KIND for event in events} >= {"trade", "pool_state", "token_launched", "liquidity_changed"}
    assert list(stored_events(store, FIRST, LAST)) == events
    assert list(stored_events(store, days[1], days[1])) == [event for event in events if day_of(event) == days[1]]
    assert list(stored_events(store, days[-1] + timedelta(days=1), LAST)) == []


def test_a_part_of_the_stream_is_the_same_part_of_all_of_it(store: ParquetStore) -> None:
    events = events_told()
    write(store, events)
    trades = list(stored_events(store, FIRST, LAST, where=pl.col("kind") == "trade"))
    assert trades == [event for event in events if isinstance(event, Trade)]
    assert list(stored_events(store, FIRST, LAST, where=pl.col("mint") == "nobody's")) == []


def test_flags_stand_behind_what_raised_them(store: ParquetStore) -> None:
    events = events_told()
    (day, *_) = write(store, events)
    at = [event for event in events if isinstance(event, Trade) and day_of(event) == day][3]
    flags = [
        RiskFlag(msgspec.structs.replace(at.place, ordinal=n), "top_holder_share", at.mint, w, "", 1)
        for n, w in enumerate("ab")
    ]
    store.write(RISK_FLAGS.name, day, risk_frame(flags))
    found = list(stored_events(store, day, day))
    assert [event for event in found if isinstance(event, RiskFlag)] == flags
    assert found == sorted(found, key=lambda event: event.order_key)
    assert len(found) == len({event.order_key for event in found})
    position = found.index(flags[0])
    assert position > found.index(at)
    assert [event for event in stored_events(store, day, day, has_flags=False) if isinstance(event, RiskFlag)] == []
    assert list(stored_events(store, day, day, where=pl.col("kind") == "risk_flag")) == flags


class CountedFiles:
    """A store that counts the batches it was asked for."""

    def __init__(self, store: ParquetStore) -> None:
        self._store = store
        self.batches_read = 0

    def days(self, dataset: str) -> list[date]:
        return self._store.days(dataset)

    def batches(self, dataset: str, day: date, **asked: Any) -> Iterator[pl.DataFrame]:
        for batch in self._store.batches(dataset, day, **asked):
            self.batches_read += 1
            assert batch.height <= ROWS_A_GROUP
            yield batch


def test_a_large_day_is_read_as_it_is_asked_for(store: ParquetStore) -> None:
    """A transaction whose events lie on both sides of a boundary between groups of rows stays whole."""
    event = next(event for event in events_told() if isinstance(event, Trade))
    count = ROWS_A_GROUP * 2 + 100
    places = [
        msgspec.structs.replace(event.place, signature=f"{n // 3:08d}", slot=1_000 + n // 3, log_idx=n % 3)
        for n in range(count)
    ]
    events: list[MarketEvent] = [msgspec.structs.replace(event, place=place) for place in places]
    (day,) = write(store, events)
    files = CountedFiles(store)
    replay = day_events(files, day)
    assert list(itertools.islice(replay, 10)) == events[:10]
    assert files.batches_read == 1
    assert list(replay) == events[10:]
    assert files.batches_read == 3
    # A group that holds none of them is not read whole.
    files = CountedFiles(store)
    last = pl.col("slot") == 1_000 + (count - 1) // 3
    assert list(day_events(files, day, where=last)) == [
        one for one in events if one.place.slot == events[-1].place.slot
    ]
    assert files.batches_read == 1


def test_a_store_reads_columns_and_conditions(store: ParquetStore) -> None:
    events = events_told()
    (day, *_) = write(store, events)
    whole = store.read(MARKET_EVENTS.name, day)
    assert whole is not None
    assert pl.concat(store.batches(MARKET_EVENTS.name, day)).equals(whole)
    asked = pl.concat(store.batches(MARKET_EVENTS.name, day, columns=["slot"], where=pl.col("kind") == "trade"))
    assert asked.equals(whole.filter(pl.col("kind") == "trade").select("slot"))
    assert list(store.batches(MARKET_EVENTS.name, date(2001, 1, 1))) == []

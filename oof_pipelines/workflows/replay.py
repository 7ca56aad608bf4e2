"""The stored market stream again as typed events, in their order: what prices, features and strategies fold over.

Days follow one another; within a day the order is that of `order_key`. A file is read a batch of rows at a time and never
more than a transaction's events are held back, so memory stays bounded whatever a day holds. Only files are read: what the
feed heard and no file holds yet is not in them.
"""

import heapq
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Protocol

import polars as pl

from oof_pipelines.market.events import MarketEvent
from oof_pipelines.storage.parquet.market_rows import events_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS


class EventFiles(Protocol):
    """Where day partitions are read."""

    def days(self, dataset: str) -> list[date]:
        """Days that have a file, ascending."""
        ...

    def batches(
        self, dataset: str, day: date, *, columns: list[str] | None = None, where: pl.Expr | None = None
    ) -> Iterator[pl.DataFrame]:
        """The rows of a day's file in its order, some at a time; of `columns` alone, and those that fulfil `where`."""
        ...


def stored_events(
    files: EventFiles, first: date, last: date, *, where: pl.Expr | None = None, has_flags: bool = True
) -> Iterator[MarketEvent]:
    """The events of the days from `first` to `last`, both included; risk flags among them where `has_flags`.

    `where` is an expression over the columns of market_events.
    """
    days = {*files.days(MARKET_EVENTS.name), *(files.days(RISK_FLAGS.name) if has_flags else ())}
    for day in sorted(days):
        if first <= day <= last:
            events = day_events(files, day, where=where)
            if has_flags:
                flags = day_events(files, day, where=where, dataset=RISK_FLAGS.name)
                events = heapq.merge(events, flags, key=lambda event: event.order_key)
            yield from events


def day_events(
    files: EventFiles, day: date, *, where: pl.Expr | None = None, dataset: str = MARKET_EVENTS.name
) -> Iterator[MarketEvent]:
    """A day's events of one dataset, in their order; none where it has no file."""
    for batch in _whole_transactions(files.batches(dataset, day, where=where)):
        yield from batch


def _whole_transactions(batches: Iterable[pl.DataFrame]) -> Iterator[list[MarketEvent]]:
    """The events of a transaction at a time, sorted: files have the kinds of one path in another order than the stream."""
    held: list[MarketEvent] = []
    for batch in batches:
        for event in events_of(batch):
            if held and held[-1].place.signature != event.place.signature:
                yield _in_order(held)
                held = []
            held.append(event)
    if held:
        yield _in_order(held)


def _in_order(events: list[MarketEvent]) -> list[MarketEvent]:
    return sorted(events, key=lambda event: event.order_key) if len(events) > 1 else events

"""Recorded transactions as the feed would store them, those alone in which something is traded."""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from oof_pipelines.chain.body import BodyError, read_body
from oof_pipelines.features.bucket import key_of
from oof_pipelines.features.rows import BucketKey
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.market.events import Trade
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.testing.recorded_node.recording_files import find_recording_files, read_recording_file
from oof_pipelines.testing.recorded_node.recordings import KnownFacts, RecordingError, cut_recording
from oof_pipelines.workflows.prepare import FetchedBody, prepare

_NOW = datetime(2026, 11, 21, tzinfo=UTC)


@functools.cache
def recorded_trading(fixtures: Path) -> tuple[StoredTransaction, ...]:
    """In the order of their slots; each once."""
    rows: dict[str, StoredTransaction] = {}
    for file in find_recording_files(fixtures):
        text, _ = read_recording_file(file)
        try:
            recording = cut_recording(text, KnownFacts())
        except RecordingError:
            continue
        for one in recording.transactions:
            try:
                signature = read_body(one.body).signature
            except BodyError:
                continue
            row = prepare(FetchedBody(signature, one.body), 0, "mainnet-beta", _NOW)
            if isinstance(row, StoredTransaction) and trades_in(row):
                rows.setdefault(row.signature, row)
    return tuple(sorted(rows.values(), key=lambda row: (row.slot, row.signature)))


def trades_in(row: StoredTransaction) -> list[Trade]:
    if row.decoded is None:
        return []
    at_s = int(row.block_time.timestamp())
    events = market_events_of(row.signature, row.slot, row.tx_index, at_s, row.decoded)
    return [event for event in events if isinstance(event, Trade)]


def buckets_of(rows: Sequence[StoredTransaction]) -> set[BucketKey]:
    return {key_of(trade) for row in rows for trade in trades_in(row)}

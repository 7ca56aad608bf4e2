"""The days that `oof bench decode` measures: raw_transactions partitions as a fold leaves them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from oof_pipelines.chain.body import BodyError, BodyHeader, read_body
from oof_pipelines.chain.compression import compress_body
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.testing.recorded_node.recording_files import find_recording_files, is_line_file, read_recording_file
from oof_pipelines.testing.recorded_node.recordings import KnownFacts, RecordingError, cut_recording
from oof_pipelines.testing.synthetic_chain import DEFAULT_START_SLOT, generate
from oof_pipelines.testing.synthetic_volume import Volume

EXECUTED = 1_000
"""Transactions that the virtual machine executes; larger days are retellings of them."""

FIRST_DAY = date(2026, 7, 4)
_ROWS_AT_ONCE = 10_000
_Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Recorded transactions, each once; `refused` were no transaction that can be read, `repeated` were there before."""

    bodies: list[tuple[BodyHeader, bytes]]
    refused: int
    repeated: int


def synthetic_volume(seed: int) -> Volume:
    """The base set, executed now."""
    return Volume([transaction.result for transaction in generate(seed, EXECUTED, days=1)])


def write_synthetic_day(
    store: ParquetStore, volume: Volume, number: int, count: int, on_rows: Callable[[int], None] = lambda _count: None
) -> date:
    """Write day `number` with `count` transactions; `on_rows` hears how many are made. Returns the day."""
    day = FIRST_DAY + timedelta(days=number)
    opens_s = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    rows = (
        _row(
            one.header,
            one.signature,
            one.slot,
            one.tx_index,
            datetime.fromtimestamp(one.block_time_s, UTC),
            not one.is_time_known,
            one.fee_payer,
            one.body,
        )
        for one in volume.day(number, count, DEFAULT_START_SLOT, opens_s)
    )
    _write(store, day, rows, on_rows)
    return day


def write_recorded_day(store: ParquetStore, recorded: Recorded, number: int) -> date:
    """Write all recorded transactions as one day, whenever they happened; one without a slot takes its number for it."""
    day = FIRST_DAY + timedelta(days=number)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    rows = (
        _row(
            header,
            header.signature,
            place if header.slot is None else header.slot,
            header.tx_index,
            noon,
            header.block_time_s is None,
            header.fee_payer,
            body,
        )
        for place, (header, body) in enumerate(recorded.bodies)
    )
    _write(store, day, rows, lambda _count: None)
    return day


def read_recorded(folder: Path) -> Recorded:
    """Every transaction recorded in files below `folder`, in any encoding."""
    found: dict[str, tuple[BodyHeader, bytes]] = {}
    refused = repeated = 0
    for body in _recorded_bodies(folder):
        try:
            header = read_body(body)
            parse_transaction(body)
        except BodyError:
            refused += 1
            continue
        if header.signature in found:
            repeated += 1
        else:
            found[header.signature] = header, body
    return Recorded(list(found.values()), refused, repeated)


def _recorded_bodies(folder: Path) -> Iterator[bytes]:
    for path in find_recording_files(folder):
        try:
            text, _ = read_recording_file(path)
        except OSError:
            continue
        for part in text.splitlines() if is_line_file(path) else [text]:
            try:
                recording = cut_recording(part, KnownFacts())
            except RecordingError:
                continue
            yield from (one.body for one in recording.transactions)


def _row(
    header: BodyHeader,
    signature: str,
    slot: int,
    tx_index: int | None,
    block_time: datetime,
    is_estimated: bool,
    fee_payer: str,
    body: bytes,
) -> _Row:
    """A row of raw_transactions, in its columns."""
    return (
        signature,
        slot,
        tx_index,
        block_time,
        is_estimated,
        header.version,
        header.is_failed,
        header.fee_lamports,
        fee_payer,
        list(header.program_ids),
        compress_body(body),
    )


def _write(store: ParquetStore, day: date, rows: Iterable[_Row], on_rows: Callable[[int], None]) -> None:
    frames: list[pl.DataFrame] = []
    waiting = iter(rows)
    while batch := list(islice(waiting, _ROWS_AT_ONCE)):
        # Amounts go by way of integers, exactly, as everywhere.
        columns: dict[str, Any] = {**RAW_TRANSACTIONS.columns, "fee_lamports": pl.Int128}
        frame = pl.DataFrame(batch, schema=columns, orient="row")
        frames.append(frame.with_columns(pl.col("fee_lamports").cast(RAW_AMOUNT)))
        on_rows(sum(frame.height for frame in frames))
    store.write(RAW_TRANSACTIONS.name, day, pl.concat(frames))

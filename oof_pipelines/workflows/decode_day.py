"""Decode a day: its stored bodies become actions, moves, trades and the other datasets, checked, written, then served.

The bodies are the truth. The day is decoded whole each time, so its files are a function of its bodies and the decoder
alone; the serving rows are then replaced by it in one transaction. Killed anywhere, doing it again ends the same.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl
import zstandard

from oof_pipelines.chain.body import BodyError
from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.storage.parquet.decoded_day import DecodedDay
from oof_pipelines.storage.parquet.decoded_rows import Place, Row, first_facts, frames_of, rows_of
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, RAW_TRANSACTIONS, TOKEN_FACTS
from oof_pipelines.workflows.decode_tally import DecodeTally
from oof_pipelines.workflows.decoded_checks import check_decoded, compare_with_hot
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.fold import InvalidPartitionError, PartitionStore, WrittenFile
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.prepare import decode_or_none
from oof_pipelines.workflows.wallet_slices import slice_digests

DECODED = "decoded"
"""The lock that whoever writes a day's decoded files holds: one for all of them."""

_TRANSACTIONS_AT_ONCE = 10_000

Frames = dict[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class DecodeReport:
    """One decoded day. `files` are by dataset; empty, with no checks, where the day has no stored transaction."""

    day: date
    tally: DecodeTally
    row_counts: dict[str, int]
    files: dict[str, WrittenFile]
    checks: tuple[CheckResult, ...]
    first_slot: int | None = None
    last_slot: int | None = None


class DecodedFiles(Protocol):
    """Which days have files."""

    def days(self, dataset: str) -> list[date]:
        """Days that have a file of the dataset, ascending."""
        ...


class ServedRows(Protocol):
    """The side of the database that serves decoded rows."""

    def lock(self, dataset: str, day: date) -> AbstractContextManager[None]:
        """Exclude every other writer of the partition for the block."""
        ...

    def hot_rows(self, day: date) -> Frames:
        """Rows that the feed decoded, of the day's final transactions that no decoded file holds yet."""
        ...

    def publish(self, decoded: DecodedDay) -> None:
        """Replace the day's serving rows and let go of its hot ones, in one transaction."""
        ...


def decode_day(
    store: PartitionStore,
    served: ServedRows,
    day: date,
    *,
    anchor_programs: Collection[str] = (),
    at_step: Callable[[str], None] = lambda _step: None,
) -> DecodeReport:
    """Decode one day. `at_step` is told each step's name before it is made (tests kill there).

    `anchor_programs` are programs whose events are decoded; they are part of the decoder's version.

    Raises `InvalidPartitionError` where the rows must not be published: nothing is written then.
    """
    with served.lock(DECODED, day):
        at_step("read")
        raw = store.read(RAW_TRANSACTIONS.name, day)
        if raw is None:
            return DecodeReport(day, DecodeTally(), {}, {}, ())
        at_step("decode")
        frames, tally = decode_frame(raw, anchor_programs)
        at_step("validate")
        checks = check_decoded(day, frames, tally)
        if not all(check.has_passed for check in checks if check.is_blocking):
            raise InvalidPartitionError(DECODED, day, checks)
        checks = (*checks, compare_with_hot(served.hot_rows(day), frames))
        files: dict[str, WrittenFile] = {}
        for name, frame in frames.items():
            at_step(f"write {name}")
            files[name] = store.write(name, day, frame)
        at_step("publish")
        version = decoder_version(anchor_programs)
        served.publish(_decoded_day(day, raw, frames, tally, files["actions"].sha256, version))
        at_step("done")
    return DecodeReport(
        day=day,
        tally=tally,
        row_counts={name: frame.height for name, frame in frames.items()},
        files=files,
        checks=checks,
        first_slot=int(raw["slot"][0]),
        last_slot=int(raw["slot"][-1]),
    )


def days_lacking_files(files: DecodedFiles) -> list[date]:
    """Stored days without the file of a decoded dataset, ascending: not decoded yet, or by a version that had fewer."""
    stored = files.days(RAW_TRANSACTIONS.name)
    complete = set(stored).intersection(*(files.days(name) for name in DECODED_DATASETS))
    return [day for day in stored if day not in complete]


def _decoded_day(
    day: date, raw: pl.DataFrame, frames: Frames, tally: DecodeTally, actions_sha256: str, version: str
) -> DecodedDay:
    return DecodedDay(
        day=day,
        raw=raw,
        frames=frames,
        counts=tally.counts,
        program_hours=tally.program_hours(),
        unknown_discriminators=tally.unknown_discriminators(),
        slices=slice_digests(frames),
        actions_sha256=actions_sha256,
        decoder_version=version,
    )


def decode_frame(raw: pl.DataFrame, anchor_programs: Collection[str] = ()) -> tuple[Frames, DecodeTally]:
    """Decode rows of raw_transactions; the frames are in their datasets' order. A body that fails is counted, not raised."""
    tally = DecodeTally()
    # Once also where there is no row: the frames have their columns all the same.
    starts = range(0, max(raw.height, 1), _TRANSACTIONS_AT_ONCE)
    parts: list[Frames] = [
        _decode_rows(raw.slice(start, _TRANSACTIONS_AT_ONCE), tally, anchor_programs) for start in starts
    ]
    frames: Frames = {}
    for name, dataset in DECODED_DATASETS.items():
        # Taken out of the parts as they are joined, so that no dataset is in memory twice for longer than its turn.
        frame = pl.concat([part.pop(name) for part in parts])
        frames[name] = dataset.arrange(first_facts(frame) if name == TOKEN_FACTS.name else frame)
    return frames, tally


def _decode_rows(raw: pl.DataFrame, tally: DecodeTally, anchor_programs: Collection[str]) -> Frames:
    rows: dict[str, list[Row]] = {name: [] for name in DECODED_DATASETS}
    for signature, slot, tx_index, block_time, body_zstd in raw.select(
        "signature", "slot", "tx_index", "block_time", "body_zstd"
    ).iter_rows():
        try:
            decoded = decode_or_none(parse_transaction(decompress_body(body_zstd)), anchor_programs)
        except (BodyError, zstandard.ZstdError):
            # The raw partition's checks read every body's header; a body the fuller reading refuses is counted here.
            decoded = None
        if decoded is None:
            tally.add_undecoded(signature)
            continue
        tally.add(decoded, block_time)
        for name, its_rows in rows_of(Place(signature, slot, tx_index, block_time), decoded).items():
            rows[name] += its_rows
    return frames_of(rows)

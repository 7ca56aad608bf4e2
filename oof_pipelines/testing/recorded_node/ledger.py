"""The index over all recorded transactions, in chain order. It knows no time: chain_view does."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from oof_pipelines.testing.recorded_node.body_store import BodyPlace, BodyStore
from oof_pipelines.testing.recorded_node.indexing import IndexedBody, index_body
from oof_pipelines.testing.recorded_node.recording_files import (
    IndexFiles,
    find_recording_files,
    is_line_file,
    read_lines,
    read_recording_file,
)
from oof_pipelines.testing.recorded_node.recordings import (
    BROKEN_JSON,
    NO_SIGNATURE,
    NO_TRANSACTION,
    BlockFrame,
    CutTransaction,
    KnownFacts,
    Recording,
    RecordingError,
    cut_recording,
    is_line_recording,
)

UNREADABLE = "unreadable file"
_FALLBACK_ENCODINGS = ("base64", "json", "jsonParsed")


@dataclass(slots=True)
class Entry:
    """One transaction. `slot` is where it is announced; `has_slot` says whether its body or the index knew that."""

    signature: str
    slot: int
    has_slot: bool
    block_time_seconds: int | None
    tx_index: int | None
    version: str
    err: bytes
    is_vote: bool
    memo: str | None
    places: tuple[BodyPlace, ...]


@dataclass(slots=True)
class LoadTally:
    """How many files were looked at, gave transactions, and were skipped for which reason."""

    files: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    broken_lines: int = 0


class Ledger:
    """Entries sorted by (slot, index in the block where recorded, load order), found by signature and address."""

    def __init__(
        self,
        entries: list[Entry],
        postings: dict[str, "array[int]"],
        owner_postings: dict[str, "array[int]"],
        frames: dict[int, BlockFrame],
        bodies: BodyStore,
        tally: LoadTally,
    ) -> None:
        self.entries = entries
        self.frames = frames
        self.bodies = bodies
        self.tally = tally
        self._postings = postings
        self._owner_postings = owner_postings
        self._position = {entry.signature: position for position, entry in enumerate(entries)}
        self.slots: list[int] = []
        self.first_positions: list[int] = []
        for position, entry in enumerate(entries):
            if not self.slots or entry.slot != self.slots[-1]:
                self.slots.append(entry.slot)
                self.first_positions.append(position)

    def position_of(self, signature: str) -> int | None:
        """Where `signature` stands in `entries`, or None."""
        return self._position.get(signature)

    def positions_of_address(self, address: str) -> "array[int]":
        """Ascending positions of the transactions that name `address`, loaded addresses included."""
        return self._postings.get(address, array("I"))

    def positions_of_owner(self, owner: str) -> "array[int]":
        """Ascending positions of the transactions whose token balances name `owner`."""
        return self._owner_postings.get(owner, array("I"))

    def slot_number(self, slot: int) -> int | None:
        """The place of `slot` among the recorded slots, or None where nothing of it is recorded."""
        number = bisect_left(self.slots, slot)
        return number if number < len(self.slots) and self.slots[number] == slot else None

    def entries_of_slot(self, slot_number: int) -> list[Entry]:
        """The entries of the slot at that place, in block order."""
        return self.entries[self.first_positions[slot_number] : self.end_position(slot_number + 1)]

    def end_position(self, slot_count: int) -> int:
        """How many entries the first `slot_count` recorded slots hold."""
        return self.first_positions[slot_count] if slot_count < len(self.first_positions) else len(self.entries)

    def block_time_seconds(self, slot_number: int) -> int | None:
        """The first block time that any record of this slot knows; one merely announced here knows nothing of it."""
        times = (entry.block_time_seconds for entry in self.entries_of_slot(slot_number) if entry.has_slot)
        return next((time for time in times if time is not None), None)

    def read_body(self, entry: Entry, encoding: str) -> bytes:
        """The body in `encoding` if recorded, else in base64, json, jsonParsed or any; nothing is converted."""
        for wanted in (encoding, *_FALLBACK_ENCODINGS):
            for place in entry.places:
                if place.encoding == wanted:
                    return self.bodies.read(place)
        return self.bodies.read(entry.places[0])


def load_ledger(directory: Path, on_file: Callable[[int], None] | None = None) -> Ledger:
    """Index everything recorded under `directory`; `on_file` hears the number of files done."""
    builder = _LedgerBuilder()
    indexes = IndexFiles()
    for path in find_recording_files(directory):
        builder.add_file(path, indexes.facts(path))
        if on_file is not None:
            on_file(builder.tally.files)
    return builder.build()


class _LedgerBuilder:
    def __init__(self) -> None:
        self.tally = LoadTally()
        self._bodies = BodyStore()
        self._entries: dict[str, Entry] = {}
        self._keys: dict[str, tuple[array[int], array[int]]] = {}
        self._address_numbers: dict[str, int] = {}
        self._frames: dict[int, BlockFrame] = {}
        self._last_slot: int | None = None

    def add_file(self, path: Path, known: KnownFacts) -> None:
        self.tally.files += 1
        reason = NO_TRANSACTION
        added = 0
        try:
            for recording, is_in_place in self._cut_file(path, known):
                for frame in recording.blocks:
                    self._frames.setdefault(frame.slot, frame)
                for transaction in recording.transactions:
                    is_added = self._add_transaction(transaction, path if is_in_place else None)
                    added += is_added
                    reason = reason if is_added else NO_SIGNATURE
        except RecordingError as error:
            reason = str(error)
        except OSError:
            reason = UNREADABLE
        if not added:
            self.tally.skipped[reason] += 1

    def _cut_file(self, path: Path, known: KnownFacts) -> Iterator[tuple[Recording, bool]]:
        if is_line_file(path):
            yield from self._cut_lines(read_lines(path))
            return
        text, is_plain = read_recording_file(path)
        try:
            yield cut_recording(text, known), is_plain
        except RecordingError as error:
            if str(error) != BROKEN_JSON or not is_line_recording(text):
                raise
            yield from self._cut_lines(iter(text.splitlines()))

    def _cut_lines(self, lines: Iterator[bytes]) -> Iterator[tuple[Recording, bool]]:
        # A file of lines has no facts of its own: its name and index row, if any, cannot speak of every line.
        last_reason = NO_TRANSACTION
        has_any = False
        for line in lines:
            if not line.strip():
                continue
            try:
                recording = cut_recording(line, KnownFacts())
            except RecordingError as error:
                last_reason = str(error)
                self.tally.broken_lines += last_reason == BROKEN_JSON
                continue
            has_any = True
            yield recording, False
        if not has_any:
            raise RecordingError(last_reason)

    def _add_transaction(self, transaction: CutTransaction, path: Path | None) -> bool:
        indexed = index_body(transaction.body, transaction.hinted_signature)
        if indexed is None:
            return False
        entry = self._entries.get(indexed.signature)
        if entry is None:
            entry = self._new_entry(indexed)
        else:
            _merge(entry, indexed)
        if indexed.slot is not None:
            self._last_slot = indexed.slot
        if all(place.encoding != indexed.encoding for place in entry.places):
            if transaction.is_whole_text and path is not None:
                place = self._bodies.keep_file(path, indexed.encoding)
            else:
                place = self._bodies.keep_bytes(transaction.body, indexed.encoding)
            entry.places = (*entry.places, place)
        return True

    def _new_entry(self, indexed: IndexedBody) -> Entry:
        has_slot = indexed.slot is not None
        entry = Entry(
            signature=indexed.signature,
            slot=indexed.slot if indexed.slot is not None else -1 if self._last_slot is None else self._last_slot,
            has_slot=has_slot,
            block_time_seconds=indexed.block_time_seconds,
            tx_index=indexed.tx_index,
            version=indexed.version,
            err=indexed.err,
            is_vote=indexed.is_vote,
            memo=indexed.memo,
            places=(),
        )
        self._entries[indexed.signature] = entry
        self._keys[indexed.signature] = (self._numbers(indexed.account_keys), self._numbers(indexed.token_owners))
        return entry

    def _numbers(self, addresses: tuple[str, ...]) -> "array[int]":
        numbers = self._address_numbers
        return array("I", [numbers.setdefault(address, len(numbers)) for address in addresses])

    def build(self) -> Ledger:
        self._bodies.finish()
        entries = list(self._entries.values())
        first_slot = min((entry.slot for entry in entries if entry.slot >= 0), default=0)
        for entry in entries:
            if entry.slot < 0:
                entry.slot = first_slot
        # The sort is stable, so entries that no index orders stay in load order.
        entries.sort(key=lambda entry: (entry.slot, entry.tx_index is None, entry.tx_index or 0))
        postings: list[array[int]] = [array("I") for _ in self._address_numbers]
        owner_postings: dict[int, array[int]] = {}
        for position, entry in enumerate(entries):
            keys, owners = self._keys.pop(entry.signature)
            for number in keys:
                postings[number].append(position)
            for number in owners:
                owner_postings.setdefault(number, array("I")).append(position)
        by_address = {address: postings[number] for address, number in self._address_numbers.items()}
        by_owner = {a: owner_postings[n] for a, n in self._address_numbers.items() if n in owner_postings}
        return Ledger(entries, by_address, by_owner, self._frames, self._bodies, self.tally)


def _merge(entry: Entry, indexed: IndexedBody) -> None:
    """Fill what the first recording of a signature lacked; what it said stays."""
    if not entry.has_slot and indexed.slot is not None:
        entry.slot, entry.has_slot = indexed.slot, True
    if entry.block_time_seconds is None:
        entry.block_time_seconds = indexed.block_time_seconds
    if entry.tx_index is None:
        entry.tx_index = indexed.tx_index

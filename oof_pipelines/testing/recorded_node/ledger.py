"""The index over all recorded transactions, in chain order. It knows no time: chain_view does."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from oof_pipelines.testing.recorded_accounts import RecordedAccounts, load_accounts
from oof_pipelines.testing.recorded_node.body_store import BodyPlace, BodyStore
from oof_pipelines.testing.recorded_node.indexing import IndexedBody, index_body
from oof_pipelines.testing.recorded_node.recording_files import (
    TOO_LARGE,
    DocumentTooLargeError,
    IndexFiles,
    find_recording_files,
    is_line_file,
    read_lines,
    read_recording_file,
    shown_path,
)
from oof_pipelines.testing.recorded_node.recordings import (
    BROKEN_JSON,
    NO_TRANSACTION,
    OTHER_SLOT,
    BlockFrame,
    CutTransaction,
    KnownFacts,
    Recording,
    RecordingError,
    cut_recording,
    is_line_recording,
    without_mark,
)

UNREADABLE = "unreadable file"
CUT_SHORT = "the rest of a file that became unreadable"
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
    """What the load met. `skipped` counts the files that gave nothing, by reason; `left_out` the transactions and lines
    that files which gave something did not give, by reason.
    """

    files: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def broken_lines(self) -> int:
        """How many lines were no JSON in files of lines that gave something."""
        return self.left_out[BROKEN_JSON]

    def lines(self) -> list[str]:
        """One line a reason, the most frequent first."""
        texts = []
        for what, counts in (("file", self.skipped), ("part", self.left_out)):
            for reason, count in counts.most_common():
                texts.append(f"skipped {count} {what}{'' if count == 1 else 's'}: {reason}")
        return texts


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
        self.accounts = RecordedAccounts([])
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


def load_ledger(
    directory: Path, on_file: Callable[[int], None] | None = None, on_skip: Callable[[str, str], None] | None = None
) -> Ledger:
    """Index everything recorded under `directory`.

    `on_file` hears the number of files done; `on_skip` of every file, or part of one, that is left out, and the reason.
    """
    builder = _LedgerBuilder(on_skip)
    indexes = IndexFiles(builder.skip_file)
    for path in find_recording_files(directory, builder.skip_file):
        builder.add_file(path, indexes.facts(path))
        if on_file is not None:
            on_file(builder.tally.files)
    ledger = builder.build()
    ledger.accounts = load_accounts(directory)
    return ledger


def has_recording(directory: Path) -> bool:
    """Whether there is a transaction under `directory` that can be served. Reads no further than the first."""
    builder = _LedgerBuilder(None)
    indexes = IndexFiles()
    return any(builder.add_file(path, indexes.facts(path)) for path in find_recording_files(directory))


@dataclass(slots=True)
class _Found:
    """What one file gave: how many transactions, and (place in the file, reason) of what was left out."""

    added: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)


class _LedgerBuilder:
    def __init__(self, on_skip: Callable[[str, str], None] | None) -> None:
        self.tally = LoadTally()
        self._on_skip = on_skip
        self._bodies = BodyStore()
        self._entries: dict[str, Entry] = {}
        self._keys: dict[str, tuple[array[int], array[int]]] = {}
        self._address_numbers: dict[str, int] = {}
        self._frames: dict[int, BlockFrame] = {}
        self._last_slot: int | None = None

    def skip_file(self, path: Path, reason: str) -> None:
        """Count and tell of a file that is not even read."""
        self.tally.files += 1
        self._tell(self.tally.skipped, shown_path(path), reason)

    def add_file(self, path: Path, known: KnownFacts) -> bool:
        """Index one file; whether it gave anything."""
        self.tally.files += 1
        found = _Found()
        reason = NO_TRANSACTION
        try:
            for recording, is_in_place in self._cut_file(path, known, found):
                self._add_recording(recording, path if is_in_place else None, found)
        except RecordingError as error:
            reason = str(error)
        except DocumentTooLargeError:
            reason = TOO_LARGE
        except OSError:
            reason = UNREADABLE
            found.left_out.append(("its end", CUT_SHORT))
        else:
            reason = found.left_out[-1][1] if found.left_out else NO_TRANSACTION
        if not found.added:
            self._tell(self.tally.skipped, shown_path(path), reason)
            return False
        for place, part_reason in found.left_out:
            self._tell(self.tally.left_out, f"{shown_path(path)}, {place}", part_reason)
        return True

    def _tell(self, counts: Counter[str], place: str, reason: str) -> None:
        counts[reason] += 1
        if self._on_skip is not None:
            self._on_skip(place, reason)

    def _add_recording(self, recording: Recording, path: Path | None, found: _Found) -> None:
        for frame in recording.blocks:
            self._frames.setdefault(frame.slot, frame)
        for transaction in recording.transactions:
            try:
                self._add_transaction(transaction, path)
                found.added += 1
            except RecordingError as error:
                found.left_out.append((f"transaction {found.added + len(found.left_out) + 1}", str(error)))

    def _cut_file(self, path: Path, known: KnownFacts, found: _Found) -> Iterator[tuple[Recording, bool]]:
        if is_line_file(path):
            yield from self._cut_lines(read_lines(path), found)
            return
        text, is_plain = read_recording_file(path)
        try:
            yield cut_recording(text, known), is_plain
        except RecordingError as error:
            if str(error) != BROKEN_JSON or not is_line_recording(text):
                raise
            yield from self._cut_lines(iter(without_mark(text).splitlines()), found)

    def _cut_lines(self, lines: Iterator[bytes], found: _Found) -> Iterator[tuple[Recording, bool]]:
        # A file of lines has no facts of its own: its name and index row, if any, cannot speak of every line.
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield cut_recording(line, KnownFacts()), False
            except RecordingError as error:
                found.left_out.append((f"line {number}", str(error)))

    def _add_transaction(self, transaction: CutTransaction, path: Path | None) -> None:
        indexed = index_body(transaction.body, transaction.hinted_signature)
        entry = self._entries.get(indexed.signature)
        if entry is not None and entry.has_slot and indexed.slot not in (None, entry.slot):
            # Announced and confirmed in one slot, but served in another: a client would ask for it for ever.
            raise RecordingError(OTHER_SLOT)
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

"""Finds the recording files under a folder, in a fixed order, and what an INDEX.tsv beside or above them adds."""

import csv
import gzip
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from oof_pipelines.testing.recorded_node.recordings import KnownFacts, is_signature_text

INDEX_NAME = "INDEX.tsv"
UNREADABLE_FOLDER = "unreadable folder"
UNREADABLE_INDEX = "an index that cannot be read"
NOT_A_FILE = "not a regular file"
ANSWERS_NAME = "answers.json"
ANSWERS = "the answers to a made-up chain, no recording"
TOO_LARGE = "larger than 1 GiB unpacked"
MAX_DOCUMENT_BYTES = 2**30
"""A document is parsed as a whole, so it has to fit into memory; larger ones belong into files of lines."""
_DOCUMENT_SUFFIXES = (".json", ".json.gz")
_LINE_SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_GZIP_MAGIC = b"\x1f\x8b"
_INDEX_LEVELS_UP = 3
_MAX_NUMBER_DIGITS = 18

OnSkip = Callable[[Path, str], None]
"""Hears of a path that is passed over, and why."""


class DocumentTooLargeError(OSError):
    """A document of more than `MAX_DOCUMENT_BYTES`."""


def find_recording_files(directory: Path, on_skip: OnSkip | None = None) -> Iterator[Path]:
    """Paths of all *.json, *.jsonl and *.ndjson files, gzipped or not, sorted; links are followed, each folder once.

    What bears such a name and is no regular file (a pipe, a socket, a device, a link to nowhere or to itself) is left
    out, for reading it could last for ever, and so is `ANSWERS_NAME`, which lies beside a made-up chain; `on_skip` hears of
    both, and of folders that cannot be listed.
    """

    def tell(path: Path, reason: str) -> None:
        if on_skip is not None:
            on_skip(path, reason)

    def tell_of_folder(error: OSError) -> None:
        tell(Path(error.filename), UNREADABLE_FOLDER)

    seen: set[str] = set()
    for folder, folder_names, file_names in os.walk(directory, onerror=tell_of_folder, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folder_names.clear()
            continue
        seen.add(real)
        folder_names.sort()
        for name in sorted(file_names):
            if not name.endswith(_DOCUMENT_SUFFIXES + _LINE_SUFFIXES):
                continue
            path = Path(folder, name)
            if name == ANSWERS_NAME:
                tell(path, ANSWERS)
            elif is_regular(path):
                yield path
            else:
                tell(path, NOT_A_FILE)


def is_regular(path: Path) -> bool:
    """Whether `path` is a regular file or a link to one, in a folder that we may enter."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def open_regular_file(path: Path) -> int:
    """A descriptor to read `path` with; OSError where it is no regular file any more. Never waits for a writer."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path}: {NOT_A_FILE}")
    return descriptor


def shown_path(path: Path | str) -> str:
    """`path` on one line of a log: control characters and bytes that are no text are escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def is_line_file(path: Path) -> bool:
    """Whether the name says one document a line."""
    return path.name.endswith(_LINE_SUFFIXES)


def read_recording_file(path: Path) -> tuple[bytes, bool]:
    """The text of `path` and whether it is stored as plain text; OSError where it cannot be read or unpacked."""
    with path.open("rb") as file:
        is_gzip = file.peek(2)[:2] == _GZIP_MAGIC
        try:
            with gzip.open(file) if is_gzip else file as plain:
                data = plain.read(MAX_DOCUMENT_BYTES + 1)
        except (EOFError, zlib.error) as error:
            raise OSError(f"{path}: {error}") from error
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DocumentTooLargeError(f"{path}: {TOO_LARGE}")
    return data, not is_gzip


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of `path`, unpacked as they are read, so that a large file never has to fit into memory."""
    with path.open("rb") as plain:
        is_gzip = plain.peek(2)[:2] == _GZIP_MAGIC
        if not is_gzip:
            yield from plain
            return
        try:
            with gzip.open(plain) as unpacked:
                yield from unpacked
        except (EOFError, zlib.error) as error:
            raise OSError(f"{path}: {error}") from error


def signature_in_name(path: Path) -> str | None:
    """The file name up to its first dot, if that is a signature."""
    stem = path.name.split(".", 1)[0]
    return stem if is_signature_text(stem) else None


@dataclass(slots=True)
class _Index:
    folder: Path
    by_path: dict[str, KnownFacts]
    by_signature: dict[str, KnownFacts]


@dataclass(slots=True)
class IndexFiles:
    """Looks up rows of the nearest INDEX.tsv (columns path, signature, slot, block_time; tab separated, with a header).

    A file's own folder and the three above it are searched, links resolved, so that a folder of links finds the index
    of what it links to. Each index is read once; `on_skip` hears of one that cannot be.
    """

    on_skip: OnSkip | None = None
    _by_folder: dict[Path, _Index | None] = field(default_factory=dict)

    def facts(self, path: Path) -> KnownFacts:
        """What the index and the file's name know of `path`: all None where there is nothing."""
        real = Path(os.path.realpath(path))
        named = signature_in_name(path)
        index = self._nearest(real.parent)
        if index is None:
            return KnownFacts(signature=named)
        row = index.by_path.get(real.relative_to(index.folder).as_posix())
        if row is None and named is not None:
            row = index.by_signature.get(named)
        if row is None:
            return KnownFacts(signature=named)
        return KnownFacts(row.slot, row.block_time_seconds, named or row.signature)

    def _nearest(self, folder: Path) -> _Index | None:
        if folder not in self._by_folder:
            self._by_folder[folder] = None
            for candidate in [folder, *folder.parents][: _INDEX_LEVELS_UP + 1]:
                if is_regular(candidate / INDEX_NAME):
                    known = self._by_folder.get(candidate)
                    self._by_folder[folder] = known or self._read(candidate)
                    self._by_folder[candidate] = self._by_folder[folder]
                    break
        return self._by_folder[folder]

    def _read(self, folder: Path) -> _Index:
        try:
            return _read_index(folder)
        except (OSError, UnicodeDecodeError, csv.Error):
            if self.on_skip is not None:
                self.on_skip(folder / INDEX_NAME, UNREADABLE_INDEX)
            return _Index(folder, {}, {})


def _read_index(folder: Path) -> _Index:
    index = _Index(folder, {}, {})
    with (folder / INDEX_NAME).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            named = row.get("signature")
            signature = named if is_signature_text(named) else None
            facts = KnownFacts(_number(row.get("slot")), _number(row.get("block_time")), signature)
            if row.get("path"):
                index.by_path[row["path"]] = facts
            if signature is not None:
                index.by_signature.setdefault(signature, facts)
    return index


def _number(text: str | None) -> int | None:
    # isdigit takes digits of every script, and ² as well.
    if text and text.isascii() and text.isdigit() and len(text) <= _MAX_NUMBER_DIGITS:
        return int(text)
    return None

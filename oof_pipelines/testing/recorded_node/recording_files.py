"""Finds the recording files under a folder, in a fixed order, and what an INDEX.tsv beside or above them adds."""

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from oof_pipelines.chain.base58 import is_signature
from oof_pipelines.testing.recorded_node.recordings import KnownFacts

INDEX_NAME = "INDEX.tsv"
_DOCUMENT_SUFFIXES = (".json", ".json.gz")
_LINE_SUFFIXES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_GZIP_MAGIC = b"\x1f\x8b"
_INDEX_LEVELS_UP = 3


def find_recording_files(directory: Path) -> Iterator[Path]:
    """Paths of all *.json, *.jsonl and *.ndjson files, gzipped or not, sorted; links are followed, each folder once."""
    seen: set[str] = set()
    for folder, folder_names, file_names in os.walk(directory, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folder_names.clear()
            continue
        seen.add(real)
        folder_names.sort()
        for name in sorted(file_names):
            if name.endswith(_DOCUMENT_SUFFIXES + _LINE_SUFFIXES):
                yield Path(folder, name)


def is_line_file(path: Path) -> bool:
    """Whether the name says one document a line."""
    return path.name.endswith(_LINE_SUFFIXES)


def read_recording_file(path: Path) -> tuple[bytes, bool]:
    """The text of `path` and whether it is stored as plain text; OSError where it cannot be read or unpacked."""
    data = path.read_bytes()
    if data[:2] != _GZIP_MAGIC:
        return data, True
    try:
        return gzip.decompress(data), False
    except (EOFError, zlib.error) as error:
        raise OSError(f"{path}: {error}") from error


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
    return stem if is_signature(stem) else None


@dataclass(slots=True)
class _Index:
    folder: Path
    by_path: dict[str, KnownFacts]
    by_signature: dict[str, KnownFacts]


@dataclass(slots=True)
class IndexFiles:
    """Looks up rows of the nearest INDEX.tsv (columns path, signature, slot, block_time; tab separated, with a header).

    A file's own folder and the three above it are searched, links resolved, so that a folder of links finds the index
    of what it links to. Each index is read once.
    """

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
                if (candidate / INDEX_NAME).is_file():
                    known = self._by_folder.get(candidate)
                    self._by_folder[folder] = known or _read_index(candidate)
                    self._by_folder[candidate] = self._by_folder[folder]
                    break
        return self._by_folder[folder]


def _read_index(folder: Path) -> _Index:
    index = _Index(folder, {}, {})
    with (folder / INDEX_NAME).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            signature = row.get("signature") or None
            facts = KnownFacts(_number(row.get("slot")), _number(row.get("block_time")), signature)
            if row.get("path"):
                index.by_path[row["path"]] = facts
            if signature is not None:
                index.by_signature.setdefault(signature, facts)
    return index


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None

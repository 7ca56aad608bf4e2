"""Keeps bodies out of memory: one that is a whole plain file stays there, others go into a compressed spool file."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import zstandard

from oof_pipelines.testing.recorded_node.recording_files import open_regular_file

_SPOOLED = -1


@dataclass(frozen=True, slots=True)
class BodyPlace:
    """Where one body lies: the whole of file `file_number`, or `length_bytes` compressed bytes of the spool."""

    encoding: str
    file_number: int
    offset_bytes: int = 0
    length_bytes: int = 0


class BodyStore:
    """Bodies by place. The spool is an unnamed temporary file, gone with the process."""

    def __init__(self) -> None:
        self._files: list[tuple[str, int, int]] = []
        self._spool = tempfile.TemporaryFile(prefix="oof-node-")  # noqa: SIM115 - lives as long as the store
        self._spool_bytes = 0
        self._compressor = zstandard.ZstdCompressor(level=1)

    def keep_file(self, path: Path, encoding: str) -> BodyPlace:
        """Remember that the whole of `path` is a body; it is read again whenever it is asked for."""
        state = path.stat()
        self._files.append((str(path), state.st_size, state.st_mtime_ns))
        return BodyPlace(encoding, len(self._files) - 1)

    def keep_bytes(self, body: bytes, encoding: str) -> BodyPlace:
        """Put `body` into the spool."""
        packed = self._compressor.compress(body)
        place = BodyPlace(encoding, _SPOOLED, self._spool_bytes, len(packed))
        self._spool.write(packed)
        self._spool_bytes += len(packed)
        return place

    def finish(self) -> None:
        """Make everything kept so far readable."""
        self._spool.flush()

    def read(self, place: BodyPlace) -> bytes:
        """The body at `place`; OSError where its file has gone or changed since."""
        if place.file_number != _SPOOLED:
            path, size_bytes, changed_at_ns = self._files[place.file_number]
            with os.fdopen(open_regular_file(Path(path)), "rb") as file:
                state = os.fstat(file.fileno())
                if (state.st_size, state.st_mtime_ns) != (size_bytes, changed_at_ns):
                    raise OSError(f"{path} has changed since it was indexed")
                return file.read().strip()
        packed = os.pread(self._spool.fileno(), place.length_bytes, place.offset_bytes)
        return zstandard.ZstdDecompressor().decompress(packed)

    def close(self) -> None:
        """Give the spool's disk space back."""
        self._spool.close()

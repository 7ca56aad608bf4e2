"""The node's diary: one JSON line a request, written at once, so that a reader of the file sees every answer given."""

import time
from pathlib import Path
from typing import Any

import msgspec


class RequestLog:
    """Appends to `path`; with no path it does nothing. Each line has at_ms (since the start), transport, method, params
    and answer: result, null, error:CODE, or the name of the fault that took its place.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("ab", buffering=0)
        self._started_at_seconds = time.monotonic()

    def write(self, transport: str, method: str | None, params: Any, answer: str) -> None:
        """Add a line; `transport` is http or ws."""
        if self._file is None:
            return
        at_ms = round((time.monotonic() - self._started_at_seconds) * 1000)
        line = {"at_ms": at_ms, "transport": transport, "method": method, "params": params, "answer": answer}
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

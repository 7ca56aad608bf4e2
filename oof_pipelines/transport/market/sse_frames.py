"""Server-sent events: bytes as they arrive into events (the WHATWG HTML standard's event stream format)."""

from dataclasses import dataclass


class FrameTooLongError(ValueError):
    """An event that never ends: more bytes than allowed without a blank line."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: its data lines joined by line feeds, and the last event id as of it ('' where none was sent)."""

    data: str
    event: str
    last_event_id: str


class SseDecoder:
    """Feed it chunks however they were cut; `retry_seconds` is the pause the server asked for, None where it did not."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._pending = bytearray()
        self._data: list[str] = []
        self._data_bytes = 0
        self._event = ""
        self._is_at_start = True
        self._last_event_id = ""
        self.retry_seconds: float | None = None

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes. Raises `FrameTooLongError`."""
        self._pending += chunk
        if self._is_at_start:
            # A byte order mark is three bytes; no event is shorter.
            if len(self._pending) < 3:
                return []
            self._is_at_start = False
            if self._pending.startswith(b"\xef\xbb\xbf"):
                del self._pending[:3]
        events: list[ServerSentEvent] = []
        while (line := self._next_line()) is not None:
            event = self._take_line(line)
            if event is not None:
                events.append(event)
        if len(self._pending) + self._data_bytes > self._most_bytes:
            raise FrameTooLongError(f"an event of more than {self._most_bytes} bytes")
        return events

    def _next_line(self) -> str | None:
        """A line without its end (CR LF, LF or CR); None until one is whole."""
        ends = [at for at in (self._pending.find(b"\n"), self._pending.find(b"\r")) if at >= 0]
        if not ends:
            return None
        end = min(ends)
        is_return = self._pending[end] == 0x0D
        if is_return and end + 1 == len(self._pending):
            # A line feed may follow in the next chunk.
            return None
        length = 2 if is_return and self._pending[end + 1] == 0x0A else 1
        line = bytes(self._pending[:end]).decode(errors="replace")
        del self._pending[: end + length]
        return line

    def _take_line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._last_event_id = value
        elif name == "retry" and value.isascii() and value.isdecimal() and len(value) < 9:
            self.retry_seconds = int(value) / 1000
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        data, event = self._data, self._event
        self._data, self._data_bytes, self._event = [], 0, ""
        return ServerSentEvent("\n".join(data), event or "message", self._last_event_id) if data else None

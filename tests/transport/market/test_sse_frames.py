"""Server-sent events: the same however the bytes are cut."""

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.transport.market.sse_frames import FrameTooLongError, ServerSentEvent, SseDecoder

STREAM = (
    b"\xef\xbb\xbf:a comment\n\n"
    b"data:first\n\n"
    b"id: 7\nevent: price\ndata: second\ndata:  line\n\n"
    b"retry: 1500\n\n"
    b"data\r\n\r\n"
    b"unknown: field\rdata:\xc3\xa9\r\rdata:cut off by the end\n"
)
EVENTS = [
    ServerSentEvent("first", "message", ""),
    ServerSentEvent("second\n line", "price", "7"),
    ServerSentEvent("", "message", "7"),
    ServerSentEvent("é", "message", "7"),
]


@settings(deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    decoder = SseDecoder(1000)
    bounds = [0, *sorted(cuts), len(STREAM)]
    events = [event for start, end in pairwise(bounds) for event in decoder.feed(STREAM[start:end])]
    assert events == EVENTS
    assert decoder.retry_seconds == 1.5


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_no_bytes_break_it(first: bytes, second: bytes) -> None:
    whole, halves = SseDecoder(10_000), SseDecoder(10_000)
    assert whole.feed(first + second) == halves.feed(first) + halves.feed(second)


@pytest.mark.parametrize("stream", [b"data:" + b"x" * 100, b"x" * 101, b"data:xxxxxxxxx\n" * 12])
def test_an_event_without_an_end_is_refused(stream: bytes) -> None:
    decoder = SseDecoder(100)
    parts = [stream[at : at + 10] for at in range(0, len(stream), 10)]
    with pytest.raises(FrameTooLongError, match="more than 100 bytes"):
        deque(map(decoder.feed, parts), maxlen=0)


@pytest.mark.parametrize(("line", "last"), [(b"id:a\0b", ""), (b"id", ""), (b"id:x", "x")])
def test_ids(line: bytes, last: str) -> None:
    (event,) = SseDecoder(100).feed(line + b"\ndata:1\n\n")
    assert event.last_event_id == last

"""The stream's client against a real gRPC server over a synthetic chain."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from oof_pipelines.geyser_interfaces import (
    CONFIRMED,
    BlockMeta,
    GeyserEvent,
    GeyserFilters,
    GeyserSlot,
    GeyserTransaction,
    Resumed,
    ResumeRefused,
)
from oof_pipelines.interfaces import Dropped, Subscribed
from oof_pipelines.setting_values import SecretText, SecretUrl
from oof_pipelines.settings import SettingsError
from oof_pipelines.testing.recorded_geyser.server import RecordedGeyser
from oof_pipelines.testing.recorded_node.chain_view import Chain
from oof_pipelines.testing.recorded_node.clock import MonotonicClock
from oof_pipelines.testing.recorded_node.faults import Faults
from oof_pipelines.testing.recorded_node.ledger import Ledger, load_ledger
from oof_pipelines.testing.synthetic_chain import write_chain
from oof_pipelines.transport.geyser import GeyserRefusesUsError, GeyserStream
from oof_pipelines.transport.system_clock import SystemClock

TRANSACTIONS = 40
TOKEN = "a-token-nobody-sees"
ALL = GeyserFilters(targets=("allWithVotes",))
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = tmp_path_factory.mktemp("chain")
    write_chain(folder, seed=3, transaction_count=TRANSACTIONS, days=1)
    return load_ledger(folder)


@asynccontextmanager
async def serving(ledger: Ledger, faults: str | None = None, **options: Any) -> AsyncIterator[RecordedGeyser]:
    chain = Chain(ledger, 0, MonotonicClock(), Faults(faults, 1))
    async with RecordedGeyser(chain, **options).serving() as geyser:
        yield geyser


def stream_to(url: str, token: str | None = None, **options: Any) -> GeyserStream:
    options = {"timeout_seconds": 5, "clock": SystemClock(), "randomness": random.Random(1)} | options
    secret = None if token is None else SecretText(token, "OOF_GEYSER_TOKEN")
    return GeyserStream(SecretUrl(url, "OOF_GEYSER_URL"), secret, **options)


async def heard(
    stream: GeyserStream,
    is_enough: Callable[[list[GeyserEvent]], bool],
    resume_from: Callable[[], int | None] = lambda: None,
    filters: GeyserFilters = ALL,
) -> list[GeyserEvent]:
    """Events until `is_enough` of them."""
    events: list[GeyserEvent] = []
    async with asyncio.timeout(PATIENCE_SECONDS), aclosing(stream.listen(filters, resume_from)) as listening:
        async for event in listening:
            events.append(event)
            if is_enough(events):
                return events
    raise AssertionError("a stream ends only where it is cancelled")


def signatures(events: list[GeyserEvent]) -> set[str]:
    return {event.signature for event in events if isinstance(event, GeyserTransaction)}


def has_all(events: list[GeyserEvent]) -> bool:
    return len(signatures(events)) == TRANSACTIONS


def of_type(events: list[GeyserEvent], *kinds: type) -> list[Any]:
    return [event for event in events if isinstance(event, kinds)]


def test_everything_comes_once_and_in_order(ledger: Ledger) -> None:
    async def scenario() -> None:
        async with serving(ledger) as server:
            is_last = lambda events: len(of_type(events, BlockMeta)) == len(ledger.slots)  # noqa: E731
            events = await heard(stream_to(server.url), is_last)
        assert isinstance(events[0], Subscribed)
        transactions = of_type(events, GeyserTransaction)
        assert [one.signature for one in transactions] == [entry.signature for entry in ledger.entries]
        assert all(one.body is not None and one.targets == ("allWithVotes",) for one in transactions)
        metas = of_type(events, BlockMeta)
        assert [one.slot for one in metas] == ledger.slots
        assert [one.parent_slot for one in metas[1:]] == ledger.slots[:-1]
        assert sum(one.transaction_count for one in metas) == TRANSACTIONS
        assert [one.block_time_s for one in metas] == [ledger.block_time_seconds(n) for n in range(len(ledger.slots))]

    asyncio.run(scenario())


def test_a_drop_is_told_and_the_stream_resumes_where_it_is_asked_to(ledger: Ledger) -> None:
    async def scenario() -> None:
        newest: list[int] = []

        def resume_from() -> int | None:
            return max(newest, default=None)

        async with serving(ledger, "geyser_drop:after=30;times=2;lose=5") as server:

            def note(events: list[GeyserEvent]) -> bool:
                event = events[-1]
                if isinstance(event, GeyserSlot) and event.status == CONFIRMED:
                    newest.append(event.slot)
                return has_all(events)

            events = await heard(stream_to(server.url), note, resume_from)
            assert len(server.resumed_from) == 2
        kinds = [type(event) for event in of_type(events, Subscribed, Resumed, Dropped, ResumeRefused)]
        assert kinds == [Subscribed, Dropped, Resumed, Dropped, Resumed]
        assert of_type(events, Dropped)[0].reason.startswith("OOF_GEYSER_URL http://127.0.0.1:")
        assert "UNAVAILABLE" in of_type(events, Dropped)[0].reason

    asyncio.run(scenario())


@pytest.mark.parametrize(("replayed_slots", "first_slot_is_told"), [(0, False), (2, True)])
def test_a_refused_resume_is_told_and_the_stream_begins_at_the_tip(
    ledger: Ledger, replayed_slots: int, first_slot_is_told: bool
) -> None:
    async def scenario() -> None:
        async with serving(ledger, replayed_slots=replayed_slots) as server:
            await heard(stream_to(server.url), lambda events: len(of_type(events, BlockMeta)) == 8)
            events = await heard(stream_to(server.url), lambda events: len(events) == 3, lambda: ledger.slots[0])
        refused, begun = events[0], events[1]
        assert isinstance(refused, ResumeRefused)
        assert refused.from_slot == ledger.slots[0]
        assert (refused.first_slot is not None) == first_slot_is_told
        assert isinstance(begun, Subscribed)

    asyncio.run(scenario())


class OldServer:
    """Answers as servers before replay info did: the question is unknown, and the stream itself refuses."""

    def __init__(self, code: grpc.StatusCode, words: str) -> None:
        self._code, self._words = code, words

    async def version(self, _request: Any, _context: Any) -> bytes:
        return b""

    async def subscribe(self, _requests: Any, context: Any) -> None:
        await context.read()
        await context.abort(self._code, self._words)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = grpc.aio.server()
        handlers = {
            "Subscribe": grpc.stream_stream_rpc_method_handler(self.subscribe),
            "GetVersion": grpc.unary_unary_rpc_method_handler(self.version),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("geyser.Geyser", handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await server.stop(0)


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        (grpc.StatusCode.OUT_OF_RANGE, "broadcast from 5 is not available, last available: 9", ResumeRefused),
        (grpc.StatusCode.INTERNAL, "from_slot is not supported", ResumeRefused),
        (grpc.StatusCode.UNAVAILABLE, "server is shutting down try again later", Dropped),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "too many streams", Dropped),
    ],
)
def test_which_refusals_are_of_the_resume(code: grpc.StatusCode, words: str, expected: type) -> None:
    async def scenario() -> None:
        async with OldServer(code, words).serving() as url:
            (event,) = await heard(stream_to(url), lambda events: True, lambda: 5)
            assert isinstance(event, expected)
            assert words in event.reason

    asyncio.run(scenario())


class GarblingServer(OldServer):
    """Its streams bring one update that is none; `garbled` is the answer to the question for the version."""

    def __init__(self, garbled: bytes = b"") -> None:
        super().__init__(grpc.StatusCode.UNKNOWN, "")
        self._garbled = garbled

    async def version(self, _request: Any, _context: Any) -> bytes:
        return self._garbled

    async def subscribe(self, _requests: Any, context: Any) -> None:
        await context.read()
        await context.write(b"\xff\xff\xff")
        await asyncio.Event().wait()


def test_what_cannot_be_read_is_a_drop_and_no_replay_is_asked_for_next() -> None:
    async def scenario() -> None:
        asked: list[int] = []

        def resume_from() -> int:
            asked.append(5)
            return 5

        async with GarblingServer().serving() as url:
            events = await heard(stream_to(url), lambda events: len(events) == 3, resume_from)
        assert [type(event) for event in events] == [Dropped] * 3
        assert all("an update cannot be read" in event.reason for event in of_type(events, Dropped))
        # A replay would bring the same again for ever; who begins at the tip has the stretch between listed over RPC.
        assert asked == [5]

    asyncio.run(scenario())


def test_a_version_that_cannot_be_read_is_no_answer() -> None:
    async def scenario() -> None:
        async with GarblingServer(b"\xff\xff").serving() as url:
            with pytest.raises(ConnectionError, match="GetVersion cannot be read"):
                await stream_to(url).version()
            (event,) = await heard(stream_to(url), lambda events: True)
            assert isinstance(event, Dropped)

    asyncio.run(scenario())


def test_who_has_no_token_is_told_which_setting_it_is(ledger: Ledger) -> None:
    async def scenario() -> None:
        async with serving(ledger, token=TOKEN) as server:
            assert await stream_to(server.url, TOKEN).version() == "recorded"
            for token, setting in ((None, "OOF_GEYSER_TOKEN"), ("not-the-token-at-all", "OOF_GEYSER_TOKEN")):
                with pytest.raises(GeyserRefusesUsError, match=setting) as caught:
                    await stream_to(server.url, token).version()
                assert "not-the-token" not in str(caught.value)
                (event,) = await heard(stream_to(server.url, token), lambda events: True)
                assert isinstance(event, Dropped)
                assert "UNAUTHENTICATED" in event.reason
                assert "not-the-token" not in event.reason
            assert has_all(await heard(stream_to(server.url, TOKEN), has_all))

    asyncio.run(scenario())


def test_nobody_there_is_a_drop_and_the_stream_goes_on_trying(ledger: Ledger) -> None:
    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        stream = stream_to(f"http://127.0.0.1:{port}")
        with pytest.raises(ConnectionError, match="OOF_GEYSER_URL"):
            await stream.version()
        events = await heard(stream, lambda events: len(events) == 2)
        assert [type(event) for event in events] == [Dropped, Dropped]
        async with serving(ledger, port=port):
            assert has_all(await heard(stream, has_all))

    asyncio.run(scenario())


def test_a_server_that_falls_silent_is_left(ledger: Ledger) -> None:
    async def scenario() -> None:
        async with serving(ledger, "geyser_stall:after=20;times=1;for_ms=60000", ping_seconds=60) as server:
            stream = stream_to(server.url, silence_seconds=0.5)
            is_dropped = lambda events: bool(of_type(events, Dropped))  # noqa: E731
            events = await heard(stream, is_dropped)
            assert "silent for 0.5 s" in of_type(events, Dropped)[0].reason

    asyncio.run(scenario())


def test_pings_keep_a_quiet_stream_alive(ledger: Ledger) -> None:
    async def scenario() -> None:
        async with serving(ledger, ping_seconds=0.1) as server:
            stream = stream_to(server.url, silence_seconds=0.5)
            is_dropped = lambda events: bool(of_type(events, Dropped))  # noqa: E731
            listening = asyncio.create_task(heard(stream, is_dropped))
            done, _ = await asyncio.wait([listening], timeout=2)
            assert not done
            listening.cancel()

    asyncio.run(scenario())


def test_who_does_not_take_events_keeps_the_server_from_sending(tmp_path: Path) -> None:
    """More than the windows of HTTP/2 hold: without flow control the whole chain would be in memory by now."""
    count = 6_000
    write_chain(tmp_path, seed=4, transaction_count=60, days=1)
    ledger = load_ledger(tmp_path)
    ledger.entries[:] = [ledger.entries[n % len(ledger.entries)] for n in range(count)]
    ledger.slots[:], ledger.first_positions[:] = ledger.slots[:1], [0]

    async def scenario() -> None:
        async with serving(ledger) as server:
            stream = stream_to(server.url)
            async with aclosing(stream.listen(ALL, lambda: None)) as listening:
                await anext(listening)
                await anext(listening)
                await asyncio.sleep(2.0)
                (subscriber,) = server.subscribers
                assert 0 < subscriber.sent < count
                before = subscriber.sent
                for _ in range(count // 2):
                    await anext(listening)
                await asyncio.sleep(0.2)
                assert subscriber.sent > before

    asyncio.run(scenario())


@pytest.mark.parametrize("rest", ["/a-secret-key", "?key=a-secret-key"])
def test_an_address_with_a_key_in_it_is_refused(rest: str) -> None:
    with pytest.raises(SettingsError, match="OOF_GEYSER_TOKEN") as caught:
        stream_to(f"https://geyser.example{rest}")
    assert "a-secret-key" not in str(caught.value)

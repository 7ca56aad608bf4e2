"""The API over a store in memory, with a clock that a test moves."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from starlette.types import ASGIApp

from oof_pipelines.api.application import ApiParts, build_app
from oof_pipelines.api.health import Health, HealthSources
from oof_pipelines.api.hint_writer import HintWriter
from oof_pipelines.api.metrics import Metrics
from oof_pipelines.api.request_log import RequestTimes
from oof_pipelines.api.webhook import WebhookReceiver
from oof_pipelines.api.webhook_authentication import HeaderSecret, WebhookAuthentication
from oof_pipelines.api.webhook_body import BodyReader
from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.storage.postgres.platform_state import PlatformFigures, PlatformHealth
from oof_pipelines.storage.postgres.webhook_hints import HintsNotKeptError

SECRET = "open sesame"
SLOT = 400_000_000
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def signature_of(name: object) -> str:
    return encode_base58(b"\1" + hashlib.sha512(str(name).encode()).digest()[1:])


def hint(name: object, slot: int = SLOT) -> dict[str, object]:
    """An entry of an enhanced delivery, with a little of what stands beside."""
    return {"signature": signature_of(name), "slot": slot, "type": "SWAP", "tokenTransfers": [{"tokenAmount": 1.5}]}


class HandClock:
    """Time that passes when told to; sleeping waits for it."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed_s)

    def monotonic_s(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        until_s = self.passed_s + seconds
        while self.passed_s < until_s:  # noqa: ASYNC110 - a test moves it, and may do so from anywhere
            await asyncio.sleep(0.001)


@dataclass
class MemoryHints:
    """A `HintStore`. `is_away` makes it fail; a cleared `may_answer` makes it hang."""

    rows: dict[str, int] = field(default_factory=dict)
    commits: list[int] = field(default_factory=list)
    noted: dict[tuple[datetime, str], tuple[int, int]] = field(default_factory=dict)
    known_slot: int | None = None
    is_away: bool = False
    is_closed: bool = False
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def queue(self, hints: Sequence[ListedSignature]) -> int:
        await self.may_answer.wait()
        self._check()
        assert len({one.signature for one in hints}) == len(hints), "a signature twice in one statement"
        self.commits.append(len(hints))
        before = len(self.rows)
        for one in hints:
            self.rows.setdefault(one.signature, one.slot)
        return len(self.rows) - before

    async def standing(self, at_most: int) -> tuple[int, int | None]:
        self._check()
        return min(at_most, len(self.rows)), self.known_slot

    async def note_refused(self, minutes: Mapping[tuple[datetime, str], tuple[int, int]]) -> None:
        self._check()
        for key, (requests, hints) in minutes.items():
            before = self.noted.get(key, (0, 0))
            self.noted[key] = (before[0] + requests, before[1] + hints)

    async def close(self) -> None:
        self.is_closed = True

    def _check(self) -> None:
        if self.is_away:
            raise HintsNotKeptError


@dataclass
class MemoryState:
    """What health and metrics are told; `asked` counts how often."""

    answer: PlatformHealth | None = None
    counted: PlatformFigures = field(default_factory=PlatformFigures)
    asked: int = 0

    async def health(self) -> PlatformHealth | None:
        self.asked += 1
        return self.answer

    async def figures(self) -> PlatformFigures:
        self.asked += 1
        return self.counted


@dataclass
class World:
    """Parts of an API; change them before `app` is made."""

    authentication: WebhookAuthentication | None = field(default_factory=lambda: HeaderSecret(SECRET))
    store: MemoryHints = field(default_factory=MemoryHints)
    state: MemoryState = field(default_factory=MemoryState)
    clock: HandClock = field(default_factory=HandClock)
    reader: BodyReader = field(default_factory=lambda: BodyReader(100_000))
    most_queued: int = 1_000
    most_waiting: int = 500
    missing_migrations: list[str] = field(default_factory=list)
    rpc_trouble: str | None = None
    failures: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.writer = HintWriter(self.store, self.clock, most_queued=self.most_queued, most_waiting=self.most_waiting)
        self.receiver = WebhookReceiver(
            self.authentication, self.reader, self.writer, self.clock, cluster="mainnet-beta"
        )

    def app(self) -> ASGIApp:
        times = RequestTimes()

        async def migrations() -> list[str]:
            return self.missing_migrations

        async def rpc() -> str | None:
            return self.rpc_trouble

        sources = HealthSources(self.state, migrations, rpc, True, self.receiver.is_on, "off: not set")
        metrics = Metrics(self.state, self.receiver, self.writer, times, self.clock)
        parts = ApiParts(self.receiver, self.writer, Health(sources, self.clock), metrics, times)
        return build_app(parts, self.failures.append)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the running application; it is ended as a server ends it."""
        app = self.app()
        async with (
            lifespan(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://api", headers={"Authorization": SECRET}
            ) as client,
        ):
            yield client


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Start and end of an application, as a server tells it of them."""
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan"}, to_app.get, from_app.put))  # type: ignore[arg-type]
    to_app.put_nowait({"type": "lifespan.startup"})
    assert (await from_app.get())["type"] == "lifespan.startup.complete"
    yield
    to_app.put_nowait({"type": "lifespan.shutdown"})
    assert (await from_app.get())["type"] == "lifespan.shutdown.complete"
    await running

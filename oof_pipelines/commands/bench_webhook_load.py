"""Deliveries for `oof bench webhook`, and the time each of them takes. Made by a seed."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from oof_pipelines.api.server import loop_factory
from oof_pipelines.api.webhook import WEBHOOK_ROUTE
from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing.synthetic_chain import generate

TRANSACTIONS_A_BODY = (1, 1, 1, 1, 2, 2, 3, 5, 10, 20, 50, 100)
"""As often as it stands here, a delivery has so many transactions."""
DUPLICATES_PERCENT = 20
_TEMPLATES = 200
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Bodies in the order in which they are sent; `signatures` are the different ones in all of them."""

    bodies: Sequence[Callable[[], bytes]]
    transactions: int
    signatures: frozenset[str]
    largest_bytes: int


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What one run took. Times are from when a delivery was due to the end of its answer, ascending."""

    seconds: float
    answer_seconds: tuple[float, ...]

    @property
    def requests_per_second(self) -> float:
        return len(self.answer_seconds) / self.seconds

    def percentile_ms(self, percent: int) -> float:
        return self.answer_seconds[min(len(self.answer_seconds) - 1, len(self.answer_seconds) * percent // 100)] * 1000


def together(results: Iterable[LoadResult]) -> LoadResult:
    """Several runs as one."""
    runs = list(results)
    return LoadResult(sum(run.seconds for run in runs), tuple(sorted(s for run in runs for s in run.answer_seconds)))


def make_deliveries(seed: int, requests: int) -> Deliveries:
    """Raw deliveries of synthetic transactions under made-up signatures; every fifth is one sent before."""
    randomness = random.Random(seed)  # noqa: S311 - made up by a seed
    templates = [
        tuple(one.to_json_bytes("json").replace(b"{", b'{"indexWithinBlock":7,', 1).split(one.signature.encode(), 1))
        for one in generate(1, _TEMPLATES)
    ]
    sent: list[list[tuple[bytes, bytes, bytes]]] = []
    signatures: set[str] = set()
    for _ in range(requests):
        if sent and randomness.randrange(100) < DUPLICATES_PERCENT:
            sent.append(randomness.choice(sent))
            continue
        entries = []
        for _entry in range(randomness.choice(TRANSACTIONS_A_BODY)):
            signature = encode_base58(b"\1" + randomness.randbytes(63))
            signatures.add(signature)
            before, after = randomness.choice(templates)
            entries.append((before, signature.encode(), after))
        sent.append(entries)
    bodies = [_body_of(entries) for entries in sent]
    largest_bytes = max(len(body()) for body in bodies)
    return Deliveries(bodies, sum(map(len, sent)), frozenset(signatures), largest_bytes)


def _body_of(entries: list[tuple[bytes, bytes, bytes]]) -> Callable[[], bytes]:
    # Put together when it is sent: all of them at once would be hundreds of megabytes.
    return lambda: b"[" + b",".join(b"".join(entry) for entry in entries) + b"]"


def send(
    port: int, secret: str, bodies: Sequence[Callable[[], bytes]], *, connections: int, rate: float | None
) -> LoadResult:
    """Send every body and wait for its 200: each connection one after the other, or all of them `rate` a second.

    Raises RuntimeError where an answer is another.
    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_send(port, secret, bodies, connections, rate))


async def _send(
    port: int, secret: str, bodies: Sequence[Callable[[], bytes]], connections: int, rate: float | None
) -> LoadResult:
    head = f"POST {WEBHOOK_ROUTE} HTTP/1.1\r\nHost: api\r\nAuthorization: {secret}\r\nContent-Length: ".encode()
    began_s = time.perf_counter()
    answer_seconds: list[float] = []
    numbers = iter(range(len(bodies)))

    async def connection(numbers: Iterator[int]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            body = bodies[number]()
            due_s = time.perf_counter()
            if rate is not None:
                # A delivery is late from when it was due, also where no connection was free for it.
                due_s = began_s + number / rate
                await asyncio.sleep(due_s - time.perf_counter())
            writer.write(head + str(len(body)).encode() + b"\r\n\r\n" + body)
            await _answer(reader)
            answer_seconds.append(time.perf_counter() - due_s)
        writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(connection(numbers))
    return LoadResult(time.perf_counter() - began_s, tuple(sorted(answer_seconds)))


async def _answer(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(_ANSWER_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"answered {head[:12].decode()}: {body[:200].decode(errors='replace')}")

"""Streams: what is heard is kept a second later, what was heard last on the way out, and nothing is lost in between."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from market_readings import AT, book, refusal, stale, tick
from market_services import HandClock, MemoryStore, Service, Services

from oof_pipelines.market_interfaces import StreamDown, StreamItem, StreamUp
from oof_pipelines.market_store import Harvest, Kept
from oof_pipelines.pricing.readings import BINANCE, PYTH, DepthSnapshot, RefusedReading
from oof_pipelines.settings import MARKET_SOURCES
from oof_pipelines.workflows.refresh_asking import RefreshReport
from oof_pipelines.workflows.refresh_market import DEPTH_STREAM, keep_refreshing
from oof_pipelines.workflows.refresh_streams import StreamCounts, keep_depth, keep_prices

TICKS = [tick(source=PYTH, at=AT + timedelta(seconds=second)) for second in range(3)]


async def until(done: Callable[[], bool], work: Awaitable[None]) -> None:
    """Run `work` until `done`, then cancel it as a signal would."""
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(10):
        while not done() and not task.done():  # noqa: ASYNC110 - the state of others is looked at
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()


def test_what_a_stream_says_is_kept() -> None:
    items = [StreamUp(PYTH), TICKS[0], refusal(source=PYTH), stale(TICKS[1]), StreamDown(PYTH, "closed"), TICKS[2]]
    service, store, counts = Service(items=items), MemoryStore(), StreamCounts()
    keeping = keep_prices("pyth_stream", service, PYTH, store, HandClock(), counts)
    asyncio.run(until(lambda: counts.stored == 2, keeping))
    assert [one for harvest in store.harvests for one in harvest.ticks] == [TICKS[0], TICKS[2]]
    assert [one.reason[:5] for harvest in store.harvests for one in harvest.refused] == ["price", "stale"]
    assert [harvest.error for harvest in store.harvests if harvest.error] == ["closed"]
    assert (counts.heard, counts.stored, counts.refused, counts.downs, counts.lost) == (3, 2, 2, 1, 0)
    assert not counts.is_up


@dataclass
class PausingService(Service):
    """Says one thing, and the rest when the first is on its way to the database."""

    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def stream(self) -> AsyncGenerator[StreamItem, None]:
        yield self.items[0]
        await self.goes_on.wait()
        for item in self.items[1:]:
            yield item
        await asyncio.Event().wait()


def test_what_was_heard_last_is_kept_on_the_way_out() -> None:
    async def run() -> MemoryStore:
        store, counts, service = (
            MemoryStore(is_stuck=asyncio.Event()),
            StreamCounts(),
            PausingService(items=list(TICKS)),
        )
        work = keep_prices("pyth_stream", service, PYTH, store, HandClock(), counts)
        task = asyncio.create_task(work)
        while not store.is_asked:  # noqa: ASYNC110
            await asyncio.sleep(0)
        service.goes_on.set()
        while counts.heard < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
        # One price is being kept by a database that does not answer, and two wait behind it.
        task.cancel()
        assert store.is_stuck is not None
        store.is_stuck.set()
        await asyncio.gather(task, return_exceptions=True)
        return store

    store = asyncio.run(run())
    assert [one for harvest in store.harvests for one in harvest.ticks] == TICKS


def test_books_are_kept_and_old_ones_dropped() -> None:
    service, store, counts = Service(books=[book(7), book(8)]), MemoryStore(), StreamCounts()
    keeping = keep_depth("binance_depth", service, BINANCE, store, HandClock(), counts)
    asyncio.run(until(lambda: counts.stored == 2, keeping))
    assert [one.last_update_id for harvest in store.harvests for one in harvest.depth] == [7, 8]
    assert store.forgotten[0] == AT - timedelta(hours=6)


def run_all(
    services: Services, store: MemoryStore, configured: tuple[str, ...], runs: int, **how: bool
) -> list[RefreshReport]:
    reports: list[RefreshReport] = []
    streams: dict[str, StreamCounts] = {}
    work = keep_refreshing(
        configured, services, store, HandClock(), on_report=reports.append, stream_counts=streams, **how
    )

    def done() -> bool:
        heard = sum(counts.heard for counts in streams.values())
        return len(reports) >= runs and heard >= 2

    asyncio.run(until(done, work))
    return reports


def test_all_that_is_configured_runs_again_and_again_beside_the_streams() -> None:
    services = Services(pyth_stream=Service(items=[TICKS[0]]), binance=Service(books=[book()]))
    store = MemoryStore(touched=["a"], lacking=["a"])
    reports = run_all(services, store, MARKET_SOURCES, 20)
    names = {report.name for report in reports}
    # The stream tells SOL's price, so nobody asks for it beside.
    assert names == {
        "spot_prices",
        "defillama_volume",
        "pump_fun_volume",
        "sol_klines",
        "token_metadata",
        "token_mints",
    }
    assert sum(report.name == "spot_prices" for report in reports) > 1


def test_streams_alone_leave_the_refreshes_to_others() -> None:
    services = Services(pyth_stream=Service(items=[TICKS[0]]), binance=Service(books=[book()]))
    assert run_all(services, MemoryStore(), MARKET_SOURCES, 0, is_streams_only=True) == []
    assert services.jupiter.calls == []


@dataclass
class BreakingService(Service):
    """Breaks the first time it is listened to."""

    async def snapshots(self, symbol: str) -> AsyncGenerator[DepthSnapshot | RefusedReading | StreamDown, None]:
        self._called("snapshots", symbol)
        for one in self.books:
            yield one
        await asyncio.Event().wait()


def test_a_stream_that_breaks_is_listened_to_again_and_the_others_go_on() -> None:
    broken = BreakingService({("snapshots", 0): OverflowError("date value out of range")}, books=[book()])
    services = Services(pyth_stream=Service(items=[TICKS[0]]), binance=broken)
    reports = run_all(services, MemoryStore(), MARKET_SOURCES, 20)
    assert [name for name, _ in broken.calls].count("snapshots") == 2
    assert {report.name for report in reports} >= {"spot_prices", "sol_klines", "defillama_volume"}


@dataclass
class PickyStore(MemoryStore):
    """Refuses the order book of number 7, whenever it comes."""

    async def keep(self, harvest: Harvest) -> Kept:
        if any(one.last_update_id == 7 for one in harvest.depth):
            raise ValueError("cannot hold this book")
        return await super().keep(harvest)


@dataclass
class TurningService(Service):
    """Says one book each time it is listened to, the next one the next time."""

    async def snapshots(self, symbol: str) -> AsyncGenerator[DepthSnapshot | RefusedReading | StreamDown, None]:
        yield self.books.pop(0)
        await asyncio.Event().wait()


def test_a_book_that_cannot_be_kept_is_lost_alone() -> None:
    services, store = Services(binance=TurningService(books=[book(7), book(8), book(9)])), PickyStore()
    streams: dict[str, StreamCounts] = {}
    work = keep_refreshing(
        [BINANCE], services, store, HandClock(), on_report=lambda _report: None, stream_counts=streams
    )
    asyncio.run(until(lambda: any(harvest.depth for harvest in store.harvests), work))
    kept = [one.last_update_id for harvest in store.harvests for one in harvest.depth]
    assert (kept, streams[DEPTH_STREAM].lost, streams[DEPTH_STREAM].stored) == ([8], 1, 1)


def test_what_breaks_on_the_way_out_does_not_keep_it_running() -> None:
    async def run() -> None:
        store = PickyStore()
        services = Services(binance=Service(books=[book(7)]))
        streams: dict[str, StreamCounts] = {}
        clock = WaitingClock()
        work = keep_refreshing([BINANCE], services, store, clock, on_report=lambda _report: None, stream_counts=streams)
        task = asyncio.create_task(work)
        async with asyncio.timeout(10):
            while not (streams and streams[DEPTH_STREAM].heard):  # noqa: ASYNC110
                await asyncio.sleep(0)
            # The book waits for the second to pass: it is refused as everything ends.
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        assert streams[DEPTH_STREAM].lost == 1

    asyncio.run(run())


class WaitingClock(HandClock):
    """Sleeps until cancelled."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()

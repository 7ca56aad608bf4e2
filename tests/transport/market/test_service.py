"""What every market client shares: breaker, budget, pauses asked for, ceilings, and keys that are never told."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import msgspec
import pytest
from aiohttp import web
from market_scene import KEY, START, MarketClock, market
from scripted_service import scripted

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.market_interfaces import BreakerOpenError
from oof_pipelines.pricing.readings import ReadingRefusedError
from oof_pipelines.transport.market.breaker import BreakerState, CircuitBreaker
from oof_pipelines.transport.market.last_good import LastGoodValues
from oof_pipelines.transport.market.service import ServiceRefusedError
from oof_pipelines.transport.pacing import RequestBudget

BEYOND_THE_CALENDAR = "Fri, 31 Dec 9999 23:59:59 -0100"
decode = msgspec.json.Decoder(dict[str, int]).decode


class Script:
    """One answer after another, the last one for ever; `asked` are the requests."""

    def __init__(self, *answers: Callable[[], web.StreamResponse]) -> None:
        self.answers = list(answers)
        self.asked: list[web.Request] = []

    def __call__(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()


def good() -> web.Response:
    return web.json_response({"value": 1})


def status(number: int, **headers: str) -> Callable[[], web.Response]:
    return lambda: web.Response(status=number, text=f"no, {KEY}!", headers=headers)


def test_the_breaker_opens_rests_tries_once_and_closes() -> None:
    async def run() -> None:
        async with market("error:p=1") as scene:
            client = scene.jupiter(failures_to_open=5, cool_down_seconds=30, attempts=1)
            breaker = client.service.breaker
            for _ in range(5):
                with pytest.raises(SourceUnavailableError, match="HTTP 50"):
                    await client.prices([NATIVE_MINT])
            assert breaker.state is BreakerState.OPEN
            with pytest.raises(BreakerOpenError, match=r"jupiter: failing, left alone for 30\.0 more seconds"):
                await client.prices([NATIVE_MINT])
            assert scene.requests == 5
            scene.clock.passed_seconds += 30
            assert breaker.state is BreakerState.HALF_OPEN
            with pytest.raises(SourceUnavailableError, match="HTTP 50"):
                await client.prices([NATIVE_MINT])
            assert scene.requests == 6
            assert breaker.state is BreakerState.OPEN
            scene.clock.passed_seconds += 30
            scene.fail(None)
            assert (await client.prices([NATIVE_MINT])).ticks
            assert breaker.state is BreakerState.CLOSED

    asyncio.run(run())


def test_retries_of_one_call_open_the_breaker_too() -> None:
    async def run() -> None:
        async with market("error:p=1") as scene:
            client = scene.jupiter(failures_to_open=3, attempts=10)
            with pytest.raises(BreakerOpenError):
                await client.prices([NATIVE_MINT])
            assert scene.requests == 3

    asyncio.run(run())


def test_a_half_open_breaker_lets_one_request_out_at_a_time() -> None:
    clock = MarketClock()
    breaker = CircuitBreaker("it", 1, 10, clock)
    breaker.failed(breaker.admit())
    clock.passed_seconds = 10
    assert breaker.admit()
    with pytest.raises(BreakerOpenError, match="one request is trying"):
        breaker.admit()
    # A failure of a request from before it opened is not the one that tries.
    breaker.failed(False)
    with pytest.raises(BreakerOpenError, match="one request is trying"):
        breaker.admit()
    breaker.abandoned(True)
    assert breaker.admit()
    breaker.succeeded()
    assert not breaker.admit()


def test_a_request_that_was_given_up_by_its_caller_is_no_failure() -> None:
    async def run() -> None:
        async with market("slow:p=1;ms=1500") as scene:
            client = scene.jupiter(failures_to_open=1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.prices([NATIVE_MINT])
            assert client.service.breaker.state is BreakerState.CLOSED

    asyncio.run(run())


def test_a_pause_that_is_asked_for_holds_for_the_next_call_too() -> None:
    async def run() -> None:
        script = Script(status(429, **{"Retry-After": "20"}), good)
        async with scripted("it", script, give_up_seconds=10, attempts=5) as (service, clock):
            with pytest.raises(SourceUnavailableError, match="HTTP 429"):
                await service.get("/x", decode)
            with pytest.raises(SourceUnavailableError, match="pause of 20 more seconds"):
                await service.get("/x", decode)
            assert len(script.asked) == 1
            clock.passed_seconds += 15
            assert (await service.get("/x", decode)).value == {"value": 1}
            assert clock.slept == [5.0]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("header", "slept"),
    [
        ("3", [3.0]),
        (format_datetime(START + timedelta(seconds=4), usegmt=True), [4.0]),
        ("9999", [20.0]),
    ],
)
def test_retry_after_is_a_number_or_a_date_and_bounded(header: str, slept: list[float]) -> None:
    async def run() -> None:
        script = Script(status(503, **{"Retry-After": header}), good)
        async with scripted("it", script) as (service, clock):
            await service.get("/x", decode)
            assert clock.slept == slept

    asyncio.run(run())


@pytest.mark.parametrize("header", ["-1", "soon", "0", "Mon, 01 Jan 1990 00:00:00 GMT", "٣", BEYOND_THE_CALENDAR])
def test_a_retry_after_that_makes_no_sense_is_none(header: str) -> None:
    async def run() -> None:
        script = Script(status(503, **{"Retry-After": header}), good)
        async with scripted("it", script) as (service, clock):
            await service.get("/x", decode)
            assert 0.125 <= clock.slept[0] <= 0.25

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (status(400), ServiceRefusedError, "it: no, …!"),
        (status(404), ServiceRefusedError, "code 404"),
        (status(401), SourceUnavailableError, r"HTTP 401: it does not let us in \(THE_KEY\)"),
        (status(451), SourceUnavailableError, "HTTP 451"),
        (status(302, Location="http://127.0.0.1:9/"), SourceUnavailableError, "points elsewhere"),
        (lambda: web.json_response({"value": "one"}), ReadingRefusedError, r"another form \(Expected `int`"),
        (lambda: web.json_response({"value": 1.5}), ReadingRefusedError, "another form"),
    ],
)
def test_what_waiting_will_not_mend_is_said_at_once_without_the_key(
    answer: Callable[[], web.Response], error: type[Exception], words: str
) -> None:
    async def run() -> None:
        script = Script(answer)
        async with scripted("it", script) as (service, clock):
            with pytest.raises(error, match=words) as caught:
                await service.get("/x", decode)
            assert KEY not in str(caught.value)
            assert len(script.asked) == 1
            assert clock.slept == []

    asyncio.run(run())


def test_an_answer_that_drips_is_cut_off_by_the_clock() -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b" ")
            await asyncio.sleep(0.01)
        return response

    async def run() -> None:
        async with scripted("it", drip, timeout_seconds=0.1, attempts=1) as (service, _clock):
            with pytest.raises(SourceUnavailableError, match="TimeoutError"):
                await service.get("/x", decode)

    asyncio.run(run())


def test_an_answer_that_swells_when_unpacked_is_refused() -> None:
    def bomb(_request: web.Request) -> web.Response:
        response = web.Response(body=b" " * 5_000_000)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async def run() -> None:
        async with scripted("it", bomb) as (service, _clock):
            with pytest.raises(ReadingRefusedError, match="longer than 100000 bytes"):
                await service.get("/x", decode)

    asyncio.run(run())


def test_nobody_listens() -> None:
    async def run() -> None:
        async with scripted("it", Script(good)) as (service, clock):
            service.url = type(service.url)("http://127.0.0.1:9", "THE_URL")
            with pytest.raises(SourceUnavailableError, match=r"it at THE_URL http://127\.0\.0\.1:9: no answer"):
                await service.get("/x", decode)
            assert len(clock.slept) == 2

    asyncio.run(run())


def test_path_query_and_key_arrive_as_meant() -> None:
    async def run() -> None:
        script = Script(good)
        async with scripted("it", script, path="/base/") as (service, _clock):
            await service.get("/x", decode, [("ids[]", "a"), ("ids[]", "b&c")])
            await service.post("", decode, {"value": 2})
        first, second = script.asked
        assert first.path == "/base/x"
        assert list(first.query.items()) == [("api-key", KEY), ("ids[]", "a"), ("ids[]", "b&c")]
        assert first.headers["x-api-key"] == KEY
        assert (second.method, second.path, second.query["api-key"]) == ("POST", "/base", KEY)

    asyncio.run(run())


def test_an_answer_tells_when_it_was_served_and_when_it_came() -> None:
    async def run() -> None:
        async with market() as scene:
            service = scene.defillama().service
            answer = await service.get("/overview/dexs/solana", msgspec.json.Decoder(msgspec.Raw).decode)
            assert answer.served_at == START
            assert answer.came_at == START

    asyncio.run(run())


def test_a_date_beyond_the_calendar_is_none() -> None:
    async def run() -> None:
        headers = {"Date": BEYOND_THE_CALENDAR}
        async with scripted("it", lambda _request: web.json_response({"value": 1}, headers=headers)) as (
            service,
            _clock,
        ):
            answer = await service.get("/x", decode)
            assert (answer.value, answer.served_at) == ({"value": 1}, None)

    asyncio.run(run())


def test_the_budget_holds_over_any_period() -> None:
    async def run() -> None:
        clock = MarketClock()
        budget = RequestBudget(15, clock, 60.0)
        taken_at: list[float] = []
        for _ in range(100):
            await budget.take()
            taken_at.append(clock.passed_seconds)
        assert taken_at[:15] == [0.0] * 15
        for first, later in zip(taken_at, taken_at[30:], strict=False):
            # A burst and a period's worth: never more than twice the budget within a period.
            assert later - first >= 59.9
        assert taken_at[-1] == pytest.approx(85 * 4)

    asyncio.run(run())


def test_calls_at_once_share_one_budget() -> None:
    async def run() -> None:
        async with scripted("it", Script(good), requests=2) as (service, clock):
            await asyncio.gather(*(service.get("/x", decode) for _ in range(6)))
            assert clock.passed_seconds == pytest.approx(2.0)

    asyncio.run(run())


def test_last_good_values_forget_the_oldest() -> None:
    clock = MarketClock()
    values: LastGoodValues[int] = LastGoodValues(clock, most_keys=2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        values.remember(key, value)
        clock.passed_seconds += 1
    assert values.of("b") is None
    found = values.of("a")
    assert found is not None
    assert (found.value, found.age_seconds) == (3, 2.0)

"""Every request of every market client, under every fault: what comes out, and how often it was asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from market_scene import QUESTIONS, Scene, market

from oof_pipelines.interfaces import SourceUnavailableError
from oof_pipelines.pricing.readings import ReadingRefusedError

every_request = pytest.mark.parametrize("name", QUESTIONS)


def ask(
    name: str,
    faults: str | None,
    check: Callable[[Scene, Any, Callable[[], Awaitable[object]]], Awaitable[None]],
    **policy: float,
) -> None:
    """Ask `name` of a server with `faults`; `check` gets the scene, the client and the asking."""

    async def run() -> None:
        async with market(faults) as scene:
            client, asking = QUESTIONS[name][1](scene, **policy)
            await check(scene, client, asking)

    asyncio.run(run())


@every_request
def test_without_faults_it_is_answered_at_once(name: str) -> None:
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        answer = await asking()
        assert answer
        assert not getattr(answer, "refused", ())
        assert scene.requests == 1
        assert scene.clock.slept == []
        assert client.service.outcomes == {"answered": 1}

    ask(name, None, check)


@every_request
def test_429_is_waited_out_as_long_as_it_says_and_then_given_up(name: str) -> None:
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(SourceUnavailableError, match="HTTP 429"):
            await asking()
        assert scene.requests == 3
        assert scene.clock.slept == [7.0, 7.0]
        assert client.service.outcomes == {"retried": 2, "unavailable": 1}

    ask(name, "429:p=1;retry_after=7", check)


@every_request
@pytest.mark.parametrize(("fault", "reason"), [("error", "HTTP 50[03]"), ("429", "HTTP 429"), ("cut", "no answer")])
def test_what_may_pass_is_asked_again_with_jitter(name: str, fault: str, reason: str) -> None:
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(SourceUnavailableError, match=reason):
            await asking()
        assert scene.requests == 3
        first, second = scene.clock.slept
        assert 0.125 <= first <= 0.25 <= second <= 0.5

    ask(name, f"{fault}:p=1", check)


@every_request
def test_an_answer_that_does_not_come_is_given_up(name: str) -> None:
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(SourceUnavailableError, match=r"no answer \(TimeoutError"):
            await asking()
        assert len(scene.clock.slept) == 1

    ask(name, "slow:p=1;ms=2000", check, timeout_seconds=0.05, attempts=2)


@every_request
@pytest.mark.parametrize("fault", ["truncated", "garbled"])
def test_what_is_no_json_is_asked_again_and_then_refused(name: str, fault: str) -> None:
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(ReadingRefusedError, match="no JSON"):
            await asking()
        assert scene.requests == 3
        assert client.service.outcomes == {"retried": 2, "refused": 1}

    ask(name, f"{fault}:p=1", check)


@every_request
@pytest.mark.parametrize(
    ("fault", "reason"), [("misshapen:p=1", "another form"), ("oversized:p=1;bytes=200000", "longer than 100000 bytes")]
)
def test_another_form_or_size_is_refused_at_once(name: str, fault: str, reason: str) -> None:
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(ReadingRefusedError, match=reason):
            await asking()
        assert scene.requests == 1

    ask(name, fault, check)


async def outcome_of(asking: Callable[[], Awaitable[object]]) -> object:
    """The answer, or the refusal of all of it."""
    try:
        return await asking()
    except ReadingRefusedError as error:
        return error


@every_request
@pytest.mark.parametrize("value", ["1e400", "nan", "negative", "zero"])
def test_absurd_figures_are_refused_and_never_come_out(name: str, value: str) -> None:
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        answer: Any = await outcome_of(asking)
        if isinstance(answer, ReadingRefusedError):
            assert answer.reason
            return
        # Answers of many entries lose those that are absurd, and say so; a volume or a mint's decimals may be zero.
        told = [*getattr(answer, "ticks", ()), *getattr(answer, "readings", ()), *getattr(answer, "tokens", ())]
        if value == "zero" and name in ("defillama", "defillama venue", "pump.fun"):
            assert {reading.volume_usd for reading in told} == {0}
        elif value == "zero" and name in ("das", "mint accounts"):
            assert {token.decimals for token in told} == {0}
        else:
            assert told == []
            assert answer.refused
            assert all(one.reason and one.subject and one.source for one in answer.refused)

    ask(name, f"absurd:p=1;value={value}", check)


@pytest.mark.parametrize("name", [name for name, (service, _) in QUESTIONS.items() if service != "das"])
def test_stale_answers_are_refused(name: str) -> None:
    # What a token calls itself does not age.
    async def check(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        answer: Any = await outcome_of(asking)
        if isinstance(answer, ReadingRefusedError):
            assert answer.reason.startswith("stale: ")
            return
        assert not answer.ticks
        assert {one.reason.split(":")[0] for one in answer.refused} == {"stale"}

    async def after_a_good_one(scene: Scene, client: Any, asking: Callable[[], Awaitable[object]]) -> None:
        await asking()
        scene.clock.passed_seconds += 1
        scene.fail("stale:p=1;seconds=7200")
        await check(scene, client, asking)

    # A book states no instant: only one that came before tells.
    ask(name, *((None, after_a_good_one) if name == "depth" else ("stale:p=1;seconds=7200", check)))


@every_request
def test_faults_of_every_kind_by_seed_lose_no_answer_that_was_to_be_had(name: str) -> None:
    async def run() -> int:
        answered = 0
        spec = "429:p=0.2,error:p=0.2,truncated:p=0.1,garbled:p=0.1,cut:p=0.1"
        for seed in range(6):
            async with market(spec, seed) as scene:
                client, asking = QUESTIONS[name][1](scene, attempts=30, give_up_seconds=10_000)
                assert await asking()
                answered += 1
                assert client.service.outcomes["answered"] == 1
                assert client.service.outcomes["retried"] == scene.requests - 1
        return answered

    assert asyncio.run(run()) == 6

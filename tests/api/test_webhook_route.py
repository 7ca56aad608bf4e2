"""`POST /webhooks/helius` over a store in memory: what is answered, and what is kept."""

import asyncio
import gzip
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from api_world import NOW, SECRET, SLOT, World, hint, signature_of

from oof_pipelines.api.webhook_authentication import BodySignature
from oof_pipelines.api.webhook_body import BodyReader
from oof_pipelines.chain.slot_clock import estimate_slot

ROUTE = "/webhooks/helius"


def over(world: World, work: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    async def scenario() -> None:
        async with world.running() as client:
            await work(client)

    asyncio.run(scenario())


def assert_error(response: httpx.Response, status: int, code: str) -> str:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert set(response.json()) == {"error"}
    assert set(error) == {"code", "message"}
    assert error["code"] == code
    assert SECRET not in response.text
    return str(error["message"])


def test_hints_are_kept_before_the_answer() -> None:
    world = World()

    async def work(client: httpx.AsyncClient) -> None:
        response = await client.post(ROUTE, json=[hint("a"), hint("b", SLOT + 1), hint("a"), {"odd": 1}])
        assert response.status_code == 200
        assert response.json() == {"accepted": 2, "refused": 1}
        assert world.store.rows == {signature_of("a"): SLOT, signature_of("b"): SLOT + 1}
        assert (await client.post(ROUTE, json=hint("a"))).json() == {"accepted": 1, "refused": 0}
        assert (await client.post(ROUTE, json=[])).json() == {"accepted": 0, "refused": 0}

    over(world, work)
    assert (world.writer.counts.new, world.writer.counts.known, world.receiver.refused_entries) == (2, 1, 1)
    assert world.receiver.outcomes == {"accepted": 3}


def test_who_does_not_show_the_secret_is_not_told_why() -> None:
    world = World()

    async def work(client: httpx.AsyncClient) -> None:
        answers = [
            (await client.post(ROUTE, json=[hint("a")], headers={"Authorization": shown})).json()
            for shown in ("", SECRET[:-1], SECRET + " x", "Bearer " + SECRET)
        ]
        assert answers == [{"error": {"code": "unauthorized", "message": "not authorized"}}] * 4
        # Also where everything else is wrong: the body is not read, its size is not looked at.
        wrong = {"Authorization": "x", "Content-Encoding": "gzip", "Content-Length": str(10**12)}
        assert_error(await client.post(ROUTE, content=b"[", headers=wrong), 401, "unauthorized")

    over(world, work)
    assert not world.store.rows
    assert world.receiver.outcomes == {"unauthorized": 5}


def test_the_body_of_a_stranger_is_not_read() -> None:
    read: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(b"x")
        yield b"x"

    async def work(client: httpx.AsyncClient) -> None:
        # httpx asks for the body before it calls the application; what counts is what the application asks for.
        response = await client.post(ROUTE, content=body(), headers={"Authorization": "x"})
        assert_error(response, 401, "unauthorized")

    over(World(reader=Unreadable()), work)


class Unreadable(BodyReader):
    """Fails the test where a body is asked for."""

    def __init__(self) -> None:
        super().__init__(1)

    async def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


def test_a_signed_body_is_let_in_and_any_other_is_not() -> None:
    world = World(authentication=BodySignature(SECRET))
    body = json.dumps([hint("a")]).encode()
    signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()

    async def work(client: httpx.AsyncClient) -> None:
        for shown in ({}, {"X-Signature": "f" * 64}, {"X-Signature": signature[:-1]}, {"X-Signature": "0" + signature}):
            assert_error(await client.post(ROUTE, content=body, headers=shown), 401, "unauthorized")
        forged = await client.post(ROUTE, content=body.replace(b"SWAP", b"BURN"), headers={"X-Signature": signature})
        assert_error(forged, 401, "unauthorized")
        assert not world.store.rows
        for name, value in (("X-Signature", signature), ("X-Helius-Signature", f"sha256={signature}")):
            assert (await client.post(ROUTE, content=body, headers={name: value})).status_code == 200

    over(world, work)
    assert set(world.store.rows) == {signature_of("a")}


def test_without_a_secret_nobody_is_let_in() -> None:
    world = World(authentication=None)

    async def work(client: httpx.AsyncClient) -> None:
        for shown in (SECRET, ""):
            response = await client.post(ROUTE, json=[hint("a")], headers={"Authorization": shown})
            assert "HELIUS_WEBHOOK_SECRET is not set" in assert_error(response, 503, "webhook_off")

    over(world, work)


def test_large_compressed_and_nonsensical_bodies_are_refused() -> None:
    world = World(reader=BodyReader(2_000))

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"[" * 100

    async def work(client: httpx.AsyncClient) -> None:
        assert "OOF_WEBHOOK_MOST_BYTES" in assert_error(
            await client.post(ROUTE, content=b"[" * 2_001), 413, "body_too_large"
        )
        assert_error(await client.post(ROUTE, content=chunks()), 413, "body_too_large")
        packed = gzip.compress(json.dumps([hint("a")]).encode())
        for encoding in ("gzip", "br", "deflate, gzip", "GZIP"):
            response = await client.post(ROUTE, content=packed, headers={"Content-Encoding": encoding})
            assert_error(response, 415, "encoding_not_accepted")
        for body in (b"", b"{", b"[" * 2_000, b'{"hello": "world"}', b"[1, 2]", b"null"):
            assert_error(await client.post(ROUTE, content=body), 400, "not_transactions")
        as_is = await client.post(ROUTE, json=[hint("a")], headers={"Content-Encoding": "identity"})
        assert as_is.status_code == 200

    over(world, work)
    assert world.receiver.outcomes == {
        "body_too_large": 2,
        "encoding_not_accepted": 4,
        "not_transactions": 6,
        "accepted": 1,
    }


def test_a_slot_is_plausible_by_the_clock_and_by_what_is_stored() -> None:
    by_clock = estimate_slot(int(NOW.timestamp()))
    world = World()

    async def work(client: httpx.AsyncClient) -> None:
        far, near = hint("far", by_clock + 6_000_000), hint("near", by_clock + 4_000_000)
        assert (await client.post(ROUTE, json=[far, near])).json() == {"accepted": 1, "refused": 1}
        world.store.known_slot = by_clock + 2_000_000
        world.clock.passed_s += 11
        await asyncio.sleep(1.1)
        assert (await client.post(ROUTE, json=[far, near])).json() == {"accepted": 2, "refused": 0}

    over(world, work)


def test_what_cannot_be_kept_is_to_be_sent_again() -> None:
    world = World(most_queued=3)

    async def work(client: httpx.AsyncClient) -> None:
        world.store.is_away = True
        response = await client.post(ROUTE, json=[hint("a")])
        assert_error(response, 503, "database")
        world.store.is_away = False
        assert (await client.post(ROUTE, json=[hint("a"), hint("b"), hint("c")])).status_code == 200
        full = await client.post(ROUTE, json=[hint("d")])
        assert_error(full, 503, "queue_full")
        assert [int(one.headers["retry-after"]) > 0 for one in (response, full)] == [True, True]

    over(world, work)
    assert {reason: counts for (_, reason), counts in world.store.noted.items()} == {
        "database": (1, 1),
        "queue_full": (1, 1),
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/docs", 404, "not_found"),
        ("GET", "/openapi.json", 404, "not_found"),
        ("POST", ROUTE + "/", 404, "not_found"),
        ("GET", ROUTE, 405, "method_not_allowed"),
        ("DELETE", "/v1/health", 405, "method_not_allowed"),
    ],
)
def test_other_errors_have_the_same_shape(method: str, path: str, status: int, code: str) -> None:
    async def work(client: httpx.AsyncClient) -> None:
        assert_error(await client.request(method, path), status, code)

    over(World(), work)


def test_an_error_of_ours_is_answered_and_logged_with_its_id(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()

    async def failing(*_: object) -> None:
        raise RuntimeError("something of ours")

    monkeypatch.setattr(world.writer, "write", failing)

    async def work(client: httpx.AsyncClient) -> None:
        response = await client.post(ROUTE, json=[hint("a")], headers={"X-Request-Id": "mine-1"})
        assert "mine-1" in assert_error(response, 500, "internal_error")
        assert response.headers["x-request-id"] == "mine-1"
        odd = await client.get("/v1/health", headers={"X-Request-Id": "a b"})
        assert len(odd.headers["x-request-id"]) == 16

    over(world, work)
    failed = [record for record in caplog.records if record.message == "request failed"]
    assert [vars(record)["request_id"] for record in failed] == ["mine-1"]
    assert SECRET not in caplog.text

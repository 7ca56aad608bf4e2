"""The RPC client against a real HTTP server that misbehaves."""

import asyncio
import base64
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import web
from leaping_clock import LeapingClock

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.interfaces import (
    HeldAccount,
    ListedSignature,
    MethodMissingError,
    SignatureStatus,
    SourceRefusedError,
    SourceUnavailableError,
    UnsupportedVersionError,
)
from oof_pipelines.settings import SecretUrl
from oof_pipelines.transport.pacing import Backoff, RequestBudget
from oof_pipelines.transport.rpc import EndpointsRefuseUsError, RpcClient

KEY = "a-very-secret-key"
NAME = "5" * 88
PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
OWNER = "CPp14jCnVZpBUoLGZKAFcrLGHqbYTqHjcBEXaJyVgVop"
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
ACCOUNT = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"
Answer = Callable[[dict[str, Any]], Awaitable[web.StreamResponse] | web.StreamResponse]


class Node:
    """A server that gives one scripted answer after another, the last one for ever."""

    def __init__(self, *script: Answer) -> None:
        self.script = list(script)
        self.requests: list[dict[str, Any]] = []
        self.url = SecretUrl("")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        self.requests.append(asked)
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        made = answer(asked)
        return await made if isinstance(made, Awaitable) else made

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Node"]:
        application = web.Application()
        application.router.add_post("/{tail:.*}", self.handle)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = SecretUrl(f"http://127.0.0.1:{port}/{KEY}?api-key={KEY}")
        try:
            yield self
        finally:
            await runner.cleanup()


def raw(body: bytes, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(status=status, body=body, headers=named, content_type="application/json")


def result(value: bytes) -> Answer:
    return raw(b'{"jsonrpc":"2.0","result":' + value + b',"id":1}')


def error(code: int, message: str = "no", status: int = 200) -> Answer:
    return raw(msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}), status)


async def cut_off(_: dict[str, Any]) -> web.StreamResponse:
    return web.Response(body=b'{"jsonrpc":"2.0","result":{"sl')


async def silence(_: dict[str, Any]) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


def client(*nodes: Node | SecretUrl, clock: LeapingClock | None = None, **options: Any) -> RpcClient:
    urls = [node.url if isinstance(node, Node) else node for node in nodes]
    options = {"requests_per_second": 1000, "timeout_seconds": 2.0, "give_up_seconds": 30.0} | options
    return RpcClient(urls, clock=clock or LeapingClock(), randomness=random.Random(1), **options)


def ask(*nodes: Node, calls: int = 1, clock: LeapingClock | None = None, **options: Any) -> list[bytes]:
    """The results of `calls` to getSlot over `nodes`; no error text may hold the key."""

    async def scenario() -> list[bytes]:
        async with asyncio.timeout(10), _all_serving(nodes), client(*nodes, clock=clock, **options) as rpc:
            return [await rpc.call("getSlot", []) for _ in range(calls)]

    try:
        return asyncio.run(scenario())
    except (SourceRefusedError, SourceUnavailableError) as failed:
        if KEY in f"{failed} {failed!r}":
            pytest.fail("an error text holds the key")
        raise


@asynccontextmanager
async def _all_serving(nodes: tuple[Node, ...]) -> AsyncIterator[None]:
    if not nodes:
        yield
        return
    async with nodes[0].serving(), _all_serving(nodes[1:]):
        yield


@pytest.mark.parametrize(
    "value", [b"7", b'{"b" : 1.50,\n "a":"\\u0041"}', b'"a\\/b"', b"[1e3,  2]", b"null", b"18446744073709551615"]
)
def test_result_bytes_are_unchanged(value: bytes) -> None:
    assert ask(Node(result(value))) == [value]


@pytest.mark.parametrize(
    "misbehaviour",
    [raw(b"", 429), raw(b"oops", 500), raw(b"", 502), cut_off, raw(b"<html>"), raw(b"{}"), error(-32005), error(429),
     error(-32603), raw(b"[" * 100_000), raw(b'{"error":"text"}')],
)  # fmt: skip
def test_what_may_pass_is_asked_again(misbehaviour: Answer) -> None:
    node, clock = Node(misbehaviour, misbehaviour, result(b"7")), LeapingClock()
    assert ask(node, clock=clock) == [b"7"]
    assert len(node.requests) == 3
    assert 0.1 <= clock.slept[0] <= 0.2 <= clock.slept[1] <= 0.4


def test_retry_after_is_kept_within_reason() -> None:
    clock = LeapingClock()
    throttled = [raw(b"", 429, Retry_After=text) for text in ("3", "40", "3600", "Wed, 21 Oct 2026 07:28:00 GMT")]
    assert ask(Node(*throttled, result(b"7")), clock=clock, give_up_seconds=200.0) == [b"7"]
    assert clock.slept[:3] == [3.0, 40.0, 60.0]
    assert clock.slept[3] < 1


def test_calls_that_are_refused_together_make_one_pause() -> None:
    calls = 16
    node, clock = Node(*[raw(b"", 429)] * calls, result(b"7")), LeapingClock()

    async def scenario() -> list[bytes]:
        async with asyncio.timeout(10), node.serving(), client(node, clock=clock) as rpc:
            return await asyncio.gather(*(rpc.call("getSlot", []) for _ in range(calls)))

    assert asyncio.run(scenario()) == [b"7"] * calls
    assert clock.now_s <= 0.4, "a pause of 0.2 s, or two where they did not all go out at once"
    assert len(node.requests) == 2 * calls


class StrollingClock(LeapingClock):
    """A leaping clock whose sleeps let an answer that is under way come in first."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.1)
        await super().sleep(seconds)


def test_calls_that_wait_for_the_budget_are_not_sent_into_a_pause() -> None:
    clock = StrollingClock()
    asked_at: list[float] = []

    def answer(asked: dict[str, Any]) -> web.StreamResponse:
        asked_at.append(clock.now_s)
        made = (raw(b"", 429, Retry_After="5") if len(asked_at) == 1 else result(b"7"))(asked)
        assert isinstance(made, web.StreamResponse)
        return made

    async def scenario() -> None:
        node = Node(answer)
        async with asyncio.timeout(10), node.serving(), client(node, clock=clock, requests_per_second=1) as rpc:
            await asyncio.gather(*(rpc.call("getSlot", []) for _ in range(4)))

    asyncio.run(scenario())
    assert len(asked_at) == 5, "one that failed, and one for each call"
    assert min(asked_at[1:]) >= 5


def test_an_endpoint_that_stays_broken_is_given_up() -> None:
    node, clock = Node(raw(b"oops", 500)), LeapingClock()
    with pytest.raises(SourceUnavailableError, match=r"getSlot at http://127\.0\.0\.1:\d+/…: HTTP 500"):
        ask(node, clock=clock)
    assert 10 < clock.now_s <= 30
    assert len(node.requests) > 5


def test_the_second_endpoint_takes_over_and_the_first_comes_back() -> None:
    first, second = Node(raw(b"", 429, Retry_After="5"), result(b"1")), Node(result(b"2"))

    async def scenario() -> list[bytes]:
        clock = LeapingClock()
        async with _all_serving((first, second)), client(first, second, clock=clock) as rpc:
            answers = [await rpc.call("getSlot", []) for _ in range(2)]
            clock.now_s += 5
            return [*answers, await rpc.call("getSlot", [])]

    assert asyncio.run(scenario()) == [b"2", b"2", b"1"]
    assert (len(first.requests), len(second.requests)) == (2, 2)


def test_a_healthy_second_endpoint_is_asked_although_the_first_cools_past_the_end() -> None:
    first, second = Node(raw(b"", 429, Retry_After="15")), Node(result(b"2"))
    assert ask(first, second, give_up_seconds=1.0) == [b"2"]


def test_nobody_listens_at_the_first() -> None:
    async def scenario() -> None:
        closed = SecretUrl(f"http://127.0.0.1:1/{KEY}")
        async with Node(result(b"2")).serving() as node, client(closed, node) as rpc:
            assert await rpc.call("getSlot", []) == b"2"
            assert rpc.outcomes["getSlot", "retried"] == 1
        async with client(closed) as rpc:
            with pytest.raises(SourceUnavailableError, match="ConnectError") as raised:
                await rpc.call("getSlot", [])
        assert KEY not in str(raised.value)

    asyncio.run(scenario())


class DrippingNode(Node):
    """Its first answer always goes on, a byte at a time."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.requests:
            return await super().handle(request)
        self.requests.append({})
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response


@pytest.mark.parametrize("node", [Node(silence, result(b"7")), DrippingNode(result(b"7"))], ids=["silent", "dripping"])
def test_an_answer_that_does_not_come_is_given_up(node: Node) -> None:
    assert ask(node, timeout_seconds=0.3) == [b"7"]
    assert len(node.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_endpoint_that_does_not_let_us_in_is_left_at_once(status: int) -> None:
    locked = Node(raw(b"who are you?", status))
    clock = LeapingClock()
    with pytest.raises(SourceUnavailableError, match=f"HTTP {status}"):
        ask(locked, clock=clock)
    assert (len(locked.requests), clock.slept) == (1, [])
    assert ask(Node(raw(b"who are you?", status)), Node(result(b"2"))) == [b"2"]
    assert ask(Node(error(-32011, "no history")), Node(result(b"2"))) == [b"2"]


def test_refusals_are_final_and_hide_the_key() -> None:
    node = Node(error(-32602, f"bad key {KEY}", status=400))
    with pytest.raises(SourceRefusedError, match="bad key … ") as raised:
        ask(node)
    assert (raised.value.code, len(node.requests)) == (-32602, 1)
    with pytest.raises(UnsupportedVersionError):
        ask(Node(error(-32015, "Transaction version (1) is not supported")))
    with pytest.raises(SourceUnavailableError, match="busy with …"):
        ask(Node(error(-32005, f"busy with {KEY}")))


def test_a_refusal_is_final_only_where_no_other_endpoint_gives_it() -> None:
    first, second = Node(error(-32602, "not here")), Node(result(b"2"))
    assert ask(first, second) == [b"2"]
    first, second = Node(error(-32015, "version (1)")), Node(error(-32602, "not here either"))
    with pytest.raises(UnsupportedVersionError):
        ask(first, second)
    assert (len(first.requests), len(second.requests)) == (1, 1)
    with pytest.raises(SourceRefusedError, match="not here"):
        ask(Node(error(-32601, "Method not found")), Node(error(-32602, "not here")))
    with pytest.raises(MethodMissingError):
        ask(Node(error(-32601, "Method not found")), Node(error(-32601, "Method not found")))


def test_a_refusal_does_not_count_while_another_endpoint_only_rests() -> None:
    for nodes in (
        (Node(raw(b"", 429, Retry_After="20")), Node(error(-32602, "not here"))),
        (Node(error(-32015, "version (1)")), Node(raw(b"oops", 503))),
    ):
        clock = LeapingClock()
        with pytest.raises(SourceUnavailableError, match=r"refused \(.*\) while http.* rests"):
            ask(*nodes, clock=clock)
        assert clock.now_s == 0, "the caller's worker is not kept waiting"
    # One that will not serve us at all has no say, though it is left alone as well.
    with pytest.raises(SourceRefusedError, match="not here"):
        ask(Node(raw(b"", 401)), Node(error(-32602, "not here")))


def test_what_one_endpoint_refused_while_the_other_rested_is_given_by_that_one_later() -> None:
    first, second = Node(raw(b"", 429, Retry_After="20"), result(b"7")), Node(error(-32602, "not here"))

    async def scenario() -> None:
        clock = LeapingClock()
        async with _all_serving((first, second)), client(first, second, clock=clock) as rpc:
            for _ in range(3):
                with pytest.raises(SourceUnavailableError):
                    await rpc.call("getTransaction", [])
            assert rpc.outcomes["getTransaction", "refused"] == 0
            clock.now_s += 20
            assert await rpc.call("getTransaction", []) == b"7"

    asyncio.run(scenario())


@pytest.mark.parametrize("code", [-32600, -32000, -32612, 1, -33000])
def test_a_code_that_nobody_knows_is_the_endpoints_fault(code: int) -> None:
    with pytest.raises(EndpointsRefuseUsError, match="plan is spent"):
        ask(Node(error(code, "plan is spent")))
    clock = LeapingClock()
    assert ask(Node(error(code, "plan is spent")), Node(result(b"2")), clock=clock) == [b"2"]
    # What was one transaction's fault holds nothing else up for long.
    odd = Node(error(code, "odd"), result(b"7"))

    async def scenario() -> None:
        async with odd.serving(), client(odd, clock=clock) as rpc:
            with pytest.raises(SourceUnavailableError):
                await rpc.call("getTransaction", [])
            assert await rpc.call("getTransaction", []) == b"7"

    begin_s = clock.now_s
    asyncio.run(scenario())
    assert clock.now_s - begin_s <= 0.2


def test_a_node_that_is_behind_is_asked_again_and_rests_for_nobody() -> None:
    node, clock = Node(error(-32016, "Minimum context slot"), error(-32016), result(b"[7]")), LeapingClock()
    assert ask(node, clock=clock) == [b"[7]"]
    assert clock.slept == [0.4, 0.4]
    clock = LeapingClock()
    assert ask(Node(error(-32016)), Node(result(b"2")), clock=clock) == [b"2"]
    assert clock.slept == []
    with pytest.raises(SourceUnavailableError, match="Minimum"):
        ask(Node(error(-32016, "Minimum context slot")))


def call(node: Node, use: Callable[[RpcClient], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        async with node.serving(), client(node) as rpc:
            return await use(rpc)

    return asyncio.run(scenario())


def test_each_method_asks_and_reads_as_documented() -> None:
    node = Node(result(b"null"), result(b'{"slot":1}'))
    assert call(node, lambda rpc: rpc.transaction(NAME)) is None
    assert call(node, lambda rpc: rpc.transaction(NAME)) == b'{"slot":1}'
    assert node.requests[0]["params"] == [
        NAME,
        {"encoding": "base64", "commitment": "confirmed", "maxSupportedTransactionVersion": 0},
    ]
    listing = Node(result(msgspec.json.encode([{"signature": NAME, "slot": 3, "err": None}])))
    assert call(listing, lambda rpc: rpc.signatures_for_address("A", "B", 9, 70)) == [ListedSignature(NAME, 3)]
    assert listing.requests[0]["params"] == [
        "A",
        {"limit": 9, "commitment": "confirmed", "minContextSlot": 70, "before": "B"},
    ]
    timed = [{"signature": NAME, "slot": 3, "blockTime": time} for time in (7, None, -1)]
    times = call(Node(result(msgspec.json.encode(timed))), lambda rpc: rpc.signatures_for_address("A", None, 9, 70))
    assert [row.block_time_s for row in times] == [7, None, None]
    slots = Node(result(b"[1,2]"))
    assert call(slots, lambda rpc: rpc.blocks(1, 3, 80)) == [1, 2]
    assert slots.requests[0]["params"] == [1, 3, {"commitment": "confirmed", "minContextSlot": 80}]
    assert call(Node(result(b"5")), lambda rpc: rpc.first_available_block()) == 5
    block = result(msgspec.json.encode({"signatures": [NAME], "blockTime": 1}))
    assert call(Node(block), lambda rpc: rpc.block_signatures(1)) == [NAME]
    for code in (-32007, -32009):
        with pytest.raises(SourceRefusedError):
            call(Node(error(code)), lambda rpc: rpc.block_signatures(1))
    assert call(Node(error(-32009)), lambda rpc: rpc.block_time_s(1)) is None
    assert call(Node(result(b"null")), lambda rpc: rpc.block_time_s(1)) is None
    assert call(Node(result(b'"hash"')), lambda rpc: rpc.genesis_hash()) == "hash"
    statuses = {"context": {}, "value": [None, {"slot": 5, "confirmations": None, "confirmationStatus": "finalized"}]}
    found = call(Node(result(msgspec.json.encode(statuses))), lambda rpc: rpc.signature_statuses([NAME, NAME], 9))
    assert found == [None, SignatureStatus(5, is_final=True)]
    behind = result(msgspec.json.encode({"context": {"slot": 8}, "value": [None]}))
    with pytest.raises(SourceUnavailableError, match="behind slot 9"):
        call(Node(behind), lambda rpc: rpc.signature_statuses([NAME], 9))
    assert call(Node(behind), lambda rpc: rpc.signature_statuses([NAME], 8)) == [None]


def by_method(**results: bytes | Answer) -> Answer:
    """Answers by the method that is asked for."""

    def answer(asked: dict[str, Any]) -> web.StreamResponse:
        value = results[asked["method"]]
        made = (result(value) if isinstance(value, bytes) else value)(asked)
        assert isinstance(made, web.StreamResponse)
        return made

    return answer


def test_the_first_block_is_that_of_the_shortest_history_that_was_listed() -> None:
    has_listed = []

    def once(asked: dict[str, Any]) -> web.StreamResponse:
        has_listed.append(asked)
        made = (result(b"[]") if len(has_listed) == 1 else raw(b"", 429))(asked)
        assert isinstance(made, web.StreamResponse)
        return made

    long = Node(by_method(getSignaturesForAddress=once, getFirstAvailableBlock=b"5"))
    short = Node(by_method(getSignaturesForAddress=b"[]", getFirstAvailableBlock=b"900"))

    async def scenario() -> list[int]:
        async with _all_serving((long, short)), client(long, short) as rpc:
            found = [await rpc.first_available_block()]
            for _ in range(2):
                await rpc.signatures_for_address(OWNER, None, 5, 1)
                found.append(await rpc.first_available_block())
            return found

    assert asyncio.run(scenario()) == [5, 5, 900]


def test_an_endpoint_that_listed_and_is_gone_is_said_once() -> None:
    gone = Node(by_method(getSlot=b"9", getBlocks=b"[1]", getFirstAvailableBlock=raw(b"", 500)))
    there = Node(by_method(getBlocks=b"[1]", getFirstAvailableBlock=b"900"))

    async def scenario() -> int:
        async with _all_serving((gone, there)), client(gone, there) as rpc:
            await rpc.blocks(1, 2, 1)
            with pytest.raises(SourceUnavailableError):
                await rpc.first_available_block()
            return await rpc.first_available_block()

    assert asyncio.run(scenario()) == 900


def test_an_endpoint_without_the_method_leaves_it_to_the_others() -> None:
    dumb = Node(by_method(getBlocks=b"[1]", getFirstAvailableBlock=error(-32601)))

    async def scenario() -> None:
        async with _all_serving((dumb,)), client(dumb) as rpc:
            await rpc.blocks(1, 2, 1)
            await rpc.first_available_block()

    with pytest.raises(MethodMissingError):
        asyncio.run(scenario())


def token_account(mint: str, holder: str, **changes: Any) -> dict[str, Any]:
    data = base64.b64encode(decode_base58(mint) + decode_base58(holder)).decode()
    return {"pubkey": ACCOUNT, "account": {"data": [data, "base64"], "owner": PROGRAM, "lamports": 1} | changes}


def test_token_accounts_are_read_by_their_layout() -> None:
    node = Node(result(msgspec.json.encode({"context": {"slot": 9}, "value": [token_account(MINT, OWNER)]})))
    found = call(node, lambda rpc: rpc.token_accounts_of(OWNER, PROGRAM, 7))
    assert found == [HeldAccount(ACCOUNT, MINT, PROGRAM)]
    options = {
        "encoding": "base64",
        "dataSlice": {"offset": 0, "length": 64},
        "commitment": "finalized",
        "minContextSlot": 7,
    }
    assert node.requests[0]["params"] == [OWNER, {"programId": PROGRAM}, options]
    with pytest.raises(SourceUnavailableError, match="behind slot 10"):
        call(node, lambda rpc: rpc.token_accounts_of(OWNER, PROGRAM, 10))


@pytest.mark.parametrize(
    "row",
    [
        token_account(MINT, MINT),
        token_account(MINT, OWNER, data=["AAAA", "base64"]),
        token_account(MINT, OWNER, data=["%%", "base64"]),
        token_account(MINT, OWNER, data=["AAAA", "base58"]),
        token_account(MINT, OWNER, owner="nobody"),
        token_account(MINT, OWNER) | {"pubkey": "nobody"},
    ],
)
def test_what_is_no_token_account_of_the_owner_is_the_endpoints_fault(row: dict[str, Any]) -> None:
    node = Node(result(msgspec.json.encode({"context": {"slot": 9}, "value": [row]})))
    with pytest.raises(SourceUnavailableError, match="getTokenAccountsByOwner"):
        call(node, lambda rpc: rpc.token_accounts_of(OWNER, PROGRAM, 7))


@pytest.mark.parametrize(
    "use",
    [
        lambda rpc: rpc.slot("confirmed"),
        lambda rpc: rpc.token_accounts_of(OWNER, PROGRAM, 1),
        lambda rpc: rpc.blocks(1, 2, 1),
        lambda rpc: rpc.first_available_block(),
        lambda rpc: rpc.block_signatures(1),
        lambda rpc: rpc.signatures_for_address("A", None, 5, 1),
        lambda rpc: rpc.signature_statuses([NAME], 1),
        lambda rpc: rpc.genesis_hash(),
    ],
)
@pytest.mark.parametrize("value", [b"null", b"{}", b'{"value":[]}', b'[{"signature":"\\u0000","slot":1}]', b"[-1]"])
def test_a_result_of_another_form_is_never_an_empty_answer(
    use: Callable[[RpcClient], Awaitable[Any]], value: bytes
) -> None:
    with pytest.raises(SourceUnavailableError):
        call(Node(result(value)), use)


def test_the_budget_is_kept_by_many_askers() -> None:
    clock = LeapingClock()
    asked_at: list[float] = []

    async def asker(budget: RequestBudget, count: int) -> None:
        for _ in range(count):
            await budget.take()
            asked_at.append(clock.now_s)

    async def scenario() -> None:
        budget = RequestBudget(10, clock)
        await asyncio.gather(*(asker(budget, 10) for _ in range(5)))

    asyncio.run(scenario())
    assert len(asked_at) == 50
    assert asked_at[-1] == pytest.approx(4.0)
    for begin in asked_at:
        assert sum(begin <= at < begin + 1 - 1e-6 for at in asked_at) <= 20, "a burst and a second's worth"


def test_the_client_asks_within_its_budget() -> None:
    node, clock = Node(result(b"7")), LeapingClock()
    ask(node, calls=12, clock=clock, requests_per_second=4)
    assert clock.now_s == pytest.approx(2.0)


def test_delays_double_to_a_cap_and_begin_again() -> None:
    backoff = Backoff(1.0, 8.0, random.Random(3))
    delays = [backoff.next_delay_seconds() for _ in range(200)]
    for delay, whole in zip(delays, [1.0, 2.0, 4.0] + [8.0] * 197, strict=True):
        assert whole / 2 <= delay <= whole
    assert len(set(delays)) > 190
    backoff.reset()
    assert backoff.next_delay_seconds() <= 1.0


def test_no_endpoint_names_the_setting() -> None:
    with pytest.raises(ValueError, match="RPC_PRIMARY"):
        client()

"""Subscriptions over real sockets, by hand and by solana-py."""

import asyncio
import json
import os
from pathlib import Path

import pytest
import websockets
from solana.rpc.websocket_api import SolanaWsClient
from solders.pubkey import Pubkey
from solders.rpc.config import RpcTransactionLogsFilterMentions

VOTE = "Vote111111111111111111111111111111111111111"
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
FIXTURES = Path(os.environ.get("OOF_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures"))


def run(scenario):
    return asyncio.run(scenario)


async def call(socket, method, *params):
    """The answer to one request; notifications that come before it are put aside."""
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 9, "method": method, "params": list(params)}))
    while "id" not in (answer := json.loads(await socket.recv())):
        pass
    return answer.get("result", answer.get("error"))


async def hear(socket, count, timeout_seconds=5.0):
    async with asyncio.timeout(timeout_seconds):
        return [json.loads(await socket.recv()) for _ in range(count)]


async def is_silent(socket, seconds=0.3):
    try:
        async with asyncio.timeout(seconds):
            await socket.recv()
    except TimeoutError:
        return True
    return False


def signatures_in(messages):
    return [message["params"]["result"]["value"]["signature"] for message in messages]


def test_all_are_announced_in_chain_order_on_both_ports(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(30, per_slot=4)) as (node, _):
            same_port = node.http_url.replace("http", "ws")
            async with websockets.connect(node.ws_url) as one, websockets.connect(same_port) as two:
                numbers = [await call(socket, "logsSubscribe", "all") for socket in (one, two)]
                for socket, number in zip((one, two), numbers, strict=True):
                    heard = await hear(socket, 30)
                    assert signatures_in(heard) == [bodies.signature(n) for n in range(30)]
                    assert {message["params"]["subscription"] for message in heard} == {number}
                    assert await is_silent(socket)

    run(scenario())


def test_solana_py_accepts_the_notifications(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(3)) as (node, _), SolanaWsClient(node.ws_url) as client:
            everything = await client.logs_subscribe()
            one_address = Pubkey.from_string(bodies.address(1001))
            mentioning = await client.logs_subscribe(filter_=RpcTransactionLogsFilterMentions(one_address))
            slots = await client.slot_subscribe()
            heard = {everything.subscription_id: [], mentioning.subscription_id: [], slots.subscription_id: []}
            for _ in range(5):
                message = await client.recv()
                heard[message.subscription].append(message.result)
            tip = heard[slots.subscription_id][0]
            assert (tip.slot, tip.parent, tip.root) == (166, 165, 166)
            names = [str(result.value.signature) for result in heard[everything.subscription_id]]
            assert names == [bodies.signature(number) for number in range(3)]
            (mentioned,) = heard[mentioning.subscription_id]
            assert mentioned.value.logs == ["Program log: number 1"]
            assert mentioned.context.slot == 101
            await client.unsubscribe(everything)

    run(scenario())


def test_votes_are_left_out_of_all_and_mentions_hold_loaded_addresses(tmp_path, bodies, serve):
    (tmp_path / "0.json").write_text(json.dumps(bodies.body(0, 100, program=VOTE)))
    (tmp_path / "1.json").write_text(json.dumps(bodies.body(1, 101, version=0, loaded=[MINT])))
    (tmp_path / "2.json").write_text(json.dumps(bodies.body(2, 102, encoding="json", program=VOTE)))

    async def scenario():
        wanted = {
            "all": ["all"],
            "votes": ["allWithVotes"],
            "mint": [{"mentions": [MINT]}],
            "vote": [{"mentions": [VOTE]}],
        }
        vote, swap, late_vote = (
            bodies.signature(0, program=VOTE),
            bodies.signature(1, version=0),
            bodies.signature(2, program=VOTE),
        )
        async with serve(tmp_path) as (node, _), websockets.connect(node.ws_url) as socket:
            names = {await call(socket, "logsSubscribe", *params): name for name, params in wanted.items()}
            heard = {name: [] for name in wanted}
            for message in await hear(socket, 7):
                heard[names[message["params"]["subscription"]]] += signatures_in([message])
            assert heard == {
                "all": [swap],
                "votes": [vote, swap, late_vote],
                "mint": [swap],
                "vote": [vote, late_vote],
            }

    run(scenario())


def test_what_a_socket_refuses(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(2)) as (node, _), websockets.connect(node.ws_url) as socket:
            two = {"mentions": [bodies.address(1), bodies.address(2)]}
            only_one = {"code": -32602, "message": "Invalid Request: Only 1 address supported"}
            assert await call(socket, "logsSubscribe", two) == only_one
            assert await call(socket, "logsSubscribe", {"mentions": []}) == only_one
            assert (await call(socket, "logsSubscribe", "some"))["code"] == -32602
            assert (await call(socket, "logsSubscribe", {"mentions": ["x"]}))["code"] == -32602
            unknown = {"code": -32602, "message": "Invalid subscription id."}
            assert await call(socket, "logsUnsubscribe", 99) == unknown
            assert (await call(socket, "getSlot"))["code"] == -32601
            await socket.send("{")
            assert json.loads(await socket.recv())["error"]["code"] == -32700
            number = await call(socket, "logsSubscribe", "all")
            assert await call(socket, "slotUnsubscribe", number) == unknown
            async with websockets.connect(node.ws_url) as stranger:
                assert await call(stranger, "logsUnsubscribe", number) == unknown
            assert await call(socket, "logsUnsubscribe", number) is True
            assert await call(socket, "logsUnsubscribe", number) == unknown
            assert await is_silent(socket)
            pong = await socket.ping()
            await asyncio.wait_for(pong, 2)

    run(scenario())


def test_at_speed_zero_the_announcements_wait_for_a_listener(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(4)) as (node, _):
            async with websockets.connect(node.ws_url):
                await asyncio.sleep(0.2)  # a socket without a subscription is no listener
            async with websockets.connect(node.ws_url) as socket:
                await call(socket, "logsSubscribe", "all")
                assert signatures_in(await hear(socket, 4)) == [bodies.signature(number) for number in range(4)]

    run(scenario())


def test_in_time_what_nobody_hears_is_lost_and_finalized_listeners_hear_later(write_chain, bodies, serve, hand_clock):
    async def scenario():
        async with serve(write_chain(4), speed=1, clock=hand_clock) as (node, ask):
            sure = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}
            assert await ask("getTransaction", bodies.signature(1), sure) is None  # starts the chain
            await hand_clock.advance(0.5)  # slots 100 and 101 pass unheard
            assert (await ask("getTransaction", bodies.signature(1), sure))["slot"] == 101
            assert await ask("getTransaction", bodies.signature(1)) is None
            assert await ask("getSlot", {"commitment": "confirmed"}) == 101
            async with websockets.connect(node.ws_url) as socket:
                soon = await call(socket, "logsSubscribe", "all", {"commitment": "confirmed"})
                late = await call(socket, "logsSubscribe", "all")
                ticks = await call(socket, "slotSubscribe")
                await hand_clock.advance(1.0)
                heard = [(m["params"]["subscription"], m["params"]["result"]) for m in await hear(socket, 4)]
                assert [result["context"]["slot"] for number, result in heard if number == soon] == [102, 103]
                assert [result for number, result in heard if number == ticks] == [
                    {"parent": 101, "root": 68, "slot": 102},
                    {"parent": 102, "root": 68, "slot": 103},
                ]
                assert await call(socket, "slotUnsubscribe", ticks) is True
                await hand_clock.advance(13)
                final = await hear(socket, 4)
                assert {message["params"]["subscription"] for message in final} == {late}
                assert signatures_in(final) == [bodies.signature(number) for number in range(4)]
            assert (await ask("getTransaction", bodies.signature(1)))["slot"] == 101
            assert await ask("getSlot", {"commitment": "confirmed"}) == 100 + int(14.5 / 0.4)

    run(scenario())


def test_the_chain_starts_with_the_first_subscription_so_nothing_is_missed(write_chain, bodies, serve):
    async def scenario():
        chain = write_chain(12, per_slot=2)
        async with serve(chain, speed=20) as (node, _), websockets.connect(node.ws_url) as socket:
            await asyncio.sleep(0.2)
            await call(socket, "logsSubscribe", "all", {"commitment": "confirmed"})
            assert signatures_in(await hear(socket, 12)) == [bodies.signature(number) for number in range(12)]

    run(scenario())


def shape(value):
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value).__name__


def test_a_notification_has_the_recorded_shape(write_chain, serve):
    if not FIXTURES.is_dir():
        pytest.skip(f"recorded fixtures are missing: {FIXTURES} (set OOF_FIXTURES)")
    (path,) = (FIXTURES / "ws_logs_subscribe").glob("*.json")
    recorded = json.loads(path.read_bytes())

    async def scenario():
        async with serve(write_chain(1)) as (node, _), websockets.connect(node.ws_url) as socket:
            await call(socket, "logsSubscribe", "all")
            (heard,) = await hear(socket, 1)
            assert shape(heard) == shape(recorded)

    run(scenario())

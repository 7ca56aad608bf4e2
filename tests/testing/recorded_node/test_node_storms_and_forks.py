"""Faults that last: storms of 429s, sockets away for a time, announcements out of turn, slots that land elsewhere."""

import asyncio
import json
import signal
import subprocess
import sys

import httpx
import pytest
import websockets


def run(scenario):
    return asyncio.run(scenario)


async def subscribe(socket, **options):
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "logsSubscribe", "params": ["all", options]}))
    assert "result" in json.loads(await socket.recv())


async def hear(socket, silence_seconds=0.5):
    """(slot, signature) of each announcement until the socket is silent or closed."""
    heard = []
    try:
        while True:
            result = json.loads(await asyncio.wait_for(socket.recv(), silence_seconds))["params"]["result"]
            heard.append((result["context"]["slot"], result["value"]["signature"]))
    except (TimeoutError, websockets.ConnectionClosed):
        return heard


def test_a_storm_refuses_everything_for_a_time(write_chain, serve, hand_clock):
    async def scenario():
        options = {"faults": "storm:after=3;times=2;for_ms=2000;retry_after=4", "clock": hand_clock}
        async with serve(write_chain(1), **options) as (_, ask):
            statuses = [(await ask.post("getSlot")).status_code for _ in range(6)]
            assert statuses == [200, 200, 429, 429, 429, 429]
            assert (await ask.post("getSlot")).headers["Retry-After"] == "4"
            hand_clock.seconds += 2.1
            # Two more answers, the second storm, and then never again.
            statuses = [(await ask.post("getSlot")).status_code for _ in range(4)]
            assert statuses == [200, 200, 429, 429]
            hand_clock.seconds += 2.1
            assert {(await ask.post("getSlot")).status_code for _ in range(9)} == {200}

    run(scenario())


def test_a_socket_is_away_for_a_time(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(12), faults="drop:after=4;lose=2;for_ms=400") as (node, _):
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket)
                first = await hear(socket)
            with pytest.raises(websockets.InvalidStatus, match="503"):
                await websockets.connect(node.ws_url)
            await asyncio.sleep(0.45)
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket)
                second = await hear(socket)
        assert [signature for _, signature in first] == [bodies.signature(number) for number in range(4)]
        assert [signature for _, signature in second] == [bodies.signature(number) for number in range(6, 12)]

    async def scenario_without_waiting():
        # Away for what is lost alone: as it was before there was a time.
        async with serve(write_chain(12), faults="drop:after=4;lose=0;for_ms=0") as (node, _):
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket)
                await hear(socket)
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket)
                assert len(await hear(socket)) == 8

    run(scenario())
    run(scenario_without_waiting())


@pytest.mark.parametrize("seed", [1, 2])
def test_repeated_announcements_come_again_later(write_chain, bodies, serve, seed):
    async def scenario():
        async with (
            serve(write_chain(30), faults="repeat:p=0.4;later=3", seed=seed) as (node, _),
            websockets.connect(node.ws_url) as socket,
        ):
            await subscribe(socket)
            return [signature for _, signature in await hear(socket)]

    heard = run(scenario())
    everything = [bodies.signature(number) for number in range(30)]
    assert list(dict.fromkeys(heard)) == everything, "each is announced at its turn"
    assert 0 < len(heard) - 30 < 30
    assert {heard.count(signature) for signature in everything} == {1, 2}


def test_reordered_announcements_are_late_and_none_is_lost(write_chain, bodies, serve):
    async def scenario():
        async with (
            serve(write_chain(30), faults="reorder:p=0.4;later=5", seed=2) as (node, _),
            websockets.connect(node.ws_url) as socket,
        ):
            await subscribe(socket)
            return [signature for _, signature in await hear(socket)]

    heard = run(scenario())
    everything = [bodies.signature(number) for number in range(30)]
    assert sorted(heard) == sorted(everything)
    assert heard != everything


def test_a_forked_slot_is_confirmed_in_one_slot_and_final_in_another(write_chain, bodies, serve, hand_clock):
    confirmed = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    finalized = {**confirmed, "commitment": "finalized"}

    async def scenario():
        options = {"faults": "fork:p=1;back=2;after_ms=1000", "clock": hand_clock}
        async with serve(write_chain(3, slot_step=10), **options) as (node, ask):
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket, commitment="confirmed")
                for _ in range(4):
                    await hand_clock.advance(0.1)
                assert [slot for slot, _ in await hear(socket)] == [98, 108, 118]
            signature = bodies.signature(1)
            assert (await ask("getTransaction", signature, confirmed))["slot"] == 108
            assert await ask("getTransaction", signature, finalized) is None
            (status,) = (await ask("getSignatureStatuses", [signature]))["value"]
            assert (status["slot"], status["confirmationStatus"]) == (108, "confirmed")
            hand_clock.seconds += 1.1
            for options in (confirmed, finalized):
                assert (await ask("getTransaction", signature, options))["slot"] == 110
            (status,) = (await ask("getSignatureStatuses", [signature]))["value"]
            assert (status["slot"], status["confirmationStatus"]) == (110, "finalized")

    run(scenario())


def test_what_was_struck_is_told_at_the_end(write_chain, tmp_path):
    log = tmp_path / "node.log"
    command = [
        sys.executable,
        "-m",
        "oof_pipelines",
        "node",
        str(write_chain(5)),
        "--port",
        "0",
        "--faults",
        "slow:p=1;ms=1",
    ]
    with log.open("wb") as errors:
        node = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        assert node.stdout is not None
        url = node.stdout.readline().decode().split()[1]
        for _ in range(3):
            httpx.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "getSlot"}, timeout=10)
        node.send_signal(signal.SIGINT)
        assert node.wait(10) == 0
        node.stdout.close()
    assert "node: struck slow 3\n" in log.read_text()

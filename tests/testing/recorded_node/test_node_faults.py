"""Every fault, that a seed decides them, the request log, and the command."""

import asyncio
import json
import signal
import time

import httpx
import pytest
import websockets
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.commands.node import node as node_command
from oof_pipelines.testing.recorded_node.faults import KNOWN_FAULTS, Faults, FaultSpecError, parse_faults
from oof_pipelines.testing.recorded_node.process import NodeStartError, start_node_process

V0 = {"maxSupportedTransactionVersion": 0}


def run(scenario):
    return asyncio.run(scenario)


async def subscribe(socket, *params):
    await socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "logsSubscribe", "params": list(params)}))
    assert "result" in json.loads(await socket.recv())


async def listen_until_closed_or_silent(socket, silence_seconds=0.5):
    heard = []
    try:
        while True:
            message = json.loads(await asyncio.wait_for(socket.recv(), silence_seconds))
            heard.append(message["params"]["result"]["value"]["signature"])
    except TimeoutError:
        return heard, False
    except websockets.ConnectionClosed:
        return heard, True


@pytest.mark.parametrize("retry_after", [None, 7])
def test_too_many_requests(write_chain, serve, retry_after):
    async def scenario():
        spec = "429:p=1" + (f";retry_after={retry_after}" if retry_after else "")
        async with serve(write_chain(1), faults=spec) as (_, ask):
            answer = await ask.post("getSlot")
            assert answer.status_code == 429
            assert answer.headers.get("Retry-After") == (str(retry_after) if retry_after else None)
            assert answer.json()["error"]["code"] == 429

    run(scenario())


def test_server_errors_slow_and_truncated_answers(write_chain, bodies, serve):
    async def scenario():
        folder = write_chain(1)
        async with serve(folder, faults="error:p=1") as (_, ask):
            assert {(await ask.post("getBlock", slot)).status_code for slot in range(30)} == {500, 503}
        async with serve(folder, faults="truncated:p=1,slow:p=1;ms=200") as (_, ask):
            started = time.monotonic()
            answer = await ask.post("getTransaction", bodies.signature(0), V0)
            assert time.monotonic() - started >= 0.2
            assert answer.status_code == 200
            assert answer.text.startswith('{"jsonrpc":"2.0","result":{')
            with pytest.raises(json.JSONDecodeError):
                answer.json()

    run(scenario())


def test_stale_slots_lag(write_chain, serve):
    async def scenario():
        async with serve(write_chain(1), faults="stale_slot:p=0.5;lag=30", seed=3) as (_, ask):
            answers = [await ask("getSlot") for _ in range(40)]
            assert set(answers) == {164, 134}
            assert 8 <= answers.count(134) <= 32

    run(scenario())


def test_listings_of_a_stale_node_end_early_and_min_context_slot_refuses_them(write_chain, bodies, serve):
    async def scenario():
        confirmed = {"commitment": "confirmed"}
        async with serve(write_chain(10), faults="stale_slot:p=0.5;lag=70", seed=3) as (_, ask):
            # The tip is 64 slots past the last recorded one, 109: a node 70 behind knows no slot after 103.
            for method, *params in (("getBlocks", 100, 200), ("getBlocksWithLimit", 100, 50)):
                answers = [await ask(method, *params, confirmed) for _ in range(20)]
                assert {tuple(answer) for answer in answers} == {tuple(range(100, 110)), tuple(range(100, 104))}
            pages = [await ask("getSignaturesForAddress", bodies.address(1), confirmed) for _ in range(20)]
            assert {len(page) for page in pages} == {10, 4}
            assert {page[0]["slot"] for page in pages} == {109, 103}
            newest = {"before": bodies.signature(9), **confirmed}
            pages = [await ask("getSignaturesForAddress", bodies.address(1), newest) for _ in range(20)]
            assert {len(page) for page in pages} == {9, 0}, "a node behind does not know the cursor"
            for method, *params in (
                ("getBlocks", 100, 200),
                ("getSignaturesForAddress", bodies.address(1)),
                ("getSlot",),
            ):
                answers = [await ask(method, *params, {"minContextSlot": 173, **confirmed}) for _ in range(20)]
                refused = [answer["code"] for answer in answers if isinstance(answer, dict)]
                assert set(refused) == {-32016}
                assert 0 < len(refused) < 20

    run(scenario())


def test_min_context_slot_without_a_fault(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(10)) as (_, ask):
            assert await ask("getSlot", {"minContextSlot": 173}) == 173
            assert (await ask("getSlot", {"minContextSlot": 174}))["code"] == -32016
            assert (await ask("getBlocks", 100, 105, {"minContextSlot": 174}))["code"] == -32016
            assert (await ask("getBlocks", 100, 105, {"minContextSlot": "x"}))["code"] == -32602
            assert await ask("getFirstAvailableBlock") == 100

    run(scenario())


def test_null_after_log_heals(write_chain, bodies, serve, hand_clock):
    async def scenario():
        options = {"faults": "null_after_log:p=0.5;for_ms=300", "clock": hand_clock}
        async with serve(write_chain(20), **options) as (_, ask):
            first = [await ask("getTransaction", bodies.signature(number), V0) for number in range(20)]
            assert 0 < first.count(None) < 20
            hand_clock.seconds += 0.31
            assert None not in [await ask("getTransaction", bodies.signature(number), V0) for number in range(20)]

    run(scenario())


def test_a_dropped_socket_loses_what_is_announced_meanwhile(write_chain, bodies, serve, tmp_path):
    async def scenario():
        log = tmp_path / "requests.jsonl"
        async with serve(write_chain(40), faults="drop:after=10;lose=5", log=log) as (node, _):
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket, "all")
                first, is_closed = await listen_until_closed_or_silent(socket)
                assert is_closed
                assert socket.close_code == 1006  # no close frame came
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket, "all")
                second, is_closed = await listen_until_closed_or_silent(socket)
                assert not is_closed
        assert first == [bodies.signature(number) for number in range(10)]
        assert second == [bodies.signature(number) for number in range(15, 40)]
        assert [json.loads(line)["answer"] for line in log.read_text().splitlines()] == ["result", "dropped", "result"]

    run(scenario())


def test_a_drop_spares_other_listeners_and_counts_what_the_cut_one_would_have_heard(tmp_path, bodies, serve):
    for number in range(60):
        body = bodies.body(number, 100 + number, payer=1 + number % 2)
        (tmp_path / f"{number:03}.json").write_text(json.dumps(body))

    async def scenario():
        async with (
            serve(tmp_path, faults="drop:after=40;lose=1") as (node, _),
            websockets.connect(node.ws_url) as cut,
            websockets.connect(node.ws_url) as spared,
        ):
            await subscribe(cut, "all")
            await subscribe(spared, {"mentions": [bodies.address(2)]})
            heard, is_cut = await listen_until_closed_or_silent(cut)
            assert (len(heard), is_cut) == (40, True)
            odd, is_cut = await listen_until_closed_or_silent(spared)
            assert (len(odd), is_cut) == (30, False)

    run(scenario())


def test_a_vanishing_slot_is_heard_then_gone_and_never_final(write_chain, bodies, serve, hand_clock):
    async def scenario():
        options = {"faults": "vanish:slots=3;after_ms=1000", "seed": 5, "clock": hand_clock}
        async with serve(write_chain(10), **options) as (node, ask):
            gone = sorted(node.chain.vanishing)
            assert len(gone) == 3
            names = [bodies.signature(slot - 100) for slot in gone]
            confirmed = {"commitment": "confirmed", **V0}
            async with websockets.connect(node.ws_url) as socket:
                await subscribe(socket, "all", {"commitment": "confirmed"})
                for _ in range(4):
                    await hand_clock.advance(0.1)
                heard, _ = await listen_until_closed_or_silent(socket)
                assert set(names) < set(heard)
                assert len(heard) == 10
                assert (await ask("getTransaction", names[0], confirmed))["slot"] == gone[0]
                assert await ask("getTransaction", names[0], V0) is None
                status = (await ask("getSignatureStatuses", [names[0]]))["value"][0]
                assert (status["confirmationStatus"], status["confirmations"]) == ("confirmed", 31)
                await hand_clock.advance(1.0)
            for slot, name in zip(gone, names, strict=True):
                assert await ask("getTransaction", name, confirmed) is None
                assert (await ask("getSignatureStatuses", [name]))["value"] == [None]
                assert (await ask("getBlock", slot, confirmed))["code"] == -32009
            blocks = await ask("getBlocks", 100, 109, {"commitment": "confirmed"})
            assert blocks == [slot for slot in range(100, 110) if slot not in gone]
            listed = await ask("getSignaturesForAddress", bodies.address(1), {"commitment": "confirmed"})
            assert len(listed) == 7
            assert names[0] not in [one["signature"] for one in listed]

    run(scenario())


def test_the_same_seed_faults_the_same_things_whatever_the_order(write_chain, bodies, serve):
    async def faulted(folder, seed, order):
        spec = "429:p=0.3,null_after_log:p=0.3;for_ms=60000"
        found = {}
        async with serve(folder, faults=spec, seed=seed) as (_, ask):
            for number in order:
                answer = await ask.post("getTransaction", bodies.signature(number), V0)
                is_null = answer.status_code == 200 and answer.json()["result"] is None
                found[number] = answer.status_code, is_null
        return found

    async def scenario():
        folder = write_chain(40)
        first = await faulted(folder, 1, range(40))
        assert await faulted(folder, 1, reversed(range(40))) == first
        assert await faulted(folder, 2, range(40)) != first
        assert {429, 200} == {status for status, _ in first.values()}

    run(scenario())


def test_the_log_tells_every_request(write_chain, bodies, serve, tmp_path):
    async def scenario():
        log = tmp_path / "requests.jsonl"
        async with serve(write_chain(1), log=log) as (_, ask):
            await ask("getSlot")
            await ask("getTransaction", bodies.signature(9), V0)
            await ask("getBlock", 5)
            batch = [{"jsonrpc": "2.0", "id": n, "method": name} for n, name in enumerate(("getHealth", "sing"))]
            await ask.client.post("/", json=batch)
            await ask.client.post("/", content="{")
            lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert [(line["method"], line["answer"]) for line in lines] == [
            ("getSlot", "result"),
            ("getTransaction", "null"),
            ("getBlock", "error:-32009"),
            ("getHealth", "result"),
            ("sing", "error:-32601"),
            (None, "error:-32700"),
        ]
        assert lines[1]["params"] == [bodies.signature(9), V0]
        assert all(line["transport"] == "http" for line in lines)

    run(scenario())


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("fire", "429, null_after_log, stale_slot, truncated, drop, vanish, slow, error, storm, repeat, reorder, fork"),
        ("429:q=1", "p, retry_after"),
        ("429:p=2", "from 0 to 1"),
        ("429:p=nan", "from 0 to 1"),
        ("slow:ms=soon", "wants a number"),
        ("slow:ms=-1", "0 or more"),
        ("drop:after=0", "1 or more"),
        ("drop:after=1.5", "whole number"),
        ("storm:after=0", "1 or more"),
        ("fork:back=0", "1 or more"),
        ("repeat:later=0.5", "whole number"),
        (":p=1", "unknown fault"),
    ],
)
def test_a_wrong_spec_is_refused_with_what_is_known(tmp_path, spec, told):
    with pytest.raises(FaultSpecError, match="--faults"):
        parse_faults(spec)
    result = CliRunner().invoke(node_command, [str(tmp_path), "--faults", spec])
    assert result.exit_code == 1
    assert told in result.output


def test_specs_keep_the_defaults_that_are_not_named():
    assert parse_faults(None) == {}
    assert parse_faults("drop:lose=3 , 429") == {
        "drop": {"after": 100, "times": 1, "lose": 3, "for_ms": 0},
        "429": KNOWN_FAULTS["429"],
    }


@given(seed=st.integers(), p=st.floats(0, 1), identity=st.text())
def test_a_decision_is_the_same_every_time_and_probabilities_nest(seed, p, identity):
    faults = Faults(f"error:p={p}", seed)
    assert faults.befalls("error", identity) == faults.befalls("error", identity)
    assert not Faults("error:p=0", seed).befalls("error", identity)
    assert Faults("error:p=1", seed).befalls("error", identity)
    if faults.befalls("error", identity):
        assert Faults(f"error:p={min(1.0, p + 0.1)}", seed).befalls("error", identity)


def test_the_process_starts_says_where_it_is_and_ends_cleanly(write_chain, tmp_path):
    folder = write_chain(3)
    (folder / "other.json").write_text("{}")
    genesis = "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"
    with start_node_process(folder, genesis=genesis, log=tmp_path / "log") as running:
        assert running.start_line.endswith("transactions=3 slots=3 files=4 skipped=1 speed=0")
        http_port, ws_port = (int(url.rsplit(":", 1)[1]) for url in (running.http_url, running.ws_url))
        assert ws_port == http_port + 1
        request = {"jsonrpc": "2.0", "id": 1, "method": "getGenesisHash"}
        assert httpx.post(running.http_url, json=request, timeout=5).json()["result"] == genesis
        with pytest.raises(NodeStartError, match="--port: cannot listen"), start_node_process(folder, port=http_port):
            pass
        assert running.stop() == 0
    assert json.loads((tmp_path / "log").read_text())["method"] == "getGenesisHash"
    (tmp_path / "empty").mkdir()
    with pytest.raises(NodeStartError, match="no recorded transaction"), start_node_process(tmp_path / "empty"):
        pass


def test_an_interrupt_ends_it_with_zero_while_a_client_listens(write_chain):
    async def scenario(running):
        async with websockets.connect(running.ws_url) as socket:
            await subscribe(socket, "all")
            running.process.send_signal(signal.SIGINT)
            await listen_until_closed_or_silent(socket, 5)

    with start_node_process(write_chain(3)) as running:
        run(scenario(running))
        assert running.process.wait(10) == 0


def test_the_faults_are_listed(tmp_path):
    for arguments in (["--help"], ["--faults", "help"]):
        result = CliRunner().invoke(node_command, arguments)
        assert result.exit_code == 0
        assert all(name in result.output for name in KNOWN_FAULTS)

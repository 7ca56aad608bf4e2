"""Recordings that would have kept a client waiting for ever, or the node from starting: what becomes of each."""

import asyncio
import gzip
import json
import os
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
import websockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oof_pipelines.chain.base58 import is_signature
from oof_pipelines.chain.body import MAX_SLOT
from oof_pipelines.testing.recorded_node.indexing import MAX_RECORDED_SLOT
from oof_pipelines.testing.recorded_node.ledger import Ledger, has_recording, load_ledger


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())


def signatures(ledger: Ledger) -> list[str]:
    return [entry.signature for entry in ledger.entries]


@pytest.mark.parametrize("signature", ["short", "", "0" * 88, "1" * 63, 5, None, "1" * 300_000])
def test_without_a_valid_signature_nothing_is_counted(tmp_path, bodies, signature):
    body = bodies.body(1, 100, encoding="json")
    body["transaction"]["signatures"] = [signature]
    write(tmp_path / "odd.json", body)
    write(tmp_path / "good.json", bodies.body(2, 100))
    ledger = load_ledger(tmp_path)
    assert signatures(ledger) == [bodies.signature(2)]
    assert dict(ledger.tally.skipped) == {"a transaction without a valid signature": 1}


@pytest.mark.parametrize("slot", [MAX_SLOT, MAX_RECORDED_SLOT + 1, 2**64, 10**30, -5, 1.5, "100", True])
@pytest.mark.parametrize("place", ["body", "block"])
def test_a_slot_that_cannot_be_is_left_out_and_the_tip_stays_believable(tmp_path, bodies, serve, slot, place):
    if place == "body":
        write(tmp_path / "odd.json", {**bodies.body(1, 100), "slot": slot})
    else:
        element = {**bodies.body(1, None), "slot": slot}
        write(tmp_path / "odd.json", {"blockhash": "x", "parentSlot": 99, "transactions": [element]})
    write(tmp_path / "good.json", bodies.body(2, MAX_RECORDED_SLOT))

    async def scenario():
        async with serve(tmp_path) as (_, ask):
            assert await ask("getSlot") <= MAX_SLOT

    asyncio.run(scenario())
    ledger = load_ledger(tmp_path)
    assert signatures(ledger) == [bodies.signature(2)]
    assert dict(ledger.tally.skipped) == {"a transaction whose slot is no slot of this century": 1}


@pytest.mark.parametrize("parent", [2**50, -9])
def test_a_block_after_a_slot_that_cannot_be_is_left_out(tmp_path, bodies, parent):
    write(tmp_path / "odd.json", {"blockhash": "x", "parentSlot": parent, "transactions": [bodies.body(1, None)]})
    ledger = load_ledger(tmp_path)
    assert (signatures(ledger), ledger.tally.skipped.total()) == ([], 1)


def test_a_second_slot_of_one_signature_is_left_out_in_every_encoding(tmp_path, bodies, serve):
    write(tmp_path / "a.json", bodies.body(1, 100, encoding="json"))
    write(tmp_path / "b.json", bodies.body(1, 101))
    write(tmp_path / "c.json", bodies.body(1, None, encoding="json"))

    async def scenario():
        async with serve(tmp_path) as (_, ask):
            options = {"encoding": "base64", "maxSupportedTransactionVersion": 0}
            body = await ask("getTransaction", bodies.signature(1), options)
            status = (await ask("getSignatureStatuses", [bodies.signature(1)]))["value"][0]
            assert body["slot"] == status["slot"] == 100

    asyncio.run(scenario())
    assert dict(load_ledger(tmp_path).tally.skipped) == {"a transaction recorded before, in another slot": 1}


def test_what_is_no_regular_file_is_not_read(tmp_path, bodies, monkeypatch):
    write(tmp_path / "good.json", bodies.body(1, 100))
    os.mkfifo(tmp_path / "pipe.json")
    monkeypatch.chdir(tmp_path)  # a socket's path has 108 bytes at most
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.json")
    (tmp_path / "device.json").symlink_to("/dev/zero")
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "nowhere.json").symlink_to("missing")
    (tmp_path / "link.json").symlink_to("good.json")
    (tmp_path / "INDEX.tsv").symlink_to("pipe.json")
    told = []
    ledger = load_ledger(tmp_path, on_skip=lambda place, reason: told.append((Path(place).name, reason)))
    assert signatures(ledger) == [bodies.signature(1)]
    assert ledger.tally.files == 7
    names = ("device.json", "loop.json", "nowhere.json", "pipe.json", "socket.json")
    assert told == [(name, "not a regular file") for name in names]


def test_a_byte_order_mark_is_passed_over(tmp_path, bodies):
    mark = b"\xef\xbb\xbf"
    plain = json.dumps(bodies.body(1, 100)).encode()
    lines = b"\r\n".join(json.dumps(bodies.body(number, 100)).encode() for number in (2, 3))
    write(tmp_path / "a.json", mark + plain)
    write(tmp_path / "b.jsonl", mark + lines)
    write(tmp_path / "c.json", mark + lines.replace(b"\r\n", b"\n"))
    ledger = load_ledger(tmp_path)
    assert signatures(ledger) == [bodies.signature(number) for number in (1, 2, 3)]
    assert ledger.read_body(ledger.entries[0], "base64") == plain
    assert not ledger.tally.skipped


@pytest.mark.parametrize("place", ["beside", "err"])
@pytest.mark.parametrize("depth", [5, 100, 600, 900, 950, 980, 1000, 100_000])
def test_what_is_served_is_never_too_deep_for_a_client(tmp_path, bodies, place, depth):
    nest = "[" * depth + "]" * depth
    body = json.dumps(bodies.body(1, 100, err="@" if place == "err" else None))
    body = body.replace('"@"', nest) if place == "err" else f'{body[:-1]},"odd":{nest}}}'
    (tmp_path / "odd.json").write_text(body)
    ledger = load_ledger(tmp_path)
    if not ledger.entries:
        assert depth > 100
        assert dict(ledger.tally.skipped) == {"JSON nested too deeply": 1}
        return

    def decode_in(calls: int) -> Any:
        # A client is deeper in calls than the node was when it read the file.
        return (
            decode_in(calls - 1) if calls else msgspec.json.decode(b'{"result":%s}' % ledger.read_body(entry, "json"))
        )

    (entry,) = ledger.entries
    assert decode_in(100)["result"]["slot"] == 100


@pytest.mark.parametrize(
    "data", [b"", b" \n", b"\0" * 100, b"{}\0", b'{"a":"\xff"}', "{}".encode("utf-16"), b"\x1f\x8b"]
)
def test_bytes_that_are_no_json_are_skipped_with_a_reason(tmp_path, bodies, data):
    write(tmp_path / "odd.json", data)
    write(tmp_path / "odd.jsonl", data)
    write(tmp_path / "good.json", bodies.body(1, 100))
    ledger = load_ledger(tmp_path)
    assert signatures(ledger) == [bodies.signature(1)]
    assert ledger.tally.skipped.total() == 2


def test_the_end_of_a_file_that_is_cut_short_is_told_of(tmp_path, bodies):
    # Random bytes in between, so that the cut comes after lines that could be unpacked.
    lines = [json.dumps({**bodies.body(number, 100), "odd": os.urandom(20_000).hex()}).encode() for number in range(9)]
    write(tmp_path / "lines.jsonl.gz", gzip.compress(b"\n".join(lines))[:-5_000])
    told = []
    ledger = load_ledger(tmp_path, on_skip=lambda place, reason: told.append((Path(place).name, reason)))
    assert 0 < len(ledger.entries) < 9
    assert told == [("lines.jsonl.gz, its end", "the rest of a file that became unreadable")]
    assert ledger.tally.lines() == ["skipped 1 part: the rest of a file that became unreadable"]


def test_parts_left_out_of_a_file_are_named_with_their_place(tmp_path, bodies):
    nameless = {"transaction": {"signatures": ["short"]}, "meta": {}}
    write(tmp_path / "list.json", [bodies.body(1, 100), nameless])
    write(tmp_path / "lines.jsonl", json.dumps(bodies.body(2, 100)).encode() + b"\n{broken\n{}\n")
    told = []
    ledger = load_ledger(tmp_path, on_skip=lambda place, reason: told.append((Path(place).name, reason)))
    assert told == [
        ("lines.jsonl, line 2", "broken JSON"),
        ("lines.jsonl, line 3", "no transaction in it"),
        ("list.json, transaction 2", "a transaction without a valid signature"),
    ]
    assert (ledger.tally.skipped.total(), ledger.tally.left_out.total()) == (0, 3)


@pytest.mark.parametrize(
    "index",
    [
        b"path\tslot\nbare.json\t\xff\n",
        "path\tslot\tsignature\nbare.json\t²\tgarbage\n".encode(),
        "path\tslot\nbare.json\t٣\n".encode(),
        b"path\tslot\nbare.json\t" + b"9" * 5000 + b"\n",
        b"path\tslot\n" + b"x" * 200_000 + b"\n",
        b"path\tslot\nbare.json\t5\textra\n\0\n",
    ],
)
def test_an_odd_index_adds_nothing_and_stops_nothing(tmp_path, bodies, index):
    write(tmp_path / "bare.json", bodies.body(1, None))
    write(tmp_path / "INDEX.tsv", index)
    assert signatures(load_ledger(tmp_path)) == [bodies.signature(1)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("meta", []),
        ("meta", "text"),
        ("meta", {"fee": 1, "logMessages": {"a": 1}}),
        ("meta", {"fee": 1, "err": {"x": 10**30}}),
        ("meta", {"fee": "x", "err": {"x": 10**30}}),
        ("meta", {"fee": 1, "preTokenBalances": [{"owner": 5}]}),
        ("version", "²"),
        ("version", 10**400),
        ("version", 1),
        ("version", [1]),
        ("blockTime", 10**30),
        ("transactionIndex", 10**30),
        ("transaction", []),
    ],
)
def test_one_odd_recording_neither_silences_the_others_nor_is_asked_for_in_vain(tmp_path, bodies, serve, name, value):
    """Every transaction is announced, and no question about one of them is answered with what passes by itself."""
    odd, plain = bodies.signature(1), bodies.signature(2)
    write(tmp_path / f"{odd}.json", {**bodies.body(1, 100), name: value})
    write(tmp_path / "plain.json", bodies.body(2, 100))

    async def scenario():
        async with serve(tmp_path) as (node, ask), websockets.connect(node.ws_url) as listener:
            await listener.send('{"jsonrpc":"2.0","id":1,"method":"logsSubscribe","params":["allWithVotes"]}')
            await listener.recv()
            heard = [json.loads(await listener.recv())["params"]["result"]["value"] for _ in range(2)]
            assert {one["signature"] for one in heard} == {odd, plain}
            assert all(isinstance(line, str) for one in heard for line in one["logs"])
            options = {"encoding": "base64", "maxSupportedTransactionVersion": 0}
            answers = [
                await ask("getTransaction", odd, options),
                await ask("getBlockTime", 100),
                await ask("getSignatureStatuses", [odd, plain]),
                await ask("getBlock", 100, {"transactionDetails": "signatures", "maxSupportedTransactionVersion": 0}),
            ]
            assert [answer for answer in answers if isinstance(answer, dict) and answer.get("code") == -32603] == []

    asyncio.run(scenario())


@pytest.mark.parametrize("change", ["gone", "rewritten", "a pipe"])
def test_a_recording_that_changes_while_it_is_served_is_refused_for_good(tmp_path, bodies, serve, change):
    path = tmp_path / "one.json"
    write(path, bodies.body(1, 100))

    async def scenario():
        async with serve(tmp_path) as (_, ask):
            path.unlink()
            if change == "rewritten":
                path.write_text("{")
            if change == "a pipe":
                os.mkfifo(path)
            answer = await ask("getTransaction", bodies.signature(1), {"maxSupportedTransactionVersion": 0})
            assert answer["code"] == -32019

    asyncio.run(scenario())


def test_an_instruction_without_a_program_and_a_memo_that_is_no_base58_are_indexed(tmp_path, bodies):
    no_program = bodies.body(1, 100, encoding="json", program="MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
    no_base58 = bodies.body(2, 100, encoding="json", program="MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
    instruction = no_program["transaction"]["message"]["instructions"][0]
    no_program["transaction"]["message"]["instructions"].append({**instruction, "programIdIndex": None})
    no_base58["transaction"]["message"]["instructions"][0]["data"] = "0OIl"
    write(tmp_path / "a.json", no_program)
    write(tmp_path / "b.json", no_base58)
    assert len(load_ledger(tmp_path).entries) == 2


def test_the_first_recording_is_enough_to_know_that_there_is_one(tmp_path, bodies):
    write(tmp_path / "a.json", b"{}")
    assert not has_recording(tmp_path)
    write(tmp_path / "b.json", bodies.body(1, 100))
    assert has_recording(tmp_path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_a_field_holds_the_node_indexes_or_skips(tmp_path, bodies, data):
    body = bodies.body(1, 100, encoding=data.draw(st.sampled_from(["json", "base64"])))
    # Walk down to some field at random and put something else there.
    holder: Any = body
    while True:
        key = data.draw(st.sampled_from(list(holder) if isinstance(holder, dict) else list(range(len(holder)))))
        inner = holder[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.booleans()):
            break
        holder = inner
    holder[key] = data.draw(json_values)
    write(tmp_path / "odd.json", body)
    ledger = load_ledger(tmp_path)
    assert len(ledger.entries) + ledger.tally.skipped.total() == 1
    for entry in ledger.entries:
        assert is_signature(entry.signature)
        assert 0 <= entry.slot <= MAX_RECORDED_SLOT
        msgspec.json.encode(ledger.block_time_seconds(0))

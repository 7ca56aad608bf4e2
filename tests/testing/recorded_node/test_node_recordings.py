"""What counts as a recording, and that bodies come out as they were recorded."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.recordings import KnownFacts, RecordingError, cut_recording


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = (value if isinstance(value, str) else json.dumps(value)).encode()
    path.write_bytes(gzip.compress(text) if path.name.endswith(".gz") else text)


@pytest.mark.parametrize("wrap", ["bare", "envelope", "list", "envelope_of_list"])
@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_every_wrapping_gives_the_body_byte_for_byte(tmp_path, bodies, wrap, suffix):
    # Odd spacing, key order and number spelling must survive, so the body is written by hand around the JSON.
    body = '{ "odd" :  1.50, ' + json.dumps(bodies.body(1, 100), indent=1)[1:]
    wrapped = {
        "bare": body,
        "envelope": f'{{"jsonrpc":"2.0","result":{body},"id":1}}',
        "list": f"[{body}]",
        "envelope_of_list": f'{{"result":[{body}]}}',
    }[wrap]
    write(tmp_path / f"one{suffix}", wrapped + "\n")
    ledger = load_ledger(tmp_path)
    assert [entry.signature for entry in ledger.entries] == [bodies.signature(1)]
    assert ledger.read_body(ledger.entries[0], "base64") == body.encode()


@pytest.mark.parametrize("name", ["lines.jsonl", "lines.jsonl.gz", "lines.ndjson", "lines.json"])
def test_one_document_a_line_with_broken_lines_counted(tmp_path, bodies, name):
    lines = [json.dumps(bodies.body(1, 100)), "", "{broken", '{"no": "transaction"}', json.dumps(bodies.body(2, 101))]
    write(tmp_path / name, "\n".join(lines))
    ledger = load_ledger(tmp_path)
    assert [entry.slot for entry in ledger.entries] == [100, 101]
    assert ledger.tally.broken_lines == 1
    assert not ledger.tally.skipped


def test_gzip_is_known_by_its_magic_not_by_its_name(tmp_path, bodies):
    (tmp_path / "plain_name.json").write_bytes(gzip.compress(json.dumps(bodies.body(1, 100)).encode()))
    assert len(load_ledger(tmp_path).entries) == 1


def test_a_block_becomes_transactions_with_slot_time_and_index(tmp_path, bodies):
    block = {
        "blockHeight": 5,
        "blockTime": 1_700_000_123,
        "blockhash": "hash",
        "parentSlot": 41,
        "transactions": [bodies.body(number, None) for number in (3, 1, 2)],
    }
    write(tmp_path / "block.json", {"jsonrpc": "2.0", "result": block})
    ledger = load_ledger(tmp_path)
    assert [entry.signature for entry in ledger.entries] == [bodies.signature(number) for number in (3, 1, 2)]
    served = json.loads(ledger.read_body(ledger.entries[1], "base64"))
    assert (served["slot"], served["blockTime"], served["transactionIndex"]) == (42, 1_700_000_123, 1)
    assert json.loads(ledger.frames[42].fields["blockHeight"]) == 5


def test_a_helius_notification_is_a_transaction(tmp_path, bodies):
    inner = bodies.body(1, None)
    result = {"transaction": inner, "signature": bodies.signature(1), "slot": 77}
    write(tmp_path / "heard.ndjson", {"method": "transactionNotification", "params": {"result": result}})
    ledger = load_ledger(tmp_path)
    assert json.loads(ledger.read_body(ledger.entries[0], "base64")) == {**inner, "slot": 77}


def test_the_index_completes_what_is_missing_and_overwrites_nothing(tmp_path, bodies):
    with_slot = bodies.body(2, 100)
    for name, body in (("a/bare.json", bodies.body(1, None)), ("a/whole.json", with_slot)):
        write(tmp_path / name, body)
    rows = ["path\tsignature\tslot\tblock_time", "a/bare.json\t\t55\t1600000000", "a/whole.json\t\t999\t1"]
    (tmp_path / "INDEX.tsv").write_text("\n".join(rows) + "\n")
    # The index above the folder is found too, and through a link.
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    for folder in (tmp_path / "a", tmp_path / "linked", tmp_path):
        ledger = load_ledger(folder)
        served = [json.loads(ledger.read_body(entry, "base64")) for entry in ledger.entries]
        assert [(one["slot"], one["blockTime"]) for one in served] == [
            (55, 1_600_000_000),
            (100, with_slot["blockTime"]),
        ]


def test_an_element_without_slot_is_announced_where_it_lies_and_stays_without(tmp_path, bodies):
    write(tmp_path / "1.json", bodies.body(1, 200))
    write(tmp_path / "2.json", bodies.body(2, None))
    write(tmp_path / "3.json", bodies.body(3, 150))
    ledger = load_ledger(tmp_path)
    assert [(entry.slot, entry.has_slot) for entry in ledger.entries] == [(150, True), (200, True), (200, False)]
    assert "slot" not in json.loads(ledger.read_body(ledger.entries[2], "base64"))


def test_links_are_followed_and_loops_end(tmp_path, bodies):
    write(tmp_path / "real" / "one.json", bodies.body(1, 100))
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(tmp_path / "real")
    (root / "file.json").symlink_to(tmp_path / "real" / "one.json")
    (tmp_path / "real" / "back").symlink_to(root)
    ledger = load_ledger(root)
    assert len(ledger.entries) == 1
    assert ledger.tally.files == 2


def test_what_holds_no_transaction_is_skipped_with_its_reason(tmp_path, bodies):
    write(tmp_path / "klines.json", [[1, 2, 3]])
    write(tmp_path / "x.expected.json", {"kind": "swap"})
    write(tmp_path / "broken.json", '{"transaction": ')
    write(tmp_path / f"{bodies.signature(9)}.json", json.dumps(bodies.body(9, 1))[:-20])
    write(tmp_path / "nameless.json", {"transaction": {"odd": True}, "meta": None})
    (tmp_path / "torn.json.gz").write_bytes(gzip.compress(b"{}" * 100)[:-12])
    (tmp_path / "ignored.txt").write_text("not looked at")
    write(tmp_path / "one.json", bodies.body(1, 100))
    tally = load_ledger(tmp_path).tally
    assert tally.files == 7
    assert dict(tally.skipped) == {
        "no transaction in it": 2,
        "broken JSON": 2,
        "a transaction without a valid signature": 1,
        "unreadable file": 1,
    }


def test_a_transaction_that_cannot_be_read_is_served_all_the_same(tmp_path, bodies):
    no_meta = {**bodies.body(1, 100), "meta": None}
    odd_message = {"transaction": {"message": {}}, "meta": {"err": None}, "slot": 101}
    future = {**bodies.body(3, 102, encoding="json"), "version": 7}
    write(tmp_path / "no_meta.json", no_meta)
    write(tmp_path / f"{bodies.signature(2)}.json", odd_message)
    write(tmp_path / "future.json", future)
    ledger = load_ledger(tmp_path)
    assert [entry.signature for entry in ledger.entries] == [bodies.signature(number) for number in (1, 2, 3)]
    assert [json.loads(ledger.read_body(entry, "json")) for entry in ledger.entries] == [no_meta, odd_message, future]
    assert ledger.entries[2].version == "7"
    assert list(ledger.positions_of_address(bodies.address(1))) == [2]


def test_encodings_of_one_signature_are_kept_side_by_side(tmp_path, bodies):
    as_json, as_base64 = bodies.body(1, 100, encoding="json"), bodies.body(1, 100, index=4)
    write(tmp_path / "a.json", as_json)
    write(tmp_path / "b.json", as_base64)
    write(tmp_path / "c.json", {**as_json, "slot": 999})
    ledger = load_ledger(tmp_path)
    (entry,) = ledger.entries
    assert (entry.slot, entry.tx_index) == (100, 4)
    served = {name: json.loads(ledger.read_body(entry, name)) for name in ("json", "base64", "jsonParsed")}
    assert served == {"json": as_json, "base64": as_base64, "jsonParsed": as_base64}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(
    value=st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["transaction", "meta", "result", "params", "transactions", "parentSlot", "slot", "x"]),
                inner,
            )
        ),
    )
)
def test_any_json_is_cut_or_refused_and_nothing_else(value):
    try:
        recording = cut_recording(json.dumps(value).encode(), KnownFacts())
    except RecordingError:
        return
    for transaction in recording.transactions:
        fields = json.loads(transaction.body)
        assert "transaction" in fields
        assert "meta" in fields


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_cut_or_refused(data):
    with pytest.raises(RecordingError):
        cut_recording(data, KnownFacts())

"""What is read of a webhook's body, and what is not."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from api_world import SLOT, hint, signature_of
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.api.webhook_hints import MOST_ENTRIES, NoHintsError, read_hints
from oof_pipelines.interfaces import ListedSignature

NEWEST = SLOT + 1_000
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=90),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["signature", "slot", "transaction", "signatures", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


def raw(name: object, slot: int = SLOT) -> dict[str, Any]:
    """An entry of a raw delivery."""
    return {
        "blockTime": 1_700_000_000,
        "indexWithinBlock": 7,
        "meta": {"err": None, "fee": 5_000},
        "slot": slot,
        "transaction": {"message": {"accountKeys": []}, "signatures": [signature_of(name), signature_of("second")]},
        "version": "legacy",
    }


def listed(body: object) -> list[tuple[str, int]]:
    return [(one.signature, one.slot) for one in read_hints(json.dumps(body).encode(), NEWEST).listed]


def test_both_layouts_are_read_and_mixed_ones_too() -> None:
    assert listed([raw("a"), hint("b", SLOT + 1)]) == [(signature_of("a"), SLOT), (signature_of("b"), SLOT + 1)]
    assert listed(raw("a")) == listed(hint("a")) == [(signature_of("a"), SLOT)]
    assert listed([]) == []


def test_recorded_deliveries_are_read(fixtures_dir: Path) -> None:
    for name in ("buySellPumpFun", "transferSol", "transferToken"):
        body = (fixtures_dir / "helius_enhanced" / f"{name}.json").read_bytes()
        told = json.loads(body)
        assert read_hints(body, NEWEST).listed == tuple(ListedSignature(one["signature"], one["slot"]) for one in told)


def test_recorded_transactions_are_read_as_a_raw_delivery(fixtures_dir: Path) -> None:
    paths = [path for path in sorted((fixtures_dir / "tx_json").glob("*.json")) if ".expected" not in path.name]
    transactions = [json.loads(path.read_bytes()) for path in paths]
    body = json.dumps([one | {"indexWithinBlock": 1} for one in transactions]).encode()
    hints = read_hints(body, None)
    assert [one.signature for one in hints.listed] == [path.stem for path in paths]
    assert hints.refused == 0


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"signature": signature_of("x")},
        {"slot": SLOT},
        {"signature": signature_of("x"), "slot": -1},
        {"signature": signature_of("x"), "slot": NEWEST + 1},
        {"signature": signature_of("x"), "slot": 2**63},
        {"signature": signature_of("x"), "slot": 10**400},
        {"signature": signature_of("x"), "slot": 1.5},
        {"signature": signature_of("x"), "slot": "1"},
        {"signature": signature_of("x"), "slot": True},
        {"signature": signature_of("x"), "slot": None},
        {"signature": signature_of("x")[:-3], "slot": SLOT},
        {"signature": signature_of("x") + "111", "slot": SLOT},
        {"signature": "0" * 88, "slot": SLOT},
        {"signature": "é" * 88, "slot": SLOT},
        {"signature": [signature_of("x")], "slot": SLOT},
        {"transaction": {"signatures": []}, "slot": SLOT},
        {"transaction": {"signatures": [7]}, "slot": SLOT},
        {"transaction": [signature_of("x"), "base64"], "slot": SLOT},
    ],
    ids=repr,
)
def test_an_odd_entry_is_refused_and_the_rest_is_taken(entry: dict[str, object]) -> None:
    hints = read_hints(json.dumps([raw("a"), entry, hint("b")]).encode(), NEWEST)
    assert [one.signature for one in hints.listed] == [signature_of("a"), signature_of("b")]
    assert hints.refused == 1
    with pytest.raises(NoHintsError, match="no entry has"):
        read_hints(json.dumps([entry]).encode(), NEWEST)


def test_a_signature_told_twice_is_one_hint_with_its_first_slot() -> None:
    assert listed([hint("a", 5), raw("a", 6), hint("a", 7)]) == [(signature_of("a"), 5)]


def test_without_a_known_slot_any_that_a_column_can_hold_will_do() -> None:
    body = json.dumps([hint("a", 2**63 - 1), hint("b", 2**63)]).encode()
    hints = read_hints(body, None)
    assert [one.slot for one in hints.listed] == [2**63 - 1]
    assert hints.refused == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"[",
        b"nonsense",
        b"1",
        b"null",
        b'"text"',
        b"[1]",
        b"[[]]",
        b"[null]",
        b"\xff\xfe",
        b"{} {}",
        b"{},{}",
        b"[{}]]",
        b'[{"slot": 1}',
        b'{"a": 1}',
    ],
)
def test_what_is_no_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(NoHintsError):
        read_hints(body, NEWEST)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 8_000_000,
        b'{"a":' * 1_600_000,
        b'[{"x":' + b"[" * 7_000_000,
        b'[{"transaction":{"signatures":' + b"[" * 7_000_000,
        b'[{"slot":' + b"[" * 100 + b"]" * 100 + b',"transaction":' + b'{"a":' * 1_000_000,
        b"[" + b"{}," * 2_600_000 + b"{}]",
        b"[" + b"1," * 4_000_000 + b"1]",
        b"[" + b" " * 8_000_000 + b"]]",
        b'[{"slot":' + b"9" * 8_000_000 + b"}]",
        b'[{"slot":5,"signature":"' + b"z" * 8_000_000 + b'"}]',
    ],
    ids=["arrays", "objects", "in a field", "in signatures", "mixed", "tiny", "numbers", "spaces", "digits", "base58"],
)
def test_bombs_cost_little(body: bytes) -> None:
    began_s = time.process_time()
    with pytest.raises(NoHintsError):
        read_hints(body, NEWEST)
    # What is honest and as large takes some 10 ms; a bomb may take more, but not seconds.
    assert time.process_time() - began_s < 2


def test_too_many_entries_are_refused() -> None:
    body = json.dumps([hint(0)] * (MOST_ENTRIES + 1)).encode()
    with pytest.raises(NoHintsError, match="more than"):
        read_hints(body, NEWEST)


@given(JSON)
def test_no_json_does_more_than_be_refused(value: object) -> None:
    body = msgspec.json.encode(value)
    try:
        hints = read_hints(body, NEWEST)
    except NoHintsError:
        return
    assert all(0 <= one.slot <= NEWEST for one in hints.listed)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    try:
        read_hints(body, NEWEST)
    except NoHintsError:
        return
    assert json.loads(body) == []

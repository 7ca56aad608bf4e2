"""Heights of calls from the log, where a recording has none."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.chain.call_heights import heights_by_log
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction

PROGRAMS = st.sampled_from(["A", "B", "C"])


@st.composite
def call_trees(draw: st.DrawFn) -> list[tuple[str, int]]:
    """(program, height) in call order: each call is at most one deeper than the one before."""
    calls: list[tuple[str, int]] = []
    for _ in range(draw(st.integers(1, 12))):
        deepest = calls[-1][1] + 1 if calls else 1
        calls.append((draw(PROGRAMS), draw(st.integers(1, min(deepest, 5)))))
    return calls


def log_of(calls: list[tuple[str, int]]) -> list[str]:
    messages = []
    for program, height in calls:
        messages += [f"Program {program} invoke [{height}]", "Program log: invoke [7]", "Program data: AAAA"]
    return messages


def read(calls: list[tuple[str, int]], messages: list[str]) -> list[int | None]:
    return heights_by_log([program for program, _ in calls], [height == 1 for _, height in calls], messages)


@given(call_trees())
def test_a_whole_log_tells_every_height(calls: list[tuple[str, int]]) -> None:
    assert read(calls, log_of(calls)) == [height for _, height in calls]


@given(call_trees(), st.data())
def test_a_log_cut_short_tells_what_comes_before_the_cut(calls: list[tuple[str, int]], data: st.DataObject) -> None:
    messages = log_of(calls)
    cut = data.draw(st.integers(0, len(messages)))
    told = sum(
        " invoke [" in message and message.startswith("Program ") and "log" not in message for message in messages[:cut]
    )
    found = read(calls, [*messages[:cut], "Log truncated"])
    assert found == [height for _, height in calls][:told] + [None] * (len(calls) - told)


def test_a_silent_outer_call_is_passed_over_and_a_strange_log_is_not_believed() -> None:
    calls = [("ed25519", 1), ("A", 1), ("B", 2)]
    assert read(calls, log_of(calls[1:])) == [None, 1, 2]
    assert read([("A", 1), ("B", 2)], ["Program A invoke [1]", "Program C invoke [2]", "Program B invoke [2]"]) == [
        1,
        None,
    ]
    assert read([("A", 1), ("B", 2)], ["Program A invoke [1]", "Program B invoke [1]"]) == [1, None]


def test_recorded_heights_are_found_again_from_the_log(fixtures_dir: Path) -> None:
    looked_at = 0
    for path in sorted((fixtures_dir / "tx_json").glob("*.json")):
        if path.name.endswith(".expected.json"):
            continue
        body = json.loads(path.read_bytes())
        groups = (body.get("meta") or {}).get("innerInstructions") or []
        inner = [one for group in groups for one in group["instructions"]]
        if not inner or not all(one.get("stackHeight") for one in inner):
            continue
        told = parse_transaction(path.read_bytes())
        if any("truncated" in message for message in told.log_messages):
            continue
        for one in inner:
            del one["stackHeight"]
        assert heights(parse_transaction(json.dumps(body).encode())) == heights(told), path.name
        looked_at += 1
    assert looked_at > 40


def heights(transaction: ParsedTransaction) -> list[int]:
    return [one.stack_height for one in transaction.instructions]


@pytest.mark.parametrize("messages", [None, []])
def test_without_a_log_an_inner_call_counts_as_the_second(messages: list[str] | None) -> None:
    body = {
        "slot": 1,
        "transaction": {
            "signatures": ["s"],
            "message": {
                "accountKeys": ["payer", "A", "B"],
                "header": {"numRequiredSignatures": 1},
                "instructions": [{"programIdIndex": 1, "accounts": [], "data": ""}],
            },
        },
        "meta": {
            "fee": 5,
            "preBalances": [9, 1, 1],
            "postBalances": [4, 1, 1],
            "innerInstructions": [
                {"index": 0, "instructions": [{"programIdIndex": 2, "accounts": [], "data": ""}] * 2}
            ],
            "logMessages": messages,
        },
    }
    assert heights(parse_transaction(json.dumps(body).encode())) == [1, 2, 2]

"""`oof decode`: one JSON line a transaction, one a file that is none, and the drawing for a person."""

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from oof_pipelines.commands.decode import decode
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction, generate

KEYS = {
    "signature", "slot", "tx_index", "block_time", "success", "fee_payer", "fee_lamports", "routes", "actions", "moves",
}  # fmt: skip
TRADE_KEYS = {"path", "trader", "sold_mint", "sold_raw", "bought_mint", "bought_raw", "fees"}
ROUTE_KEYS = TRADE_KEYS | {"via", "recipient", "legs"}
LEG_KEYS = TRADE_KEYS | {"program", "venue", "pool", "reserves"}
ACTION_KEYS = {
    "id", "path", "program", "venue", "kind", "wallet", "counterparty", "asset", "amount_raw", "bought_asset", "bought_raw",
    "paths",
}  # fmt: skip
A_SALE = "3EBWPyZHcv6ZCFVY5R49JnuBp9vK1pAaT4ZymBnVJN2ZivfSs8upED9NeP6YV7GFeSRmQNVVEAFTH2mQPhjnwyxr"
MOVE_KEYS = {"path", "account", "owner", "asset", "delta_raw", "kind", "virtual"}


@pytest.fixture(scope="module")
def chain() -> list[SyntheticTransaction]:
    return list(generate(3, 40))


def lines(*arguments: str, status: int = 0) -> list[dict[str, Any]]:
    result = CliRunner().invoke(decode, list(arguments))
    assert result.exit_code == status, result.output
    return [json.loads(line) for line in result.output.splitlines()]


def test_a_line_has_the_agreed_shape(chain: list[SyntheticTransaction], tmp_path: Path) -> None:
    for number, transaction in enumerate(chain):
        (tmp_path / f"{number:02}.json").write_bytes(transaction.to_json_bytes("json"))
    found = lines(str(tmp_path))
    assert [one["signature"] for one in found] == [transaction.signature for transaction in chain]
    for one, transaction in zip(found, chain, strict=True):
        assert set(one) == KEYS
        assert all(set(action) == ACTION_KEYS for action in one["actions"])
        assert all(set(move) == MOVE_KEYS for move in one["moves"])
        assert one["slot"] == transaction.slot
        assert one["block_time"] == transaction.block_time_s
        assert one["success"] is (transaction.result["meta"]["err"] is None)
        assert one["fee_lamports"] == str(transaction.result["meta"]["fee"])
        raws = [move["delta_raw"] for move in one["moves"]] + [action["amount_raw"] for action in one["actions"]]
        assert all(isinstance(raw, str) and int(raw) == int(raw, 10) for raw in raws)
        assert sum(int(move["delta_raw"]) for move in one["moves"] if move["asset"] == "lamports") == 0
    assert {one["success"] for one in found} == {True, False}


def test_a_route_has_the_agreed_shape(fixtures_dir: Path) -> None:
    """A recorded sale to a bonding curve: its amounts before the fee, the fee on top, the pool's reserves."""
    (found,) = lines(str(fixtures_dir / "tx_json_parsed" / f"{A_SALE}.json"))
    (route,) = found["routes"]
    (leg,) = route["legs"]
    assert set(route) == ROUTE_KEYS
    assert set(leg) == LEG_KEYS
    assert (route["path"], route["via"], leg["venue"]) == ("3", "pumpfun", "pumpfun")
    assert (route["sold_raw"], route["bought_raw"]) == ("2085388338499", "475420791")
    assert route["trader"] == found["fee_payer"]
    (fee,) = route["fees"]
    assert set(fee) == {"kind", "mint", "amount_raw", "fee_side", "recipient"}
    assert (fee["kind"], fee["amount_raw"], fee["fee_side"]) == ("protocol", "4754208", "on_top")
    assert leg["reserves"]
    for reserve in leg["reserves"]:
        assert set(reserve) == {"mint", "kind", "before_raw", "after_raw"}
        assert all(raw is None or raw.isdecimal() for raw in (reserve["before_raw"], reserve["after_raw"]))


def test_gzip_lines_envelopes_and_folders_within(chain: list[SyntheticTransaction], tmp_path: Path) -> None:
    one, two, three, four = (transaction.to_json_bytes("base64") for transaction in chain[:4])
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "a.json.gz").write_bytes(gzip.compress(one))
    (tmp_path / "b.jsonl").write_bytes(two + b"\n\n" + b'{"result":' + three + b"}\n")
    (tmp_path / "c.json").write_bytes(b"\xef\xbb\xbf[" + four + b"]")
    (tmp_path / "d.txt").write_bytes(one)
    found = [one["signature"] for one in lines(str(tmp_path))]
    assert sorted(found) == sorted(transaction.signature for transaction in chain[:4])


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a.json", b"{", "broken JSON"),
        ("a.json", b"", "empty"),
        ("a.jsonl", b"\n \n", "empty"),
        ("a.json", b'{"a": 1}', "no transaction in it"),
        ("a.json.gz", gzip.compress(b"{}", mtime=0)[:-3], "Compressed file ended"),
        ("a.json", b"[" * 5_000 + b"]" * 5_000, "nested too deeply"),
    ],
)
def test_what_is_no_transaction_is_said_so(name: str, text: bytes, error: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(text)
    (found,) = lines(str(path))
    assert set(found) == {"file", "error"}
    assert found["file"] == str(path)
    assert error in found["error"]
    assert lines("--strict", str(path), status=1) == [found]


def test_a_bad_line_is_named_by_its_number_and_stops_nothing(chain: list[SyntheticTransaction], tmp_path: Path) -> None:
    bodies = [transaction.to_json_bytes("json") for transaction in chain[:2]]
    (tmp_path / "a.jsonl").write_bytes(bodies[0] + b"\nnonsense\n" + bodies[1])
    first, bad, last = lines(str(tmp_path))
    assert (first["signature"], last["signature"]) == (chain[0].signature, chain[1].signature)
    assert bad == {"file": f"{tmp_path}/a.jsonl:2", "error": "broken JSON"}


def test_a_body_that_cannot_be_read_gives_its_reason(chain: list[SyntheticTransaction], tmp_path: Path) -> None:
    body = json.loads(chain[0].to_json_bytes("json"))
    (tmp_path / "a.json").write_text(json.dumps({**body, "meta": None}))
    (tmp_path / "b.json").write_text(json.dumps({**body, "version": 7}))
    reasons = [one["error"].partition(":")[0] for one in lines(str(tmp_path))]
    assert reasons == ["missing_meta", "unknown_version"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert lines(str(tmp_path / "pipe.json")) == [{"file": f"{tmp_path}/pipe.json", "error": "not a regular file"}]


def test_what_is_neither_path_nor_signature_is_one_line() -> None:
    result = CliRunner().invoke(decode, ["no/such/thing"])
    assert result.exit_code == 1
    assert result.output == "Error: no/such/thing is neither a file, a folder nor a signature\n"


def test_the_drawing_tells_instructions_moves_and_nets(chain: list[SyntheticTransaction], tmp_path: Path) -> None:
    for number, transaction in enumerate(chain):
        (tmp_path / f"{number:02}.json").write_bytes(transaction.to_json_bytes("json"))
    result = CliRunner().invoke(decode, ["--explain", str(tmp_path)])
    assert result.exit_code == 0
    for transaction in chain:
        assert transaction.signature in result.output
    assert result.output.count("Net per owner") == len(chain)
    assert "0.1 system" in result.output
    assert "(validator_fee) fee_base" in result.output
    assert "-0.002039280 SOL" in result.output
    assert "succeeded" in result.output
    assert "failed" in result.output


def test_the_drawing_has_a_line_for_a_route_with_its_fee(fixtures_dir: Path) -> None:
    recorded = fixtures_dir / "tx_json_parsed" / f"{A_SALE}.json"
    result = CliRunner().invoke(decode, ["--explain", str(recorded)], env={"COLUMNS": "300"})
    assert result.exit_code == 0
    rows = result.output.partition("Routes")[2].splitlines()
    (row,) = [line for line in rows if "0.475420791 SOL" in line]
    assert "pumpfun" in row
    assert "2,085,388.338499" in row
    assert "protocol 0.004754208 SOL on top" in row


def test_the_drawing_takes_odd_names_as_they_are(chain: list[SyntheticTransaction], tmp_path: Path) -> None:
    text = chain[0].to_json_bytes("json").decode()
    payer = json.loads(text)["transaction"]["message"]["accountKeys"][0]
    (tmp_path / "a.json").write_text(text.replace(payer, "[/red]"))
    result = CliRunner().invoke(decode, ["--explain", str(tmp_path)])
    assert result.exit_code == 0
    assert "[/red]" in result.output


def test_gaps_are_what_a_missing_transaction_leaves(tmp_path: Path) -> None:
    chain = list(generate(5, 30))
    for number, one in enumerate(chain):
        (tmp_path / f"{number:02d}.json").write_bytes(one.to_json_bytes("json"))
    whole = CliRunner().invoke(decode, [str(tmp_path), "--gaps", "--strict"])
    assert (whole.exit_code, whole.stdout) == (0, "")
    (tmp_path / "10.json").unlink()
    broken = [json.loads(line) for line in CliRunner().invoke(decode, [str(tmp_path), "--gaps"]).stdout.splitlines()]
    assert broken
    missing = json.loads(chain[10].to_json_bytes("json"))
    keys = missing["transaction"]["message"]["accountKeys"]
    changes = [
        post - pre for pre, post in zip(missing["meta"]["preBalances"], missing["meta"]["postBalances"], strict=True)
    ]
    by_account = dict(zip(keys, changes, strict=False))
    lamports = {gap["account"]: int(gap["missing_raw"]) for gap in broken if gap["asset"] == "lamports"}
    assert lamports
    assert {account: by_account[account] for account in lamports} == lamports
    assert all(gap["slot_before"] <= missing["slot"] <= gap["slot_after"] for gap in broken)

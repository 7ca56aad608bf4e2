"""`oof bench decode --peer`: what it needs and says where that is missing, the bodies it hands over, and a whole run."""

import json
import os
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from crafted_bodies import Crafted, address, lamport_transfer, largest_amounts

from oof_pipelines.chain.native import BUILD
from oof_pipelines.commands.bench import bench
from oof_pipelines.commands.bench_peer import PACKAGE, find_peer, read_bodies
from oof_pipelines.commands.bench_peer_worker import measure

GOLD = address("gold")
# As much of the three packages as our script asks of them: a parser that sees one made-up trade in each body.
_PARSER = """
exports.DexParser = class {
  parseAll(tx) {
    console.log("what a library prints is no answer");
    if (tx.meta.fee !== 5000) throw new Error("an odd fee");
    const token = (mint, raw) => ({ mint, amountRaw: raw });
    const trade = { idx: "0-1", user: tx.transaction.message.accountKeys[0], programId: "venue", amm: "Venue",
      inputToken: token("GOLD", "18446744073709551615"), outputToken: token("GOLD", 2n) };
    return { trades: [trade], liquidities: [{ type: "ADD" }], msg: "" };
  }
  parseTrades(tx) { return this.parseAll(tx).trades; }
};
"""
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="NO NODE: `node` is not on the PATH")


def peer_folder(folder: Path, parser: str) -> Path:
    """An npm prefix with stand-ins of the packages."""
    sources = {
        PACKAGE: parser.replace("GOLD", GOLD),
        "@solana/web3.js": "exports.VersionedTransaction = {};",
        "bs58": "exports.encode = String;",
    }
    for name, source in sources.items():
        package = folder / "node_modules" / name
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"name": name, "version": "9.8.7", "main": "index.js"}))
        (package / "index.js").write_text(source)
    return folder


def lamports(name: str, **changes: object) -> Crafted:
    payer, other = address("payer"), address("other")
    books = {payer: (10_000, 4_000), other: (0, 1_000)}
    return Crafted(name, books, instructions=[lamport_transfer(payer, other, 1_000)], **changes)  # type: ignore[arg-type]


def test_without_a_folder_it_says_how_to_get_the_package():
    with pytest.raises(
        click.ClickException, match=r"OOF_PEER_MODULES.*npm install --prefix DIR solana-dex-parser"
    ) as raised:
        find_peer(None)
    assert "\n" not in raised.value.message


def test_a_folder_without_the_package_is_named(tmp_path):
    with pytest.raises(click.ClickException, match="holds no node_modules/solana-dex-parser; get it with"):
        find_peer(tmp_path)


def test_a_machine_without_node_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(click.ClickException, match="no `node` is on the PATH"):
        find_peer(peer_folder(tmp_path / "peer", _PARSER))


@needs_node
def test_the_package_is_found_with_its_version(tmp_path):
    assert find_peer(peer_folder(tmp_path, _PARSER)).version == "9.8.7"


def test_bodies_are_read_once_and_put_on_one_line(tmp_path):
    first, second = lamports("first"), largest_amounts("second")
    indented = json.dumps(json.loads(first.body()), indent=2).encode()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "first.json").write_bytes(indented)
    (tmp_path / "folder" / "notes.json").write_text('{"no": "transaction"}')
    (tmp_path / "lines.jsonl").write_bytes(first.body() + b"\n" + second.body() + b"\n")
    bodies, note = read_bodies([tmp_path / "folder", tmp_path / "lines.jsonl"])
    assert [json.loads(body) for body in bodies] == [json.loads(first.body()), json.loads(second.body())]
    assert not any(b"\n" in body for body in bodies)
    assert str(2**64 - 1).encode() in bodies[1]
    assert note == "2 transactions; 0 more cannot be read, 1 were there before"


def test_nothing_to_read_is_an_error(tmp_path):
    with pytest.raises(click.ClickException, match="--peer: no transaction in"):
        read_bodies([tmp_path])


def test_ours_is_measured_over_every_body():
    timed = measure([lamports("one").body(), lamports("two").body()], passes=2)
    assert timed.transactions == 2
    assert timed.from_bytes_seconds > 0
    assert timed.build == BUILD


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json"], "--json goes with --peer"),
        (["FOLDER"], "PATH goes with --peer"),
        (["--peer", "nowhere"], "nowhere"),
    ],
)
def test_options_that_go_with_it(tmp_path, arguments, message):
    arguments = [str(tmp_path) if one == "FOLDER" else one for one in arguments]
    result = CliRunner().invoke(bench, ["decode", *arguments])
    assert result.exit_code == 2
    assert message in result.output


def test_a_missing_package_is_one_line(tmp_path, monkeypatch):
    monkeypatch.delenv("OOF_PEER_MODULES", raising=False)
    result = CliRunner().invoke(bench, ["decode", "--peer", str(tmp_path)])
    assert result.exit_code == 1
    assert result.output.startswith("Error: --peer-modules (OOF_PEER_MODULES):")
    assert result.output.count("\n") == 1


@needs_node
def test_a_run_prints_speeds_verdicts_and_every_difference(tmp_path, monkeypatch):
    monkeypatch.setenv("OOF_PEER_MODULES", str(peer_folder(tmp_path / "peer", _PARSER)))
    one, failed = lamports("one"), lamports("failed", error={"InstructionError": [0, "Custom"]})
    (tmp_path / "bodies.jsonl").write_bytes(one.body() + b"\n" + failed.body() + b"\n")
    arguments = ["decode", "--peer", str(tmp_path / "bodies.jsonl"), "--repetitions", "2"]
    result = CliRunner().invoke(bench, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in result.stdout.splitlines()]
    speeds = [record for record in records if record["record"] == "speed"]
    assert [len(speed["rounds_us"]) for speed in speeds] == [2, 2, 2]
    assert all(speed["median_us"] > 0 for speed in speeds)
    assert speeds[0]["to_ours"] == 1
    assert {speed["our_build"] for speed in speeds} == {BUILD}
    differences = [record for record in records if record["record"] == "difference"]
    assert {(one["signature"], one["verdict"]) for one in differences} == {
        (one.signature, "ours"),
        (failed.signature, "ours"),
    }
    assert differences[0]["peer"]["sold_raw"] == "18446744073709551615"
    shown = CliRunner().invoke(bench, arguments)
    assert shown.exit_code == 0, shown.output
    assert f"; ours is {BUILD}" in shown.stdout
    assert "solana-dex-parser 9.8.7; 2 transactions" in shown.stdout
    assert f"{failed.signature}  only_peer  right: ours  ours nothing" in shown.stdout


@needs_node
def test_what_the_library_throws_is_counted_and_no_end(tmp_path):
    peer = peer_folder(tmp_path / "peer", _PARSER.replace("5000", "1"))
    (tmp_path / "body.json").write_bytes(lamports("one").body())
    arguments = ["decode", "--peer", str(tmp_path / "body.json"), "--repetitions", "1", "--peer-modules", str(peer)]
    result = CliRunner().invoke(bench, arguments)
    assert result.exit_code == 0, result.output
    assert "the peer refused 1" in result.stdout


@needs_node
def test_a_script_that_cannot_start_is_shown_with_its_log(tmp_path):
    peer = peer_folder(tmp_path / "peer", "throw new Error('broken package');")
    (tmp_path / "body.json").write_bytes(lamports("one").body())
    result = CliRunner().invoke(bench, ["decode", "--peer", str(tmp_path / "body.json"), "--peer-modules", str(peer)])
    assert result.exit_code == 1
    assert "broken package" in result.output


@needs_node
@pytest.mark.skipif(not os.environ.get("OOF_PEER_MODULES"), reason="NO PEER: OOF_PEER_MODULES names no npm prefix")
def test_the_real_package_over_recorded_transactions(fixtures_dir):
    result = CliRunner().invoke(
        bench, ["decode", "--peer", str(fixtures_dir / "tx_json_parsed"), "--repetitions", "1", "--json"]
    )
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert sum(record["count"] for record in records if record["record"] == "agreement") > 0
    wrong = [record for record in records if record["record"] == "difference" and record["verdict"] == "peer"]
    assert wrong == []

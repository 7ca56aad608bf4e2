"""`oof analyze` from nothing over the golden wallet, in a real home: its answers are those of the story's own arithmetic."""

import itertools
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner, Result
from decoded_home import file_bytes

from oof_pipelines.analysis_work import run_analysis
from oof_pipelines.commands.analyze import analyze
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.golden_chain import write_golden
from oof_pipelines.workflows.analysis_request import AnalysisRequest
from oof_pipelines.workflows.ceilings import Ceilings

SOMEBODY = "4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T"


@dataclass(frozen=True, slots=True)
class GoldenHome:
    """A home into which the golden chain was analysed once, what that run said, and the chain's answers."""

    chain: Path
    home: Path
    answers: dict[str, Any]
    first: Result
    environment: dict[str, str]

    @property
    def wallet(self) -> str:
        return str(self.answers["wallet"])

    @property
    def story(self) -> dict[str, Any]:
        return dict(json.loads(self.first.stdout))

    def run(self, *arguments: str) -> Result:
        return CliRunner(env=self.environment).invoke(analyze, arguments)

    def told(self, *arguments: str) -> dict[str, Any]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout))


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="oof-t-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "server")
    server.start()
    yield server
    server.erase()
    shutil.rmtree(folder)


def new_database(server: EmbeddedPostgres) -> str:
    name = f"t_{secrets.token_hex(6)}"
    with psycopg.connect(server.url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f'create database "{name}"'.encode())
    return server.url.rpartition("/")[0] + "/" + name


@pytest.fixture(scope="module")
def golden(server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> GoldenHome:
    chain, home = tmp_path_factory.mktemp("golden"), tmp_path_factory.mktemp("home")
    write_golden(chain, seed=1)
    answers = json.loads((chain / "answers.json").read_text())
    environment = {
        **dict.fromkeys((name for name in os.environ if name.startswith(("OOF_", "RPC_"))), ""),
        "OOF_HOME": str(home),
        "DATABASE_URL": new_database(server),
    }
    # The folder says itself which coin is the platform's, as it brings the price of SOL.
    first = CliRunner(env=environment).invoke(
        analyze, [answers["wallet"], "--recorded", str(chain), "--as-of", answers["as_of"], "--json"]
    )
    assert first.exit_code == 0, first.output
    environment["OOF_TOKEN_MINT"] = answers["environment"]["OOF_TOKEN_MINT"]
    return GoldenHome(chain, home, answers, first, environment)


def assert_as_answered(story: dict[str, Any], answers: dict[str, Any]) -> None:
    summary = story["summary"]
    assert summary["moments"] == answers["moments"]
    by_kind = {kind: sorted(answers["moment_signatures"][kind]) for kind in answers["moments"]}
    assert {
        kind: sorted(moment["signature"] for moment in story["moments"] if moment["kind"] == kind) for kind in by_kind
    } == by_kind
    assert summary["realized_pnl_usd"] == answers["realized_pnl_usd"]
    assert summary["unknown_proceeds_usd"] == answers["unknown_basis_proceeds_usd"]
    assert summary["episodes"] == len(story["episodes"]) == answers["episodes"]
    assert {
        holding["mint"]: {"held": holding["held_raw"], "in_pools": holding["in_pool_raw"]}
        for holding in summary["holdings"]
    } == answers["open_raw"]
    for name, told in answers["extremes"].items():
        shown = story["extremes"][name]
        assert (shown is None) == (told is None)
        assert told is None or {key: shown[key] for key in told} == told, name


def test_the_golden_wallet_is_told_as_its_story_knows_it(golden: GoldenHome) -> None:
    assert_as_answered(golden.story, golden.answers)
    costs, summary = golden.answers["costs"], golden.story["summary"]
    assert summary["network_fee_lamports"] == costs["network_fee_lamports"]
    assert summary["tip_lamports"] == costs["tip_lamports"]


def test_the_object_has_the_fields_that_are_promised(golden: GoldenHome) -> None:
    story = golden.story
    assert list(story) == [
        "wallet", "as_of", "summary", "episodes", "moments", "extremes", "coverage", "certificates", "is_partial",
        "ceilings_hit",
    ]  # fmt: skip
    assert (story["is_partial"], story["ceilings_hit"]) == (False, [])
    assert (story["wallet"], story["as_of"]) == (golden.wallet, golden.answers["as_of"])
    assert {"id", "kind", "version", "price_source", "confidence", "explain"} <= set(story["moments"][0])
    assert set(story["extremes"]) == {"top_win", "top_loss", "S2E", "BHD", "BadRoute", "Idle", "Rug"}
    assert golden.first.stdout.count("\n") == 1
    assert not floats_in(story)


def floats_in(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [found for inner in value.values() for found in floats_in(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in floats_in(inner)]
    return [value] if isinstance(value, float) else []


def test_progress_goes_to_standard_error_with_counts_and_seconds(golden: GoldenHome) -> None:
    stored = golden.answers["transactions"]
    assert f"{stored:,} listed, {stored:,} new, {stored:,} getTransaction calls, {stored:,} stored, 0 quarantined" in (
        golden.first.stderr
    )
    assert "klines" in golden.first.stderr
    assert f"OOF_TOKEN_MINT: {golden.environment['OOF_TOKEN_MINT']} of settings.env" in golden.first.stderr
    for stage in ("database: ready", "days: ", "wallets: 1 buckets", "analysis: ", "certificates: 1 made"):
        line = next(line for line in golden.first.stderr.splitlines() if line.startswith(stage))
        assert line.endswith(" s")


def test_coverage_counts_what_is_stored_and_claims_nothing(golden: GoldenHome) -> None:
    coverage = golden.story["coverage"]
    assert coverage["transactions"] >= golden.answers["costs"]["transactions"]
    assert coverage["failed_transactions"] == golden.answers["costs"]["failed_transactions"]
    assert (coverage["residual_share"], coverage["undecoded_share"]) == ("0.000000", "0.000000")
    summary = golden.story["summary"]
    known, unknown = float(summary["proceeds_usd"]), float(summary["unknown_proceeds_usd"])
    assert float(coverage["unknown_basis_share"]) == pytest.approx(unknown / (known + unknown), abs=1e-6)
    assert coverage["is_complete"] is False
    assert "not proven" in coverage["note"]
    assert coverage["days_left_behind"] == []
    [certificate] = golden.story["certificates"]
    assert (certificate["wallet"], certificate["as_of"]) == (golden.wallet, golden.answers["as_of"])
    assert certificate["is_complete"] is False
    assert certificate["reasons"] == ["the wallet was never listed: nobody knows what is missing"]
    assert certificate["unknown_basis_share"] == coverage["unknown_basis_share"]
    assert certificate["transactions"] == coverage["transactions"]


def test_the_certificate_values_what_moved(golden: GoldenHome) -> None:
    [certificate] = golden.story["certificates"]
    value = certificate["value"]
    # Nothing of the made-up chain is unexplained; what calls a program nobody decodes is next to nothing.
    assert (value["residual_transactions"], value["residual_usd"], value["residual_lamports"]) == (
        0, "0.000000000000000000", "0",
    )  # fmt: skip
    assert (value["residual_share_of_usd"], value["residual_share_of_lamports"]) == ("0.000000", "0.000000")
    assert int(value["moved_lamports"]) > 10**9
    # All that was paid and brought moved once at least.
    assert float(value["moved_usd"]) > float(golden.story["summary"]["proceeds_usd"])
    assert int(value["undecoded_lamports"]) <= int(value["moved_lamports"])


def test_a_second_run_asks_for_no_transaction_and_says_the_same(golden: GoldenHome) -> None:
    arguments = (golden.wallet, "--recorded", str(golden.chain), "--as-of", golden.answers["as_of"], "--json")
    unchanged = golden.run(*arguments)
    assert unchanged.stdout == golden.first.stdout
    assert "unchanged since they were stored, nothing asked" in unchanged.stderr
    # A folder that changed is listed again by the node; still nothing is fetched twice.
    some = next(golden.chain.glob("*.json"))
    os.utime(some, ns=(1, 1))
    listed = golden.run(*arguments)
    assert listed.stdout == golden.first.stdout
    assert f"{golden.answers['transactions']:,} listed, 0 new, 0 getTransaction calls, 0 stored" in listed.stderr


def test_what_is_stored_is_told_without_the_recording_and_nothing_is_written(golden: GoldenHome) -> None:
    before = {path: path.stat().st_mtime_ns for path in golden.home.rglob("*.parquet")}
    assert golden.told(golden.wallet, "--as-of", golden.answers["as_of"]) == golden.story
    assert {path: path.stat().st_mtime_ns for path in golden.home.rglob("*.parquet")} == before


def test_under_a_ceiling_of_candles_continuations_price_more_until_the_story_is_whole(golden: GoldenHome) -> None:
    settings = load_settings({**golden.environment, **klines_of(golden.chain)})
    url = golden.environment["DATABASE_URL"]
    as_of = datetime.fromisoformat(golden.answers["as_of"])
    whole = AnalysisRequest(wallets=(golden.wallet,), as_of=as_of, is_stored_only=True)
    unbounded = run_analysis(settings, url, whole)
    request: AnalysisRequest | None = msgspec.structs.replace(whole, ceilings=Ceilings(max_candle_reads=40))
    reads, left_out = [], []
    while request is not None:
        outcome = run_analysis(settings, url, request)
        reads.append(outcome.analysis.candle_reads)
        left_out.append(set(outcome.analysis.mints_left_out))
        assert reads[-1] <= 40 * request.candle_share
        assert outcome.certificates[0].mints_left_out == list(outcome.analysis.mints_left_out)
        assert outcome.ceilings_hit == (("max_candle_reads",) if left_out[-1] else ())
        request = outcome.continuation
    assert len(reads) > 2
    assert all(after < before for before, after in itertools.pairwise(left_out[1:]))
    assert left_out[0] >= left_out[1]
    assert sum(reads) < 4 * unbounded.analysis.candle_reads
    assert outcome.analysis == unbounded.analysis
    # Without prices nobody would find what was sold too early.
    assert unbounded.analysis.summary.moments == golden.answers["moments"]


def klines_of(chain: Path) -> dict[str, str]:
    return {"OOF_SOL_USD_SOURCE": "klines", "OOF_SOL_USD_KLINES": str(chain / "klines" / "*.csv*")}


def test_two_wallets_of_one_owner_share_their_lots(golden: GoldenHome) -> None:
    owner = golden.answers["owner_set"]
    story = golden.told(*owner["wallets"], "--as-of", golden.answers["as_of"])
    assert story["wallets"] == owner["wallets"] == [one["wallet"] for one in story["certificates"]]
    assert_as_answered(story, owner)
    assert story["summary"]["realized_pnl_usd"] != golden.story["summary"]["realized_pnl_usd"]


def test_as_of_bounds_everything_and_days_what_is_told(golden: GoldenHome) -> None:
    sold_at = datetime.fromisoformat(golden.story["extremes"]["top_win"]["t_event"])
    before = golden.told(golden.wallet, "--as-of", (sold_at - timedelta(seconds=1)).isoformat())
    after = golden.told(golden.wallet, "--as-of", sold_at.isoformat(), "--days", "1")
    signature = golden.story["extremes"]["top_win"]["signature"]
    assert (before["extremes"]["top_win"] or {}).get("signature") != signature
    assert after["extremes"]["top_win"]["signature"] == signature
    assert before["coverage"]["last_at"] < golden.story["extremes"]["top_win"]["t_event"]
    assert after["coverage"]["days_asked"] == 1
    assert after["coverage"]["first_at"] >= after["coverage"]["since"]
    # What was bought before the day that is told still has its cost.
    row = after["extremes"]["top_win"]
    assert row["realized_pnl_usd"] == golden.story["extremes"]["top_win"]["realized_pnl_usd"]


def test_nothing_is_told_of_a_time_of_which_nothing_is_stored(golden: GoldenHome) -> None:
    result = golden.run(golden.wallet, "--as-of", "2040-01-01T00:00:00Z", "--json")
    assert "--as-of is behind the newest stored block" in result.stderr
    assert json.loads(result.stdout) == golden.story


def test_the_report_is_for_reading(golden: GoldenHome) -> None:
    result = golden.run(golden.wallet, "--as-of", golden.answers["as_of"])
    assert result.exit_code == 0
    for word in ("realised PnL", "Extremes", "top_win", "Moments (", "Open positions", "not proven", golden.wallet):
        assert word in result.stdout
    for mint in golden.answers["open_raw"]:
        assert mint in result.stdout
    assert "{" not in result.stdout


def test_a_wallet_of_which_nothing_is_stored_is_an_error_that_says_what_to_do(golden: GoldenHome) -> None:
    result = golden.run(SOMEBODY, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert f"WALLET: nothing is stored of {SOMEBODY}" in line
    assert "--recorded DIR" in line
    early = golden.run(golden.wallet, "--as-of", "2020-04-01T00:00:00Z")
    assert early.exit_code == 1
    assert "up to 2020-04-01" in early.stderr


def test_an_unknown_wallet_beside_a_known_one_is_said_and_passed_over(golden: GoldenHome) -> None:
    result = golden.run(golden.wallet, SOMEBODY, "--as-of", golden.answers["as_of"], "--json")
    assert result.exit_code == 0
    assert f"nothing is stored of {SOMEBODY}" in result.stderr
    assert json.loads(result.stdout)["wallets"] == [golden.wallet, SOMEBODY]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["no-wallet"], "WALLET: 'no-wallet' is no wallet address"),
        ([SOMEBODY[:-1] + "0"], "is no wallet address (32 bytes in base58)"),
        ([SOMEBODY + SOMEBODY], "is no wallet address"),
        ([SOMEBODY, "--as-of", "2025-01-01"], "--as-of: '2025-01-01' has no zone"),
        ([SOMEBODY, "--as-of", "9999-12-31T23:59:59-14:00"], "--as-of: the year 9999 is not from 2020 to 2200"),
        ([SOMEBODY, "--as-of", "yesterday"], "--as-of: 'yesterday' is no instant"),
        ([SOMEBODY, "--days", "0"], "--days"),
        ([SOMEBODY, "--recorded", "/nowhere/at/all"], "--recorded (RECORDED): /nowhere/at/all is not a folder"),
        ([], "WALLET"),
    ],
)
def test_a_wrong_option_is_one_line_that_names_it_and_starts_nothing(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    result = CliRunner(env={"OOF_HOME": str(tmp_path / "home"), "DATABASE_URL": ""}).invoke(analyze, arguments)
    assert result.exit_code in (1, 2)
    [line] = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert words in line
    assert "Traceback" not in result.output
    assert not (tmp_path / "home").exists()


def test_a_folder_that_holds_only_part_is_made_whole_later(
    server: EmbeddedPostgres, golden: GoldenHome, tmp_path
) -> None:
    """What an analysis stores and writes does not depend on how it came: in two parts, the files are the same bytes."""
    part, home = tmp_path / "part", tmp_path / "home"
    part.mkdir()
    files = sorted(golden.chain.glob("*.json"))
    answers = next(path for path in files if path.name == "answers.json")
    some = [path for path in files if path != answers][:40]
    for path in some[:20]:
        shutil.copy(path, part)
    wallet = golden.wallet
    environment = {**golden.environment, "OOF_HOME": str(home), "DATABASE_URL": new_database(server)}
    klines = golden.chain / "klines"
    shutil.copytree(klines, part / "klines")

    def run(folder: Path, environment: dict[str, str]) -> Result:
        return CliRunner(env=environment).invoke(analyze, [wallet, "--recorded", str(folder)])

    run(part, environment)
    for path in some[20:]:
        shutil.copy(path, part)
    second = run(part, environment)
    assert "20 new, 20 getTransaction calls" in second.stderr
    whole_home = tmp_path / "whole"
    whole = {**environment, "OOF_HOME": str(whole_home), "DATABASE_URL": new_database(server)}
    run(part, whole)
    one, other = (file_bytes(each / "parquet_store") for each in (home, whole_home))
    assert one.keys() == other.keys()
    assert [name for name in one if one[name] != other[name]] == []

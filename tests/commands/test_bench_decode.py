"""`oof bench decode` at its smallest: every row is printed, every count is right, every process measured what it was told."""

import re
from datetime import date

import click
import msgspec
import pytest
from click.testing import CliRunner

from oof_pipelines.chain.body import read_body
from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.commands import bench as bench_group
from oof_pipelines.commands.bench import bench
from oof_pipelines.commands.bench_days import FIRST_DAY, synthetic_volume, write_synthetic_day
from oof_pipelines.commands.bench_decode_worker import FLOOR, PARTS, Order, measure
from oof_pipelines.commands.bench_floor import read_typed
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.testing.synthetic_chain import generate
from oof_pipelines.testing.synthetic_volume import Volume
from oof_pipelines.workflows.partition_checks import check_partition

FIRST_SLOT, OPENS_S = 430_584_458, 1_783_123_200


def cells(output: str, first: str) -> list[str]:
    """The cells after the first of the row that begins with `first`."""
    for line in output.splitlines():
        row = [cell.strip() for cell in line.split("│")[1:-1]]
        if row and row[0] == first:
            return row[1:]
    raise AssertionError(f"no row {first!r} in\n{output}")


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"[0-9][0-9,]*\.?[0-9]*", text)]


@pytest.fixture(scope="module")
def volume() -> Volume:
    return Volume([transaction.result for transaction in generate(7, 120, days=1)])


@pytest.fixture(scope="module")
def told(volume):
    return list(volume.day(0, 360, FIRST_SLOT, OPENS_S))


def test_a_tiny_run_prints_every_row_with_right_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("OOF_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(bench, ["decode", "--largest", "100", "--repetitions", "2"])
    assert result.exit_code == 0, result.output
    output = result.stdout
    for name in (
        "JSON → typed structures (floor)",
        "JSON → moves and actions",
        "stored day → decoded Parquet, checked",
    ):
        speed, _ratio = cells(output, name)
        middle, least, most = numbers(speed)
        assert 0 < least <= middle <= most
    shares = [numbers(cells(output, part)[1])[0] for part in PARTS]
    assert sum(shares) == pytest.approx(100, abs=5)
    runs, _seconds, _micros, to_first, peak, _garbage, conserved, residual, moves = cells(output, "100")
    assert (runs, to_first, conserved, residual) == ("2", "1.00", "100", "0")
    assert numbers(peak)[0] > 20
    decoded = [
        decode_transaction(parse_transaction(one.body)) for one in synthetic_volume(1).day(0, 100, FIRST_SLOT, OPENS_S)
    ]
    assert numbers(moves) == [sum(len(one.moves) for one in decoded)]
    assert cells(output, "1 process")[-1] == "1"
    assert numbers(cells(output, "2 processes")[-1])[0] > 0
    assert "200 transactions" in output
    assert "verify against nothing" in output
    assert not (tmp_path / "home" / "bench" / "decoded").exists()


def test_every_benchmark_runs_without_a_subcommand(monkeypatch):
    ran = []
    names = ["ingest", "decode", "features", "prices", "fifo", "analyze", "webhook"]
    # Minutes of a live platform: only when it is named.
    assert sorted([*names, "freshness"]) == sorted(bench.commands)
    for name in names:
        monkeypatch.setattr(bench_group, name, click.Command(name, callback=lambda name=name: ran.append(name)))
    result = CliRunner().invoke(bench, [])
    assert (result.exit_code, ran) == (0, names)


@pytest.mark.parametrize("arguments", [["--largest", "99"], ["--largest", "1e3"], ["--repetitions", "0"]])
def test_options_out_of_range_are_named(arguments):
    result = CliRunner().invoke(bench, ["decode", *arguments])
    assert result.exit_code == 2
    assert f"Invalid value for '{arguments[0]}'" in result.output


def test_a_folder_without_recordings_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("OOF_HOME", str(tmp_path / "home"))
    result = CliRunner().invoke(bench, ["decode", "--recorded", str(tmp_path)])
    assert result.exit_code == 1
    assert "holds no recorded transaction" in result.output


def test_recorded_transactions_are_measured(fixtures_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("OOF_HOME", str(tmp_path / "home"))
    arguments = ["decode", "--repetitions", "1", "--recorded", str(fixtures_dir / "tx_json")]
    result = CliRunner().invoke(bench, arguments)
    assert result.exit_code == 0, result.output
    assert "recorded: 70 transactions" in result.stdout
    assert cells(result.stdout, "70")[6] == "70"


@pytest.mark.parametrize("kind", ["parts", "day"])
def test_a_measurement_writes_what_it_counts(tmp_path, volume, kind):
    store, output = ParquetStore(tmp_path / "raw"), ParquetStore(tmp_path / "decoded")
    days = [write_synthetic_day(store, volume, number, count) for number, count in ((0, 130), (1, 110))]
    order = Order(
        kind, str(store.root), str(output.root), [day.isoformat() for day in days], str(tmp_path / "go"), passes=2
    )
    measured = measure(order)
    assert {"transactions": 240, "decoded": 240, "conserved": 240, "residual": 0}.items() <= measured.counts.items()
    for name in DECODED_DATASETS:
        frames = [output.read(name, day) for day in days]
        assert sum(frame.height for frame in frames if frame is not None) == measured.counts[name]
    assert (FLOOR in measured.seconds) == (kind == "parts")
    assert measured.passes == 2
    assert 0 < measured.idle_kib <= measured.peak_kib


def test_a_written_day_passes_the_checks_of_its_partition(tmp_path, volume):
    store = ParquetStore(tmp_path)
    assert write_synthetic_day(store, volume, 0, 300) == FIRST_DAY == date(2026, 7, 4)
    frame = store.read(RAW_TRANSACTIONS.name, FIRST_DAY)
    assert frame is not None
    assert frame.height == 300
    checks, _ = check_partition(RAW_TRANSACTIONS.name, FIRST_DAY, frame)
    assert [check for check in checks if not check.has_passed] == []
    for row in frame.iter_rows(named=True):
        header = read_body(decompress_body(row["body_zstd"]))
        stated = (header.signature, header.slot, header.tx_index, header.fee_payer, header.fee_lamports)
        assert stated == tuple(row[name] for name in ("signature", "slot", "tx_index", "fee_payer", "fee_lamports"))
        assert list(header.program_ids) == row["program_ids"]


def deeds(decoded: Decoded) -> list[tuple[object, ...]]:
    """What the moves and actions say, but for the names of accounts."""
    moves = [
        (move.path, move.delta_raw, move.kind, move.is_virtual, move.owner == move.account) for move in decoded.moves
    ]
    return sorted(moves) + sorted((one.kind, one.path, one.amount_raw) for one in decoded.actions)


def test_a_retelling_decodes_to_the_same_deeds_of_other_accounts(told):
    decoded = [decode_transaction(parse_transaction(one.body)) for one in told]
    for position, one in enumerate(decoded):
        assert conservation_faults(one.transaction, one.moves) == []
        assert deeds(one) == deeds(decoded[position % 120])
    accounts = [
        {m.account for one in decoded[start : start + 120] for m in one.moves if not m.is_virtual} for start in (0, 120)
    ]
    assert len(accounts[0]) == len(accounts[1])
    tips_and_programs = accounts[0] & accounts[1]
    assert len(tips_and_programs) < len(accounts[0]) // 4


def test_no_two_transactions_of_a_volume_are_equal(volume, told):
    everything = told + list(volume.day(1, 240, FIRST_SLOT + 216_000, OPENS_S + 86_400))
    assert len({one.signature for one in everything}) == len({one.body for one in everything}) == 600
    places = [(one.slot, one.tx_index) for one in told]
    assert places == sorted(set(places))
    assert all(OPENS_S <= one.block_time_s < OPENS_S + 86_400 for one in told)


def test_the_base_keeps_its_signatures_and_the_same_arguments_give_the_same_bytes(volume, told):
    assert [one.signature for one in told[:120]] == [one.signature for one in generate(7, 120, days=1)]
    assert list(volume.day(0, 360, FIRST_SLOT, OPENS_S)) == told


def test_a_volume_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one transaction"):
        Volume([])


def test_the_floor_reads_every_encoding(fixtures_dir):
    for folder in ("tx_json", "tx_json_parsed", "tx_base64"):
        path = next(path for path in sorted((fixtures_dir / folder).glob("*.json")) if "expected" not in path.name)
        typed = read_typed(path.read_bytes())
        raw = msgspec.json.decode(path.read_bytes())
        assert typed.meta is not None
        assert (typed.slot, typed.meta.fee) == (raw["slot"], raw["meta"]["fee"])
        assert typed.meta.pre_balances == raw["meta"]["preBalances"]

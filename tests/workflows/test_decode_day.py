"""Decoding a day: the same bytes whatever happened before, nothing published that does not add up, no body stops it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from crafted_bodies import LARGEST_U64, Crafted, address, largest_amounts
from decoded_home import file_bytes, raw_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from told_trades import telling_decoder, told_rows

from oof_pipelines.chain.compression import compress_body
from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.storage.parquet.decoded_day import DecodedDay
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows import decode_day as decode_day_module
from oof_pipelines.workflows import prepare as prepare_module
from oof_pipelines.workflows.decode_day import DecodeReport, Frames, days_lacking_files, decode_day, decode_frame
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.fold import InvalidPartitionError
from oof_pipelines.workflows.wallet_slices import slice_digests

pytestmark = pytest.mark.usefixtures("telling")

ROWS = [row for row in told_rows() if row.day == told_rows()[0].day]
DAY = ROWS[0].day
STEPS = ["read", "decode", "validate", *(f"write {name}" for name in DECODED_DATASETS), "publish", "done"]


class KilledError(Exception):
    """What a killed process looks like from inside."""


class HandedServed:
    """A `ServedRows` that keeps what was published last, with hot rows as handed."""

    def __init__(self, hot: Frames | None = None) -> None:
        self.hot = hot
        self.published: list[DecodedDay] = []
        self.is_locked = False

    @contextmanager
    def lock(self, dataset: str, day: date) -> Iterator[None]:
        assert not self.is_locked
        self.is_locked = True
        try:
            yield
        finally:
            self.is_locked = False

    def hot_rows(self, day: date) -> Frames:
        assert self.is_locked
        return self.hot or {name: pl.DataFrame(schema=dataset.columns) for name, dataset in DECODED_DATASETS.items()}

    def publish(self, decoded: DecodedDay) -> None:
        assert self.is_locked
        self.published.append(decoded)


def store_with(folder: Path, rows: list[StoredTransaction]) -> ParquetStore:
    store = ParquetStore(folder)
    if rows:
        store.write(RAW_TRANSACTIONS.name, rows[0].day, raw_frame(rows))
    return store


def decoded_files(store: ParquetStore) -> dict[str, bytes]:
    return {name: content for name, content in file_bytes(store.root).items() if not name.startswith("raw_")}


def decoded_bytes(folder: Path, rows: list[StoredTransaction], served: HandedServed | None = None) -> dict[str, bytes]:
    """The day's decoded files, made from nothing but `rows`."""
    store = store_with(folder, rows)
    decode_day(store, served or HandedServed(), rows[0].day)
    return decoded_files(store)


def test_the_report_and_what_is_published_say_what_is_in_the_files(tmp_path: Path) -> None:
    store, served = store_with(tmp_path, ROWS), HandedServed()
    report = decode_day(store, served, DAY)
    assert all(check.has_passed for check in report.checks)
    assert list(report.files) == list(report.row_counts) == list(DECODED_DATASETS)
    (published,) = served.published
    for name, file in report.files.items():
        content = store.path(name, DAY).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        frame = store.read(name, DAY)
        assert frame is not None
        assert frame.equals(published.frames[name])
        assert frame.height == report.row_counts[name] > 0
    assert published.actions_sha256 == report.files["actions"].sha256
    assert published.decoder_version == decoder_version()
    assert published.counts == report.tally.counts
    assert (published.program_hours, published.unknown_discriminators) == (
        report.tally.program_hours(),
        report.tally.unknown_discriminators(),
    )
    assert sum(one.transactions for one in published.program_hours) == len(ROWS)
    assert sum(one.calls for one in published.unknown_discriminators) == len(ROWS) - sum(r.is_failed for r in ROWS)
    assert published.slices == slice_digests(published.frames)
    assert (report.first_slot, report.last_slot) == (min(r.slot for r in ROWS), max(r.slot for r in ROWS))
    assert set(published.raw["signature"]) == {row.signature for row in ROWS}


def test_a_day_without_bodies_leaves_nothing(tmp_path: Path) -> None:
    store, served = ParquetStore(tmp_path), HandedServed()
    report = decode_day(store, served, DAY)
    assert (report.files, report.checks, report.row_counts, report.first_slot) == ({}, (), {}, None)
    assert served.published == []
    assert list(tmp_path.iterdir()) == []


def test_a_stored_day_that_lacks_the_file_of_a_dataset_is_told(tmp_path: Path) -> None:
    store, served = store_with(tmp_path, ROWS), HandedServed()
    assert days_lacking_files(store) == [DAY], "not decoded yet"
    decode_day(store, served, DAY)
    assert days_lacking_files(store) == []
    for name in DECODED_DATASETS:
        store.path(name, DAY).unlink()
        assert days_lacking_files(store) == [DAY], name
        decode_day(store, served, DAY)
        assert days_lacking_files(store) == []


def test_made_again_the_files_are_the_same_bytes(tmp_path: Path) -> None:
    store, served = store_with(tmp_path, ROWS), HandedServed()
    decode_day(store, served, DAY)
    first = file_bytes(tmp_path)
    decode_day(store, served, DAY)
    assert file_bytes(tmp_path) == first
    assert set(decoded_files(store)) == {f"{name}/day={DAY}/part.parquet" for name in DECODED_DATASETS}
    one, two = served.published
    assert (one.slices, one.counts, one.actions_sha256) == (two.slices, two.counts, two.actions_sha256)


@given(order=st.permutations(ROWS))
@settings(max_examples=8, deadline=None)
def test_the_order_of_arrival_does_not_show(
    order: list[StoredTransaction], tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert decoded_bytes(tmp_path_factory.mktemp("order"), order) == decoded_bytes(
        tmp_path_factory.mktemp("whole"), ROWS
    )
    # Not even where the bodies are not in the order of the file.
    frames, tally = decode_frame(raw_frame(order))
    wanted, wanted_tally = decode_frame(raw_frame(ROWS))
    assert all(frames[name].equals(wanted[name]) for name in DECODED_DATASETS)
    assert tally.counts == wanted_tally.counts


@pytest.mark.parametrize("at_once", [1, 7, len(ROWS)])
def test_how_many_are_decoded_at_once_does_not_show(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = decoded_bytes(tmp_path / "wanted", ROWS)
    monkeypatch.setattr(decode_day_module, "_TRANSACTIONS_AT_ONCE", at_once)
    assert decoded_bytes(tmp_path / "found", ROWS) == wanted


def test_hot_rows_are_compared_and_do_not_show(tmp_path: Path) -> None:
    wanted = decoded_bytes(tmp_path / "wanted", ROWS)
    frames, _ = decode_frame(raw_frame(ROWS))
    assert decoded_bytes(tmp_path / "agreeing", ROWS, HandedServed(dict(frames))) == wanted
    tampered = frames | {"actions": frames["actions"].with_columns(wallet=pl.lit("nobody"))}
    store = store_with(tmp_path / "tampered", ROWS)
    report = decode_day(store, HandedServed(tampered), DAY)
    assert [check.name for check in report.checks if not check.has_passed] == ["feed_agrees"]
    assert decoded_files(store) == wanted


def fail_on(monkeypatch: pytest.MonkeyPatch, *signatures: str) -> None:
    """Make the decoder raise on these transactions, as a fault in it would."""

    def faulty(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
        if parsed.signature in signatures:
            raise ZeroDivisionError("a fault in a decoder")
        return telling_decoder(parsed)

    monkeypatch.setattr(prepare_module, "decode_transaction", faulty)


def assert_one_undecoded(report: DecodeReport, signature: str) -> None:
    failed = [check for check in report.checks if not check.has_passed]
    assert [check.name for check in failed] == ["everything_decoded"]
    assert failed[0].detail == f"1 of {len(ROWS)} failed, e.g. {signature}"
    assert (report.tally.transactions, report.tally.decoded) == (len(ROWS), len(ROWS) - 1)


def test_a_transaction_that_the_decoder_fails_on_is_counted_and_the_day_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ROWS[4]
    others = decoded_bytes(tmp_path / "others", [row for row in ROWS if row != gone])
    fail_on(monkeypatch, gone.signature)
    store, served = store_with(tmp_path / "faulty", ROWS), HandedServed()
    assert_one_undecoded(decode_day(store, served, DAY), gone.signature)
    assert decoded_files(store) == others, "the others are decoded as ever"
    assert gone.signature in set(served.published[0].raw["signature"]), "and it stays stored"
    monkeypatch.undo()
    assert all(check.has_passed for check in decode_day(store, served, DAY).checks)
    assert decoded_files(store) == decoded_bytes(tmp_path / "whole", ROWS), "with the decoder mended, nothing lacks"


@pytest.mark.parametrize(
    "body_zstd", [b"no zstd", compress_body(b"no JSON"), compress_body(b"{}")], ids=["zstd", "json", "transaction"]
)
def test_a_body_that_cannot_be_read_is_counted_too(body_zstd: bytes, tmp_path: Path) -> None:
    damaged = replace(ROWS[4], body_zstd=body_zstd)
    store = store_with(tmp_path, [*ROWS[:4], damaged, *ROWS[5:]])
    assert_one_undecoded(decode_day(store, HandedServed(), DAY), damaged.signature)


def crafted_days() -> list[Crafted]:
    """Bodies that no chain gives and a lying node may: each decodes, and none stops its day."""
    payer, mint = address("payer"), address("odd mint")
    tokens = {address("g"): (mint, payer, LARGEST_U64, 0), address("t"): (mint, payer, 0, LARGEST_U64)}
    lamports = {payer: (10_000, 5_000)}
    return [
        largest_amounts(),
        *(Crafted(f"decimals {n}", lamports, tokens, decimals=n) for n in (0, 18, 19, 255)),
        Crafted("much from nothing", lamports | {address(number): (0, LARGEST_U64) for number in range(8)}),
    ]


@pytest.mark.parametrize("crafted", crafted_days(), ids=lambda crafted: str(crafted.name))
def test_odd_amounts_and_decimals_stop_no_day(crafted: Crafted, tmp_path: Path) -> None:
    stored = crafted.stored()
    report = decode_day(store_with(tmp_path, [stored]), HandedServed(), stored.day)
    assert all(check.has_passed for check in report.checks)
    assert (report.tally.decoded, report.tally.conserved) == (1, 1)


def drop_a_move(monkeypatch: pytest.MonkeyPatch, signature: str) -> None:
    def forgetful(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
        decoded = telling_decoder(parsed)
        return replaced(decoded, moves=decoded.moves[:-1]) if parsed.signature == signature else decoded

    monkeypatch.setattr(prepare_module, "decode_transaction", forgetful)


@pytest.mark.parametrize("has_files", [True, False])
def test_a_book_that_does_not_add_up_changes_no_file_and_publishes_nothing(
    has_files: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, served = store_with(tmp_path, ROWS[:20]), HandedServed()
    if has_files:
        decode_day(store, served, DAY)
    store.write(RAW_TRANSACTIONS.name, DAY, raw_frame(ROWS))
    before, published_before = file_bytes(tmp_path), list(served.published)
    drop_a_move(monkeypatch, ROWS[-1].signature)
    with pytest.raises(InvalidPartitionError, match=f"^decoded {DAY}: conservation: 1 do not; ") as raised:
        decode_day(store, served, DAY)
    assert ROWS[-1].signature in str(raised.value)
    assert file_bytes(tmp_path) == before
    assert served.published == published_before
    assert not served.is_locked
    monkeypatch.undo()
    decode_day(store, served, DAY)
    assert decoded_files(store) == decoded_bytes(tmp_path / "whole", ROWS)


def test_its_steps_have_these_names(tmp_path: Path) -> None:
    steps: list[str] = []
    decode_day(store_with(tmp_path, ROWS), HandedServed(), DAY, at_step=steps.append)
    assert steps == STEPS


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_doing_it_again_ends_the_same(step: str, tmp_path: Path) -> None:
    """The day had files already, of fewer bodies: killed at a write, some of its files are old and some new."""

    def kill(at: str) -> None:
        if at == step:
            raise KilledError

    store, served = store_with(tmp_path / "killed", ROWS[20:]), HandedServed()
    decode_day(store, served, DAY)
    old = decoded_files(store)
    store.write(RAW_TRANSACTIONS.name, DAY, raw_frame(ROWS))
    with pytest.raises(KilledError):
        decode_day(store, served, DAY, at_step=kill)
    wanted = decoded_bytes(tmp_path / "whole", ROWS)
    found = decoded_files(store)
    assert all(found[name] in (old[name], wanted[name]) for name in wanted), "no reader sees anything else"
    written = sum(found[name] == wanted[name] for name in wanted)
    assert written == max(0, min(STEPS.index(step) - STEPS.index("write actions"), len(DECODED_DATASETS)))
    assert len(served.published) == (2 if step == "done" else 1)
    decode_day(store, served, DAY)
    assert decoded_files(store) == wanted
    assert served.published[-1].actions_sha256 == hashlib.sha256(wanted[f"actions/day={DAY}/part.parquet"]).hexdigest()

"""Wallet buckets: each file is what the decoded days say, whatever was killed in between, and no other is touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from decoded_home import raw_frame, synthetic_rows

from oof_pipelines.storage.parquet.schemas import ACTIONS, WALLET_ACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.update_wallets import DaySlices, InvalidBucketError, WalletReport, update_bucket
from oof_pipelines.workflows.wallet_slices import slice_digests, slices_of, wallet_rows

STEPS = ["read", "validate", "mark", "write", "record", "done"]


class KilledError(Exception):
    """What a killed process looks like from inside."""


class HandedContents:
    """A `BucketContents` over two dictionaries: day → bucket → digest as decoding left it, and bucket → notes."""

    def __init__(self) -> None:
        self.slices: dict[date, dict[int, str]] = {}
        self.notes: dict[int, dict[date, str]] = {}
        self.is_locked = False

    @contextmanager
    def lock(self, dataset: str, bucket: int) -> Iterator[None]:
        self.is_locked = True
        yield
        self.is_locked = False

    def wanted(self, bucket: int) -> dict[date, str]:
        return {day: slices[bucket] for day, slices in self.slices.items() if bucket in slices}

    def record(self, bucket: int, digests: dict[date, str]) -> None:
        assert self.is_locked
        self.notes[bucket] = dict(digests)

    def stale(self) -> list[int]:
        return [bucket for bucket in range(64) if self.wanted(bucket) != self.notes.get(bucket, {})]


class World:
    """Decoded days in a store, and the notes beside it."""

    def __init__(self, root: Path) -> None:
        self.store = ParquetStore(root)
        self.contents = HandedContents()

    def decode(self, day: date, actions: pl.DataFrame, *, is_published: bool = True) -> None:
        """Put a day's actions file there; not published, decoding was killed in between or goes on."""
        self.store.write(ACTIONS.name, day, actions)
        if is_published:
            self.contents.slices[day] = slice_digests(actions)

    def update(self, *buckets: int, kill_at: str = "") -> list[WalletReport]:
        def at_step(step: str) -> None:
            if step == kill_at:
                raise KilledError

        slices = DaySlices(self.store)
        chosen = buckets or self.contents.stale()
        return [update_bucket(self.store, self.contents, slices, bucket, at_step=at_step) for bucket in chosen]

    def files(self) -> dict[int, bytes]:
        buckets = self.store.buckets(WALLET_ACTIONS.name)
        return {bucket: self.store.path(WALLET_ACTIONS.name, bucket).read_bytes() for bucket in buckets}


def days() -> dict[date, pl.DataFrame]:
    """A few actions of each of two days."""
    rows = synthetic_rows()
    by_day = {row.day: [other for other in rows if other.day == row.day] for row in rows}
    return {day: decode_frame(raw_frame(its_rows[:8]))[0]["actions"] for day, its_rows in by_day.items()}


DAYS = days()
FIRST, SECOND = sorted(DAYS)
FEWER = DAYS[SECOND].filter(~pl.col("wallet").is_in(DAYS[SECOND]["wallet"].unique().sort().head(2).to_list()))
SHARED = sorted(slice_digests(DAYS[FIRST]).keys() & slice_digests(DAYS[SECOND]).keys())
ONLY_SECOND = sorted(slice_digests(DAYS[SECOND]).keys() - slice_digests(DAYS[FIRST]).keys())


def wanted_files(folder: Path, *actions: pl.DataFrame) -> dict[int, bytes]:
    """What the buckets' files should be, made at once from all actions."""
    store = ParquetStore(folder)
    for bucket, rows in slices_of(pl.concat(actions)).items():
        store.write(WALLET_ACTIONS.name, bucket, rows)
    return {b: store.path(WALLET_ACTIONS.name, b).read_bytes() for b in store.buckets(WALLET_ACTIONS.name)}


def decoded_world(root: Path) -> World:
    world = World(root)
    for day, actions in DAYS.items():
        world.decode(day, actions)
    return world


def test_buckets_hold_all_days_and_updating_again_gives_the_same_bytes(tmp_path: Path) -> None:
    world = decoded_world(tmp_path / "world")
    reports = world.update()
    files = world.files()
    assert files == wanted_files(tmp_path / "wanted", *DAYS.values())
    assert world.contents.stale() == []
    assert all(check.has_passed for report in reports for check in report.checks)
    assert sum(report.row_count for report in reports) == wallet_rows(pl.concat(DAYS.values())).height
    again = world.update(*files)
    assert world.files() == files
    assert {report.changed_days for report in again} == {0}
    assert [report.file for report in again] == [report.file for report in reports]
    assert world.contents.stale() == []


def test_the_order_of_days_does_not_show(tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    for day in (SECOND, FIRST):
        world.decode(day, DAYS[day])
        world.update()
    assert world.files() == wanted_files(tmp_path / "wanted", *DAYS.values())


def test_only_touched_buckets_lag_behind_and_only_they_are_written(tmp_path: Path) -> None:
    world = decoded_world(tmp_path / "world")
    world.update()
    before = world.files()
    old, new = slice_digests(DAYS[SECOND]), slice_digests(FEWER)
    world.decode(SECOND, FEWER)
    touched = sorted(bucket for bucket in old.keys() | new.keys() if old.get(bucket) != new.get(bucket))
    assert world.contents.stale() == touched
    assert 0 < len(touched) < len(before)
    reports = world.update()
    assert {report.changed_days for report in reports} == {1}
    changed = [bucket for bucket, content in world.files().items() if content != before[bucket]]
    assert changed == touched


def test_a_day_with_fewer_actions_takes_them_out(tmp_path: Path) -> None:
    world = decoded_world(tmp_path / "world")
    world.update()
    world.decode(SECOND, FEWER)
    world.update()
    wanted = wanted_files(tmp_path / "wanted", DAYS[FIRST], FEWER)
    found = world.files()
    assert {bucket: found[bucket] for bucket in wanted} == wanted
    for bucket in found.keys() - wanted.keys():
        emptied = world.store.read(WALLET_ACTIONS.name, bucket)
        assert emptied is not None
        assert emptied.is_empty()
        assert emptied.schema == pl.Schema(WALLET_ACTIONS.columns)
    world.decode(SECOND, DAYS[SECOND].head(0))
    world.update()
    rows = [world.store.read(WALLET_ACTIONS.name, bucket) for bucket in found]
    assert sum(0 if frame is None else frame.height for frame in rows) == wallet_rows(DAYS[FIRST]).height


def test_its_steps_have_these_names(tmp_path: Path) -> None:
    world, steps = decoded_world(tmp_path), []  # type: ignore[var-annotated]
    update_bucket(world.store, world.contents, DaySlices(world.store), SHARED[0], at_step=steps.append)
    assert steps == STEPS


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "held"])
def test_killed_at_any_step_doing_it_again_ends_the_same(step: str, is_new: bool, tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    world.decode(FIRST, DAYS[FIRST])
    if not is_new:
        world.update()
    world.decode(SECOND, DAYS[SECOND])
    bucket = SHARED[0]
    with pytest.raises(KilledError):
        world.update(bucket, kill_at=step)
    assert (bucket in world.contents.stale()) == (step != "done")
    world.update()
    assert world.contents.stale() == []
    assert world.files() == wanted_files(tmp_path / "wanted", *DAYS.values())


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("bucket", [SHARED[0], ONLY_SECOND[0]], ids=["shared", "only_second"])
def test_killed_and_then_overtaken_by_a_day_that_lost_the_bucket(step: str, bucket: int, tmp_path: Path) -> None:
    """What a killed update wrote, nobody asks for any more: it is taken out all the same."""
    world = World(tmp_path / "world")
    world.decode(FIRST, DAYS[FIRST])
    world.update()
    world.decode(SECOND, DAYS[SECOND])
    with pytest.raises(KilledError):
        world.update(bucket, kill_at=step)
    world.decode(SECOND, DAYS[SECOND].head(0))
    world.update()
    assert world.contents.stale() == []
    wanted = wanted_files(tmp_path / "wanted", DAYS[FIRST])
    found = world.store.read(WALLET_ACTIONS.name, bucket)
    if bucket in wanted:
        assert world.files()[bucket] == wanted[bucket]
    else:
        assert found is None or found.is_empty()


@pytest.mark.parametrize("actions", [FEWER, DAYS[SECOND].head(0)], ids=["fewer", "none"])
def test_a_day_being_decoded_is_no_error_and_lags_behind_until_published(actions: pl.DataFrame, tmp_path: Path) -> None:
    """The actions file is new, what is wanted is still of the old one."""
    world = decoded_world(tmp_path / "world")
    world.decode(SECOND, actions, is_published=False)
    world.update()
    assert world.contents.stale() != []
    world.decode(SECOND, actions)
    world.update()
    assert world.contents.stale() == []
    wanted = wanted_files(tmp_path / "wanted", DAYS[FIRST], actions)
    assert {bucket: content for bucket, content in world.files().items() if bucket in wanted} == wanted


def test_a_database_made_anew_is_followed_day_by_day(tmp_path: Path) -> None:
    """It knows no slice and has no notes, while the files hold both days."""
    world = decoded_world(tmp_path / "world")
    world.update()
    whole = world.files()
    world.contents = HandedContents()
    world.decode(FIRST, DAYS[FIRST])
    world.update()
    assert world.contents.stale() == []
    world.decode(SECOND, DAYS[SECOND])
    world.update()
    assert world.files() == whole


def test_a_bucket_without_file_and_without_action_leaves_nothing_and_is_up_to_date(tmp_path: Path) -> None:
    world = World(tmp_path)
    untouched = next(bucket for bucket in range(64) if bucket not in slice_digests(DAYS[FIRST]))
    (report,) = world.update(untouched)
    assert (report.file, report.row_count, report.checks) == (None, 0, ())
    assert list(tmp_path.iterdir()) == []
    world.contents.notes[untouched] = {FIRST: "of a file that was deleted"}
    world.update()
    assert world.contents.stale() == []


def test_a_lost_file_is_made_again(tmp_path: Path) -> None:
    world = decoded_world(tmp_path)
    world.update()
    files = world.files()
    world.store.path(WALLET_ACTIONS.name, SHARED[0]).unlink()
    world.update(SHARED[0])
    assert world.files() == files


class TamperedSlices(DaySlices):
    """Slices with every row twice, or of another day."""

    def __init__(self, store: ParquetStore, fault: str) -> None:
        super().__init__(store)
        self._fault = fault

    def get(self, day: date, bucket: int) -> pl.DataFrame:
        rows = super().get(day, bucket)
        if self._fault == "twice":
            return pl.concat([rows, rows])
        if self._fault == "other day":
            return rows.with_columns(pl.col("block_time") + pl.duration(days=1))
        return rows.with_columns(amount_raw=pl.lit(-1, dtype=rows.schema["amount_raw"]))


@pytest.mark.parametrize(
    ("fault", "message"),
    [("twice", "rows share a key"), ("other day", "slices_agree: "), ("negative", "amount_raw")],
)
def test_rows_that_break_a_check_change_neither_file_nor_notes(fault: str, message: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.decode(FIRST, DAYS[FIRST])
    world.update()
    world.decode(SECOND, DAYS[SECOND])
    files, notes, bucket = world.files(), dict(world.contents.notes), SHARED[0]
    with pytest.raises(InvalidBucketError, match=message) as raised:
        update_bucket(world.store, world.contents, TamperedSlices(world.store, fault), bucket)
    assert str(raised.value).startswith(f"wallet_actions {bucket:02d}: ")
    assert "\n" not in str(raised.value)
    assert (world.files(), world.contents.notes) == (files, notes)

"""Wallet buckets: each file is what the decoded days say, whatever was killed in between, and no other is touched."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from decoded_home import raw_frame, synthetic_rows

from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS, WALLET_EVENTS
from oof_pipelines.storage.parquet.schemas import ACTIONS, WALLET_ACTIONS, WALLET_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.update_wallets import DaySlices, InvalidBucketError, WalletReport, update_bucket
from oof_pipelines.workflows.wallet_slices import WalletSlice, digest, slice_digests, slices_of, wallet_rows

STEPS = ["read", "validate", "mark", "write wallet_actions", "write wallet_events", "record", "done"]
Frames = dict[str, pl.DataFrame]


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

    def decode(self, day: date, frames: Frames, *, is_published: bool = True) -> None:
        """Put a day's files there; not published, decoding was killed in between or goes on."""
        for name, frame in frames.items():
            self.store.write(name, day, frame)
        if is_published:
            self.contents.slices[day] = slice_digests(frames)

    def update(self, *buckets: int, kill_at: str = "") -> list[WalletReport]:
        def at_step(step: str) -> None:
            if step == kill_at:
                raise KilledError

        slices = DaySlices(self.store)
        chosen = buckets or self.contents.stale()
        return [update_bucket(self.store, self.contents, slices, bucket, at_step=at_step) for bucket in chosen]

    def files(self) -> dict[int, dict[str, bytes]]:
        return bucket_files(self.store)


def bucket_files(store: ParquetStore) -> dict[int, dict[str, bytes]]:
    """Bucket → dataset → its file."""
    found: dict[int, dict[str, bytes]] = {}
    for name in WALLET_DATASETS:
        for bucket in store.buckets(name):
            found.setdefault(bucket, {})[name] = store.path(name, bucket).read_bytes()
    return found


def days() -> dict[date, Frames]:
    """A few actions and events of each of two days."""
    rows = synthetic_rows()
    by_day = {row.day: [other for other in rows if other.day == row.day] for row in rows}
    return {day: part(decode_frame(raw_frame(its_rows[:8]))[0]) for day, its_rows in by_day.items()}


def part(frames: Frames, of_rows: pl.Expr | None = None) -> Frames:
    """What slices are made of, all rows or some."""
    kept = {name: frames[name] for name in (ACTIONS.name, POSITION_EVENTS.name)}
    return kept if of_rows is None else {name: frame.filter(of_rows) for name, frame in kept.items()}


DAYS = days()
FIRST, SECOND = sorted(DAYS)
_GONE = DAYS[SECOND][POSITION_EVENTS.name]["wallet"].unique().sort().head(2).to_list()
FEWER = part(DAYS[SECOND], ~pl.col("wallet").is_in(_GONE))
NOTHING = part(DAYS[SECOND], pl.lit(False))
# One of the two changed, the other the same.
OTHER_EVENTS = {**DAYS[SECOND], POSITION_EVENTS.name: FEWER[POSITION_EVENTS.name]}
OTHER_ACTIONS = {**DAYS[SECOND], ACTIONS.name: FEWER[ACTIONS.name]}
SHARED = sorted(slice_digests(DAYS[FIRST]).keys() & slice_digests(DAYS[SECOND]).keys())
WITH_EVENTS = [bucket for bucket in SHARED if slices_of(DAYS[SECOND])[bucket].events.height]
ONLY_SECOND = sorted(slice_digests(DAYS[SECOND]).keys() - slice_digests(DAYS[FIRST]).keys())


def wanted_files(folder: Path, *of_days: Frames) -> dict[int, dict[str, bytes]]:
    """What the buckets' files should be, made at once from all days."""
    store = ParquetStore(folder)
    whole = {name: pl.concat([frames[name] for frames in of_days]) for name in of_days[0]}
    for bucket, rows in slices_of(whole).items():
        for name, frame in rows.frames.items():
            store.write(name, bucket, frame)
    return bucket_files(store)


def decoded_world(root: Path) -> World:
    world = World(root)
    for day, frames in DAYS.items():
        world.decode(day, frames)
    return world


def test_buckets_hold_all_days_and_updating_again_gives_the_same_bytes(tmp_path: Path) -> None:
    world = decoded_world(tmp_path / "world")
    reports = world.update()
    files = world.files()
    assert files == wanted_files(tmp_path / "wanted", *DAYS.values())
    assert world.contents.stale() == []
    assert all(check.has_passed for report in reports for check in report.checks)
    counted = {name: sum(report.row_counts[name] for report in reports) for name in WALLET_DATASETS}
    every_action, every_event = (pl.concat([day[name] for day in DAYS.values()]) for name in DAYS[FIRST])
    assert counted == {WALLET_ACTIONS.name: wallet_rows(every_action).height, WALLET_EVENTS.name: every_event.height}
    assert every_event.height > 0
    again = world.update(*files)
    assert world.files() == files
    assert {report.changed_days for report in again} == {0}
    assert [report.files for report in again] == [report.files for report in reports]
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
        for name, dataset in WALLET_DATASETS.items():
            emptied = world.store.read(name, bucket)
            assert emptied is not None
            assert emptied.is_empty()
            assert emptied.schema == pl.Schema(dataset.columns)
    world.decode(SECOND, NOTHING)
    world.update()
    assert row_count(world, WALLET_ACTIONS.name) == wallet_rows(DAYS[FIRST][ACTIONS.name]).height
    assert row_count(world, WALLET_EVENTS.name) == DAYS[FIRST][POSITION_EVENTS.name].height


def row_count(world: World, dataset: str) -> int:
    frames = [world.store.read(dataset, bucket) for bucket in world.store.buckets(dataset)]
    return sum(0 if frame is None else frame.height for frame in frames)


@pytest.mark.parametrize(
    ("frames", "dataset"),
    [(OTHER_EVENTS, WALLET_EVENTS.name), (OTHER_ACTIONS, WALLET_ACTIONS.name)],
    ids=["events", "actions"],
)
def test_a_change_of_one_of_the_two_is_noticed_and_leaves_the_other_as_it_is(
    frames: Frames, dataset: str, tmp_path: Path
) -> None:
    world = decoded_world(tmp_path / "world")
    world.update()
    before = world.files()
    world.decode(SECOND, frames)
    assert 0 < len(world.contents.stale()) < len(before)
    world.update()
    changed = {name for bucket, its in world.files().items() for name in its if its[name] != before[bucket][name]}
    assert changed == {dataset}
    wanted = wanted_files(tmp_path / "wanted", DAYS[FIRST], frames)
    assert {bucket: world.files()[bucket] for bucket in wanted} == wanted


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
    world.decode(SECOND, NOTHING)
    world.update()
    assert world.contents.stale() == []
    wanted = wanted_files(tmp_path / "wanted", DAYS[FIRST])
    if bucket in wanted:
        assert world.files()[bucket] == wanted[bucket]
    else:
        found = [world.store.read(name, bucket) for name in WALLET_DATASETS]
        assert all(frame is None or frame.is_empty() for frame in found)


@pytest.mark.parametrize("name", WALLET_DATASETS)
def test_killed_between_the_two_files_the_bucket_lags_behind_whichever_was_written(name: str, tmp_path: Path) -> None:
    """Also where the notes were lost together with one of the files."""
    world = decoded_world(tmp_path / "world")
    world.update()
    whole = world.files()
    other = World(tmp_path / "other")
    other.decode(FIRST, DAYS[FIRST])
    other.update()
    old = other.files()[SHARED[0]][name]
    world.store.path(name, SHARED[0]).write_bytes(old)
    assert old != whole[SHARED[0]][name]
    world.update(SHARED[0])
    assert world.files() == whole
    assert world.contents.stale() == []


@pytest.mark.parametrize("frames", [FEWER, NOTHING, OTHER_EVENTS], ids=["fewer", "none", "events"])
def test_a_day_being_decoded_is_no_error_and_lags_behind_until_published(frames: Frames, tmp_path: Path) -> None:
    """The day's files are new, what is wanted is still of the old ones."""
    world = decoded_world(tmp_path / "world")
    world.decode(SECOND, frames, is_published=False)
    world.update()
    assert world.contents.stale() != []
    world.decode(SECOND, frames)
    world.update()
    assert world.contents.stale() == []
    wanted = wanted_files(tmp_path / "wanted", DAYS[FIRST], frames)
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
    assert (report.files, report.row_counts, report.checks) == ({}, {}, ())
    assert list(tmp_path.iterdir()) == []
    world.contents.notes[untouched] = {FIRST: "of a file that was deleted"}
    world.update()
    assert world.contents.stale() == []


@pytest.mark.parametrize("names", [list(WALLET_DATASETS), *([name] for name in WALLET_DATASETS)], ids="+".join)
def test_a_lost_file_is_made_again(names: list[str], tmp_path: Path) -> None:
    world = decoded_world(tmp_path)
    world.update()
    files = world.files()
    for name in names:
        world.store.path(name, SHARED[0]).unlink()
    world.update(SHARED[0])
    assert world.files() == files


def test_buckets_of_before_there_were_events_are_up_to_date_until_their_days_are_decoded_again(tmp_path: Path) -> None:
    """The old digests are of actions alone, and there is no file of events by day or by bucket."""
    world = World(tmp_path / "world")
    for day, frames in DAYS.items():
        world.store.write(ACTIONS.name, day, frames[ACTIONS.name])
        old = slices_of({**frames, POSITION_EVENTS.name: frames[POSITION_EVENTS.name].head(0)})
        world.contents.slices[day] = {bucket: digest(rows.actions) for bucket, rows in old.items()}
        for bucket, rows in old.items():
            held = world.store.read(WALLET_ACTIONS.name, bucket)
            both = rows.actions if held is None else pl.concat([held, rows.actions])
            world.store.write(WALLET_ACTIONS.name, bucket, both)
            world.contents.notes.setdefault(bucket, {})[day] = digest(rows.actions)
    assert world.contents.stale() == []
    reports = world.update(*range(64))
    assert {report.changed_days for report in reports} == {0}
    assert world.contents.stale() == []
    for day, frames in DAYS.items():
        world.decode(day, frames)
    assert world.contents.stale() != []
    world.update()
    assert world.files() == wanted_files(tmp_path / "wanted", *DAYS.values())


class TamperedSlices(DaySlices):
    """Slices with every row twice, or of another day."""

    def __init__(self, store: ParquetStore, fault: str) -> None:
        super().__init__(store)
        self._fault = fault

    def get(self, day: date, bucket: int) -> WalletSlice:
        rows = super().get(day, bucket)
        if self._fault.startswith("events"):
            return WalletSlice(rows.actions, self._tampered(rows.events, "qty_raw"))
        return WalletSlice(self._tampered(rows.actions, "amount_raw"), rows.events)

    def _tampered(self, rows: pl.DataFrame, amount: str) -> pl.DataFrame:
        if self._fault.endswith("twice"):
            return pl.concat([rows, rows])
        if self._fault.endswith("other day"):
            return rows.with_columns(pl.col("block_time") + pl.duration(days=1))
        return rows.with_columns(pl.lit(-1, dtype=rows.schema[amount]).alias(amount))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("twice", "wallet_actions_schema: .* rows share a key"),
        ("other day", "slices_agree: "),
        ("negative", "amount_raw"),
        ("events twice", "wallet_events_schema: .* rows share a key"),
        ("events of another day: other day", "slices_agree: "),
        ("events negative", "qty_raw"),
    ],
)
def test_rows_that_break_a_check_change_no_file_and_no_notes(fault: str, message: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    world.decode(FIRST, DAYS[FIRST])
    world.update()
    world.decode(SECOND, DAYS[SECOND])
    files, notes, bucket = world.files(), dict(world.contents.notes), WITH_EVENTS[0]
    with pytest.raises(InvalidBucketError, match=message) as raised:
        update_bucket(world.store, world.contents, TamperedSlices(world.store, fault), bucket)
    assert str(raised.value).startswith(f"wallet bucket {bucket:02d}: ")
    assert "\n" not in str(raised.value)
    assert (world.files(), world.contents.notes) == (files, notes)

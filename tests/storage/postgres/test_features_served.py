"""features_1m as it is served: by the feed, by the fold of the day, and by both while a bucket's trades are on both sides."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner
from decoded_home import decode_all, fold_all, select, use_inbox
from recorded_trades import buckets_of, recorded_trading, trades_in

from oof_pipelines.commands.features import features
from oof_pipelines.features.trade_frames import folded, frame_of
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.pricing.reference import ReferencePrice, ReferencePrices
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.decoded_rows import frames_of
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.parquet.market_rows import Row, row_of
from oof_pipelines.storage.parquet.reference_rows import reference_frame
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades
from oof_pipelines.storage.postgres.hot_features import PostgresHotFeatures
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_features import PostgresServedFeatures
from oof_pipelines.workflows.feature_stream import FeatureStream
from oof_pipelines.workflows.features_day import FeaturesReport, features_day

COLUMNS = ", ".join(FEATURES_1M.columns)
BLOCK_DAY = date(2024, 3, 14)
LATER_S = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())


class ConstantSol:
    """A reference source that has said the same at every second."""

    name = "klines"

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        return [
            ReferencePrice(at_s, Decimal("151.37"), self.name, Decimal("0.9"), at_s)
            for at_s in range(first_s - first_s % 60, last_s + 1, 60)
        ]


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture(scope="module")
def block(fixtures_dir: Path) -> list[StoredTransaction]:
    """The trades of one mainnet block: all of one minute, some of them of the same coins."""
    rows = [row for row in recorded_trading(fixtures_dir) if row.block_time.date() == BLOCK_DAY]
    assert len(rows) > 30
    return rows


class Feed:
    """Stores transactions as the feed does, with the features beside."""

    def __init__(self, url: str, store: ParquetStore, *, begun_at_s: int = LATER_S) -> None:
        self._url, self._store, self._begun_at_s = url, store, begun_at_s

    def run(self, work: Callable[[PostgresInbox, FeatureStream], Any]) -> None:
        async def with_stream(inbox: PostgresInbox) -> None:
            stream = FeatureStream(
                PostgresHotFeatures(inbox), ParquetTrades(self._store), ConstantSol(), begun_at_s=self._begun_at_s
            )
            await work(inbox, stream)

        use_inbox(self._url, with_stream)

    def store_all(self, rows: Sequence[StoredTransaction], *, is_final: bool = True, at_once: int = 7) -> None:
        async def work(inbox: PostgresInbox, stream: FeatureStream) -> None:
            for start in range(0, len(rows), at_once):
                batch = rows[start : start + at_once]
                await inbox.store(batch, [])
                await stream.stored(batch)
            if is_final:
                await inbox.mark_final([row.signature for row in rows])

        self.run(work)


def served(url: str) -> pl.DataFrame:
    rows = select(url, f"select {COLUMNS} from features_1m")
    return FEATURES_1M.arrange(pl.DataFrame(rows, schema=FEATURES_1M.columns, orient="row"))


def expected(rows: Sequence[StoredTransaction]) -> pl.DataFrame:
    trades = [trade for row in rows for trade in trades_in(row)]
    starts_s = {key[1] for key in buckets_of(rows)}
    known = [price for start_s in starts_s for price in ConstantSol().prices(start_s, start_s)]
    return FEATURES_1M.arrange(frame_of(folded(trades, ReferencePrices(known))))


def make_features(url: str, store: ParquetStore) -> list[FeaturesReport]:
    with PostgresServedFeatures(url) as served_features:
        reports = []
        for day in store.days("market_events"):
            midnight_s = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
            known = ConstantSol().prices(midnight_s, midnight_s + 86_340)
            store.write("reference_prices", day, reference_frame([(price.at_s, price) for price in known]))
            reports.append(features_day(store, ParquetTrades(store), served_features, day))
        return reports


def hot_buckets(url: str) -> set[tuple[Any, ...]]:
    return set(select(url, "select mint, venue, quote_mint from features_1m where is_hot"))


def test_the_feed_serves_what_it_stores_at_once_and_in_any_order(
    url: str, tmp_path: Path, block: list[StoredTransaction]
) -> None:
    Feed(url, ParquetStore(tmp_path)).store_all(block[::-1])
    found = served(url)
    assert found.equals(expected(block))
    assert found["trades"].max() > 1
    assert len(hot_buckets(url)) == found.height


def test_memory_alone_gives_the_same(url: str, tmp_path: Path, block: list[StoredTransaction]) -> None:
    """A process that began long before the bucket did reads nothing back."""
    Feed(url, ParquetStore(tmp_path), begun_at_s=0).store_all(block)
    assert served(url).equals(expected(block))


def test_a_fold_that_takes_half_of_a_bucket_leaves_it_whole(
    url: str, tmp_path: Path, block: list[StoredTransaction]
) -> None:
    store = ParquetStore(tmp_path)
    first, second = block[::2], block[1::2]
    feed = Feed(url, store)
    feed.store_all(first)
    feed.store_all(second, is_final=False)
    fold_all(url, store)
    decode_all(url, store)
    assert served(url).equals(expected(block)), "between decoding and features, nothing is missing"
    [report] = make_features(url, store)
    assert report.trade_count == sum(len(trades_in(row)) for row in first)
    assert all(check.has_passed for check in report.checks)
    assert served(url).equals(expected(block)), "the file has half, the reader has all"
    halves = {(mint, venue, quote) for mint, _, venue, quote in buckets_of(second)}
    assert hot_buckets(url) == halves
    third = block[0]
    feed.store_all([third])
    assert served(url).equals(expected(block)), "a restarted feed reads the folded half back"


def test_once_all_is_folded_the_files_rows_are_served_and_the_view_has_each_once(
    url: str, tmp_path: Path, block: list[StoredTransaction]
) -> None:
    store = ParquetStore(tmp_path)
    feed = Feed(url, store)
    feed.store_all(block[::2])
    fold_all(url, store)
    decode_all(url, store)
    make_features(url, store)
    feed.store_all(block[1::2])
    views = REPOSITORY_ROOT / "sql" / "views"
    with QueryEngine(store, url, views) as engine:
        rows = list(engine.query(f"select {COLUMNS} from features_1m"))
    assert FEATURES_1M.arrange(pl.DataFrame(rows, schema=FEATURES_1M.columns, orient="row")).equals(expected(block))
    fold_all(url, store)
    decode_all(url, store)
    [report] = make_features(url, store)
    assert served(url).equals(expected(block))
    assert hot_buckets(url) == set()
    in_file = store.read("features_1m", BLOCK_DAY)
    assert in_file is not None
    assert in_file.equals(expected(block))
    again = make_features(url, store)[0]
    assert (again.file, again.checks) == (report.file, report.checks)


def test_rows_that_cannot_be_read_to_their_end_replace_nothing(
    url: str, tmp_path: Path, block: list[StoredTransaction]
) -> None:
    store = ParquetStore(tmp_path)
    Feed(url, store).store_all(block)
    fold_all(url, store)
    decode_all(url, store)
    make_features(url, store)
    before = served(url)

    def pieces(*, is_whole: bool) -> Iterator[pl.DataFrame]:
        yield before[:3]
        if not is_whole:
            raise OSError("disk")
        yield before[3:7]

    with PostgresServedFeatures(url) as served_features:
        with pytest.raises(OSError, match="disk"):
            served_features.publish(BLOCK_DAY, pieces(is_whole=False), "new")
        assert served(url).equals(before)
        served_features.publish(BLOCK_DAY, pieces(is_whole=True), "new")
    assert served(url).equals(before[:7])
    assert select(url, "select sha256 from features_days where day = '2024-03-14'") == [("new",)]


def test_the_command_shows_files_and_feed(
    url: str, tmp_path: Path, block: list[StoredTransaction], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ParquetStore(tmp_path / "store")
    feed = Feed(url, store)
    feed.store_all(block[::2])
    fold_all(url, store)
    decode_all(url, store)
    make_features(url, store)
    feed.store_all(block[1::2])
    for name, value in {"DATABASE_URL": url, "OOF_HOME": tmp_path, "OOF_STORE": store.root}.items():
        monkeypatch.setenv(name, str(value))
    rows = expected(block)
    busiest = rows.group_by("mint").agg(pl.col("trades").sum()).sort("trades")["mint"][-1]
    wanted = rows.filter(pl.col("mint") == busiest)
    done = CliRunner().invoke(features, [busiest, "--json"])
    assert done.exit_code == 0, done.output
    shown = json.loads(done.output)
    assert sum(row["trades"] for row in shown) == wanted["trades"].sum()
    assert len(shown) == wanted.height
    assert {str(row["net_inflow_sol"]) for row in shown} == {str(value) for value in wanted["net_inflow_sol"]}
    table = CliRunner().invoke(features, [busiest, "--since", "2024-03-14"])
    assert table.exit_code == 0, table.output
    assert "net_inflow_sol" in table.output
    assert "2024-03-14" in table.output


def test_what_is_taken_back_leaves_its_buckets(url: str, tmp_path: Path, block: list[StoredTransaction]) -> None:
    """From memory, and by a feed that was not there when it was stored."""
    alone = next(row for row in block if buckets_of([row]) - buckets_of([one for one in block if one is not row]))
    shared = next(row for row in block if not buckets_of([row]) - buckets_of([one for one in block if one is not row]))
    left = [row for row in block if row not in (alone, shared)]

    async def take_back(inbox: PostgresInbox, stream: FeatureStream, row: StoredTransaction) -> None:
        async with stream.taking_back(row.signature):
            await inbox.retract(row.signature, "test")

    async def in_memory(inbox: PostgresInbox, stream: FeatureStream) -> None:
        await inbox.store(block, [])
        await stream.stored(block)
        await take_back(inbox, stream, alone)

    feed = Feed(url, ParquetStore(tmp_path))
    feed.run(in_memory)
    assert served(url).equals(expected([*left, shared]))
    feed.run(lambda inbox, stream: take_back(inbox, stream, shared))
    assert served(url).equals(expected(left))


def test_a_feed_killed_between_storing_and_serving_makes_it_good_at_its_next_start(
    url: str, tmp_path: Path, block: list[StoredTransaction]
) -> None:
    feed = Feed(url, ParquetStore(tmp_path))
    feed.store_all(block[:15])

    async def die(inbox: PostgresInbox, _stream: FeatureStream) -> None:
        await inbox.store(block[15:], [])
        await inbox.retract(block[0].signature, "not final yet")
        await inbox.retract(block[15].signature, "not final yet")

    feed.run(die)
    assert not served(url).equals(expected([*block[:15], *block[16:]]))
    started: list[int] = []

    async def start(_inbox: PostgresInbox, stream: FeatureStream) -> None:
        started.append(await stream.start())

    feed.run(start)
    left = [*block[:15], *block[16:]]
    assert served(url).equals(expected(left))
    assert started[0] >= len(buckets_of(left))


def test_late_trades_are_counted_and_made_good(url: str, tmp_path: Path, fixtures_dir: Path) -> None:
    rows = list(recorded_trading(fixtures_dir))[::3]
    counted: list[int] = []

    async def work(inbox: PostgresInbox, stream: FeatureStream) -> None:
        for row in reversed(rows):
            await inbox.store([row], [])
            await stream.stored([row])
        counted.append(stream.counts.late_trades)

    Feed(url, ParquetStore(tmp_path), begun_at_s=0).run(work)
    assert counted[0] > 20, "the newest comes first, so that all others are late"
    assert served(url).equals(expected(rows))


def test_all_recorded_trades_give_the_same_rows_in_columns(fixtures_dir: Path, url: str, tmp_path: Path) -> None:
    rows = recorded_trading(fixtures_dir)
    store = ParquetStore(tmp_path)
    trades = [trade for row in rows for trade in trades_in(row)]
    assert len(trades) > 250
    days: dict[date, list[Row]] = {}
    for trade in trades:
        days.setdefault(datetime.fromtimestamp(trade.place.block_time_s, UTC).date(), []).append(row_of(trade))
    for day, its_rows in days.items():
        store.write(
            "market_events",
            day,
            frames_of({name: its_rows if name == "market_events" else [] for name in DECODED_DATASETS})[
                "market_events"
            ],
        )
    with PostgresServedFeatures(url) as served_features:
        reports = [features_day(store, ParquetTrades(store), served_features, day) for day in days]
    assert sum(report.trade_count for report in reports) == len(trades)
    assert served(url).equals(FEATURES_1M.arrange(frame_of(folded(sorted(trades, key=lambda trade: trade.order_key)))))
    assert served(url).height == len(buckets_of(rows))

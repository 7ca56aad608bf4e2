"""What a run leaves, as hashes: what is left out, what counts, and how a difference is told."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from real_processes import fresh_database

from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.fault_tables import CLOCKED, Outcome, differences, file_hashes, read_tables

TABLES = """
create table seen (
    id bigint generated always as identity primary key,
    number serial,
    sig text not null,
    amount numeric(38, 0),
    stored_at timestamptz not null default now(),
    happened_at timestamptz not null
);
create table position_buckets (bucket smallint primary key, sha256 text not null, inputs text not null);
create table schema_migrations (version integer);
insert into schema_migrations values (1);
create view seen_once as select * from seen;
"""


@pytest.fixture
def url(server: EmbeddedPostgres) -> Iterator[str]:
    with fresh_database(server.url, f"t_{secrets.token_hex(6)}") as url:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            connection.execute(TABLES)
        yield url


def insert(url: str, *rows: tuple[str, int]) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        for sig, amount in rows:
            connection.execute(
                "insert into seen (sig, amount, happened_at) values (%s, %s, '2026-01-02T00:00:00Z')", (sig, amount)
            )


def outcome(url: str) -> Outcome:
    return Outcome({}, read_tables(url))


def test_neither_order_nor_clock_nor_surrogate_counts(url: str) -> None:
    insert(url, ("a", 1), ("b", 10**30))
    first = outcome(url)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("delete from seen")
    insert(url, ("b", 10**30), ("a", 1))
    assert outcome(url) == first
    assert outcome(url).sha256() == first.sha256()
    assert set(first.tables) == {"seen", "position_buckets"}, "neither views nor what tells of migrations"
    assert first.tables["seen"][1] == f'{{"amount":{10**30},"happened_at":"2026-01-02T00:00:00+00:00","sig":"b"}}'


def test_a_value_a_row_more_and_a_row_twice_count(url: str) -> None:
    insert(url, ("a", 1), ("b", 2))
    calm = outcome(url)
    insert(url, ("b", 2))
    twice = outcome(url)
    assert differences(calm, twice) == ["table seen: 3 rows, 2 expected; rows are there more than once"]
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("delete from seen where sig = 'b'")
        connection.execute("insert into seen (sig, amount, happened_at) values ('b', 3, '2026-01-02T00:00:00Z')")
    (told,) = differences(calm, outcome(url))
    assert 'missing {"amount":2,' in told
    assert 'too many {"amount":3,' in told
    assert outcome(url).sha256() not in (calm.sha256(), twice.sha256())
    assert differences(calm.without(frozenset({"seen"})), outcome(url).without(frozenset({"seen"}))) == []


def test_digests_over_when_files_were_written_do_not_count(url: str) -> None:
    assert CLOCKED["position_buckets"] == {"inputs"}
    rows = []
    for inputs in ("x", "y"):
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            connection.execute("delete from position_buckets")
            connection.execute("insert into position_buckets values (3, 'f', %s)", (inputs,))
        rows.append(outcome(url).tables["position_buckets"])
    assert rows == [('{"bucket":3,"sha256":"f"}',)] * 2


def test_files_count_by_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "moves" / "day=1").mkdir(parents=True)
    (tmp_path / "moves" / "day=1" / "part.parquet").write_bytes(b"1")
    calm = Outcome(file_hashes(tmp_path), {})
    (tmp_path / "moves" / "day=1" / "part.parquet").write_bytes(b"2")
    (tmp_path / "moves" / "day=1" / ".part.parquet.unfinished").write_bytes(b"")
    (told,) = differences(calm, Outcome(file_hashes(tmp_path), {}))
    assert told.startswith("files moves: 2 differ: ")
    assert "moves/day=1/part.parquet (other bytes)" in told
    assert ".unfinished (too many)" in told
    assert differences(calm, Outcome({}, {})) == ["files moves: 1 differ: moves/day=1/part.parquet (missing)"]

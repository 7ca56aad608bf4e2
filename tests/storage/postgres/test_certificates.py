"""Certificates in Postgres: a row a wallet, replaced as a whole, told by `oof sql`; and what nobody could read is counted."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from certified_wallet import TALLY, WHOLE, account, certify
from stored_rows import AT, SLOT, signature_of, stored

from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.certificates import PostgresCertificates
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.wallet_coverage import PostgresCoverage
from oof_pipelines.workflows.certificate import Certificate
from oof_pipelines.workflows.value_shares import ValueShares

VALUE = ValueShares(
    residual_transactions=1,
    moved_lamports=2**64,
    residual_lamports=3,
    moved_usd_e18=1234 * 10**18 + 1,
    residual_share_of_usd=Decimal("0.250000"),
    undecoded_share_of_lamports=Decimal("1.000000"),
)
HOUR = timedelta(hours=1)


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def kept(url: str) -> Iterator[PostgresCertificates]:
    with PostgresCertificates(url) as opened:
        yield opened


def select(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        return connection.execute(query.encode()).fetchall()


def of(wallet: str, **changes: Any) -> Certificate:
    return msgspec.structs.replace(certify(**changes), wallet=wallet, value=VALUE)


def test_every_field_of_a_certificate_is_a_column(kept: PostgresCertificates, url: str) -> None:
    gap = certify({"w": [WHOLE], "x": [WHOLE], "y": []})
    one = msgspec.structs.replace(gap, value=VALUE)
    kept.replace([one])
    [row] = select(url, "select to_jsonb(c) - 'certified_at' from coverage_certificates c")
    told = msgspec.to_builtins(one)
    value = told.pop("value")
    dollars = {name: value.pop(f"{name}_e18") for name in ("moved_usd", "residual_usd", "undecoded_usd")}
    jsons = {f"{name}_json": told.pop(name) for name in ("listing", "token_accounts", "gaps")}
    found = row[0]
    for name, plain in {**value, **told, **jsons}.items():
        shown = found.pop(name)
        if name in ("as_of", "since", "proven_until", "listed_at"):
            assert shown.startswith(plain.removesuffix("Z")), name
        elif isinstance(plain, str) and not isinstance(shown, str):
            assert Decimal(str(shown)) == Decimal(plain), name
        else:
            assert shown == plain, name
    # JSON has rounded them; exactly they are looked at below.
    assert found.keys() == dollars.keys()
    exact = "select moved_usd, moved_lamports, residual_share_of_usd from coverage_certificates"
    assert select(url, exact) == [(Decimal("1234.000000000000000001"), Decimal(2**64), Decimal("0.250000"))]


def test_a_new_one_takes_the_place_of_the_old_and_others_stay(kept: PostgresCertificates, url: str) -> None:
    kept.replace([of("a"), of("b", left_behind=1)])
    kept.replace([of("b")])
    rows = "select wallet, is_complete, reasons from coverage_certificates order by wallet"
    assert select(url, rows) == [("a", True, []), ("b", True, [])]
    kept.replace([of("a", tally=replace(TALLY, waiting=2))])
    assert select(url, rows)[0] == ("a", False, ["2 listed transactions have not been fetched yet"])


def test_all_or_none_are_kept_and_no_row_claims_what_its_reasons_deny(kept: PostgresCertificates, url: str) -> None:
    lying = msgspec.structs.replace(of("b", left_behind=1), is_complete=True)
    with pytest.raises(psycopg.errors.CheckViolation):
        kept.replace([of("a"), lying])
    assert select(url, "select count(*) from coverage_certificates") == [(0,)]


def test_sql_tells_them_and_what_they_were_made_from(kept: PostgresCertificates, url: str, tmp_path: Path) -> None:
    kept.replace([of("whole"), of("part", state=None)])

    async def note() -> None:
        async with PostgresCoverage(lambda: url, ParquetStore(tmp_path)) as coverage:
            await coverage.prove("whole", {"whole": WHOLE, "x": WHOLE})
            await coverage.note_accounts([replace(account("x"), wallet="whole")])

    asyncio.run(note())
    with QueryEngine(ParquetStore(tmp_path), url, REPOSITORY_ROOT / "sql" / "views") as engine:
        query = (REPOSITORY_ROOT / "sql" / "queries" / "wallet_certificates.sql").read_text(encoding="utf-8")
        found = list(engine.query(query))
        assert [row[:2] for row in found] == [("part", False), ("whole", True)]
        assert found[0][-1] == "the last listing did not come to its end"
        assert list(engine.query("select moved_usd, mints_left_out from coverage_certificates where is_complete")) == [
            (Decimal("1234.000000000000000001"), [])
        ]
        ranges = "select account, first_slot, last_slot from wallet_coverage order by 1"
        assert list(engine.query(ranges)) == [("whole", 100, 1_000), ("x", 100, 1_000)]
        assert list(engine.query("select account, mint, found_by from wallet_accounts")) == [("x", "mint of x", "node")]
        assert list(engine.query("select count(*) from wallet_listings")) == [(0,)]


def test_listed_and_stored_transactions_without_participants_are_undecoded(
    kept: PostgresCertificates, url: str, tmp_path: Path
) -> None:
    async def fill() -> None:
        async with (
            PostgresInbox(lambda: url) as inbox,
            PostgresCoverage(lambda: url, ParquetStore(tmp_path)) as coverage,
        ):
            await inbox.store([stored("a"), stored("b"), stored("c")], [])
            listed = [ListedSignature(signature_of(name), SLOT) for name in ("a", "b", "not fetched")]
            await coverage.note_listed("w", listed)

    asyncio.run(fill())
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("delete from participants")
        connection.execute("insert into participants values (%s, 'payer', '{fee_payer}')", (signature_of("a"),))
    assert kept.undecoded("w", None, AT) == 1
    assert kept.undecoded("w", AT + HOUR, AT + 2 * HOUR) == 0
    assert kept.undecoded("w", None, AT - HOUR) == 0
    assert kept.undecoded("somebody", None, AT) == 0

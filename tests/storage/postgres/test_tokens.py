"""tokens: one row a mint whatever days its life is spread over, the same from Postgres and from the files."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from crafted_bodies import Crafted, address
from decoded_home import decode_all, fold_all, keep, select, use_inbox

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.actions import actions_of
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import TokenEvent
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.workflows import prepare as prepare_module
from oof_pipelines.workflows.decode_day import decode_day

COIN, MAKER, CREATOR, CURVE, POOL = (address(name) for name in ("coin", "maker", "creator", "curve", "pool"))
PAYER, PROGRAM, HOLDER = address("payer"), address("pad"), address("holder")
DAY = datetime(2026, 2, 10, 12, tzinfo=UTC)
COLUMNS = (
    "mint, status, launchpad, creator, launched_at, launch_slot, launch_signature, name, symbol, uri, token_program, "
    "decimals, quote_mint, curve_account, graduated_at, migrated_at, migrated_slot, pool"
)

Life = dict[str, list[TokenEvent]]


def event(kind: str, **values: str) -> TokenEvent:
    return TokenEvent("0", PROGRAM, "pad", kind, **({"mint": COIN, "wallet": MAKER} | values))


LAUNCH = event(
    "launch",
    pool=CURVE,
    quote_mint=NATIVE_MINT,
    creator=CREATOR,
    name="Coin ☃",
    symbol="C",
    uri="u",
    token_program_id="token",
)
GRADUATION, MIGRATION = event("graduation", pool=CURVE), event("migration", pool=POOL)


class Chain:
    """Transactions of which the decoder tells the events they are given, one a day from DAY on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: Life = {}
        monkeypatch.setattr(prepare_module, "decode_transaction", self._decode)

    def _decode(self, parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
        decoded = decode_transaction(parsed)
        facts = list(self.told[parsed.signature])
        actions = actions_of(parsed, decoded.moves, Scene(parsed, decoded.moves), [], facts)
        return replaced(decoded, facts=facts, actions=actions)

    def happens(self, on_day: int, *events: TokenEvent) -> StoredTransaction:
        """A transaction of the day's number with these events; it holds some of the coin, so its decimals are shown."""
        crafted = Crafted(
            (on_day, *(one.kind for one in events)),
            {PAYER: (10_000, 5_000)},
            {HOLDER: (COIN, PAYER, 5, 5)},
            instructions=[(PROGRAM, [PAYER], b"\1")],
            slot=400_000_000 + on_day,
        )
        self.told[crafted.signature] = list(events)
        return replace(crafted.stored(), block_time=DAY + timedelta(days=on_day))


@pytest.fixture
def chain(monkeypatch: pytest.MonkeyPatch) -> Chain:
    return Chain(monkeypatch)


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    return ParquetStore(tmp_path / "store")


@pytest.fixture
def tokens(url: str, store: ParquetStore) -> Callable[[], list[dict[str, Any]]]:
    """All tokens, after Postgres and DuckDB said the same of them."""

    def both() -> list[dict[str, Any]]:
        served = select(url, f'select {COLUMNS} from tokens order by mint collate "C"')
        with QueryEngine(store, url, REPOSITORY_ROOT / "sql" / "views") as engine:
            assert list(engine.query("select * from tokens order by mint")) == served
        return [dict(zip(COLUMNS.split(", "), row, strict=True)) for row in served]

    return both


def test_a_life_over_three_days_is_one_row(
    chain: Chain, url: str, store: ParquetStore, tokens: Callable[[], list[dict[str, Any]]]
) -> None:
    rows = [chain.happens(0, LAUNCH), chain.happens(1, GRADUATION), chain.happens(2, MIGRATION)]
    whole = {
        "mint": COIN, "status": "migrated", "launchpad": "pad", "creator": CREATOR, "launched_at": DAY,
        "launch_slot": 400_000_000, "launch_signature": rows[0].signature, "name": "Coin ☃", "symbol": "C", "uri": "u",
        "token_program": "token", "decimals": 6, "quote_mint": NATIVE_MINT, "curve_account": CURVE,
        "graduated_at": DAY + timedelta(days=1), "migrated_at": DAY + timedelta(days=2), "migrated_slot": 400_000_002,
        "pool": POOL,
    }  # fmt: skip
    for number, row in enumerate(rows):
        keep(url, [row])
        [found] = tokens()
        assert found["status"] == ("launched", "graduated", "migrated")[number]
        assert (found["pool"], found["migrated_at"]) == ((None, None) if number < 2 else (POOL, whole["migrated_at"]))
    assert tokens() == [whole], "as the feed decoded it"
    fold_all(url, store)
    days = store.days(RAW_TRANSACTIONS.name)
    assert len(days) == 3
    for day in days:
        _decode(url, store, day)
        assert tokens() == [whole], "some days in files, some hot"
    for day in reversed(days):
        _decode(url, store, day)
        assert tokens() == [whole], "a day decoded again takes nothing from the others"


def _decode(url: str, store: ParquetStore, day: date) -> None:
    with PostgresServedRows(url) as served:
        report = decode_day(store, served, day)
    assert all(check.has_passed for check in report.checks), report.checks


def test_what_a_mended_decoder_no_longer_says_is_gone_and_the_rest_stays(
    chain: Chain, url: str, store: ParquetStore, tokens: Callable[[], list[dict[str, Any]]]
) -> None:
    launching, migrating = chain.happens(0, LAUNCH), chain.happens(2, MIGRATION)
    keep(url, [launching, migrating])
    fold_all(url, store)
    decode_all(url, store)
    chain.told[launching.signature] = []
    _decode(url, store, launching.day)
    [left] = tokens()
    assert (left["status"], left["launched_at"], left["name"], left["pool"]) == ("migrated", None, None, POOL)
    chain.told[migrating.signature] = []
    _decode(url, store, migrating.day)
    assert tokens() == []
    chain.told[launching.signature] = [LAUNCH]
    _decode(url, store, launching.day)
    assert [one["status"] for one in tokens()] == ["launched"]


def test_the_first_launch_counts_and_a_pool_alone_makes_no_token(
    chain: Chain, url: str, tokens: Callable[[], list[dict[str, Any]]]
) -> None:
    again = event("launch", name="an impostor", creator=PAYER)
    early = chain.happens(0, event("launch", name="first"), again)
    keep(
        url, [chain.happens(3, again), early, chain.happens(1, event("pool_created", mint=address("other"), pool=POOL))]
    )
    [found] = tokens()
    assert (found["name"], found["launch_signature"], found["creator"]) == ("first", early.signature, MAKER)


def test_a_launch_that_vanished_makes_no_token(
    chain: Chain, url: str, tokens: Callable[[], list[dict[str, Any]]]
) -> None:
    row = chain.happens(0, LAUNCH)
    keep(url, [row], is_final=False)
    assert len(tokens()) == 1

    async def retract(inbox: PostgresInbox) -> None:
        await inbox.retract(row.signature, "left the chain")

    use_inbox(url, retract)
    assert tokens() == []


def test_one_token_is_looked_up_by_its_mint_and_not_by_reading_all(url: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("set enable_seqscan = off")
        lines = connection.execute(f"explain select * from tokens where mint = '{COIN}'".encode()).fetchall()
    plan = "\n".join(line for (line,) in lines)
    assert "Seq Scan" not in plan, plan
    assert plan.count(" on token_events") >= 4, plan

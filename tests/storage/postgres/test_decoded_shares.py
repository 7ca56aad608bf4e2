"""Published shares: rows by program and hour replaced with their day, and what the ready queries make of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from crafted_bodies import FEE_LAMPORTS, Crafted, address, lamport_transfer, signature_of
from decoded_home import decode_all, fold_all, keep, select, served_rows

from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.settings import REPOSITORY_ROOT, load_settings
from oof_pipelines.storage.duckdb import QueryEngine
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.migrate import migrate

PAYER, OTHER, STRANGER = address("payer"), address("other"), address("unknown program")
SYSTEM = "11111111111111111111111111111111"
KNOWN, PROGRAM = next(iter(BY_ID.items()))
UNDECLARED = b"\xfe\xed" * 4
SLOT = 400_000_000
HOUR = datetime.fromtimestamp(estimate_block_time_s(SLOT), UTC).replace(minute=0, second=0)
ROWS = "select hour_at, program_id, calls, unknown_calls, unread_calls, transactions, residual_transactions, moved_lamports, "
ROWS += "residual_lamports from decoded_by_program_hour order by hour_at, program_id"

Ask = Callable[[str], list[tuple[Any, ...]]]


def sent(name: object, lamports: int, *calls: tuple[str, list[str], bytes], is_explained: bool = True) -> Crafted:
    """A payment, and calls beside it; one that no instruction explains is led by a program nobody knows."""
    paid = lamport_transfer(PAYER, OTHER, lamports) if is_explained else (STRANGER, [PAYER, OTHER], b"\1")
    books = {PAYER: (100_000, 100_000 - FEE_LAMPORTS - lamports), OTHER: (1, 1 + lamports)}
    return Crafted(name, books, instructions=[paid, *calls], slot=SLOT)


UNKNOWN_CALL = (KNOWN, [PAYER], UNDECLARED)
CHAIN = [
    sent("a", 700, UNKNOWN_CALL, UNKNOWN_CALL),
    sent("b", 300, UNKNOWN_CALL),
    sent("c", 100, is_explained=False),
]
WHOLE = [
    (HOUR, SYSTEM, 0, 0, 0, 2, 0, Decimal(1_000), Decimal(0)),
    (HOUR, KNOWN, 3, 3, 0, 0, 0, Decimal(0), Decimal(0)),
    (HOUR, STRANGER, 0, 0, 0, 1, 1, Decimal(100), Decimal(100)),
]


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


@pytest.fixture
def store(url: str, tmp_path: Path) -> ParquetStore:
    """The day, folded and decoded."""
    keep(url, [one.stored() for one in CHAIN])
    store = ParquetStore(tmp_path / "store")
    fold_all(url, store)
    decode_all(url, store)
    return store


@pytest.fixture
def ask(url: str, store: ParquetStore) -> Ask:
    def run(name: str) -> list[tuple[Any, ...]]:
        text = (REPOSITORY_ROOT / "sql" / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        with QueryEngine(store, url, REPOSITORY_ROOT / "sql" / "views") as engine:
            return list(engine.query(text))

    return run


def test_an_hour_has_a_row_a_program_and_an_example_of_what_is_unknown(url: str, store: ParquetStore) -> None:
    assert sorted(select(url, ROWS)) == sorted(WHOLE)
    columns = "day, hour_at, program_id, discriminator, calls, first_sig"
    first = min("ab", key=lambda name: signature_of(name))
    assert select(url, f"select {columns} from unknown_discriminators") == [
        (HOUR.date(), HOUR, KNOWN, UNDECLARED.hex(), 3, signature_of(first))
    ]


def test_a_day_decoded_again_has_the_same_rows_and_a_later_body_adds_to_them(url: str, store: ParquetStore) -> None:
    before = served_rows(url)
    decode_all(url, store)
    assert served_rows(url) == before
    keep(url, [sent("d", 50, UNKNOWN_CALL).stored()])
    fold_all(url, store)
    decode_all(url, store)
    found = {row[1]: row[2:] for row in select(url, ROWS)}
    assert found[KNOWN][:2] == (4, 4)
    assert found[SYSTEM][3:6] == (3, 0, Decimal(1_050))
    assert found[STRANGER] == WHOLE[2][2:]


def test_shares_by_program_say_how_much_is_decoded(ask: Ask) -> None:
    found = {row[0]: row[1:6] for row in ask("decoded_share_by_program")}
    one, none = Decimal("1.000000"), Decimal("0.000000")
    assert found == {
        "system": (2, one, one, 0, None),
        STRANGER: (1, none, none, 0, None),
        PROGRAM.name: (0, None, None, 3, none),
    }


def test_unknown_discriminators_come_with_their_share_and_an_example(ask: Ask) -> None:
    [(hour_at, program, discriminator, unknown_calls, calls, share, first)] = ask(
        "unknown_discriminators_by_program_and_hour"
    )
    assert (hour_at, program, discriminator) == (HOUR, PROGRAM.name, UNDECLARED.hex())
    assert (unknown_calls, calls, share) == (3, 3, Decimal("1.000000"))
    assert first in {signature_of("a"), signature_of("b")}


def test_other_days_are_left_alone(url: str, store: ParquetStore) -> None:
    after = SLOT + 2 * 216_000
    keep(url, [Crafted("later", {PAYER: (100_000, 95_000)}, instructions=[UNKNOWN_CALL], slot=after).stored()])
    fold_all(url, store)
    decode_all(url, store)
    rows = select(url, ROWS)
    assert sorted(row for row in rows if row[0] < HOUR + timedelta(hours=1)) == sorted(WHOLE)
    assert len(rows) == len(WHOLE) + 1

"""What is known of wallets' histories in a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored_rows import AT, SLOT, signature_of, stored

from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.interfaces import ListedSignature, QuarantinedTransaction
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.fold_source import PostgresFoldSource
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.wallet_coverage import PostgresCoverage
from oof_pipelines.storage.wallet_history import (
    BY_BALANCES,
    BY_NODE,
    WHOLE_HISTORY_AT,
    ListedState,
    ListedTally,
    ProvenRange,
    Standing,
    WalletAccount,
    merged,
)
from oof_pipelines.workflows.fold import fold_day

W, V, ACCOUNT = "wallet", "other", "account"
NOON = datetime(2026, 2, 13, 12, tzinfo=UTC)


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


Work = Callable[[PostgresCoverage, PostgresInbox], Awaitable[Any]]


def use(url: str, work: Work, files: Path = Path("nowhere")) -> Any:
    async def scenario() -> Any:
        async with (
            PostgresCoverage(lambda: url, ParquetStore(files), patience_seconds=5) as coverage,
            PostgresInbox(lambda: url, patience_seconds=5, is_feed=False) as inbox,
        ):
            return await work(coverage, inbox)

    return asyncio.run(scenario())


def proven(first: int, last: int, cursor: str | None = None) -> ProvenRange:
    return ProvenRange(first, last, NOON + timedelta(seconds=first), NOON + timedelta(seconds=last), cursor)


def listed(*names: object, slot: int = SLOT) -> list[ListedSignature]:
    return [ListedSignature(signature_of(name), slot) for name in names]


def test_ranges_that_touch_become_one_and_others_stay_apart(url: str) -> None:
    async def work(coverage: PostgresCoverage, _inbox: PostgresInbox) -> None:
        await coverage.prove(W, {W: proven(10, 20, "lower"), ACCOUNT: proven(1, 2)})
        await coverage.prove(W, {W: proven(30, 40, "upper")})
        await coverage.prove(V, {W: proven(1, 100)})
        assert await coverage.ranges(W) == {
            W: [proven(10, 20, "lower"), proven(30, 40, "upper")],
            ACCOUNT: [proven(1, 2)],
        }
        await coverage.prove(W, {W: proven(21, 29)})
        (whole,) = (await coverage.ranges(W))[W]
        assert (whole.first_slot, whole.last_slot, whole.cursor) == (10, 40, "lower")
        assert (whole.from_at, whole.to_at) == (proven(10, 20).from_at, proven(30, 40).to_at)
        await coverage.prove(W, {W: proven(12, 13)})
        assert (await coverage.ranges(W))[W] == [whole]

    use(url, work)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), min_size=1, max_size=8))
def test_the_database_merges_as_the_values_do(url: str, parts: list[tuple[int, int]]) -> None:
    ranges = [proven(first, first + length, f"c{first}") for first, length in parts]
    wallet = repr(parts)

    async def work(coverage: PostgresCoverage, _inbox: PostgresInbox) -> None:
        for one in ranges:
            await coverage.prove(wallet, {wallet: one})
        found = (await coverage.ranges(wallet))[wallet]
        assert [(one.first_slot, one.last_slot) for one in found] == [
            (one.first_slot, one.last_slot) for one in merged(ranges)
        ]
        slots = {slot for one in ranges for slot in range(one.first_slot, one.last_slot + 1)}
        assert {slot for one in found for slot in range(one.first_slot, one.last_slot + 1)} == slots

    use(url, work)


def test_two_processes_prove_one_account_at_a_time(url: str) -> None:
    async def scenario() -> list[ProvenRange]:
        files = ParquetStore(Path("nowhere"))
        async with PostgresCoverage(lambda: url, files) as one, PostgresCoverage(lambda: url, files) as other:
            await asyncio.gather(
                *(each.prove(W, {W: proven(n, n)}) for n, each in zip(range(40), [one, other] * 20, strict=True))
            )
            return (await one.ranges(W))[W]

    (whole,) = asyncio.run(scenario())
    assert (whole.first_slot, whole.last_slot) == (0, 39)


def test_listed_signatures_stand_where_the_store_says(url: str) -> None:
    async def work(coverage: PostgresCoverage, inbox: PostgresInbox) -> None:
        rows = listed("a", "b", "c", "d") + listed("e", slot=SLOT - 1)
        await coverage.note_listed(W, rows)
        await coverage.note_listed(W, rows[:2])
        await coverage.note_listed(V, rows[:1])
        await inbox.enqueue(rows[:4], "backfill")
        refusal = QuarantinedTransaction(signature_of("c"), SLOT, QuarantineReason.NOT_FOUND, "never served", None)
        await inbox.store([stored("a"), stored("b")], [refusal])
        await inbox.mark_final([signature_of("a")])
        assert await coverage.standing(rows) == [
            Standing(signature_of("a"), SLOT, True, True, False, False),
            Standing(signature_of("b"), SLOT, True, False, False, False),
            Standing(signature_of("c"), SLOT, False, False, False, True),
            Standing(signature_of("d"), SLOT, False, False, True, False),
            Standing(signature_of("e"), SLOT - 1, False, False, False, False),
        ]
        first = await coverage.unsettled([W, V], None, 3)
        rest = await coverage.unsettled([W, V], (first[-1].slot, first[-1].signature), 3)
        # With what is refused nothing can be done.
        possible = [row for row in rows if row.signature != signature_of("c")]
        assert sorted(row.signature for row in first + rest) == sorted(row.signature for row in possible)
        assert rest[-1] == rows[-1]
        await coverage.settle([W], [signature_of("a")])
        assert len(await coverage.unsettled([W], None, 9)) == 3
        assert await coverage.unsettled([V], None, 9) == rows[:1]
        assert await coverage.tally(W) == ListedTally(listed=5, stored=2, final=1, refused=1, waiting=2, settled=2)
        # Until somebody queues it again, or has stored it.
        await inbox.enqueue(rows[2:3], "backfill")
        assert rows[2] in await coverage.unsettled([W], None, 9)
        await inbox.store([stored("c")], [])
        assert rows[2] in await coverage.unsettled([W], None, 9)
        assert (await coverage.tally(W)).settled == 1
        assert await coverage.tally("nobody") == ListedTally()

    use(url, work)


def test_accounts_are_added_to_and_never_taken_back(url: str) -> None:
    held = WalletAccount(W, ACCOUNT, "mint", "token", BY_NODE, is_signed=False, first_slot=None)
    seen = WalletAccount(W, ACCOUNT, "mint", "token", BY_BALANCES, is_signed=True, first_slot=7)
    later = WalletAccount(W, ACCOUNT, "mint", "token", BY_BALANCES, is_signed=False, first_slot=9)

    async def work(coverage: PostgresCoverage, _inbox: PostgresInbox) -> None:
        for one in (held, later, seen, held):
            await coverage.note_accounts([one])
        await coverage.note_accounts([])
        assert await coverage.accounts(W) == [WalletAccount(W, ACCOUNT, "mint", "token", BY_NODE, True, 7)]
        assert await coverage.accounts(V) == []

    use(url, work)


def test_the_place_in_a_block_is_set_until_a_row_is_folded(url: str, tmp_path: Path) -> None:
    files = ParquetStore(tmp_path)

    async def before(coverage: PostgresCoverage, inbox: PostgresInbox) -> None:
        await coverage.note_listed(W, [*listed("a", "b"), *listed("c", slot=SLOT + 1)])
        await inbox.store([stored("a"), stored("b"), stored("c", slot=SLOT + 1), stored("d", tx_index=4)], [])
        assert await coverage.shared_slots([W], [SLOT, SLOT + 1]) == {SLOT}
        expected = [(SLOT, one, False) for one in sorted((signature_of("a"), signature_of("b")))]
        assert await coverage.without_index([W], [SLOT]) == expected
        assert await coverage.set_tx_index({signature_of("a"): 3, signature_of("d"): 9}) == 1
        assert await coverage.set_tx_index({signature_of("a"): 5}) == 0
        await inbox.mark_final([signature_of(name) for name in "abcd"])

    async def after(coverage: PostgresCoverage, _inbox: PostgresInbox) -> None:
        assert await coverage.without_index([W], [SLOT]) == [(SLOT, signature_of("b"), True)]
        assert await coverage.set_tx_index({signature_of("b"): 3}) == 0
        bodies = [pair async for pair in coverage.bodies([signature_of(name) for name in "abx"])]
        assert sorted(bodies) == sorted((signature_of(name), decompress_body(stored(name).body_zstd)) for name in "ab")

    use(url, before, tmp_path)
    with PostgresFoldSource(url) as source:
        fold_day(files, source, RAW_TRANSACTIONS.name, date(2026, 2, 13))
    use(url, after, tmp_path)
    folded = files.read(RAW_TRANSACTIONS.name, date(2026, 2, 13))
    assert folded is not None
    assert dict(folded.select("signature", "tx_index").iter_rows())[signature_of("a")] == 3
    with psycopg.connect(url, connect_timeout=10) as connection:
        assert connection.execute("select count(*) from inbox_transactions").fetchall() == [(0,)]


def test_bodies_that_wait_are_read_too(url: str) -> None:
    async def work(coverage: PostgresCoverage, inbox: PostgresInbox) -> None:
        await inbox.store([stored("a")], [])
        bodies = [pair async for pair in coverage.bodies([signature_of("a"), signature_of("b")])]
        assert bodies == [(signature_of("a"), decompress_body(stored("a").body_zstd))]

    use(url, work)


def test_what_was_decoded_of_a_wallet_and_never_listed_is_found(url: str) -> None:
    later = AT + timedelta(days=1)

    async def work(coverage: PostgresCoverage, inbox: PostgresInbox) -> None:
        await inbox.store([stored("a"), stored("b"), stored("c", slot=SLOT + 9), stored("d", block_time=later)], [])
        with psycopg.connect(url, connect_timeout=10) as connection:
            for name in "abcd":
                connection.execute("insert into participants values (%s, %s, '{owner}')", (signature_of(name), W))
        await coverage.note_listed(W, listed("a"))
        await coverage.note_listed(V, listed("b"))

        async def unlisted(since_at: datetime, up_to_slot: int, after: str = "", limit: int = 9) -> list[str]:
            return await coverage.unlisted(W, since_at, up_to_slot, after, limit)

        everything = sorted(signature_of(name) for name in "bcd")
        assert await unlisted(AT, SLOT + 9) == everything
        assert await unlisted(AT, SLOT) == sorted(signature_of(name) for name in "bd")
        assert await unlisted(later, SLOT + 9) == [signature_of("d")]
        assert await unlisted(AT, SLOT + 9, everything[0], 1) == [everything[1]]
        assert await coverage.unlisted(V, AT, SLOT + 9, "", 9) == []

    use(url, work)


def test_the_state_of_the_later_tip_stays(url: str) -> None:
    def state(tip_slot: int, *, is_complete: bool) -> ListedState:
        return ListedState(W, WHOLE_HISTORY_AT, tip_slot, NOON, is_complete, 5, 3, 1)

    async def work(coverage: PostgresCoverage, _inbox: PostgresInbox) -> None:
        assert await coverage.state(W) is None
        await coverage.save_state(state(9, is_complete=True))
        await coverage.save_state(state(8, is_complete=False))
        assert await coverage.state(W) == state(9, is_complete=True)
        await coverage.save_state(state(9, is_complete=False))
        assert await coverage.state(W) == state(9, is_complete=False)

    use(url, work)


def test_the_cursor_of_a_wallet_is_that_of_its_newest_range(url: str) -> None:
    async def work(coverage: PostgresCoverage, _inbox: PostgresInbox) -> None:
        await coverage.prove(W, {W: proven(10, 20, "lower"), ACCOUNT: proven(1, 90, "account's")})
        await coverage.prove(W, {W: proven(30, 40, "upper")})

    use(url, work)
    with psycopg.connect(url, connect_timeout=10) as connection:
        rows = connection.execute("select wallet, from_ts, to_ts, last_cursor_sig from wallet_cursors").fetchall()
    assert rows == [(W, proven(30, 40).from_at, proven(30, 40).to_at, "upper")]

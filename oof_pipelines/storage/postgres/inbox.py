"""The feed's inbox in Postgres: what was heard, what is to be fetched, bodies not yet folded, quarantine, checkpoints.

Every method is one transaction and may be repeated after a crash: a connection that dies is opened again and the same
write is made again, until the server has been away for too long.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.chain.body import QuarantineReason
from oof_pipelines.interfaces import (
    Checkpoint,
    Gap,
    HeardLog,
    ListedSignature,
    ProvisionalTransaction,
    PutOff,
    QuarantinedTransaction,
    QueuedSignature,
    StoredTransaction,
)
from oof_pipelines.storage.postgres import inbox_statements as statements
from oof_pipelines.storage.postgres import touch_statements
from oof_pipelines.storage.postgres.hot_rows import insert_hot_rows
from oof_pipelines.storage.postgres.locks import FEED_LOCK
from oof_pipelines.storage.postgres.placement import EmbeddedPostgresError
from oof_pipelines.storage.postgres.session import INBOX_STATEMENT_TIMEOUT_SECONDS, session_options

T = TypeVar("T")

logger = logging.getLogger(__name__)

_LONGEST_REASON = 500
_CONNECT_TIMEOUT_SECONDS = 10
# A feed that was killed holds its lock until the server notices that its socket is gone.
_LOCK_ATTEMPTS = 20
_RETRY_SECONDS = 0.5
_COMPUTE_BUDGET_INVOKE = "Program ComputeBudget111111111111111111111111111111 invoke [1]"


class FeedIsRunningError(RuntimeError):
    """Another feed already writes into this database."""


class PostgresInbox:
    """An `Inbox` on one connection. `database_url` is asked again before each reconnect (it may start a server).

    There is one feed a database; whoever is not the feed may write beside it.
    """

    def __init__(
        self, database_url: Callable[[], str], *, patience_seconds: float = 60.0, is_feed: bool = True
    ) -> None:
        self._database_url = database_url
        self._patience_seconds = patience_seconds
        self._is_feed = is_feed
        self._connection: AsyncConnection[Any] | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> "PostgresInbox":
        await self._run(self._nothing)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def record_heard(self, heard: Sequence[HeardLog], checkpoints: dict[str, Checkpoint]) -> int:
        columns = (
            [log.signature for log in heard],
            [log.slot for log in heard],
            [_lead_program(log.logs) for log in heard],
            [log.is_failed for log in heard],
            [_json_text(log.logs) for log in heard],
        )

        async def write(connection: AsyncConnection[Any]) -> int:
            count = await _count(connection, statements.RECORD_HEARD, columns)
            for target, checkpoint in checkpoints.items():
                await connection.execute(statements.SAVE_CHECKPOINT, (target, checkpoint.slot, checkpoint.has_heard))
            return count

        return await self._run(write)

    async def enqueue(self, listed: Sequence[ListedSignature], source: str) -> int:
        columns = (source, [row.signature for row in listed], [row.slot for row in listed])
        return await self._run(lambda connection: _count(connection, statements.ENQUEUE, columns))

    async def due(self, now: datetime, limit: int) -> list[QueuedSignature]:
        return [QueuedSignature(*row) for row in await self._fetch(statements.DUE, {"now": now, "limit": limit})]

    async def due_of(self, signatures: Sequence[str], now: datetime) -> list[QueuedSignature]:
        return [QueuedSignature(*row) for row in await self._fetch(statements.DUE_OF, (list(signatures), now))]

    async def defer(self, signature: str, not_before: datetime, why: PutOff, detail: str) -> None:
        counted = (int(why is PutOff.EMPTY_ANSWER), int(why is PutOff.REFUSAL))
        await self._execute(statements.DEFER, (*counted, not_before, _storable_text(detail), signature))

    async def discard(self, signatures: Sequence[str]) -> None:
        async def write(connection: AsyncConnection[Any]) -> None:
            await connection.execute("delete from fetch_queue where signature = any(%s)", (list(signatures),))
            await connection.execute("delete from raw_logs where signature = any(%s)", (list(signatures),))

        await self._run(write)

    async def store(
        self, stored: Sequence[StoredTransaction], refused: Sequence[QuarantinedTransaction]
    ) -> tuple[int, int]:
        try:
            return await self._store_batch(stored, refused)
        except psycopg.DataError:
            # One row holds what a column cannot (a NUL, a lone surrogate): find it, so that the rest gets in.
            counts = [await self._store_one(tx) for tx in stored]
            counts += [await self._store_batch([], [_without_detail(tx)]) for tx in refused]
            return sum(new for new, _ in counts), sum(new for _, new in counts)

    async def _store_one(self, transaction: StoredTransaction) -> tuple[int, int]:
        try:
            return await self._store_batch([transaction], [])
        except psycopg.DataError as error:
            detail = repr(str(error))
            refusal = QuarantinedTransaction(
                transaction.signature, transaction.slot, QuarantineReason.UNSTORABLE, detail, transaction.body_zstd
            )
            return await self._store_batch([], [refusal])

    async def _store_batch(
        self, stored: Sequence[StoredTransaction], refused: Sequence[QuarantinedTransaction]
    ) -> tuple[int, int]:
        async def write(connection: AsyncConnection[Any]) -> tuple[int, int]:
            cursor = connection.cursor()
            stored_count = await _insert_returning(cursor, statements.INSERT_TX_RAW, [_tx_raw_row(tx) for tx in stored])
            kept = stored if stored_count == len(stored) else await _of_kept_slots(cursor, stored)
            await cursor.executemany(statements.INSERT_INBOX, [_inbox_row(tx) for tx in kept])
            await cursor.executemany(statements.INSERT_LOGS, [_logs_row(tx) for tx in kept])
            await insert_hot_rows(connection, kept)
            await cursor.execute("delete from quarantine where signature = any(%s)", ([tx.signature for tx in stored],))
            rows = [(tx.signature, tx.slot, str(tx.reason), tx.detail, tx.body_zstd) for tx in refused]
            refused_count = await _insert_returning(cursor, statements.INSERT_QUARANTINE, rows)
            await cursor.execute("delete from raw_logs where signature = any(%s)", ([tx.signature for tx in refused],))
            done = [tx.signature for tx in stored] + [tx.signature for tx in refused]
            await cursor.execute("delete from fetch_queue where signature = any(%s)", (done,))
            return stored_count, refused_count

        return await self._run(write)

    async def provisional(
        self, up_to_slot: int, limit: int, after: ProvisionalTransaction | None
    ) -> list[ProvisionalTransaction]:
        place = (after.slot, after.signature) if after else (-1, "")
        rows = await self._fetch(statements.PROVISIONAL, (up_to_slot, *place, limit))
        return [ProvisionalTransaction(*row) for row in rows]

    async def mark_final(self, signatures: Sequence[str]) -> None:
        await self._execute("update tx_raw set is_final = true where sig = any(%s)", (list(signatures),))

    async def unplaced_slots(self, signatures: Sequence[str]) -> list[int]:
        return [slot for (slot,) in await self._fetch(touch_statements.UNPLACED_SLOTS, (list(signatures),))]

    async def place_in_slot(self, slot: int, signatures: Sequence[str]) -> int:
        parameters = {"slot": slot, "signatures": list(signatures)}

        async def write(connection: AsyncConnection[Any]) -> int:
            cursor = await connection.execute(touch_statements.PLACE_IN_SLOT, parameters)
            row = await cursor.fetchone()
            await connection.execute(touch_statements.NOTIFY)
            return int(row[0]) if row else 0

        return await self._run(write)

    async def retract(self, signature: str, detail: str) -> None:
        async def write(connection: AsyncConnection[Any]) -> None:
            await connection.execute(statements.RETRACT, (signature, detail, detail))
            await connection.execute(touch_statements.NOTIFY)

        await self._run(write)

    async def move_slot(self, signature: str, slot: int) -> None:
        async def write(connection: AsyncConnection[Any]) -> None:
            await connection.execute(statements.MOVE_SLOT, (signature, slot))
            await connection.execute(touch_statements.NOTIFY)
            await connection.execute("delete from raw_logs where signature = %s", (signature,))
            await connection.execute(
                "insert into fetch_queue (signature, slot, source) values (%s, %s, 'reorg') "
                "on conflict (signature) do update set slot = excluded.slot, not_before = now()",
                (signature, slot),
            )

        await self._run(write)

    async def checkpoint(self, target: str) -> Checkpoint | None:
        rows = await self._fetch("select slot, has_heard from feed_checkpoints where target = %s", (target,))
        return Checkpoint(*rows[0]) if rows else None

    async def save_checkpoint(self, target: str, checkpoint: Checkpoint) -> None:
        await self._execute(statements.SAVE_CHECKPOINT, (target, checkpoint.slot, checkpoint.has_heard))

    async def gaps(self, target: str) -> list[Gap]:
        return [Gap(*row) for row in await self._fetch(statements.GAPS, (target,))]

    async def note_gap(self, gap: Gap) -> None:
        await self._execute(
            statements.NOTE_GAP, (gap.target, gap.first_slot, gap.last_slot, _storable_text(gap.reason))
        )

    async def close_gap(self, gap: Gap) -> None:
        await self._execute(statements.CLOSE_GAP, (gap.target, gap.first_slot))

    async def queue_length(self) -> int:
        return await self._run(lambda connection: _count(connection, "select count(*) from fetch_queue", ()))

    async def in_transaction(
        self, work: Callable[[AsyncConnection[Any]], Awaitable[T]], *, statement_timeout_seconds: int
    ) -> T:
        """Do a listener's `work`, which may be made twice, in one transaction on the feed's connection, in turn with its own.

        A statement that takes longer than its timeout is the listener's fault and no broken connection: it is not made
        again, and raises psycopg.errors.QueryCanceled. Nothing of the transaction is left then.
        """

        async def bounded(connection: AsyncConnection[Any]) -> T:
            timeout = f"{statement_timeout_seconds}s"
            await connection.execute("select set_config('statement_timeout', %s, true)", (timeout,))
            return await work(connection)

        return await self._run(bounded, is_cancelling_final=True)

    async def _fetch(self, statement: str, parameters: tuple[Any, ...] | dict[str, Any]) -> list[tuple[Any, ...]]:
        async def read(connection: AsyncConnection[Any]) -> list[tuple[Any, ...]]:
            return await (await connection.execute(statement, parameters)).fetchall()

        return await self._run(read)

    async def _execute(self, statement: str, parameters: tuple[Any, ...]) -> None:
        async def write(connection: AsyncConnection[Any]) -> None:
            await connection.execute(statement, parameters)

        await self._run(write)

    async def _run(
        self, work: Callable[[AsyncConnection[Any]], Awaitable[T]], *, is_cancelling_final: bool = False
    ) -> T:
        """Do `work` in one transaction; where the connection breaks, on a new one again, for `patience_seconds`.

        A statement that the server cut off counts as a broken connection, unless `is_cancelling_final`.
        """
        async with self._turn:
            deadline_s = asyncio.get_running_loop().time() + self._patience_seconds
            has_warned = False
            while True:
                try:
                    connection = await self._open()
                    async with connection.transaction():
                        return await work(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError, EmbeddedPostgresError) as error:
                    if is_cancelling_final and isinstance(error, psycopg.errors.QueryCanceled):
                        raise
                    # Whether the commit arrived is unknown; every write here may be made twice. A server that was killed
                    # again while it recovered has not started, and does so at the next try.
                    await self._abandon()
                    if asyncio.get_running_loop().time() >= deadline_s:
                        raise
                    if not has_warned:
                        has_warned = True
                        reason = " ".join(str(error).split())[:_LONGEST_REASON]
                        logger.warning("inbox unavailable, trying on", extra={"reason": reason})
                    await asyncio.sleep(_RETRY_SECONDS)

    async def _open(self) -> AsyncConnection[Any]:
        if self._connection is not None and not self._connection.closed:
            return self._connection
        url = await asyncio.to_thread(self._database_url)
        connection = await AsyncConnection.connect(
            url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            application_name="oof feed" if self._is_feed else "oof inbox",
            options=session_options(url, INBOX_STATEMENT_TIMEOUT_SECONDS),
        )
        try:
            if self._is_feed:
                await _lock_feed(connection)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection
        return connection

    async def _abandon(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    @staticmethod
    async def _nothing(_connection: AsyncConnection[Any]) -> None:
        return None


async def _lock_feed(connection: AsyncConnection[Any]) -> None:
    for _attempt in range(_LOCK_ATTEMPTS):
        cursor = await connection.execute("select pg_try_advisory_lock(%s)", (FEED_LOCK,))
        row = await cursor.fetchone()
        if row and row[0]:
            return
        await asyncio.sleep(_RETRY_SECONDS / 2)
    raise FeedIsRunningError("another feed already writes into this database (DATABASE_URL, OOF_HOME)")


async def _count(connection: AsyncConnection[Any], statement: str, parameters: tuple[Any, ...]) -> int:
    cursor = await connection.execute(statement, parameters)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def _insert_returning(cursor: psycopg.AsyncCursor[Any], statement: str, rows: list[tuple[Any, ...]]) -> int:
    """Run `statement` for each row; how many of them were new."""
    if not rows:
        return 0
    await cursor.executemany(statement, rows, returning=True)
    count = 0
    while True:
        count += len(await cursor.fetchall())
        if not cursor.nextset():
            return count


async def _of_kept_slots(
    cursor: psycopg.AsyncCursor[Any], stored: Sequence[StoredTransaction]
) -> list[StoredTransaction]:
    """Those in the slot that is kept of them: on another fork a transaction may have done something else."""
    signatures = [tx.signature for tx in stored]
    await cursor.execute("select sig, slot from tx_raw where sig = any(%s)", (signatures,))
    kept = dict(await cursor.fetchall())
    return [tx for tx in stored if kept.get(tx.signature) == tx.slot]


def _lead_program(logs: Sequence[str]) -> str:
    """The first program called at the top level, past the Compute Budget; '' where the logs name none."""
    for line in logs:
        if line.endswith(" invoke [1]") and line.startswith("Program ") and line != _COMPUTE_BUDGET_INVOKE:
            program_id = line.split(" ", 2)[1]
            if is_pubkey(program_id):
                return program_id
    return ""


def _storable_text(text: str) -> str:
    # Postgres refuses the NUL character and lone surrogates; what is stored so is base64 or words, where they say nothing.
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _json_text(logs: Sequence[str]) -> str:
    return json.dumps([_storable_text(line) for line in logs])


def _without_detail(refused: QuarantinedTransaction) -> QuarantinedTransaction:
    return replace(refused, detail=repr(refused.detail))


def _tx_raw_row(tx: StoredTransaction) -> tuple[Any, ...]:
    status = "failed" if tx.is_failed else "ok"
    return (tx.signature, tx.slot, tx.block_time, status, len(tx.body_zstd), tx.tx_index, tx.is_block_time_estimated)


def _inbox_row(tx: StoredTransaction) -> tuple[Any, ...]:
    return (tx.signature, tx.day, tx.version, tx.fee_lamports, tx.fee_payer, list(tx.program_ids), tx.body_zstd)


def _logs_row(tx: StoredTransaction) -> tuple[Any, ...]:
    return (tx.signature, tx.slot, tx.lead_program_id, tx.is_failed, _json_text(tx.logs or ()))

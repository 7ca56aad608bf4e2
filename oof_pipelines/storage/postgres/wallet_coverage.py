"""What is known of wallets' histories in Postgres: a `CoverageStore`.

Each write is one transaction and may be repeated. Two processes that backfill one wallet do no harm to each other: a range
is proven by what is kept before it, so both are true, and they are merged under a lock of the account; signatures, accounts
and what is settled only ever grow.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from psycopg import AsyncConnection

from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.storage.parquet.schemas import RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres import wallet_coverage_statements as statements
from oof_pipelines.storage.postgres.patient_session import PATIENCE_SECONDS, PatientSession
from oof_pipelines.storage.postgres.session import FOLD_STATEMENT_TIMEOUT_SECONDS
from oof_pipelines.storage.wallet_history import (
    ListedState,
    ListedTally,
    ProvenRange,
    Standing,
    WalletAccount,
    merged,
)

_END_OF_SLOTS = 2**62


class PostgresCoverage:
    """On one connection, opened again where it breaks, for `patience_seconds`. Use as an async context manager.

    `database_url` is asked before each connect; `files` is where folded bodies are.
    """

    def __init__(
        self, database_url: Callable[[], str], files: ParquetStore, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._files = files
        self._session = PatientSession(database_url, "oof backfill", FOLD_STATEMENT_TIMEOUT_SECONDS, patience_seconds)

    async def __aenter__(self) -> "PostgresCoverage":
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._session.close()

    async def ranges(self, wallet: str) -> dict[str, list[ProvenRange]]:
        found: dict[str, list[ProvenRange]] = {}
        for account, *columns in await self._session.fetch(statements.RANGES, (wallet,)):
            found.setdefault(account, []).append(ProvenRange(*columns))
        return found

    async def prove(self, wallet: str, proven: Mapping[str, ProvenRange]) -> None:
        async def write(connection: AsyncConnection[Any]) -> None:
            for account, added in sorted(proven.items()):
                await connection.execute(statements.LOCK, (_account_lock(wallet, account),))
                touching = (wallet, account, added.last_slot + 1, added.first_slot - 1)
                rows = await (await connection.execute(statements.TAKE_TOUCHING, touching)).fetchall()
                (whole,) = merged([added, *(ProvenRange(*row) for row in rows)])
                columns = (whole.first_slot, whole.last_slot, whole.from_at, whole.to_at, whole.cursor)
                await connection.execute(statements.INSERT_RANGE, (wallet, account, *columns))

        await self._session.run(write)

    async def note_listed(self, wallet: str, listed: Sequence[ListedSignature]) -> None:
        columns = ([row.signature for row in listed], [row.slot for row in listed])
        await self._session.execute(statements.NOTE_LISTED, (wallet, *columns))

    async def unsettled(
        self, wallets: Sequence[str], after: tuple[int, str] | None, limit: int
    ) -> list[ListedSignature]:
        place = after or (_END_OF_SLOTS, "")
        rows = await self._session.fetch(statements.UNSETTLED, (list(wallets), *place, limit))
        return [ListedSignature(*row) for row in rows]

    async def settle(self, wallets: Sequence[str], signatures: Sequence[str]) -> None:
        await self._session.execute(statements.SETTLE, (list(wallets), list(signatures)))

    async def standing(self, listed: Sequence[ListedSignature]) -> list[Standing]:
        columns = ([row.signature for row in listed], [row.slot for row in listed])
        return [Standing(*row) for row in await self._session.fetch(statements.STANDING, columns)]

    async def bodies(self, signatures: Sequence[str]) -> AsyncIterator[tuple[str, bytes]]:
        left = set(signatures)
        # Twice: what is folded between the look into the inbox and the one into the files is in the files then.
        for signature, body_zstd in await self._session.fetch(statements.WAITING_BODIES, (list(left),)):
            left.discard(signature)
            yield signature, decompress_body(body_zstd)
        for day, folded, first_slot, last_slot in await self._session.fetch(statements.FOLDED_DAYS, (sorted(left),)):
            is_asked = pl.col("slot").is_between(first_slot, last_slot) & pl.col("signature").is_in(folded)
            batches = self._files.batches(
                RAW_TRANSACTIONS.name, day, columns=["signature", "body_zstd"], where=is_asked
            )
            while (rows := await asyncio.to_thread(next, batches, None)) is not None:
                for signature, body_zstd in rows.iter_rows():
                    yield signature, decompress_body(body_zstd)

    async def note_accounts(self, accounts: Sequence[WalletAccount]) -> None:
        rows = [
            (one.wallet, one.account, one.mint, one.token_program, one.found_by, one.is_signed, one.first_slot)
            # In one order, or two processes with the same accounts could wait for each other.
            for one in sorted(accounts, key=lambda one: (one.wallet, one.account))
        ]

        async def write(connection: AsyncConnection[Any]) -> None:
            await connection.cursor().executemany(statements.NOTE_ACCOUNTS, rows)

        if rows:
            await self._session.run(write)

    async def accounts(self, wallet: str) -> list[WalletAccount]:
        return [WalletAccount(*row) for row in await self._session.fetch(statements.ACCOUNTS, (wallet,))]

    async def shared_slots(self, wallets: Sequence[str], slots: Sequence[int]) -> set[int]:
        rows = await self._session.fetch(statements.SHARED_SLOTS, (list(wallets), list(slots)))
        return {slot for (slot,) in rows}

    async def without_index(self, wallets: Sequence[str], slots: Sequence[int]) -> list[tuple[int, str, bool]]:
        rows = await self._session.fetch(statements.WITHOUT_INDEX, (list(wallets), list(slots)))
        return [(slot, signature, is_folded) for slot, signature, is_folded in rows]

    async def set_tx_index(self, indexes: Mapping[str, int]) -> int:
        rows = await self._session.fetch(statements.SET_TX_INDEX, (list(indexes), list(indexes.values())))
        return int(rows[0][0])

    async def unlisted(self, wallet: str, since_at: datetime, up_to_slot: int, after: str, limit: int) -> list[str]:
        rows = await self._session.fetch(statements.UNLISTED, (wallet, since_at, up_to_slot, after, limit))
        return [signature for (signature,) in rows]

    async def tally(self, wallet: str) -> ListedTally:
        (row,) = await self._session.fetch(statements.TALLY, (wallet,))
        return ListedTally(*row)

    async def state(self, wallet: str) -> ListedState | None:
        rows = await self._session.fetch(statements.STATE, (wallet,))
        return ListedState(*rows[0]) if rows else None

    async def save_state(self, state: ListedState) -> None:
        await self._session.execute(
            statements.SAVE_STATE,
            (
                state.wallet,
                state.since_at,
                state.tip_slot,
                state.seen_at,
                state.is_complete,
                state.history_begin_slot,
                state.accounts,
                state.left_out,
            ),
        )


def _account_lock(wallet: str, account: str) -> int:
    """The advisory lock of one account's ranges: 64 bits of a hash, so two accounts practically never share one."""
    digest = hashlib.sha256(f"coverage {wallet} {account}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)

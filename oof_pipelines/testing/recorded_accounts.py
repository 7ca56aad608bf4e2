"""Recorded changes of accounts, beside recorded transactions: a file `account_updates.tsv`, gzipped or not, in any folder.

A line a write, its fields apart by tabs: slot, write version, address, owner, lamports, signature of the transaction that
wrote it (or nothing), data in base64. An account without lamports is gone. Lines may stand in any order.
"""

import base64
import gzip
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from oof_pipelines.testing.recorded_geyser.account_updates import AccountUpdate

ACCOUNTS_NAME = "account_updates.tsv"
_NAMES = (ACCOUNTS_NAME, f"{ACCOUNTS_NAME}.gz")
_FIELDS = 7
_RENT_EXEMPT_EPOCH = 2**64 - 1

PlacedUpdate = tuple[int, AccountUpdate]
"""A slot, and a write in it."""


class AccountFileError(ValueError):
    """A line that is no write of an account; the message names file and line."""


class RecordedAccounts:
    """An `AccountUpdates` over writes, and what each account was at any slot."""

    def __init__(self, updates: Iterable[PlacedUpdate]) -> None:
        self._by_slot: dict[int, list[AccountUpdate]] = {}
        self._by_account: dict[str, list[PlacedUpdate]] = {}
        for slot, update in sorted(updates, key=lambda one: (one[0], one[1].write_version, one[1].pubkey)):
            self._by_slot.setdefault(slot, []).append(update)
            self._by_account.setdefault(update.pubkey, []).append((slot, update))

    def account_updates(self, slot: int) -> Sequence[AccountUpdate]:
        """The writes of `slot`, by write version."""
        return self._by_slot.get(slot, ())

    def account_at(self, account: str, slot: int) -> AccountUpdate | None:
        """The newest write of the account up to `slot`; None where nothing is recorded of it by then, or it is gone."""
        writes = self._by_account.get(account, [])
        number = bisect_right(writes, slot, key=lambda one: one[0])
        found = writes[number - 1][1] if number else None
        return found if found is not None and found.lamports else None

    def account_json(self, account: str, slot: int) -> dict[str, Any] | None:
        """The account as a node shows it, data in base64; None as for `account_at`."""
        found = self.account_at(account, slot)
        if found is None:
            return None
        return {
            "data": [base64.b64encode(found.data).decode(), "base64"],
            "executable": found.is_executable,
            "lamports": found.lamports,
            "owner": found.owner,
            "rentEpoch": _RENT_EXEMPT_EPOCH,
            "space": len(found.data),
        }


def load_accounts(folder: Path) -> RecordedAccounts:
    """Every write recorded in files below `folder`. Raises `AccountFileError` where a line is none."""
    paths = sorted(path for name in _NAMES for path in folder.rglob(name) if path.is_file())
    return RecordedAccounts(one for path in paths for one in _read(path))


def write_accounts(folder: Path, updates: Iterable[PlacedUpdate]) -> Path:
    """Write them into a gzipped file in a folder; the same updates give the same bytes."""
    path = folder / _NAMES[1]
    with (
        path.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6) as packed,
    ):
        for slot, one in updates:
            data = base64.b64encode(one.data).decode()
            fields = (slot, one.write_version, one.pubkey, one.owner, one.lamports, one.signature or "", data)
            packed.write(("\t".join(map(str, fields)) + "\n").encode())
    return path


def _read(path: Path) -> Iterator[PlacedUpdate]:
    with path.open("rb") as file, gzip.open(file) if path.suffix == ".gz" else file as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _update(line.decode().rstrip("\n").split("\t"), f"{path.name}, line {number}")


def _update(fields: list[str], place: str) -> PlacedUpdate:
    if len(fields) != _FIELDS:
        raise AccountFileError(f"{place}: {len(fields)} fields, not {_FIELDS}")
    slot, write_version, pubkey, owner, lamports, signature, data = fields
    try:
        written = AccountUpdate(
            pubkey, owner, int(lamports), base64.b64decode(data, validate=True), int(write_version), signature or None
        )
        return int(slot), written
    except ValueError as error:
        raise AccountFileError(f"{place}: {error}") from None

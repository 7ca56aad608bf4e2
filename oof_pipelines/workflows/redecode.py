"""Decode stored days again after a decoder changed: only those that call its program, and say what changed for whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from oof_pipelines.storage.parquet.schemas import ACTIONS, RAW_TRANSACTIONS
from oof_pipelines.workflows.decode_day import DecodeReport, ServedRows, decode_day, decode_frame
from oof_pipelines.workflows.fold import PartitionStore

_WHAT = [name for name in ACTIONS.columns if name != "id"]


class DayStore(PartitionStore, Protocol):
    """A partition store that knows its days."""

    def days(self, dataset: str) -> list[date]:
        """Days that have a file, ascending."""
        ...

    def read(self, dataset: str, partition: date, columns: list[str] | None = None) -> pl.DataFrame | None:
        """The partition's rows (of `columns` alone, where named), or None where it has no file."""
        ...


@dataclass(frozen=True, slots=True)
class WalletChange:
    """How many of a wallet's actions of a day went, came, and stayed but say something else; `kinds` are those concerned."""

    wallet: str
    removed: int
    added: int
    changed: int
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RedecodedDay:
    """A day decoded again. `report` is None where it was only looked at. Wallets that nothing changed for are left out."""

    day: date
    transactions: int
    calling: int
    changes: tuple[WalletChange, ...]
    report: DecodeReport | None


def days_calling(store: DayStore, program_ids: tuple[str, ...], since: date, until: date | None) -> Iterator[date]:
    """Stored days from `since` to `until`, both inclusive, with a transaction that calls one of the programs at any depth."""
    for day in store.days(RAW_TRANSACTIONS.name):
        if day < since or (until is not None and day > until):
            continue
        programs = store.read(RAW_TRANSACTIONS.name, day, ["program_ids"])
        if programs is not None and _calling(programs, program_ids):
            yield day


def redecode_day(
    store: DayStore,
    served: ServedRows,
    day: date,
    program_ids: tuple[str, ...],
    *,
    is_dry_run: bool,
    anchor_programs: tuple[str, ...] = (),
) -> RedecodedDay:
    """Decode one day again and compare its actions with those of before; a dry run writes nothing.

    Raises `InvalidPartitionError` where the new rows must not be published: the old ones stay.
    """
    raw = store.read(RAW_TRANSACTIONS.name, day)
    if raw is None:
        return RedecodedDay(day, 0, 0, (), None)
    before = store.read(ACTIONS.name, day)
    report = None
    if is_dry_run:
        after: pl.DataFrame | None = decode_frame(raw, anchor_programs)[0][ACTIONS.name]
    else:
        report = decode_day(store, served, day, anchor_programs=anchor_programs)
        after = store.read(ACTIONS.name, day)
    changes = changes_by_wallet(_or_empty(before), _or_empty(after))
    return RedecodedDay(day, raw.height, _calling(raw, program_ids), changes, report)


def changes_by_wallet(before: pl.DataFrame, after: pl.DataFrame) -> tuple[WalletChange, ...]:
    """What the actions of each wallet became, by action id; most changed first. Rows have the columns of actions."""
    old = before.select("id", pl.struct(_WHAT).alias("old"))
    new = after.select("id", pl.struct(_WHAT).alias("new"))
    joined = old.join(new, on="id", how="full", coalesce=True).filter(pl.col("old").ne_missing(pl.col("new")))
    counted: dict[str, list[int]] = {}
    kinds: dict[str, set[str]] = {}

    def count(row: dict[str, object], place: int) -> None:
        wallet = str(row["wallet"])
        counted.setdefault(wallet, [0, 0, 0])[place] += 1
        kinds.setdefault(wallet, set()).add(str(row["kind"]))

    for was, is_now in joined.select("old", "new").iter_rows():
        if is_now is None:
            count(was, 0)
        elif was is None:
            count(is_now, 1)
        elif was["wallet"] == is_now["wallet"]:
            count(is_now, 2)
        else:
            count(was, 0)
            count(is_now, 1)
    changes = [
        WalletChange(wallet, removed, added, changed, tuple(sorted(kinds[wallet])))
        for wallet, (removed, added, changed) in counted.items()
    ]
    return tuple(sorted(changes, key=lambda one: (-one.removed - one.added - one.changed, one.wallet)))


def _calling(frame: pl.DataFrame, program_ids: tuple[str, ...]) -> int:
    calls = frame["program_ids"].list.eval(pl.element().is_in(list(program_ids))).list.any()
    return int(calls.sum())


def _or_empty(frame: pl.DataFrame | None) -> pl.DataFrame:
    return pl.DataFrame(schema=ACTIONS.columns) if frame is None else frame

"""Moves of wallets, read from the days' files: the same as picking every row out of them, and of no other."""

from collections import defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from decoded_home import raw_frame, synthetic_rows

from oof_pipelines.chain.moves import NATIVE_MINTS, RESIDUAL_PATH
from oof_pipelines.storage.parquet.schemas import MOVES, RAW_TRANSACTIONS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.wallet_moves import MOVE_COLUMNS, ParquetWalletMoves
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.moved_balances import MOVED_COLUMNS, moved

ROWS = synthetic_rows(seed=5, count=40, days=3)
DAYS = sorted({row.day for row in ROWS})
EVERY_SLOT = {row.slot for row in ROWS}
EVERY_SIGNATURE = {row.signature for row in ROWS}


@pytest.fixture
def store(tmp_path: Path) -> ParquetStore:
    """The bodies of three days, and moves of which some are residual."""
    store = ParquetStore(tmp_path)
    for day in DAYS:
        raw = raw_frame(row for row in ROWS if row.day == day)
        store.write(RAW_TRANSACTIONS.name, day, raw)
        moves = decode_frame(raw)[0][MOVES.name].with_row_index()
        store.write(
            MOVES.name,
            day,
            moves.with_columns(
                path=pl.when(pl.col("index") % 7 == 0).then(pl.lit(RESIDUAL_PATH)).otherwise(pl.col("path"))
            ).drop("index"),
        )
    return store


def every_move(store: ParquetStore) -> pl.DataFrame:
    return pl.concat([store.read(MOVES.name, day) for day in DAYS])  # type: ignore[type-var]


def test_it_is_what_adding_up_every_row_gives(store: ParquetStore) -> None:
    moves = every_move(store)
    owners = sorted(set(moves.filter(~pl.col("is_virtual"))["owner"]))[:6]
    wanted = moves.filter(
        pl.col("owner").is_in(owners) & ~pl.col("is_virtual") & ~pl.col("asset").is_in(sorted(NATIVE_MINTS))
    )
    told = ParquetWalletMoves(store).moves(owners, DAYS, EVERY_SLOT, EVERY_SIGNATURE)
    assert told.height > 20
    assert told.equals(wanted.select(MOVE_COLUMNS))
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in wanted.iter_rows(named=True):
        found = sums[one["signature"], one["owner"], one["asset"]]
        found[0] += abs(int(one["delta_raw"]))
        found[1] += abs(int(one["delta_raw"])) if one["path"] == RESIDUAL_PATH else 0
    summed = moved(told)
    assert dict(summed.schema) == MOVED_COLUMNS
    assert {
        (one["signature"], one["owner"], one["asset"]): [one["moved_raw"], one["residual_raw"]]
        for one in summed.iter_rows(named=True)
    } == dict(sums)
    assert any(residual for _moved, residual in sums.values())
    times = {row.signature: int(row.block_time.timestamp()) for row in ROWS}
    assert all(one["at_s"] == times[one["signature"]] for one in summed.iter_rows(named=True))


def test_only_the_days_slots_and_signatures_asked_for_count(store: ParquetStore) -> None:
    moves = ParquetWalletMoves(store)
    owner = ROWS[0].fee_payer
    [signature] = {ROWS[0].signature}
    assert set(moves.moves([owner], DAYS, [ROWS[0].slot], [signature])["signature"]) == {signature}
    assert moves.moves([owner], [date(2020, 1, 1)], EVERY_SLOT, EVERY_SIGNATURE).is_empty()
    assert moves.moves([owner], DAYS, [], []).is_empty()
    assert moves.moves([], DAYS, EVERY_SLOT, EVERY_SIGNATURE).is_empty()


def test_programs_are_those_of_the_bodies(store: ParquetStore) -> None:
    some = {row.signature: list(row.program_ids) for row in ROWS[:5]}
    slots = {row.slot for row in ROWS[:5]}
    assert ParquetWalletMoves(store).programs(DAYS, slots, some) == some

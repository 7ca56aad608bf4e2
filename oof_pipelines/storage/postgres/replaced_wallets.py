"""Served rows of positions and moments replaced, of a whole bucket or of some wallets, inside the caller's transaction."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.position_schemas import OOF_MOMENTS, POSITION_DATASETS, WALLET_EXTREMES
from oof_pipelines.storage.postgres.position_columns import extremes_by_wallet, served_columns, served_rows

Cursor = psycopg.Cursor[Any]

_MOMENTS = served_columns(OOF_MOMENTS)
_CHANGED = [name for name in _MOMENTS if name != "id"]
_LISTED = ", ".join(f'"{name}"' for name in ("bucket", *_MOMENTS))
_WHAT_A_CARD_SHOWS = ", ".join(
    f'm."{name}"'
    for name in ("t_event", "pct_dec", "missed_usd_dec", "reachable_usd_dec", "severity_dec", "mint", "kind")
)

_STAGE_MOMENTS = f"""
create temp table staged_moments on commit drop as select {_LISTED} from oof_moments with no data
"""  # noqa: S608 - names of our own schema
_COPY_MOMENTS = sql.SQL("copy staged_moments ({}) from stdin").format(sql.SQL(_LISTED))
_REMOVE_MOMENTS = sql.SQL("""
with gone as (
    delete from oof_moments m where {} and not exists (select from staged_moments s where s.id = m.id)
    returning m.id, m.nft_minted, m.nft_mint
)
insert into minted_moments (id, nft_mint) select id, nft_mint from gone where nft_minted
on conflict (id) do update set nft_mint = excluded.nft_mint
""")
# Taken back by the same statement that serves them again.
_SERVE_MOMENTS = f"""
with back as (
    delete from minted_moments k using staged_moments s where s.id = k.id returning k.id, k.nft_mint
)
insert into oof_moments as m ({_LISTED}, nft_minted, nft_mint)
select {", ".join(f's."{name}"' for name in ("bucket", *_MOMENTS))}, b.id is not null, b.nft_mint
from staged_moments s left join back b on b.id = s.id
on conflict (id) do update set
    bucket = excluded.bucket, {", ".join(f'"{name}" = excluded."{name}"' for name in _CHANGED)},
    preview_png_url = case
        when ({_WHAT_A_CARD_SHOWS}) is not distinct from ({_WHAT_A_CARD_SHOWS.replace("m.", "excluded.")})
        then m.preview_png_url
    end
"""  # noqa: S608
_COPY_EXTREMES = "copy wallet_extremes (bucket, wallet, computed_at, json) from stdin"


@dataclass(frozen=True, slots=True)
class Replaced:
    """Whose rows are replaced: `condition` says it of a row, and of frames the rows of `left_out` are not served.

    `bucket` is that of all of them, None where each wallet has its own.
    """

    condition: sql.SQL
    parameters: tuple[Any, ...]
    left_out: frozenset[str] = frozenset()
    bucket: int | None = None

    def of_them(self, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(~pl.col("wallet").is_in(sorted(self.left_out))) if self.left_out else frame

    def bucket_of(self, wallet: str) -> int:
        return wallet_bucket(wallet) if self.bucket is None else self.bucket


def but_wallets(bucket: int, left_out: Collection[str]) -> Replaced:
    """A bucket's rows but those of some wallets."""
    condition = sql.SQL("bucket = %s and wallet <> all(%s)")
    return Replaced(condition, (bucket, sorted(left_out)), frozenset(left_out), bucket)


def of_wallets(wallets: Collection[str]) -> Replaced:
    """The rows of these wallets; frames hold no other's."""
    return Replaced(sql.SQL("wallet = any(%s)"), (sorted(wallets),))


def replace_positions(cursor: Cursor, replaced: Replaced, frames: Mapping[str, pl.DataFrame]) -> None:
    """Replace lots, realised trades and episodes; `frames` are by dataset."""
    for name, dataset in POSITION_DATASETS.items():
        table = sql.Identifier(name)
        cursor.execute(sql.SQL("delete from {} where {}").format(table, replaced.condition), replaced.parameters)
        columns = sql.SQL(", ").join(map(sql.Identifier, ("bucket", *served_columns(dataset))))
        copy_in = sql.SQL("copy {} ({}) from stdin").format(table, columns)
        _copy(cursor, copy_in, _bucketed(dataset, replaced, frames[name]))


def replace_moments(cursor: Cursor, replaced: Replaced, frames: Mapping[str, pl.DataFrame], as_of: datetime) -> None:
    """Replace moments and extremes, looked at as of `as_of`; what users did with a moment stays."""
    cursor.execute(_STAGE_MOMENTS)
    _copy(cursor, _COPY_MOMENTS, _bucketed(OOF_MOMENTS, replaced, frames[OOF_MOMENTS.name]))
    cursor.execute(_REMOVE_MOMENTS.format(replaced.condition), replaced.parameters)
    cursor.execute(_SERVE_MOMENTS)
    cursor.execute(sql.SQL("delete from wallet_extremes where {}").format(replaced.condition), replaced.parameters)
    extremes = extremes_by_wallet(replaced.of_them(frames[WALLET_EXTREMES.name]))
    rows = ((replaced.bucket_of(wallet), wallet, as_of, told) for wallet, told in extremes)
    _copy(cursor, sql.SQL(_COPY_EXTREMES), rows)


def _bucketed(dataset: Dataset, replaced: Replaced, frame: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """The frame's rows as they are served, each behind its wallet's bucket."""
    wallet_at = list(dataset.columns).index("wallet")
    buckets: dict[str, int] = {}
    for row in served_rows(dataset, replaced.of_them(frame)):
        wallet = row[wallet_at]
        bucket = buckets.get(wallet)
        if bucket is None:
            bucket = buckets[wallet] = replaced.bucket_of(wallet)
        yield (bucket, *row)


def _copy(cursor: Cursor, statement: sql.SQL | sql.Composed, rows: Iterable[tuple[Any, ...]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)

"""Hot tables of what programs say happened (`hot_swaps` …), each with its dataset's own columns behind the signature.

Where a transaction stands is its tx_raw row's to say; the rows go with it.
"""

import polars as pl

from oof_pipelines.storage.parquet.dataset import RAW_AMOUNT, Dataset
from oof_pipelines.storage.parquet.schemas import TOLD_DATASETS

_PLACE_COLUMNS = 4
_POSTGRES_TYPES = {
    pl.String(): "text",
    pl.Int16(): "smallint",
    pl.Int32(): "integer",
    pl.Boolean(): "boolean",
    RAW_AMOUNT: "numeric",
}


def insert_told(name: str) -> str:
    """The statement that inserts rows of a dataset given column by column, of transactions that no file holds yet."""
    own = _own_columns(TOLD_DATASETS[name])
    columns = ", ".join(["sig", *own])
    arrays = ", ".join(f"%s::{kind}[]" for kind in ("text", *own.values()))
    return f"""
insert into hot_{name} ({columns})
select h.* from unnest({arrays}) as h ({columns})
join tx_raw t on t.sig = h.sig and not t.is_decoded
on conflict do nothing
"""  # noqa: S608 - names of our own schema


def select_told(name: str) -> str:
    """The columns of a dataset, in its order, from its hot table `h` and the table of transactions `t`, not yet joined."""
    own = ", ".join(f"h.{column}" for column in _own_columns(TOLD_DATASETS[name]))
    return f"select h.sig, t.slot, t.tx_index, t.ts, {own}"


def _own_columns(dataset: Dataset) -> dict[str, str]:
    """Column → Postgres type, without the place that every row begins with."""
    return {name: _POSTGRES_TYPES[dtype] for name, dtype in list(dataset.columns.items())[_PLACE_COLUMNS:]}

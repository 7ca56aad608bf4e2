"""What each Parquet dataset holds: the single source of its columns, types, order of rows and key.

Amounts are Decimal(38,0) in base units (lamports); instants are UTC in microseconds. No column tells when a row was
written, so that the same input gives the same bytes.
"""

from dataclasses import dataclass

import pandera.polars as pa
import polars as pl

LAMPORTS = pl.Decimal(38, 0)
INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: its pandera schema (columns in file order), the unique key, and the total key rows are sorted by."""

    name: str
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    sort_by: tuple[str, ...]

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Column → Polars type, in file order."""
        return {name: column.dtype.type for name, column in self.schema.columns.items()}

    def arrange(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns in file order, rows by the total key (unknown positions last), in one chunk."""
        return frame.select(list(self.columns)).sort(list(self.sort_by), nulls_last=True).rechunk()


def _day_dataset(name: str, columns: dict[str, pa.Column]) -> Dataset:
    schema = pa.DataFrameSchema(columns, name=name, strict=True, ordered=True)
    return Dataset(name, schema, key=("signature",), sort_by=("slot", "tx_index", "signature"))


_PLACE = {
    "signature": pa.Column(pl.String),
    "slot": pa.Column(pl.Int64, pa.Check.ge(0)),
    "tx_index": pa.Column(pl.Int32, pa.Check.ge(0), nullable=True),
    "block_time": pa.Column(INSTANT),
}

RAW_TRANSACTIONS = _day_dataset(
    "raw_transactions",
    {
        **_PLACE,
        "is_block_time_estimated": pa.Column(pl.Boolean),
        "version": pa.Column(pl.String, pa.Check.isin(["legacy", "0"])),
        "is_failed": pa.Column(pl.Boolean),
        "fee_lamports": pa.Column(LAMPORTS, pa.Check.ge(0)),
        "fee_payer": pa.Column(pl.String),
        "program_ids": pa.Column(pl.List(pl.String)),
        "body_zstd": pa.Column(pl.Binary),
    },
)

RAW_LOGS = _day_dataset(
    "raw_logs",
    {
        **_PLACE,
        "program_id": pa.Column(pl.String),
        "is_failed": pa.Column(pl.Boolean),
        "logs": pa.Column(pl.List(pl.String)),
    },
)

DATASETS = {dataset.name: dataset for dataset in (RAW_TRANSACTIONS, RAW_LOGS)}

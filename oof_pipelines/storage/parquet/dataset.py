"""What a dataset is: a schema, a unique key, and the total order of its rows. The columns that many of them share.

Amounts are Decimal(38,0) in base units; instants are UTC in microseconds.
"""

from dataclasses import dataclass

import pandera.polars as pa
import polars as pl

from oof_pipelines.storage.parquet.dataset_schema import DatasetSchema

RAW_AMOUNT = pl.Decimal(38, 0)
INSTANT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: its pandera schema (columns in file order), the unique key, and the total key rows are sorted by.

    `partition_column` is `day` (a UTC day a file) or `bucket` (a wallet bucket a file).
    """

    name: str
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    sort_by: tuple[str, ...]
    partition_column: str = "day"

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Column → Polars type, in file order."""
        return {name: column.dtype.type for name, column in self.schema.columns.items()}

    def arrange(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The columns in file order, rows by the total key (unknown positions last), in one chunk."""
        return frame.select(list(self.columns)).sort(list(self.sort_by), nulls_last=True).rechunk()


def make_dataset(
    name: str,
    columns: dict[str, pa.Column],
    key: tuple[str, ...],
    sort_by: tuple[str, ...],
    partition_column: str = "day",
) -> Dataset:
    schema = DatasetSchema(columns, name=name)
    return Dataset(name, schema, key, sort_by, partition_column)


IN_CHAIN_ORDER = ("slot", "tx_index", "signature")

PLACE = {
    "signature": pa.Column(pl.String),
    "slot": pa.Column(pl.Int64, pa.Check.ge(0)),
    "tx_index": pa.Column(pl.Int32, pa.Check.ge(0), nullable=True),
    "block_time": pa.Column(INSTANT),
}

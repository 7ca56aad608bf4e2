"""The quick look at a dataset's rows gives pandera's own verdicts."""

from datetime import UTC, datetime
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from oof_pipelines.storage.parquet.dataset_schema import DatasetSchema
from oof_pipelines.storage.parquet.schemas import DATASETS

COLUMNS = {
    "name": pa.Column(pl.String, pa.Check.isin(["a", "b"])),
    "note": pa.Column(pl.String, nullable=True),
    "count": pa.Column(pl.Int64, pa.Check.ge(0)),
    "share": pa.Column(pl.Decimal(38, 18), pa.Check.in_range(0, 1), nullable=True),
    "price": pa.Column(pl.Decimal(38, 0), pa.Check.gt(0)),
    "open": pa.Column(pl.Int16, pa.Check.in_range(0, 9, include_max=False)),
}
TYPES = {name: column.dtype.type for name, column in COLUMNS.items()}
GOOD: dict[str, Any] = {"name": "a", "note": None, "count": 0, "share": "0.5", "price": "1", "open": 8}
WRONG: dict[str, list[Any]] = {
    "name": ["c", "", None],
    "note": [],
    "count": [-1, None],
    "share": ["1.000000000000000001", "-0.1"],
    "price": ["0", "-5", None],
    "open": [9, -1, None],
}


def quick() -> DatasetSchema:
    return DatasetSchema(COLUMNS, name="quick")


def plain() -> pa.DataFrameSchema:
    return pa.DataFrameSchema(COLUMNS, name="quick", strict=True, ordered=True)


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    texts = {"share", "price"}
    schema = {name: pl.String if name in texts else TYPES[name] for name in COLUMNS}
    return pl.DataFrame(rows, schema=schema).cast({name: TYPES[name] for name in texts})


def verdict(schema: pa.DataFrameSchema, rows: pl.DataFrame) -> str:
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return str(errors.message)
    return ""


values = {name: st.sampled_from([GOOD[name]] * 6 + WRONG[name]) for name in COLUMNS}


@settings(deadline=None, max_examples=150)
@given(st.lists(st.fixed_dictionaries(values), max_size=4))
def test_rows_are_judged_as_pandera_judges_them(rows: list[dict[str, Any]]) -> None:
    made = frame(rows)
    assert verdict(quick(), made) == verdict(plain(), made)
    assert quick().is_as_declared(made) == (verdict(plain(), made) == "")


@pytest.mark.parametrize("name", sorted(name for name in COLUMNS if WRONG[name]))
def test_every_kind_of_wrong_value_is_found(name: str) -> None:
    for wrong in WRONG[name]:
        made = frame([GOOD, {**GOOD, name: wrong}])
        assert not quick().is_as_declared(made)
        assert name in verdict(quick(), made)


@pytest.mark.parametrize(
    "change",
    [
        lambda good: good.drop("note"),
        lambda good: good.select(reversed(good.columns)),
        lambda good: good.with_columns(more=pl.lit(1)),
        lambda good: good.cast({"count": pl.Int32}),
        lambda good: good.cast({"price": pl.Decimal(38, 18)}),
    ],
)
def test_other_columns_orders_and_types_are_pandera_s_to_name(change) -> None:
    made = change(frame([GOOD]))
    assert not quick().is_as_declared(made)
    assert verdict(quick(), made) == verdict(plain(), made) != ""


def test_what_the_look_does_not_know_goes_to_pandera() -> None:
    columns = {"name": pa.Column(pl.String, pa.Check.str_length(1, 2)), "size": pa.Column(pl.Float64)}
    schema = DatasetSchema(columns)
    for name, size in (("a", 1.0), ("abc", 1.0), ("a", float("nan"))):
        made = pl.DataFrame({"name": [name], "size": [size]})
        assert not schema.is_as_declared(made)
        assert verdict(schema, made) == verdict(pa.DataFrameSchema(columns, strict=True, ordered=True), made)


def test_every_dataset_of_the_store_is_judged_by_the_quick_look() -> None:
    for dataset in DATASETS.values():
        assert isinstance(dataset.schema, DatasetSchema)
        assert dataset.schema.is_as_declared(pl.DataFrame(schema=dataset.columns)), dataset.name


def test_instants_of_another_zone_or_unit_are_no_instants_of_ours() -> None:
    columns = {"at": pa.Column(pl.Datetime("us", "UTC"))}
    schema = DatasetSchema(columns)
    at = pl.Series("at", [datetime(2026, 1, 1, tzinfo=UTC)], dtype=pl.Datetime("us", "UTC"))
    assert schema.is_as_declared(at.to_frame())
    assert not schema.is_as_declared(at.cast(pl.Datetime("ms", "UTC")).to_frame())
    assert not schema.is_as_declared(at.dt.convert_time_zone("Europe/Berlin").to_frame())

"""Positions and moments as rows of their datasets, and back: `structs_of(type, frame_of(dataset, structs))` are the structs.

One rule a field's name tells: `…_at_s` and the moments' times (whole seconds since 1970) are instants, `…_e18` (whole 1e-18)
are Decimal(38,18) of the same digits, mappings are canonical JSON. Nothing is computed with, so nothing is rounded.
"""

import json
from collections.abc import Sequence
from decimal import Context, Decimal, Inexact
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
import polars as pl

from oof_pipelines.pricing.exact import PLACES, as_money
from oof_pipelines.storage.parquet.dataset import INSTANT, RAW_AMOUNT, Dataset
from oof_pipelines.storage.parquet.price_schemas import MONEY

Struct = TypeVar("Struct", bound=msgspec.Struct)

_COLUMN_OF = {
    "t_event_s": "event_at",
    "window_start_s": "window_start_at",
    "window_end_s": "window_end_at",
    "explain": "explain_json",
    "told": "told_json",
}
_SCALED = "_e18"
_JSON = "_json"
_SECONDS_AT = "_at_s"
_MICROSECONDS = 1_000_000
# More digits than a column has room for; a value with more than 18 places raises instead of being rounded.
_EXACT = Context(prec=80, traps=[Inexact])


class ColumnOverflowError(ValueError):
    """A value that its column has no room for; the one-line message names the column."""


def column_of(field: str) -> str:
    """The column of a struct's field."""
    if field in _COLUMN_OF:
        return _COLUMN_OF[field]
    if field.endswith(_SECONDS_AT):
        return field.removesuffix("_s")
    return field.removesuffix(_SCALED)


def frame_of(dataset: Dataset, structs: Sequence[msgspec.Struct]) -> pl.DataFrame:
    """The structs, all of one type, as rows of `dataset`, in its order. Raises `ColumnOverflowError`."""
    if not structs:
        return pl.DataFrame(schema=dataset.columns)
    fields = {column_of(field): field for field in structs[0].__struct_fields__}
    columns = [
        _series(name, dtype, fields[name], list(map(attrgetter(fields[name]), structs)))
        for name, dtype in dataset.columns.items()
    ]
    return dataset.arrange(pl.DataFrame(columns))


def structs_of(made: type[Struct], frame: pl.DataFrame | None) -> list[Struct]:
    """Rows as structs of type `made`, in the frame's order; none where there is no file."""
    if frame is None or frame.is_empty():
        return []
    columns = [_values(frame[column_of(field)], field) for field in made.__struct_fields__]
    return [made(*values) for values in zip(*columns, strict=True)]


def canonical_json(value: object) -> str:
    """The one text of a JSON value: keys in order, no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _series(name: str, dtype: Any, field: str, values: list[Any]) -> pl.Series:
    try:
        if field.endswith(_SCALED):
            return as_money(pl.Series(name, values, dtype=pl.Int128))
        if dtype == MONEY:
            return as_money(pl.Series(name, list(map(_scaled, values)), dtype=pl.Int128))
        if dtype == RAW_AMOUNT:
            return pl.Series(name, values, dtype=pl.Int128).cast(RAW_AMOUNT)
    except (OverflowError, TypeError, pl.exceptions.PolarsError) as error:
        raise ColumnOverflowError(f"{name}: a value does not fit 38 digits ({error})") from None
    if dtype == INSTANT:
        seconds = pl.Series(name, values, dtype=pl.Int64)
        return (seconds * _MICROSECONDS).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if name.endswith(_JSON):
        values = list(map(canonical_json, values))
    return pl.Series(name, values, dtype=dtype)


def _scaled(value: Decimal | None) -> int | None:
    """A decimal in whole 1e-18. Raises decimal.Inexact where it has more than 18 places."""
    return None if value is None else int(value.scaleb(PLACES, _EXACT).to_integral_exact(context=_EXACT))


def _values(column: pl.Series, field: str) -> list[Any]:
    if field.endswith(_SCALED):
        return column.to_physical().to_list()
    if column.dtype == INSTANT:
        # Whole seconds in, whole seconds out.
        return (column.dt.epoch("us") // _MICROSECONDS).to_list()
    if column.dtype == RAW_AMOUNT:
        return column.cast(pl.Int128).to_list()
    values = column.to_list()
    return list(map(json.loads, values)) if column.name.endswith(_JSON) else values

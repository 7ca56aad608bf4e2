"""A pandera schema that looks at good rows with one Polars query, and lets pandera itself say what is wrong with others.

Pandera asks several queries a column, some 15 ms a frame however few rows it has; a wallet's analysis brings hundreds of
days up to date, each in a dozen small frames. The columns stay declared once, in pandera's words: whatever this look cannot
vouch for (a kind of check it does not know included) goes to pandera.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pandera.polars as pa
import polars as pl

_IS_FINE: dict[str, Callable[[pl.Expr, dict[str, Any]], pl.Expr]] = {
    "greater_than_or_equal_to": lambda column, told: column >= told["min_value"],
    "greater_than": lambda column, told: column > told["min_value"],
    "less_than_or_equal_to": lambda column, told: column <= told["max_value"],
    "less_than": lambda column, told: column < told["max_value"],
    "isin": lambda column, told: column.is_in(list(told["allowed_values"])),
    "in_range": lambda column, told: _is_in_range(column, told),
}
_DOUBTED_TYPES = (pl.Float32, pl.Float64)
"""In these, pandera takes what is no number for a null."""


def _is_in_range(column: pl.Expr, told: dict[str, Any]) -> pl.Expr:
    above: pl.Expr = column >= told["min_value"] if told["include_min"] else column > told["min_value"]
    below: pl.Expr = column <= told["max_value"] if told["include_max"] else column < told["max_value"]
    return above & below


class DatasetSchema(pa.DataFrameSchema):
    """A strict, ordered `pa.DataFrameSchema` of the same verdicts, at a fraction of the cost where rows are as declared."""

    def __init__(self, columns: dict[str, pa.Column], *, name: str | None = None) -> None:
        super().__init__(columns, name=name, strict=True, ordered=True)
        # Pandera finds what judges a schema by the schema's very class.
        self._pandera = pa.DataFrameSchema(columns, name=name, strict=True, ordered=True)

    def validate(self, check_obj: Any, *arguments: Any, **options: Any) -> Any:
        """As pandera's; frames that are as declared come back without asking it."""
        if isinstance(check_obj, pl.DataFrame) and self.is_as_declared(check_obj):
            return check_obj
        return self._pandera.validate(check_obj, *arguments, **options)

    def is_as_declared(self, frame: pl.DataFrame) -> bool:
        """Whether columns, order, types, nulls and checks are certainly right. False says nothing: ask `validate`."""
        declared = self._declared
        if declared is None or dict(frame.schema) != declared[0] or frame.columns != list(declared[0]):
            return False
        types, filled, verdicts = declared
        if frame.height == 0:
            return True
        holes = frame.null_count().row(0)
        if any(count and name in filled for name, count in zip(types, holes, strict=True)):
            return False
        return all(frame.select(verdicts).row(0)) if verdicts else True

    @cached_property
    def _declared(self) -> tuple[dict[str, Any], frozenset[str], list[pl.Expr]] | None:
        """(column → type, columns without nulls, a verdict a check); None where only pandera can judge such a schema."""
        verdicts: list[pl.Expr] = []
        for name, column in self.columns.items():
            if column.coerce or column.unique or column.regex or not column.required or column.dtype is None:
                return None
            if column.dtype.type in _DOUBTED_TYPES:
                return None
            for check in column.checks:
                is_fine = _IS_FINE.get(check.name or "")
                if is_fine is None or check.element_wise or check.groupby is not None or not check.ignore_na:
                    return None
                # Of nulls pandera's checks say nothing.
                verdicts.append(is_fine(pl.col(name), check.statistics or {}).all().alias(f"{len(verdicts)}"))
        types = {name: column.dtype.type for name, column in self.columns.items()}
        return types, frozenset(name for name, column in self.columns.items() if not column.nullable), verdicts

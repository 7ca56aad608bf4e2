"""The columns of the table features_1m, and the statements that the fold and the feed have in common."""

from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M

DATASET_COLUMNS = tuple(FEATURES_1M.columns)
TABLE_COLUMNS = (*DATASET_COLUMNS, "day", "is_hot")
_VALUES = tuple(name for name in TABLE_COLUMNS if name not in FEATURES_1M.key)

LISTED = ", ".join(TABLE_COLUMNS)
SAME_KEY = (
    "({0}.mint, {0}.bucket_start, {0}.venue, {0}.quote_mint) = ({1}.mint, {1}.bucket_start, {1}.venue, {1}.quote_mint)"
)
ON_CONFLICT_REPLACE = (
    f"on conflict ({', '.join(FEATURES_1M.key)}) do update set ({', '.join(_VALUES)}) = "
    f"({', '.join(f'excluded.{name}' for name in _VALUES)}) "
    f"where ({', '.join(f'f.{name}' for name in _VALUES)}) is distinct from "
    f"({', '.join(f'excluded.{name}' for name in _VALUES)})"
)
"""Of `insert into features_1m as f`: rows that are the same already are left alone."""

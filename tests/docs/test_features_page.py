"""docs/features.md: every column is explained, nothing else is, and its figures are the code's."""

import re

from recorded_data import REPOSITORY_ROOT

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.features.rows import LARGE_TRADE_RAW, LEAST_PRICED_RAW, MOST_VOLUME_RAW
from oof_pipelines.features.step import LATENESS_SECONDS, MOST_OPEN_TRADES
from oof_pipelines.storage.parquet.feature_schemas import FEATURES_1M
from oof_pipelines.storage.postgres import hot_features
from oof_pipelines.workflows.feature_checks import FEATURE_CHECKS, FEWEST_SLICES, FOLDED_WHOLE_UP_TO
from oof_pipelines.workflows.feature_stream import MOST_UNSETTLED

PAGE = (REPOSITORY_ROOT / "docs" / "features.md").read_text(encoding="utf-8")


def test_every_column_is_explained_once() -> None:
    rows = re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE)
    explained = [name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row)]
    assert sorted([*explained, *FEATURES_1M.key]) == sorted(FEATURES_1M.columns)
    assert all(f"`{name}`" in PAGE for name in FEATURES_1M.key)


def test_figures_are_the_codes() -> None:
    assert f"{FOLDED_WHOLE_UP_TO:,}" in PAGE
    assert f"{MOST_UNSETTLED:,}" in PAGE
    assert f"at most {MOST_OPEN_TRADES:,} trades are open" in PAGE
    assert f"newest {hot_features._MOST_WAITING:,} waiting transactions" in PAGE
    assert f"longer than {hot_features._STATEMENT_TIMEOUT_SECONDS} seconds" in PAGE
    assert f"{LEAST_PRICED_RAW:,} base units" in PAGE
    assert f"{LATENESS_SECONDS // 60} minutes" in PAGE
    assert FEWEST_SLICES == 16
    assert MOST_VOLUME_RAW == 10**22
    assert f"{LARGE_TRADE_RAW[NATIVE_MINT] // 10**9} SOL" in PAGE
    for check in FEATURE_CHECKS:
        assert f"`{check}`" in PAGE

"""Each check passes true rows and fails a small frame made to fail it, and it alone."""

from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from memory_chain import FIRST_SLOT, body_of, signature_of
from partition_rows import DAY, NOON, frame, row

from oof_pipelines.chain.compression import compress_body
from oof_pipelines.storage.parquet.schemas import DATASETS, RAW_DATASETS
from oof_pipelines.workflows.partition_checks import check_names, check_partition


def failures(made: pl.DataFrame, dataset: str = "raw_transactions") -> dict[str, str]:
    """Failed check → detail."""
    checks, _ = check_partition(dataset, DAY, made)
    assert tuple(check.name for check in checks) == check_names(dataset)
    return {check.name: check.detail for check in checks if not check.has_passed}


@pytest.mark.parametrize("dataset", RAW_DATASETS)
def test_true_rows_pass_and_come_out_in_order(dataset: str) -> None:
    rows = [row("c", 9), row("a", 2, tx_index=1), row("z", 2, tx_index=0), row("b", 2)]
    checks, arranged = check_partition(dataset, DAY, frame(rows, dataset))
    assert [check.detail for check in checks if not check.has_passed] == []
    assert arranged["signature"].to_list() == [signature_of(name) for name in ("z", "a", "b", "c")]
    assert failures(frame([], dataset), dataset) == {}


@pytest.mark.parametrize(
    "broken",
    [
        frame([row("a")]).drop("fee_lamports"),
        frame([row("a")]).with_columns(extra=pl.lit(1)),
        frame([row("a")]).with_columns(pl.col("slot").cast(pl.Int32)),
        frame([row("a")]).with_columns(pl.col("fee_lamports").cast(pl.Float64)),
        frame([row("a")]).with_columns(pl.col("block_time").dt.replace_time_zone(None)),
        frame([row("a", slot=-1)]),
        frame([row("a", tx_index=-1)]),
        frame([row("a", version="1")]),
        frame([row("a", signature=None)]),
        frame([row("a", body_zstd=None)]),
        frame([row("a")]).select(sorted(DATASETS["raw_transactions"].columns)),
    ],
    ids=["missing", "extra", "narrow", "float", "naive", "slot", "index", "version", "null key", "null body", "order"],
)
def test_a_broken_schema_is_named_and_stops_the_rest(broken: pl.DataFrame) -> None:
    found = failures(broken)
    assert set(found) == set(check_names("raw_transactions"))
    assert found.pop("schema")
    assert set(found.values()) == {"not made: the schema failed"}


@pytest.mark.parametrize("dataset", RAW_DATASETS)
def test_a_doubled_signature(dataset: str) -> None:
    found = failures(frame([row("a", 1), row("a", 1), row("b", 2)], dataset), dataset)
    assert set(found) == {"unique_signature"}
    assert signature_of("a") in found["unique_signature"]


def test_a_clock_that_goes_back() -> None:
    early = row("b", 2, block_time=NOON - timedelta(seconds=1))
    found = failures(frame([row("a", 1), early]))
    assert set(found) == {"time_order"}
    assert signature_of("b") in found["time_order"]
    assert failures(frame([row("a", 1), early | {"is_block_time_estimated": True}])) == {}
    assert failures(frame([row("a", 1), early], "raw_logs"), "raw_logs") == {}


@pytest.mark.parametrize("dataset", RAW_DATASETS)
@pytest.mark.parametrize("shift", [timedelta(days=1), timedelta(hours=12), timedelta(hours=-12, microseconds=-1)])
def test_a_row_of_another_day(dataset: str, shift: timedelta) -> None:
    found = failures(frame([row("a", block_time=NOON + shift)], dataset), dataset)
    assert set(found) == {"block_time_in_day"}
    assert failures(frame([row("a", block_time=NOON - timedelta(hours=12))], dataset), dataset) == {}


@pytest.mark.parametrize(
    "body",
    [b"not zstd", compress_body(b"not json"), compress_body(body_of(signature_of("b"), FIRST_SLOT)),
     compress_body(body_of(signature_of("a"), FIRST_SLOT + 1))],
    ids=["not zstd", "not json", "another signature", "another slot"],
)  # fmt: skip
def test_a_body_that_is_not_the_rows(body: Any) -> None:
    found = failures(frame([row("a", body_zstd=body), row("c", 1)]))
    assert set(found) == {"body_readable"}
    assert found["body_readable"] == f"1 of 2 rows, e.g. {signature_of('a')}"

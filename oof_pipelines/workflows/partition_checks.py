"""What must hold of a partition before it is published. One list serves the fold, the asset checks and the tests."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl
import zstandard
from pandera.errors import SchemaErrors

from oof_pipelines.chain.body import BodyError, read_body
from oof_pipelines.chain.compression import decompress_body
from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.schemas import DATASETS

_EXAMPLES = 3

CHECK_DESCRIPTIONS = {
    "schema": "Columns, their order, their types and their ranges are the dataset's. Made before the file is replaced.",
    "unique_signature": "No transaction is in the day twice. Made before the file is replaced.",
    "slot_order": "Rows ascend by slot. Made before the file is replaced.",
    "time_order": "Stated block times ascend with the slots. A row that does not is kept, and named here.",
    "block_time_in_day": "Every row's block time lies in the partition's UTC day. Made before the file is replaced.",
    "body_readable": "Every body decompresses, reads, and is of its row. Made before the file is replaced.",
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of one partition; `detail` names examples where it failed, and counts what it looked at.

    A check that is not blocking is shown and watched; the partition is published all the same. A warning says that the
    world changed, not that our rows are wrong.
    """

    name: str
    has_passed: bool
    detail: str
    is_blocking: bool = True
    is_warning: bool = False


_WATCHED = frozenset({"time_order"})


def is_blocking(name: str) -> bool:
    """Whether a check keeps the partition from being published; the others are only watched."""
    return name not in _WATCHED


def check_names(dataset: str) -> tuple[str, ...]:
    """The checks made of a dataset's partitions, in order."""
    names = ("schema", "unique_signature", "slot_order", "time_order", "block_time_in_day")
    return (*names, "body_readable") if "body_zstd" in DATASETS[dataset].columns else names


def check_partition(dataset_name: str, day: date, frame: pl.DataFrame) -> tuple[tuple[CheckResult, ...], pl.DataFrame]:
    """Check rows that are to become the day's partition; returns the results and the rows as they would be written."""
    dataset = DATASETS[dataset_name]
    schema = _check_schema(dataset, frame)
    if not schema.has_passed:
        # The other checks read the columns that this one found wanting.
        unmade = [
            CheckResult(name, False, "not made: the schema failed", is_blocking(name))
            for name in check_names(dataset_name)[1:]
        ]
        return (schema, *unmade), frame
    rows = dataset.arrange(frame)
    results = [
        schema,
        _check_unique(dataset, rows),
        _check_slot_order(rows),
        _check_time_order(rows),
        _check_day(rows, day),
    ]
    if "body_readable" in check_names(dataset_name):
        results.append(_check_bodies(rows))
    return tuple(results), rows


def _check_schema(dataset: Dataset, frame: pl.DataFrame) -> CheckResult:
    try:
        dataset.schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        failures = [str(error.get("error", error)) for error in errors.message.get("SCHEMA", {}).get("", [])]
        detail = "; ".join(failures[:_EXAMPLES]) or str(errors)[:500]
        return CheckResult("schema", False, detail)
    return CheckResult("schema", True, f"{frame.height} rows")


def _check_unique(dataset: Dataset, rows: pl.DataFrame) -> CheckResult:
    doubled = rows.filter(pl.struct(dataset.key).is_duplicated())["signature"].unique(maintain_order=True)
    return _verdict("unique_signature", doubled.to_list(), rows.height)


def _check_slot_order(rows: pl.DataFrame) -> CheckResult:
    is_behind = (rows["slot"].diff() < 0).fill_null(False)
    return _verdict("slot_order", rows.filter(is_behind)["signature"].to_list(), rows.height)


def _check_time_order(rows: pl.DataFrame) -> CheckResult:
    """No later slot has an earlier stated block time: the chain's clock never goes back.

    One odd row must not hold up its day, since nothing could ever mend it: it is named, and the day published.
    """
    columns = rows.select("signature", "slot", "block_time")
    # An estimated time may lie a little off its neighbours'; a dataset that does not say which are estimated gets no
    # verdict on times.
    if "is_block_time_estimated" not in rows.columns:
        return _verdict("time_order", [], rows.height)
    columns = columns.filter(~rows["is_block_time_estimated"])
    is_behind = (columns["block_time"].diff() < timedelta(0)).fill_null(False)
    offenders = columns.filter(is_behind)["signature"].to_list()
    return _verdict("time_order", offenders, rows.height)


def _check_day(rows: pl.DataFrame, day: date) -> CheckResult:
    strangers = rows.filter(pl.col("block_time").dt.date() != day)["signature"].to_list()
    return _verdict("block_time_in_day", strangers, rows.height)


def _check_bodies(rows: pl.DataFrame) -> CheckResult:
    """Every body decompresses, reads, and is of the row's signature and slot."""
    bad = []
    for signature, slot, body_zstd in rows.select("signature", "slot", "body_zstd").iter_rows():
        try:
            header = read_body(decompress_body(body_zstd))
        except (BodyError, zstandard.ZstdError):
            bad.append(signature)
            continue
        if (header.signature, header.slot) != (signature, slot):
            bad.append(signature)
    return _verdict("body_readable", bad, rows.height)


def _verdict(name: str, offenders: list[str], row_count: int) -> CheckResult:
    if not offenders:
        return CheckResult(name, True, f"{row_count} rows", is_blocking(name))
    detail = f"{len(offenders)} of {row_count} rows, e.g. {', '.join(offenders[:_EXAMPLES])}"
    return CheckResult(name, False, detail, is_blocking(name))

"""Checks of a decoded day: each finds what it is for, in one line, and passes a true day."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from crafted_bodies import largest_amounts
from decoded_home import raw_frame
from told_trades import told_rows

from oof_pipelines.chain.replaced import replaced
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.workflows.decode_day import Frames, decode_frame
from oof_pipelines.workflows.decode_tally import DecodeTally
from oof_pipelines.workflows.decoded_checks import DECODED_CHECKS, check_decoded, compare_with_hot
from oof_pipelines.workflows.partition_checks import CheckResult

pytestmark = pytest.mark.usefixtures("telling")

ROWS = [row for row in told_rows() if row.day == told_rows()[0].day]
DAY: date = ROWS[0].day
PLACED = [name for name in DECODED_DATASETS if name != "token_facts"]


def true_day() -> tuple[Frames, DecodeTally]:
    return decode_frame(raw_frame(ROWS))


def failed(checks: tuple[CheckResult, ...]) -> dict[str, CheckResult]:
    return {check.name: check for check in checks if not check.has_passed}


def test_a_true_day_passes_every_check() -> None:
    frames, tally = true_day()
    checks = check_decoded(DAY, frames, tally)
    assert failed(checks) == {}
    assert [check.name for check in checks] == [name for name in DECODED_CHECKS if name != "feed_agrees"]
    assert all(check.is_blocking == DECODED_CHECKS[check.name][1] for check in checks)
    assert all(check.detail and "\n" not in check.detail for check in checks)


def test_a_book_that_does_not_add_up_is_named_and_blocks() -> None:
    frames, tally = true_day()
    one = largest_amounts().stored().decoded
    assert one is not None
    tally.add(replaced(one, moves=one.moves[1:]))
    (check,) = failed(check_decoded(DAY, frames, tally)).values()
    assert (check.name, check.is_blocking) == ("conservation", True)
    assert check.detail.startswith(f"1 do not; {one.transaction.signature}: ")


def with_first(frame: pl.DataFrame, column: str, value: object) -> pl.DataFrame:
    """The frame with another value in its first row."""
    first = pl.int_range(pl.len()) == 0
    dtype = frame.schema[column]
    return frame.with_columns(pl.when(first).then(pl.lit(value, dtype=dtype)).otherwise(column).alias(column))


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("actions", "amount_raw", Decimal(-1)),
        ("actions", "bought_raw", Decimal(-1)),
        ("actions", "slot", -1),
        ("actions", "wallet", None),
        ("moves", "seq", -1),
        ("moves", "delta_raw", None),
        ("moves", "account", None),
        ("participants", "roles", None),
        ("token_facts", "decimals", 256),
        ("token_facts", "decimals", -1),
        ("token_facts", "first_slot", None),
        ("swaps", "sold_raw", Decimal(-1)),
        ("swaps", "bought_reserve_after_raw", Decimal(-1)),
        ("swaps", "reserve_kind", "guessed"),
        ("swaps", "trader", None),
        ("swaps", "ordinal", -1),
        ("fee_parts", "side", "beside"),
        ("fee_parts", "amount_raw", None),
        ("liquidity", "amount_raw", Decimal(-1)),
        ("liquidity", "share_raw", None),
        ("token_events", "mint", None),
        ("token_events", "ordinal", -1),
    ],
)
def test_a_value_out_of_its_range_blocks_in_one_line(name: str, column: str, value: object) -> None:
    frames, tally = true_day()
    frames[name] = with_first(frames[name], column, value)
    (check,) = failed(check_decoded(DAY, frames, tally)).values()
    assert (check.name, check.is_blocking) == (f"{name}_schema", True)
    assert column in check.detail
    assert "\n" not in check.detail


@pytest.mark.parametrize("name", DECODED_DATASETS)
def test_a_column_too_few_or_of_another_type_or_a_key_twice_blocks(name: str) -> None:
    frames, tally = true_day()
    frame = frames[name]
    number = next(column for column, dtype in frame.schema.items() if dtype.is_integer())
    broken = [
        frame.drop(frame.columns[-1]),
        frame.with_columns(stranger=pl.lit(1)),
        frame.select(reversed(frame.columns)),
        frame.with_columns(pl.col(number).cast(pl.Float64)),
        pl.concat([frame, frame.tail(1)]),
    ]
    for each in broken[:-1]:
        found = failed(check_decoded(DAY, {**frames, name: each}, tally))
        assert set(found) == {f"{name}_schema"}
        assert found[f"{name}_schema"].detail
        assert "\n" not in found[f"{name}_schema"].detail
    doubled = failed(check_decoded(DAY, {**frames, name: broken[-1]}, tally))
    assert doubled[f"{name}_schema"].detail == "2 rows share a key"


@pytest.mark.parametrize("name", PLACED)
def test_rows_of_another_day_block(name: str) -> None:
    frames, tally = true_day()
    strangers = failed(check_decoded(DAY + timedelta(days=1), {name: frames[name], **frames}, tally))
    assert strangers[f"{name}_schema"].detail == f"{frames[name].height} rows are of another day"


def test_what_failed_to_decode_is_named_and_does_not_block() -> None:
    frames, tally = true_day()
    for number in range(7):
        tally.add_undecoded(f"signature{number}")
    (check,) = failed(check_decoded(DAY, frames, tally)).values()
    assert (check.name, check.is_blocking) == ("everything_decoded", False)
    assert check.detail.startswith(f"7 of {len(ROWS) + 7} failed, e.g. signature0, ")


@pytest.mark.parametrize(
    ("decoded", "residual", "has_passed"), [(100, 20, True), (100, 21, False), (99, 99, True), (1_000, 201, False)]
)
def test_the_residual_has_a_ceiling_once_there_are_enough(decoded: int, residual: int, has_passed: bool) -> None:
    tally = DecodeTally(transactions=decoded, decoded=decoded, conserved=decoded)
    tally.total.residual = residual
    check = check_decoded(DAY, true_day()[0], tally)[-1]
    assert (check.name, check.is_blocking, check.has_passed) == ("residual_ceiling", False, has_passed)
    assert check.detail == f"{residual} of {decoded} transactions have a residual"


def hot_of(frames: Frames) -> Frames:
    return dict(frames)


def test_the_feeds_rows_agree_in_any_order_and_for_any_share_of_the_day() -> None:
    frames, _ = true_day()
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in hot_of(frames).items()}
    assert compare_with_hot(shuffled, frames) == CheckResult(
        "feed_agrees", True, f"{len(ROWS)} transactions compared", False
    )
    some = set(frames["participants"]["signature"].unique(maintain_order=True)[:4])
    part = {
        name: frame.filter(pl.col("signature").is_in(some)) if "signature" in frame.columns else frame
        for name, frame in hot_of(frames).items()
    }
    assert compare_with_hot(part, frames).detail == "4 transactions compared"
    none = {name: frame.head(0) for name, frame in hot_of(frames).items()}
    assert compare_with_hot(none, frames) == CheckResult("feed_agrees", True, "0 transactions compared", False)


@pytest.mark.parametrize("name", PLACED)
def test_any_cell_that_differs_is_found(name: str) -> None:
    frames, _ = true_day()
    frame = frames[name]
    signature = frame["signature"][0]
    for column in set(frame.columns) - {"signature"}:
        other = _another(frame[column])
        if column in ("tx_index", "balance_raw"):
            other = [other, None if frame[column][0] is not None else other][1]
        tampered = {**hot_of(frames), name: with_first(frame, column, other)}
        check = compare_with_hot(tampered, frames)
        assert (check.has_passed, check.is_blocking) == (False, False), column
        assert check.detail == f"1 of {len(ROWS)} transactions compared differ, e.g. {signature}", column


def _another(values: pl.Series) -> object:
    """A value that the first row does not have."""
    first = values[0]
    if values.dtype == pl.String:
        return f"{first}x"
    if values.dtype == pl.List(pl.String):
        return [*first.to_list(), "x"]
    if values.dtype == pl.Boolean:
        return not first
    if isinstance(values.dtype, pl.Datetime):
        return first + timedelta(microseconds=1)
    return 1 if first is None else first + 1


@pytest.mark.parametrize("name", PLACED)
def test_a_row_too_few_is_found(name: str) -> None:
    frames, _ = true_day()
    missing = {**hot_of(frames), name: frames[name].tail(-1)}
    assert not compare_with_hot(missing, frames).has_passed
    assert frames[name]["signature"][0] in compare_with_hot(missing, frames).detail


@pytest.mark.parametrize("change", [{"decimals": 77}, {"token_program": "another program"}, {"mint": "another mint"}])
def test_a_fact_that_the_day_does_not_say_is_found(change: dict[str, object]) -> None:
    frames, _ = true_day()
    facts = frames["token_facts"]
    changed = facts.with_columns(
        **{name: pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(value, facts.schema[name])).otherwise(name)
           for name, value in change.items()}
    )  # fmt: skip
    check = compare_with_hot(hot_of(frames) | {"token_facts": changed}, frames)
    assert not check.has_passed
    assert str(changed["mint"][0]) in check.detail
    untold = facts.with_columns(token_program=pl.lit(""))
    assert compare_with_hot(hot_of(frames) | {"token_facts": untold}, frames).has_passed, "another transaction tells it"

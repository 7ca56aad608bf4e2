"""ULIDs: the specification's layout, the order of time, and what none can be made of."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.ulid import is_ulid, make_ulid, ulid_at

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
RANDOM = st.binary(min_size=10, max_size=10)


def test_the_layout_is_that_of_the_specification() -> None:
    # 1469918176385 ms is the example of the specification's own readme, 01ARYZ6S41….
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1_469_918_176_385)
    assert make_ulid(at, bytes(10)) == "01ARYZ6S41" + "0" * 16
    assert make_ulid(at, b"\xff" * 10) == "01ARYZ6S41" + "Z" * 16


@given(at=INSTANTS, randomness=RANDOM)
def test_the_time_can_be_read_back(at: datetime, randomness: bytes) -> None:
    ulid = make_ulid(at, randomness)
    assert is_ulid(ulid)
    assert ulid_at(ulid) == at - timedelta(microseconds=at.microsecond % 1_000)


@given(first=INSTANTS, second=INSTANTS, one=RANDOM, other=RANDOM)
def test_later_ones_sort_behind(first: datetime, second: datetime, one: bytes, other: bytes) -> None:
    ulids = make_ulid(first, one), make_ulid(second, other)
    if ulid_at(ulids[0]) < ulid_at(ulids[1]):
        assert ulids[0] < ulids[1]


def test_the_zone_does_not_matter() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert make_ulid(at, bytes(10)) == make_ulid(at.astimezone(timezone(timedelta(hours=5))), bytes(10))


@pytest.mark.parametrize(
    ("at", "randomness"),
    [(datetime(1969, 12, 31, tzinfo=UTC), bytes(10)), (datetime(2026, 1, 1, tzinfo=UTC), bytes(9))],
)
def test_what_no_ulid_can_be_made_of(at: datetime, randomness: bytes) -> None:
    with pytest.raises(ValueError, match="ULID"):
        make_ulid(at, randomness)


@pytest.mark.parametrize(
    "text", ["", "0" * 25, "8" + "0" * 25, "0" * 25 + "U", "01aryz6s41" + "0" * 16, "0" * 26 + "\n"]
)
def test_what_is_no_ulid(text: str) -> None:
    assert not is_ulid(text)
    with pytest.raises(ValueError, match="no ULID"):
        ulid_at(text)

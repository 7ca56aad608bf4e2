"""The alarm that a program changed: loud from twenty calls and past five in a hundred, and it says where to look."""

from datetime import UTC, datetime

import pytest
from crafted_bodies import address

from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.storage.parquet.decoded_day import ProgramHour, UnknownDiscriminator
from oof_pipelines.workflows.unknown_alarm import unknown_alarm

AT = datetime(2026, 2, 13, 14, tzinfo=UTC)
PROGRAM_ID, PROGRAM = next(iter(BY_ID.items()))


def hour(calls: int, unknown_calls: int, program_id: str = PROGRAM_ID, at: datetime = AT) -> ProgramHour:
    return ProgramHour(at, program_id, calls, unknown_calls, 0, calls, 0, 0, 0)


def unknown(
    calls: int, discriminator: str = "00ff", program_id: str = PROGRAM_ID, at: datetime = AT
) -> UnknownDiscriminator:
    return UnknownDiscriminator(at, program_id, discriminator, calls, f"first {discriminator}")


@pytest.mark.parametrize(
    ("calls", "unknown_calls", "is_quiet"),
    [
        (0, 0, True),
        (19, 19, True),
        (20, 1, True),
        (20, 2, False),
        (100, 5, True),
        (100, 6, False),
        (1_000, 50, True),
        (1_000, 51, False),
    ],
)
def test_it_is_loud_past_five_in_a_hundred_from_twenty_calls_on(calls: int, unknown_calls: int, is_quiet: bool) -> None:
    told = [unknown(unknown_calls)] if unknown_calls else []
    assert unknown_alarm([hour(calls, unknown_calls)], told)[0] == is_quiet


def test_it_names_program_hour_share_and_the_commonest_discriminator() -> None:
    other = address("another program")
    hours = [hour(1_000, 0, other), hour(40, 12), hour(40, 1, at=AT.replace(hour=15))]
    told = [unknown(9, "aabb"), unknown(3, "ccdd"), unknown(1, "eeff", at=AT.replace(hour=15))]
    assert unknown_alarm(hours, told) == (
        False,
        f"{PROGRAM.name} 2026-02-13 14h: 12 of 40 calls (30.0 %) unknown, most aabb (9, first in first aabb)",
    )


def test_quiet_hours_are_counted() -> None:
    assert unknown_alarm([hour(40, 2), hour(60, 0, at=AT.replace(hour=3))], [unknown(2)]) == (True, "2 of 100 calls")
    assert unknown_alarm([], []) == (True, "0 of 0 calls")


def test_the_worst_come_first_and_the_rest_are_counted() -> None:
    times = [AT.replace(hour=number) for number in range(5)]
    hours = [hour(100, 10 + number, at=at) for number, at in enumerate(times)]
    has_passed, detail = unknown_alarm(hours, [unknown(10 + number, at=at) for number, at in enumerate(times)])
    assert not has_passed
    assert detail.index(" 04h: 14 ") < detail.index(" 03h: 13 ") < detail.index(" 02h: 12 ")
    assert detail.endswith("; and 2 more")

"""The tally of decoding: plain sums over what was seen, by lead program, with examples that stay few."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from crafted_bodies import FEE_LAMPORTS, LARGEST_U64, Crafted, address, lamport_transfer, largest_amounts, signature_of
from decoded_home import synthetic_rows

from oof_pipelines.chain.body import COMPUTE_BUDGET_PROGRAM_ID
from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.storage.parquet.decoded_day import ProgramHour, UnknownDiscriminator
from oof_pipelines.workflows.decode_tally import (
    MOST_DISCRIMINATORS,
    OTHER_DISCRIMINATORS,
    DecodeTally,
    ProgramTally,
)

PAYER, OTHER = address("payer"), address("other")
UNKNOWN_PROGRAM = address("unknown program")


def decoded_of(crafted: Crafted) -> Decoded:
    return decode_transaction(parse_transaction(crafted.body()))


def transfer(lamports: int = 700, **changes: object) -> Decoded:
    values: dict[str, object] = {
        "lamports": {PAYER: (10_000, 10_000 - FEE_LAMPORTS - lamports), OTHER: (1, 1 + lamports)},
        "instructions": [(COMPUTE_BUDGET_PROGRAM_ID, [], b"\0"), lamport_transfer(PAYER, OTHER, lamports)],
    }
    return decoded_of(Crafted(**({"name": "transfer"} | values | changes)))  # type: ignore[arg-type]


def unexplained(lamports: int = 300) -> Decoded:
    """An unknown program that paid out of its own account."""
    return transfer(lamports, instructions=[(UNKNOWN_PROGRAM, [PAYER, OTHER], b"\7")])


def test_a_transfer_is_counted_with_what_it_moved_once() -> None:
    tally = DecodeTally()
    tally.add(transfer(700))
    # The fee goes to the validator's counter-account, which is virtual, so only the transfer's lamports arrive somewhere.
    assert tally.counts == {
        "transactions": 1,
        "decoded": 1,
        "conserved": 1,
        "residual": 0,
        "moved_lamports": 700,
        "residual_lamports": 0,
    }
    assert tally.by_program == {"11111111111111111111111111111111": ProgramTally(1, 0, 700, 0)}


def test_what_no_instruction_explains_is_residual_under_its_lead_program() -> None:
    tally = DecodeTally()
    for decoded in (transfer(700), unexplained(300), unexplained(500)):
        tally.add(decoded)
    assert tally.total == ProgramTally(3, 2, 1_500, 800)
    assert tally.by_program[UNKNOWN_PROGRAM] == ProgramTally(2, 2, 800, 800)
    assert tally.counts["residual"] == 2
    assert Fraction(tally.total.residual_share).limit_denominator(100) == Fraction(2, 3)
    assert Fraction(tally.total.residual_value_share).limit_denominator(100) == Fraction(8, 15)


def test_nothing_at_all_has_no_share() -> None:
    assert (ProgramTally().residual_share, ProgramTally().residual_value_share) == (0.0, 0.0)
    assert set(DecodeTally().counts.values()) == {0}


def test_the_largest_amounts_add_up_exactly() -> None:
    tally = DecodeTally()
    for number in range(3):
        tally.add(decoded_of(largest_amounts(number)))
    assert tally.counts["moved_lamports"] == 3 * LARGEST_U64


def test_a_transaction_of_compute_budget_alone_counts_there_and_one_of_nothing_under_nothing() -> None:
    tally = DecodeTally()
    tally.add(transfer(0, instructions=[(COMPUTE_BUDGET_PROGRAM_ID, [], b"\0")]))
    tally.add(transfer(0, instructions=()))
    assert {program: one.transactions for program, one in tally.by_program.items()} == {
        COMPUTE_BUDGET_PROGRAM_ID: 1,
        "": 1,
    }


@pytest.mark.parametrize("count", [1, 5, 9])
def test_examples_stay_few_and_counts_do_not(count: int) -> None:
    tally = DecodeTally()
    for number in range(count):
        decoded = decoded_of(largest_amounts(number))
        tally.add(replaced(decoded, moves=decoded.moves[:-1]))
        tally.add_undecoded(f"undecoded {number}")
    assert (tally.transactions, tally.decoded, tally.conserved) == (2 * count, count, 0)
    assert tally.undecoded == [f"undecoded {number}" for number in range(min(count, 5))]
    assert len(tally.faults) == min(count, 5)
    assert tally.faults[0].startswith(f"{largest_amounts(0).signature}: ")


def test_the_parts_by_program_sum_to_the_whole() -> None:
    tally = DecodeTally()
    unread = 0
    for row in synthetic_rows():
        assert row.decoded is not None
        tally.add(row.decoded)
        unread += len(row.decoded.unread)
    parts = list(tally.by_program.values())
    assert len(parts) > 3
    assert tally.unread_instructions == unread
    assert tally.total == ProgramTally(
        sum(part.transactions for part in parts),
        sum(part.residual for part in parts),
        sum(part.moved_lamports for part in parts),
        sum(part.residual_lamports for part in parts),
    )
    assert (tally.transactions, tally.decoded, tally.conserved) == (60, 60, 60)


# --- calls, hours, and what no layout declares ---

AT = datetime(2026, 2, 13, 14, 59, 59, 999_999, tzinfo=UTC)
HOUR = AT.replace(minute=0, second=0, microsecond=0)
KNOWN = next(iter(BY_ID))
UNDECLARED = b"\xfe\xed" * 4


def calls_of(*datas: bytes, name: object = "calls", program: str = KNOWN) -> Decoded:
    """A transfer, and a call of a program with each of these data, whose discriminators it does not declare."""
    calls = [(program, [PAYER], data) for data in datas]
    decoded = transfer(instructions=[lamport_transfer(PAYER, OTHER, 700), *calls], name=name)
    assert program not in BY_ID or len(decoded.unknown) == len(datas)
    return decoded


def test_calls_of_a_program_are_counted_call_by_call_and_not_under_the_lead() -> None:
    tally = DecodeTally()
    tally.add(calls_of(UNDECLARED, UNDECLARED))
    assert tally.by_program[KNOWN] == ProgramTally(calls=2, unknown_calls=2)
    assert tally.by_program["11111111111111111111111111111111"] == ProgramTally(1, 0, 700, 0)
    assert (tally.total.calls, tally.total.unknown_calls, tally.total.unread_calls) == (2, 2, 0)
    assert tally.hours == {}, "what comes without its time is of no hour"


def test_calls_that_did_not_fit_are_unread_once() -> None:
    tally = DecodeTally()
    decoded = calls_of(UNDECLARED)
    path = decoded.unknown[0].path
    # The book and the reading may both have failed on a call, and the book on calls of programs that are not counted.
    tally.add(replaced(decoded, unknown=[], unread=[path, path, "0"]))
    assert tally.by_program[KNOWN] == ProgramTally(calls=1, unread_calls=1)
    assert tally.unread_instructions == 3


def test_programs_that_are_not_decoded_have_no_calls() -> None:
    tally = DecodeTally()
    tally.add(calls_of(UNDECLARED, program=UNKNOWN_PROGRAM), AT)
    assert set(tally.by_program) == {"11111111111111111111111111111111"}
    assert [hour.calls for hour in tally.program_hours()] == [0]


def test_hours_hold_what_fell_into_them() -> None:
    tally = DecodeTally()
    tally.add(calls_of(UNDECLARED, name="first"), AT)
    tally.add(calls_of(UNDECLARED, UNDECLARED, b"\1" * 8, name="second"), HOUR)
    tally.add(calls_of(UNDECLARED, name="third"), HOUR + timedelta(hours=1))
    system = "11111111111111111111111111111111"
    next_hour = HOUR + timedelta(hours=1)
    assert tally.program_hours() == [
        ProgramHour(HOUR, system, 0, 0, 0, 2, 0, 1_400, 0),
        ProgramHour(HOUR, KNOWN, 4, 4, 0, 0, 0, 0, 0),
        ProgramHour(next_hour, system, 0, 0, 0, 1, 0, 700, 0),
        ProgramHour(next_hour, KNOWN, 1, 1, 0, 0, 0, 0, 0),
    ]
    first, second, third = (signature_of(name) for name in ("first", "second", "third"))
    assert tally.unknown_discriminators() == [
        UnknownDiscriminator(HOUR, KNOWN, UNDECLARED.hex(), 3, first),
        UnknownDiscriminator(HOUR, KNOWN, "01" * 8, 1, second),
        UnknownDiscriminator(next_hour, KNOWN, UNDECLARED.hex(), 1, third),
    ]


def test_discriminators_of_an_hour_stay_few_and_their_calls_do_not() -> None:
    tally = DecodeTally()
    for number in range(MOST_DISCRIMINATORS + 7):
        tally.add(calls_of(bytes([number, *UNDECLARED[:7]]), name=number), AT)
    found = tally.unknown_discriminators()
    assert len(found) == MOST_DISCRIMINATORS + 1
    assert (found[0].discriminator, found[0].calls, found[0].first_signature) == (
        OTHER_DISCRIMINATORS,
        7,
        signature_of(MOST_DISCRIMINATORS),
    )
    assert sum(one.calls for one in found) == tally.total.unknown_calls == MOST_DISCRIMINATORS + 7


def test_the_hours_of_a_day_sum_to_the_whole() -> None:
    tally = DecodeTally()
    for row in synthetic_rows():
        assert row.decoded is not None
        tally.add(row.decoded, row.block_time)
    hours = tally.program_hours()
    assert len({hour.hour_at for hour in hours}) > 1
    assert sum(hour.transactions for hour in hours) == 60
    assert sum(hour.moved_lamports for hour in hours) == tally.total.moved_lamports
    assert hours == sorted(hours, key=lambda hour: (hour.hour_at, hour.program_id))

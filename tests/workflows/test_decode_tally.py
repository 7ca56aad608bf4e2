"""The tally of decoding: plain sums over what was seen, by lead program, with examples that stay few."""

from dataclasses import replace
from fractions import Fraction

import pytest
from crafted_bodies import FEE_LAMPORTS, LARGEST_U64, Crafted, address, lamport_transfer, largest_amounts
from decoded_home import synthetic_rows

from oof_pipelines.chain.body import COMPUTE_BUDGET_PROGRAM_ID
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.workflows.decode_tally import DecodeTally, ProgramTally

PAYER, OTHER = address("payer"), address("other")
UNKNOWN_PROGRAM = address("unknown program")


def decoded_of(crafted: Crafted) -> Decoded:
    return decode_transaction(parse_transaction(crafted.body()))


def transfer(lamports: int = 700, **changes: object) -> Decoded:
    values: dict[str, object] = {
        "lamports": {PAYER: (10_000, 10_000 - FEE_LAMPORTS - lamports), OTHER: (1, 1 + lamports)},
        "instructions": [(COMPUTE_BUDGET_PROGRAM_ID, [], b"\0"), lamport_transfer(PAYER, OTHER, lamports)],
    }
    return decoded_of(Crafted("transfer", **(values | changes)))  # type: ignore[arg-type]


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
        tally.add(replace(decoded, moves=decoded.moves[:-1]))
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

"""Calls of Meteora's programs and of Moonshot whose accounts, arguments or events end early: unread, never an error."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedCall
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_facts import read

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.program import InstructionLayout, Program
from oof_pipelines.decode.venues import (
    meteora_damm_v1,
    meteora_damm_v2,
    meteora_dbc,
    meteora_dlmm,
    meteora_vault,
    moonshot,
)

PROGRAMS = [
    one.PROGRAM for one in (meteora_damm_v1, meteora_damm_v2, meteora_dbc, meteora_dlmm, meteora_vault, moonshot)
]
READ = [(program, layout) for program in PROGRAMS for layout in program.instructions if layout.read is not None]
POOL = address("pool")


def full_call(program: Program, layout: InstructionLayout) -> ParsedTransaction:
    """Every seat is a token account of its own that gives or gets a little."""
    names = list(layout.seats)
    accounts = {name: address(name) for name in names}
    tokens = {
        address(name): (address("coin") if order % 2 else NATIVE_MINT, address(f"owner of {name}"), 10_000)
        for order, name in enumerate(names)
    }
    moves = [(address(name), address(names[order - 2]), 10 + order) for order, name in enumerate(names) if order > 1]
    events = [one.discriminator + decode_base58(POOL) * 12 for one in program.events]
    return CraftedCall(program, layout.name, accounts, tokens, moves, events, arguments=bytes(64)).transaction()


@pytest.mark.parametrize(("program", "layout"), READ, ids=lambda one: getattr(one, "name", ""))
def test_fewer_accounts(program: Program, layout: InstructionLayout) -> None:
    transaction = full_call(program, layout)
    reading = read(transaction).reading
    assert reading.unread == []
    called = transaction.instructions[0]
    accounts = called.accounts
    for count in reversed(range(len(accounts))):
        called.accounts = accounts[:count]
        reading = read(transaction).reading
        assert set(reading.unread) <= {"0"}
        assert not (reading.unread and reading.facts)
    # Who gets the fee for making a pool stands in the event alone.
    assert reading.facts == [] or not layout.seats


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(READ), st.integers(0, 60), st.integers(0, 300), st.integers(1, 500_000_000))
def test_shorter_data(chosen: tuple[Program, InstructionLayout], arguments: int, told: int, slot: int) -> None:
    program, layout = chosen
    transaction = full_call(program, layout)
    transaction.slot = slot
    called, *inner = transaction.instructions
    called.data = called.data[: 8 + arguments]
    for one in inner:
        if one.program_id == called.program_id:
            one.data = one.data[: 16 + told]
    assert set(read(transaction).reading.unread) <= {"0"}

"""Seats of traders: those the programs' IDLs name, and those that signers sat in."""

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from recorded_bodies import Recorded

from oof_pipelines.chain.transaction import OUTER, Instruction, parse_transaction
from oof_pipelines.decode.trader_seats import trader_of
from oof_pipelines.decode.programs import VENUES

PROGRAMS = {name: program_id for program_id, name in VENUES.items()}
# file of the IDL, venue, instruction, the account that signs
IDL_SEATS = [
    ("pump", "pumpfun", "buy", "user"),
    ("pump", "pumpfun", "sell_v2", "user"),
    ("pump_amm", "pumpswap", "sell", "user"),
    ("meteora_amm", "meteora_damm_v1", "swap", "user"),
    ("meteora_damm_v2", "meteora_damm_v2", "swap2", "payer"),
    ("meteora_dbc", "meteora_dbc", "swap", "payer"),
    ("meteora_dlmm", "meteora_dlmm", "swap_exact_out2", "user"),
    ("raydium_launchpad", "raydium_launchlab", "sell_exact_in", "payer"),
]


@pytest.mark.parametrize(("file", "venue", "name", "account"), IDL_SEATS)
def test_the_idl_names_the_seat(file: str, venue: str, name: str, account: str, fixtures_dir: Path) -> None:
    idl = json.loads((fixtures_dir / "idl" / f"{file}.json").read_text())
    (told,) = [one for one in idl["instructions"] if re.sub("(?=[A-Z])", "_", one["name"]).lower() == name]
    # IDLs before Anchor 0.30 leave the discriminator to be derived.
    data = bytes(told.get("discriminator") or sha256(f"global:{name}".encode()).digest()[:8])
    accounts = [one["name"] for one in told["accounts"]]
    instruction = Instruction((0, OUTER), 1, PROGRAMS[venue], accounts, data + bytes(16))
    assert trader_of(instruction) == account


def test_who_calls_a_venue_directly_sits_in_the_seat_and_signs(recorded: list[Recorded]) -> None:
    seen = set()
    for one in recorded:
        transaction = parse_transaction(one.body)
        for instruction in transaction.instructions:
            trader = trader_of(instruction)
            if trader and instruction.path[1] == OUTER:
                assert trader in transaction.signers, one.file
                seen.add(VENUES[instruction.program_id])
    assert len(seen) >= 6, seen


@pytest.mark.parametrize(
    ("program", "accounts", "data"),
    [
        ("pumpfun", ["a"] * 7, b"\x63" * 8),
        ("pumpfun", ["a"] * 6, bytes.fromhex("66063d1201daebea")),
        ("raydium_amm_v4", [], b"\x09"),
        ("raydium_amm_v4", ["a"], b""),
        ("raydium_amm_v4", ["a"], b"\x03"),
    ],
)
def test_what_is_no_known_swap_has_no_seat(program: str, accounts: list[str], data: bytes) -> None:
    assert trader_of(Instruction((0, OUTER), 1, PROGRAMS[program], accounts, data)) == ""

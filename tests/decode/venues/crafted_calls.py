"""Calls made by hand for what no recording shows: by a program's layout, with the calls and the events they make.

Accounts are addresses, token accounts a table of account → (mint, owner, base units before). The balances after a
transaction follow from its transfers, mints and burns.
"""

import base64
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from crafted_bodies import SLOT, SYSTEM, TOKEN, address, lamport_transfer, signature_of, token_transfer
from layout_checks import layout_named
from venue_facts import ReadTransaction, read

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.transaction import OUTER, Instruction, ParsedTransaction, TokenBalance
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.program import EVENT_CALL, Program, anchor_event

PAYER = address("payer")
RICH_LAMPORTS = 10**12
"""What every account holds at first."""
_DECIMALS = 6
_TRANSFER, _MINT_TO, _BURN = 3, 7, 8
_LAMPORT_TRANSFER = 2

Tokens = dict[str, tuple[str, str, int]]
"""Token account → (mint, owner, base units before)."""


@dataclass
class Made:
    """A call with the calls it makes."""

    program: str
    accounts: list[str]
    data: bytes
    calls: Sequence["Made"] = ()


# --- bytes of arguments and events ---


def u64(*numbers: int) -> bytes:
    """Whole numbers of eight bytes each."""
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def texts(*words: str) -> bytes:
    """Borsh strings, each behind its length."""
    return b"".join(struct.pack("<I", len(word.encode())) + word.encode() for word in words)


def event_data(name: str, layout: str, *values: str | int | bytes) -> bytes:
    """An event as it is logged: little-endian fields by `struct`'s letters, an address for `32s`, bytes for a u128."""
    fields = (decode_base58(one) if isinstance(one, str) else one for one in values)
    return anchor_event(name) + struct.pack(f"<{layout}", *fields)


def record(name: str, *values: str | int | bytes) -> bytes:
    """An event of addresses, numbers that are all u64, and bytes as they are."""
    return event_data(name, "".join(_letters(one) for one in values), *values)


def _letters(value: str | int | bytes) -> str:
    if isinstance(value, int):
        return "Q"
    return "32s" if isinstance(value, str) else f"{len(value)}s"


# --- calls ---


def pays(source: str, destination: str, amount_raw: int) -> Made:
    """A plain token transfer."""
    return Made(*token_transfer(source, destination, PAYER, amount_raw))


def pays_lamports(source: str, destination: str, lamports: int) -> Made:
    """A transfer by System."""
    return Made(*lamport_transfer(source, destination, lamports))


def mints(mint: str, account: str, amount_raw: int) -> Made:
    """The token program's MintTo."""
    return Made(TOKEN, [mint, account, PAYER], bytes([_MINT_TO]) + u64(amount_raw))


def burns(mint: str, account: str, amount_raw: int) -> Made:
    """The token program's Burn."""
    return Made(TOKEN, [account, mint, PAYER], bytes([_BURN]) + u64(amount_raw))


def venue(name: str, *calls: Made) -> Made:
    """A call of a program nobody decodes."""
    return Made(address(f"venue {name}"), [], b"\0", calls)


def tells(program: Program, told: bytes) -> Made:
    """An event told by a call of itself."""
    return Made(program.program_ids[0], [address("event authority")], EVENT_CALL + told)


def called(
    program: Program, name: str, accounts: dict[str, str], *calls: Made, arguments: bytes = b"", extra: int = 30
) -> Made:
    """An instruction of a program by its layout; seats that are not named hold the program itself, as absent ones do.

    `extra` accounts stand behind those of the layout.
    """
    layout = layout_named(program, name)
    seats = [program.program_ids[0]] * (max(layout.seats.values(), default=-1) + 1)
    for seat, one in accounts.items():
        seats[layout.seats[seat]] = one
    rest = [address(f"account {index}") for index in range(extra)]
    return Made(program.program_ids[0], [*seats, *rest], layout.discriminator + arguments, calls)


# --- transactions ---


@dataclass
class CraftedTransaction:
    """Outer calls. `logged` are told in the log of the first; `lamport_changes` are what no instruction shows."""

    calls: Sequence[Made]
    tokens: Tokens
    logged: Sequence[bytes] = ()
    lamport_changes: dict[str, int] = field(default_factory=dict)
    name: str = "made"

    def parsed(self) -> ParsedTransaction:
        instructions = [one for outer, made in enumerate(self.calls) for one in _flat(made, outer)]
        named = [PAYER, *self.tokens, *self.lamport_changes, *(key for one in instructions for key in one.accounts)]
        keys = list(dict.fromkeys(named))
        before = dict.fromkeys(keys, RICH_LAMPORTS)
        after = dict(before)
        amounts = {account: row[2] for account, row in self.tokens.items()}
        for one in instructions:
            _apply(one, after, amounts)
        for account, change in self.lamport_changes.items():
            after[account] += change
        return ParsedTransaction(
            signature=signature_of(self.name),
            slot=SLOT,
            block_time_s=None,
            tx_index=None,
            version="0",
            error=None,
            fee_lamports=0,
            signer_count=1,
            keys=keys,
            instructions=instructions,
            pre_lamports=list(before.values()),
            post_lamports=list(after.values()),
            pre_tokens=[_balance(account, row, row[2]) for account, row in self.tokens.items()],
            post_tokens=[_balance(account, row, amounts[account]) for account, row in self.tokens.items()],
            log_messages=self._logs(),
            compute_units_consumed=None,
        )

    def _logs(self) -> list[str]:
        told = [f"Program data: {base64.b64encode(data).decode()}" for data in self.logged]
        return [line for order, made in enumerate(self.calls) for line in _log_lines(made, [] if order else told)]

    def read(self) -> ReadTransaction:
        return read(self.parsed())

    def facts(self) -> list[Fact]:
        """All that is said; no call may be unread."""
        return self.read().facts


def _flat(made: Made, outer: int) -> Iterator[Instruction]:
    inner = iter(range(1_000))

    def walk(one: Made, height: int) -> Iterator[Instruction]:
        path = (outer, OUTER) if height == 1 else (outer, next(inner))
        yield Instruction(path, height, one.program, one.accounts, one.data)
        for child in one.calls:
            yield from walk(child, height + 1)

    return walk(made, 1)


def _apply(one: Instruction, lamports: dict[str, int], amounts: dict[str, int]) -> None:
    """Changes both as a call of System or of the token program does."""
    if one.program_id == SYSTEM and one.data[0] == _LAMPORT_TRANSFER:
        source, destination = one.accounts
        moved = struct.unpack_from("<Q", one.data, 4)[0]
        lamports[source] -= moved
        lamports[destination] += moved
    elif one.program_id == TOKEN:
        moved = struct.unpack_from("<Q", one.data, 1)[0]
        if one.data[0] in (_TRANSFER, _BURN):
            amounts[one.accounts[0]] -= moved
        if one.data[0] in (_TRANSFER, _MINT_TO):
            amounts[one.accounts[1]] += moved


def _log_lines(made: Made, told: list[str], height: int = 1) -> list[str]:
    within = [line for one in made.calls for line in _log_lines(one, [], height + 1)]
    return [f"Program {made.program} invoke [{height}]", *within, *told, f"Program {made.program} success"]


def _balance(account: str, row: tuple[str, str, int], amount_raw: int) -> TokenBalance:
    return TokenBalance(account, row[0], row[1], amount_raw, _DECIMALS, TOKEN)


@dataclass
class CraftedCall:
    """One outer instruction. `accounts` are addresses by the layout's names, all others are made up.

    `moves` are (source, destination, amount) of tokens where both are token accounts, else of lamports by System;
    `events` are told by calls of itself, `logged` in the log.
    """

    program: Program
    name: str
    accounts: dict[str, str]
    tokens: Tokens
    moves: Sequence[tuple[str, str, int]] = ()
    events: Sequence[bytes] = ()
    logged: Sequence[bytes] = ()
    arguments: bytes = b""
    lamport_changes: dict[str, int] = field(default_factory=dict)

    def _accounts(self) -> list[str]:
        seats = layout_named(self.program, self.name).seats
        length = max(seats.values(), default=-1) + 1 - min([*seats.values(), 0])
        named = {index % length: name for name, index in seats.items()}
        return [self.accounts.get(named.get(index, ""), address(f"account {index}")) for index in range(length)]

    def _moved(self, source: str, destination: str, amount: int) -> Made:
        is_token = source in self.tokens and destination in self.tokens
        return pays(source, destination, amount) if is_token else pays_lamports(source, destination, amount)

    def transaction(self) -> ParsedTransaction:
        program_id = self.program.program_ids[0]
        data = layout_named(self.program, self.name).discriminator + self.arguments
        calls = [self._moved(*one) for one in self.moves]
        calls += [Made(program_id, [], EVENT_CALL + told) for told in self.events]
        outer = Made(program_id, self._accounts(), data, calls)
        return CraftedTransaction([outer], self.tokens, self.logged, self.lamport_changes, self.name).parsed()

    def read(self) -> ReadTransaction:
        return read(self.transaction())

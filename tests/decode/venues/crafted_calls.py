"""A program's call made by hand from its layout, with the transfers and the events it makes, for what no recording shows."""

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from crafted_bodies import SLOT, TOKEN, address, lamport_transfer, signature_of, token_transfer

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.transaction import OUTER, Instruction, ParsedTransaction, TokenBalance
from oof_pipelines.decode.book import Booked, book_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.program import EVENT_CALL, InstructionLayout, Program, anchor_event
from oof_pipelines.decode.reading import Reading, read_facts

PAYER = address("payer")
_DECIMALS = 6
_RICH_LAMPORTS = 10**12


def packed(layout: str, *values: str | int | bytes) -> bytes:
    """Little-endian fields by `struct`'s letters; an address for `32s`, sixteen bytes for a u128."""
    return struct.pack(f"<{layout}", *(decode_base58(one) if isinstance(one, str) else one for one in values))


def event_data(name: str, layout: str, *values: str | int | bytes) -> bytes:
    """An event as it is logged; told by a self-call it stands behind Anchor's tag."""
    return anchor_event(name) + packed(layout, *values)


@dataclass
class CraftedCall:
    """One outer instruction. `accounts` are addresses by the layout's names, all others are made up.

    `tokens` are token account → (mint, owner, amount before); `moves` are (source, destination, amount) of tokens where both
    are token accounts, else of lamports by System; `lamport_changes` are what no instruction shows.
    """

    program: Program
    name: str
    accounts: dict[str, str]
    tokens: dict[str, tuple[str, str, int]]
    moves: Sequence[tuple[str, str, int]] = ()
    events: Sequence[bytes] = ()
    logged: Sequence[bytes] = ()
    arguments: bytes = b""
    lamport_changes: dict[str, int] = field(default_factory=dict)

    @property
    def layout(self) -> InstructionLayout:
        return next(one for one in self.program.instructions if one.name == self.name)

    @property
    def program_id(self) -> str:
        return self.program.program_ids[0]

    def _accounts(self) -> list[str]:
        seats = self.layout.seats
        length = max(seats.values(), default=-1) + 1 - min([*seats.values(), 0])
        named = {index % length: name for name, index in seats.items()}
        return [self.accounts.get(named.get(index, ""), address(f"account {index}")) for index in range(length)]

    def _instructions(self) -> list[Instruction]:
        data = self.layout.discriminator + self.arguments
        calls = [Instruction((0, OUTER), 1, self.program_id, self._accounts(), data)]
        for source, destination, amount in self.moves:
            is_token = source in self.tokens and destination in self.tokens
            made = token_transfer(source, destination, PAYER, amount) if is_token else None
            program, accounts, raw = made or lamport_transfer(source, destination, amount)
            calls.append(Instruction((0, len(calls) - 1), 2, program, accounts, raw))
        for told in self.events:
            calls.append(Instruction((0, len(calls) - 1), 2, self.program_id, [], EVENT_CALL + told))
        return calls

    def transaction(self) -> ParsedTransaction:
        instructions = self._instructions()
        named = [PAYER, *self.tokens, *self.lamport_changes, *(key for one in instructions for key in one.accounts)]
        keys = list(dict.fromkeys(named))
        lamports = dict.fromkeys(keys, _RICH_LAMPORTS)
        amounts = {account: row[2] for account, row in self.tokens.items()}
        after = dict(lamports)
        for source, destination, amount in self.moves:
            held = amounts if source in self.tokens and destination in self.tokens else after
            held[source] -= amount
            held[destination] += amount
        for account, change in self.lamport_changes.items():
            after[account] += change
        logs = [f"Program {self.program_id} invoke [1]"]
        for called in instructions[1:]:
            logs += [f"Program {called.program_id} invoke [2]", f"Program {called.program_id} success"]
        logs += [f"Program data: {base64.b64encode(data).decode()}" for data in self.logged]
        logs += [f"Program {self.program_id} success"]
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
            pre_lamports=list(lamports.values()),
            post_lamports=list(after.values()),
            pre_tokens=[_balance(account, row, row[2]) for account, row in self.tokens.items()],
            post_tokens=[_balance(account, row, amounts[account]) for account, row in self.tokens.items()],
            log_messages=logs,
            compute_units_consumed=None,
        )

    def book(self) -> Booked:
        return book_transaction(self.transaction())

    def read(self) -> Reading:
        """What the program's decoder says of it."""
        transaction = self.transaction()
        return read_facts(Scene(transaction, book_transaction(transaction).moves))


def _balance(account: str, row: tuple[str, str, int], amount_raw: int) -> TokenBalance:
    return TokenBalance(account, row[0], row[1], amount_raw, _DECIMALS, TOKEN)

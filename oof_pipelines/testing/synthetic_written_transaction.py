"""A transaction written call by call: what each instruction says, calls and does, then signed and told as a node would.

Wire bytes, signatures, account keys and inner instructions are true encodings; logs have the lines that decoders read. What
is made up are compute units, and the effects, which come from the written ledger instead of a machine.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing.synthetic_accounts import ui_token_amount
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction
from oof_pipelines.testing.synthetic_world import Actor
from oof_pipelines.testing.synthetic_written_ledger import TokenHolding, WrittenLedger, WrittenLedgerError

_SIGNATURE_FEE_LAMPORTS = 5_000
_DEFAULT_UNITS = 200_000
_MICRO_LAMPORTS = 1_000_000
_MOST_WIRE_BYTES = 1_232
_UNITS_OF_BUILTINS = 150


@dataclass(frozen=True, slots=True)
class Place:
    """Where a transaction lands: `index_in_slot` counts those of its slot from 0; the time is in Unix seconds, None where the
    block has no known one.
    """

    slot: int
    block_time_s: int | None
    index_in_slot: int

    def blockhash(self, seed: int) -> Hash:
        """A blockhash that transactions of this slot name; made up, the same for the same seed and slot."""
        return Hash(sha256(f"oof written chain/{seed}/slot/{self.slot}".encode()).digest())


@dataclass(frozen=True, slots=True)
class _Inner:
    program: Pubkey
    accounts: list[Pubkey]
    data: bytes
    height: int


class TransactionWriter:
    """One transaction in the making, paid by `payer`. Calls are written in the order in which they run, then it lands."""

    def __init__(
        self, ledger: WrittenLedger, payer: Actor, *, unit_limit: int = 0, price_micro_lamports: int = 0
    ) -> None:
        self.ledger = ledger
        self.payer = payer
        self._outer: list[Instruction] = []
        self._inner: dict[int, list[_Inner]] = {}
        self._logs: list[str] = []
        self._open: list[str] = []
        self._units = 0
        self._limit = unit_limit or _DEFAULT_UNITS
        self._priority_lamports = -(-unit_limit * price_micro_lamports // _MICRO_LAMPORTS)
        self._doom: tuple[int, str] | None = None
        self._error: dict[str, Any] | None = None
        ledger.begin()
        if unit_limit:
            self.builtin(set_compute_unit_limit(unit_limit))
            self.builtin(set_compute_unit_price(price_micro_lamports))

    def builtin(self, instruction: Instruction) -> None:
        """A call of a program that logs no units: System, Compute Budget."""
        self._enter(instruction)
        self._leave(str(instruction.program_id), None)

    @contextmanager
    def call(self, instruction: Instruction, *said: str, units: int = 5_000) -> Iterator[None]:
        """A call: what is called within the block are its inner instructions. `said` are log lines at its beginning."""
        self._enter(instruction)
        for line in said:
            self.log(f"Program log: {line}")
        if self._doom is not None and len(self._open) == 1:
            self._fail(*self._doom)
        start = self._units
        yield
        self._units += units
        self._leave(str(instruction.program_id), start)

    def log(self, line: str) -> None:
        """One line of the log, of whatever call is open."""
        if self._error is None:
            self._logs.append(line)

    def log_data(self, data: bytes) -> None:
        """What Anchor's `emit!` writes."""
        self.log(f"Program data: {base64.b64encode(data).decode()}")

    def doom(self, code: int, words: str) -> None:
        """The next outer call of a program ends with a custom error, having done nothing; what comes after it never runs."""
        self._doom = code, words

    def _fail(self, code: int, words: str) -> None:
        self._doom = None
        self.log(f"Program log: {words}")
        for program in reversed(self._open):
            self.log(f"Program {program} failed: custom program error: {code:#x}")
        self._error = {"InstructionError": [len(self._outer) - 1, {"Custom": code}]}

    def _enter(self, instruction: Instruction) -> None:
        height = len(self._open) + 1
        if height == 1:
            self._outer.append(instruction)
        elif self._error is None:
            recorded = _Inner(
                instruction.program_id,
                [account.pubkey for account in instruction.accounts],
                bytes(instruction.data),
                height,
            )
            self._inner.setdefault(len(self._outer) - 1, []).append(recorded)
        program = str(instruction.program_id)
        self._open.append(program)
        self.log(f"Program {program} invoke [{height}]")

    def _leave(self, program: str, start_units: int | None) -> None:
        self._open.pop()
        if start_units is None:
            self._units += _UNITS_OF_BUILTINS
        else:
            left = max(self._limit - start_units, 0)
            self.log(f"Program {program} consumed {self._units - start_units} of {left} compute units")
        self.log(f"Program {program} success")

    def land(
        self,
        place: Place,
        seed: int,
        *,
        signers: Sequence[Actor] = (),
        tables: Sequence[AddressLookupTableAccount] | None = None,
    ) -> SyntheticTransaction:
        """Sign and land it: a v0 message where `tables` are given (none of them need be used), else a legacy one.

        Raises `WrittenLedgerError` where it does not fit a packet, or a call names an account that no instruction has.
        """
        keypairs = {actor.address: actor.keypair for actor in (self.payer, *signers)}
        message: Message | MessageV0
        if tables is None:
            message = Message.new_with_blockhash(self._outer, self.payer.address, place.blockhash(seed))
        else:
            payer, blockhash = self.payer.address, place.blockhash(seed)
            message = MessageV0.try_compile(payer, self._outer, list(tables), blockhash)
        transaction = VersionedTransaction(message, list(keypairs.values()))
        wire = bytes(transaction)
        if len(wire) > _MOST_WIRE_BYTES:
            raise WrittenLedgerError(f"a transaction of {len(wire)} bytes fits no packet")
        fee_lamports = _SIGNATURE_FEE_LAMPORTS * len(keypairs) + self._priority_lamports
        if self._error is not None:
            self.ledger.rollback()
        self.ledger.add_lamports(self.payer.address, -fee_lamports)
        writable, readonly = _loaded(message, tables or ())
        keys = [*message.account_keys, *writable, *readonly]
        return SyntheticTransaction(
            str(transaction.signatures[0]),
            place.slot,
            place.block_time_s,
            place.index_in_slot,
            {
                "blockTime": place.block_time_s,
                "meta": self._meta(keys, fee_lamports, writable, readonly),
                "slot": place.slot,
                "transaction": [base64.b64encode(wire).decode(), "base64"],
                "transactionIndex": place.index_in_slot,
                "version": "legacy" if tables is None else 0,
            },
        )

    def _meta(
        self, keys: list[Pubkey], fee_lamports: int, writable: list[Pubkey], readonly: list[Pubkey]
    ) -> dict[str, Any]:
        ledger = self.ledger
        return {
            "computeUnitsConsumed": self._units,
            "err": self._error,
            "fee": fee_lamports,
            "innerInstructions": self._inner_instructions(keys),
            "loadedAddresses": {
                "readonly": [str(key) for key in readonly],
                "writable": [str(key) for key in writable],
            },
            "logMessages": self._logs,
            "postBalances": [ledger.lamports(key) for key in keys],
            "postTokenBalances": self._token_balances(enumerate(map(ledger.holding, keys))),
            "preBalances": [ledger.lamports_before(key) for key in keys],
            "preTokenBalances": self._token_balances(enumerate(map(ledger.holding_before, keys))),
            "rewards": [],
            "status": {"Ok": None} if self._error is None else {"Err": self._error},
        }

    def _inner_instructions(self, keys: list[Pubkey]) -> list[dict[str, Any]]:
        seats = {key: seat for seat, key in reversed(list(enumerate(keys)))}
        try:
            return [
                {
                    "index": index,
                    "instructions": [
                        {
                            "accounts": [seats[account] for account in one.accounts],
                            "data": encode_base58(one.data),
                            "programIdIndex": seats[one.program],
                            "stackHeight": one.height,
                        }
                        for one in instructions
                    ],
                }
                for index, instructions in sorted(self._inner.items())
            ]
        except KeyError as error:
            raise WrittenLedgerError(f"a call names {error}, which no instruction of the message has") from None

    def _token_balances(self, holdings: Iterator[tuple[int, TokenHolding | None]]) -> list[dict[str, Any]]:
        return [
            {
                "accountIndex": seat,
                "mint": str(holding.mint),
                "owner": str(holding.owner),
                "programId": str(holding.token_program),
                "uiTokenAmount": ui_token_amount(holding.amount_raw, self.ledger.decimals[holding.mint]),
            }
            for seat, holding in holdings
            if holding is not None
        ]


def _loaded(
    message: Message | MessageV0, tables: Sequence[AddressLookupTableAccount]
) -> tuple[list[Pubkey], list[Pubkey]]:
    """The keys that a message's look-ups load, writable then readonly, in its order."""
    if isinstance(message, Message):
        return [], []
    addresses = {table.key: table.addresses for table in tables}
    lookups = message.address_table_lookups
    writable = [addresses[lookup.account_key][seat] for lookup in lookups for seat in lookup.writable_indexes]
    readonly = [addresses[lookup.account_key][seat] for lookup in lookups for seat in lookup.readonly_indexes]
    return writable, readonly

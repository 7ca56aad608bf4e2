"""A ledger that executes transactions on the real Solana virtual machine and reports them as a node would.

Logs, inner instructions, compute units, fees and errors are LiteSVM's own; balances are read from the accounts before
and after. Only slots, block times and the position in a block are given from outside.

Known differences from mainnet: the token program is the build that LiteSVM ships; sysvar and program accounts hold
other lamports; a *failed* durable-nonce transaction does not advance its nonce here, so none is to be sent.
"""

import base64
import json
from struct import pack
from typing import Any

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing.synthetic_accounts import (
    TOKEN_PROGRAMS,
    MintState,
    TokenAccountState,
    read_mint,
    read_token_account,
    token_balance_entry,
)
from oof_pipelines.testing.synthetic_instructions import NATIVE_MINT, TOKEN_PROGRAM

_SLOTS_AN_EPOCH = 432_000
_NATIVE_MINT_LAMPORTS = 1_000_000_000
_Accounts = list[Account | None]


class LedgerError(RuntimeError):
    """The virtual machine refused a transaction outright: it would not have landed, so there is nothing to record."""


class Ledger:
    """Accounts, a clock and a blockhash; `execute` lands one transaction and returns its getTransaction result."""

    def __init__(self) -> None:
        self._svm = LiteSVM()
        self.slot = 0
        self.unix_time_s = 0
        # LiteSVM starts without the wrapped SOL mint; authority and freeze authority are absent, as on mainnet.
        native_mint = pack("<I32sQBBI32s", 0, bytes(32), 0, 9, 1, 0, bytes(32))
        self._svm.set_account(NATIVE_MINT, Account(_NATIVE_MINT_LAMPORTS, native_mint, TOKEN_PROGRAM))

    def fund(self, address: Pubkey, lamports: int) -> None:
        """Give a System account its balance at genesis, outside any transaction."""
        self._svm.set_account(address, Account(lamports, b"", SYSTEM_PROGRAM))

    def open_slot(self, slot: int, unix_time_s: int) -> None:
        """Move to a slot: the clock follows, and there is a new blockhash, derived from the one before."""
        self.slot, self.unix_time_s = slot, unix_time_s
        epoch = slot // _SLOTS_AN_EPOCH
        self._svm.set_clock(Clock(slot, unix_time_s, epoch, epoch + 1, unix_time_s))
        self._svm.expire_blockhash()

    def remember_slot_hash(self, slot: int) -> None:
        """Put one slot into the SlotHashes sysvar: a lookup table may only be created at a slot that is in it."""
        self._svm.set_slot_hashes([(slot, self._svm.latest_blockhash())])

    @property
    def blockhash(self) -> Hash:
        """The blockhash a transaction of this slot names."""
        return self._svm.latest_blockhash()

    def lamports(self, address: Pubkey) -> int:
        """Balance in lamports; 0 for an account that does not exist."""
        return self._svm.get_balance(address) or 0

    def data(self, address: Pubkey) -> bytes:
        """An account's bytes; empty for an account that does not exist."""
        account = self._svm.get_account(address)
        return b"" if account is None else bytes(account.data)

    def token_account(self, address: Pubkey) -> TokenAccountState | None:
        """The token account at an address, if there is one."""
        return read_token_account(self._svm.get_account(address))

    def mint(self, address: Pubkey) -> MintState | None:
        """The mint at an address, if there is one."""
        return read_mint(self._svm.get_account(address))

    def rent_lamports(self, data_bytes: int) -> int:
        """The least balance that exempts an account of that size from rent."""
        return self._svm.minimum_balance_for_rent_exemption(data_bytes)

    def execute(
        self,
        transaction: VersionedTransaction,
        loaded_writable: list[Pubkey],
        loaded_readonly: list[Pubkey],
        *,
        is_time_known: bool,
        index_in_slot: int,
    ) -> dict[str, Any]:
        """Land a signed transaction; returns the `result` of getTransaction with the transaction in base64.

        `loaded_writable` and `loaded_readonly` are the keys its address table look-ups stand for, in message order.
        Raises LedgerError when it could not have landed (bad signature, unknown blockhash, unpayable fee, sent before).
        """
        keys = [*transaction.message.account_keys, *loaded_writable, *loaded_readonly]
        before: _Accounts = [self._svm.get_account(key) for key in keys]
        outcome = self._svm.send_transaction(transaction)
        after: _Accounts = [self._svm.get_account(key) for key in keys]
        if isinstance(outcome, FailedTransactionMetadata):
            error, metadata = json.loads(outcome.to_json())["err"], outcome.meta()
        else:
            error, metadata = None, outcome
        paid_lamports = _lamports_of(before[0]) - _lamports_of(after[0])
        if error is not None and (metadata.fee() == 0 or paid_lamports != metadata.fee()):
            raise LedgerError(f"slot {self.slot}: transaction {transaction.signatures[0]} cannot land: {error}")
        has_token_program = any(program in keys for program in TOKEN_PROGRAMS)
        return {
            "blockTime": self.unix_time_s if is_time_known else None,
            "meta": {
                "computeUnitsConsumed": metadata.compute_units_consumed(),
                "err": error,
                "fee": metadata.fee(),
                "innerInstructions": _inner_instructions(metadata),
                "loadedAddresses": {
                    "readonly": [str(key) for key in loaded_readonly],
                    "writable": [str(key) for key in loaded_writable],
                },
                "logMessages": metadata.logs(),
                "postBalances": [_lamports_of(account) for account in after],
                "postTokenBalances": self._token_balances(after) if has_token_program else [],
                "preBalances": [_lamports_of(account) for account in before],
                "preTokenBalances": self._token_balances(before) if has_token_program else [],
                **_return_data(metadata),
                "rewards": [],
                "status": {"Ok": None} if error is None else {"Err": error},
            },
            "slot": self.slot,
            "transaction": [base64.b64encode(bytes(transaction)).decode(), "base64"],
            "transactionIndex": index_in_slot,
            "version": 0 if isinstance(transaction.message, MessageV0) else "legacy",
        }

    def _token_balances(self, accounts: _Accounts) -> list[dict[str, Any]]:
        entries = []
        for index, account in enumerate(accounts):
            state = read_token_account(account)
            mint = None if state is None else self.mint(state.mint)
            if state is not None and mint is not None:
                entries.append(token_balance_entry(index, state, mint.decimals))
        return entries


def _lamports_of(account: Account | None) -> int:
    return 0 if account is None else account.lamports


def _inner_instructions(metadata: TransactionMetadata) -> list[dict[str, Any]]:
    """Inner instructions by outer instruction; one that invoked nothing is left out, as a node leaves it out."""
    groups = []
    for index, inner in enumerate(metadata.inner_instructions()):
        instructions = []
        for item in inner:
            compiled = item.instruction()
            instructions.append(
                {
                    "accounts": list(compiled.accounts),
                    "data": encode_base58(bytes(compiled.data)),
                    "programIdIndex": compiled.program_id_index,
                    "stackHeight": item.stack_height(),
                }
            )
        if instructions:
            groups.append({"index": index, "instructions": instructions})
    return groups


def _return_data(metadata: TransactionMetadata) -> dict[str, Any]:
    """The `returnData` key, only where a program returned something."""
    returned = metadata.return_data()
    if not returned.data:
        return {}
    encoded = base64.b64encode(returned.data).decode()
    return {"returnData": {"data": [encoded, "base64"], "programId": str(returned.program_id)}}

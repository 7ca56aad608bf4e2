"""Transactions made by hand, for what no real one shows: the largest amounts, odd decimals, books that do not add up."""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.workflows.prepare import FetchedBody, prepare

SYSTEM = "11111111111111111111111111111111"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
LARGEST_U64 = 2**64 - 1
FEE_LAMPORTS = 5_000
SLOT = 400_000_000
NOW = datetime(2026, 11, 21, tzinfo=UTC)

_TRANSFER_LAMPORTS = struct.Struct("<IQ")
_TRANSFER_TOKENS = struct.Struct("<BQ")


def address(name: object) -> str:
    """The same address for the same name."""
    return encode_base58(b"\1" + hashlib.sha256(str(name).encode()).digest()[1:])


def signature_of(name: object) -> str:
    return encode_base58(b"\1" + hashlib.sha512(str(name).encode()).digest()[1:])


def lamport_transfer(source: str, destination: str, lamports: int) -> tuple[str, list[str], bytes]:
    """System's transfer: (program, accounts, data)."""
    return SYSTEM, [source, destination], _TRANSFER_LAMPORTS.pack(2, lamports)


def token_transfer(
    source: str, destination: str, authority: str, amount_raw: int, program: str = TOKEN
) -> tuple[str, list[str], bytes]:
    """The token programs' transfer: (program, accounts, data)."""
    return program, [source, destination, authority], _TRANSFER_TOKENS.pack(3, amount_raw)


@dataclass
class Crafted:
    """A transaction by its books: account → lamports before and after, token account → (mint, owner, before, after)."""

    name: object
    lamports: dict[str, tuple[int, int]]
    tokens: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)
    instructions: Sequence[tuple[str, list[str], bytes]] = ()
    slot: int = SLOT
    decimals: int = 6
    token_program: str | None = TOKEN
    error: Any = None
    tx_index: int | None = None

    @property
    def signature(self) -> str:
        return signature_of(self.name)

    def body(self) -> bytes:
        """The getTransaction result; the fee payer is the first account of `lamports`."""
        named = [*self.lamports, *self.tokens]
        for program, accounts, _ in self.instructions:
            named += [*accounts, program]
        keys = list(dict.fromkeys(named))
        lamports = [self.lamports.get(key, (1, 1)) for key in keys]
        result = {
            "slot": self.slot,
            "blockTime": estimate_block_time_s(self.slot),
            "version": "legacy",
            "transaction": {
                "signatures": [self.signature],
                "message": {
                    "header": {"numRequiredSignatures": 1},
                    "accountKeys": keys,
                    "recentBlockhash": SYSTEM,
                    "instructions": [
                        {
                            "programIdIndex": keys.index(program),
                            "accounts": [keys.index(account) for account in accounts],
                            "data": encode_base58(data),
                        }
                        for program, accounts, data in self.instructions
                    ],
                },
            },
            "meta": {
                "err": self.error,
                "fee": FEE_LAMPORTS,
                "preBalances": [before for before, _ in lamports],
                "postBalances": [after for _, after in lamports],
                "preTokenBalances": self._token_balances(keys, 2),
                "postTokenBalances": self._token_balances(keys, 3),
                "logMessages": [],
            },
        }
        if self.tx_index is not None:
            result["transactionIndex"] = self.tx_index
        return json.dumps(result).encode()

    def _token_balances(self, keys: list[str], side: int) -> list[dict[str, Any]]:
        return [
            {
                "accountIndex": keys.index(account),
                "mint": row[0],
                "owner": row[1],
                "programId": self.token_program,
                "uiTokenAmount": {"amount": str(row[side]), "decimals": self.decimals},
            }
            for account, row in self.tokens.items()
        ]

    def stored(self) -> StoredTransaction:
        """As the feed would store it."""
        row = prepare(FetchedBody(self.signature, self.body()), self.slot, "mainnet-beta", NOW)
        assert isinstance(row, StoredTransaction), row
        return row


def largest_amounts(name: object = "largest", **changes: Any) -> Crafted:
    """A transfer of every lamport and of every token unit a u64 can hold."""
    payer, rich, poor, mint = (address(word) for word in ("payer", "rich", "poor", "mint"))
    giver, taker = address("giver"), address("taker")
    values: dict[str, Any] = {
        "lamports": {payer: (10_000, 5_000), rich: (LARGEST_U64, 0), poor: (0, LARGEST_U64)},
        "tokens": {giver: (mint, rich, LARGEST_U64, 0), taker: (mint, poor, 0, LARGEST_U64)},
        "instructions": [
            lamport_transfer(rich, poor, LARGEST_U64),
            token_transfer(giver, taker, rich, LARGEST_U64),
        ],
    }
    return Crafted(name, **(values | changes))

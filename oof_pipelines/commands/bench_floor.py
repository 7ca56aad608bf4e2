"""The floor under any decoder in Python: msgspec reading the same JSON into typed structures, and nothing else.

No base64, base58 or message is opened, nothing is checked or looked up. Kept apart from the decoder's own structures, so that
a change there does not move what it is measured against.
"""

from typing import Any

import msgspec


class _Amount(msgspec.Struct):
    amount: str
    decimals: int = 0


class _TokenBalance(msgspec.Struct, rename="camel"):
    account_index: int
    mint: str
    ui_token_amount: _Amount
    owner: str | None = None
    program_id: str | None = None


class _Instruction(msgspec.Struct, rename="camel"):
    program_id_index: int | None = None
    program_id: str | None = None
    accounts: list[int | str] | None = None
    data: str | None = None
    parsed: Any = None
    stack_height: int | None = None


class _Inner(msgspec.Struct):
    index: int
    instructions: list[_Instruction]


class _Loaded(msgspec.Struct):
    writable: list[str] = []
    readonly: list[str] = []


class _Meta(msgspec.Struct, rename="camel"):
    fee: int
    err: Any = None
    pre_balances: list[int] = []
    post_balances: list[int] = []
    pre_token_balances: list[_TokenBalance] | None = None
    post_token_balances: list[_TokenBalance] | None = None
    inner_instructions: list[_Inner] | None = None
    log_messages: list[str] | None = None
    loaded_addresses: _Loaded | None = None
    compute_units_consumed: int | None = None


class _Key(msgspec.Struct):
    pubkey: str
    signer: bool = False


class _Message(msgspec.Struct, rename="camel"):
    account_keys: list[str | _Key]
    instructions: list[_Instruction]


class _Transaction(msgspec.Struct):
    signatures: list[str]
    message: _Message


class TypedResult(msgspec.Struct, rename="camel"):
    """A getTransaction result of any encoding."""

    transaction: _Transaction | list[str] | str
    meta: _Meta | None = None
    slot: int | None = None
    block_time: int | None = None
    version: int | str | None = None
    transaction_index: int | None = None


read_typed = msgspec.json.Decoder(TypedResult).decode
"""JSON bytes → typed structures; `msgspec.DecodeError` where they are no getTransaction result."""

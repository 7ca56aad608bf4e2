"""The shapes of a getTransaction result as JSON has it, for msgspec to read: `transaction.py` makes one view of them all."""

from typing import Any

import msgspec


class JsonUiAmount(msgspec.Struct, gc=False):
    amount: str
    decimals: int = 0


class JsonTokenBalance(msgspec.Struct, rename="camel", gc=False):
    account_index: int
    mint: str
    ui_token_amount: JsonUiAmount
    owner: str | None = None
    program_id: str | None = None


class JsonLoaded(msgspec.Struct, gc=False):
    writable: list[str] = []
    readonly: list[str] = []


class JsonInstruction(msgspec.Struct, rename="camel", gc=False):
    """Of any encoding: indexes, or names, or the node's own words."""

    program_id_index: int | None = None
    program_id: str | None = None
    accounts: list[int | str] | None = None
    data: str | None = None
    parsed: Any = None
    stack_height: int | None = None


class WireInstruction(msgspec.Struct, gc=False):
    """The same of an instruction that came as bytes: each byte of `accounts` is an index."""

    program_id_index: int
    accounts: bytes
    data: bytes
    program_id: str | None = None
    parsed: Any = None
    stack_height: int | None = None


class JsonInnerInstructions(msgspec.Struct, gc=False):
    index: int
    instructions: list[JsonInstruction]


class JsonMeta(msgspec.Struct, rename="camel", gc=False):
    fee: int
    err: Any = None
    pre_balances: list[int] = []
    post_balances: list[int] = []
    pre_token_balances: list[JsonTokenBalance] | None = None
    post_token_balances: list[JsonTokenBalance] | None = None
    inner_instructions: list[JsonInnerInstructions] | None = None
    log_messages: list[str] | None = None
    loaded_addresses: JsonLoaded | None = None
    compute_units_consumed: int | None = None


class JsonKey(msgspec.Struct, gc=False):
    pubkey: str
    signer: bool = False


class JsonHeader(msgspec.Struct, rename="camel", gc=False):
    num_required_signatures: int


class JsonMessage(msgspec.Struct, rename="camel", gc=False):
    account_keys: list[str | JsonKey]
    instructions: list[JsonInstruction]
    header: JsonHeader | None = None


class JsonTransaction(msgspec.Struct, gc=False):
    signatures: list[str]
    message: JsonMessage


class JsonOutline(msgspec.Struct, kw_only=True, rename="camel", gc=False):
    """A getTransaction result beside its transaction."""

    meta: JsonMeta | None = None
    slot: int | None = None
    block_time: int | None = None
    version: int | str | None = None
    transaction_index: int | None = None


Wire = tuple[bytes, str]
"""The bytes of a transaction and the encoding they were recorded in."""


class JsonResult(JsonOutline, kw_only=True, rename="camel", gc=False):
    transaction: JsonTransaction | Wire


class JsonResultInParts(JsonOutline, kw_only=True, rename="camel", gc=False):
    transaction: msgspec.Raw


result_decoder = msgspec.json.Decoder(JsonResult)
result_in_parts_decoder = msgspec.json.Decoder(JsonResultInParts)
json_transaction_decoder = msgspec.json.Decoder(JsonTransaction)

"""JSON-RPC 2.0 as a Solana node speaks it: requests, answers spliced from raw JSON, errors, parameters."""

from dataclasses import dataclass
from typing import Any

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.testing.recorded_node.chain_view import COMMITMENTS, FINALIZED, PROCESSED

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
BLOCK_NOT_AVAILABLE = -32004
LONG_TERM_STORAGE_SLOT_SKIPPED = -32009
UNSUPPORTED_TRANSACTION_VERSION = -32015
LONG_TERM_STORAGE_UNREACHABLE = -32019
"""Codes of agave's rpc-client-api, custom_error.rs, and of JSON-RPC itself."""

MAX_SLOT = 2**64 - 1


class RpcError(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid_params(message: str) -> RpcError:
    """A -32602."""
    return RpcError(INVALID_PARAMS, message)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `request_id` is JSON text, `null` where there was none."""

    request_id: bytes
    method: str
    params: list[Any]

    def first_param_text(self) -> str:
        """The first parameter as JSON, to tell requests apart; empty where there is none."""
        return msgspec.json.encode(self.params[0]).decode() if self.params else ""


def decode_message(text: bytes | str) -> Any:
    """The JSON value of a request text; raises `RpcError` -32700."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RpcError(PARSE_ERROR, "Parse error") from None


def read_request(value: Any) -> Request:
    """The request in a decoded message; raises `RpcError` -32600."""
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0" or not isinstance(value.get("method"), str):
        raise RpcError(INVALID_REQUEST, "Invalid request")
    params = value.get("params")
    if params is None:
        params = []
    if not isinstance(params, list):
        raise RpcError(INVALID_REQUEST, "Invalid request")
    return Request(request_id_text(value), value["method"], params)


def request_id_text(value: Any) -> bytes:
    """The `id` of a decoded message as JSON, `null` where there is none."""
    return msgspec.json.encode(value.get("id") if isinstance(value, dict) else None)


def result_text(result: bytes, request_id: bytes) -> bytes:
    """An envelope around `result`, whose bytes are not touched."""
    return b'{"jsonrpc":"2.0","result":' + result + b',"id":' + request_id + b"}"


def error_text(error: RpcError, request_id: bytes) -> bytes:
    """An envelope with `error`."""
    body = msgspec.json.encode({"code": error.code, "message": error.message})
    return b'{"jsonrpc":"2.0","error":' + body + b',"id":' + request_id + b"}"


def required(params: list[Any], index: int) -> Any:
    """The parameter at `index`; raises `RpcError` where it is missing."""
    if index >= len(params):
        raise invalid_params(f"`params` should have at least {index + 1} argument(s)")
    return params[index]


def config(params: list[Any], index: int) -> dict[str, Any]:
    """The configuration object at `index`, empty where there is none."""
    value = params[index] if index < len(params) else None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid_params("Invalid params: expected a configuration object.")
    return value


def pubkey_param(value: Any) -> str:
    """A base58 public key, or the error that a node gives."""
    return _sized_param(value, Pubkey, 32)


def signature_param(value: Any) -> str:
    """A base58 signature, or the error that a node gives."""
    return _sized_param(value, Signature, 64)


def _sized_param(value: Any, kind: type[Pubkey] | type[Signature], size_bytes: int) -> str:
    if not isinstance(value, str):
        raise invalid_params(f"Invalid params: invalid type: {_type_name(value)}, expected a string.")
    try:
        return str(kind.from_string(value))
    except ValueError:
        pass
    try:
        is_sized = len(decode_base58(value)) == size_bytes
    except ValueError:
        is_sized = True
    raise invalid_params("Invalid param: Invalid" if is_sized else "Invalid param: WrongSize")


def _type_name(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "floating point", list: "sequence", dict: "map"}
    return names.get(type(value), "null")


def slot_param(value: Any) -> int:
    """A slot number."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SLOT:
        raise invalid_params("Invalid params: invalid value, expected u64.")
    return value


def commitment_of(options: dict[str, Any], *, is_processed_allowed: bool) -> str:
    """The `commitment` of a configuration, finalized by default; history methods refuse `processed` as a node does."""
    value = options.get("commitment")
    if value is None:
        return FINALIZED
    if value not in COMMITMENTS:
        raise invalid_params(f"Invalid params: unknown variant `{value}`, expected one of {', '.join(COMMITMENTS)}")
    if value == PROCESSED and not is_processed_allowed:
        raise invalid_params("Method does not support commitment below `confirmed`")
    return str(value)

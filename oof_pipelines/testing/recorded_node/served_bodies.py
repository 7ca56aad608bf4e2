"""Bodies as a node hands them out: the encodings and versions it allows, and a body as a block element."""

from typing import Any

import msgspec

from oof_pipelines.testing.recorded_node.json_rpc import (
    UNSUPPORTED_TRANSACTION_VERSION,
    RpcError,
    invalid_params,
)
from oof_pipelines.testing.recorded_node.ledger import Entry, Ledger

_ENCODINGS = ("json", "jsonParsed", "base64", "base58", "base64+zstd", "binary")
_ELEMENT_FIELDS = ("transaction", "meta", "version")
_fields_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])


def encoding_of(options: dict[str, Any]) -> str:
    """The encoding asked for, `json` by default."""
    value = options.get("encoding")
    if value is None:
        return "json"
    if value not in _ENCODINGS:
        raise invalid_params(f"Invalid params: unknown variant `{value}`, expected one of `binary`, `base64`, ...")
    # `binary` is the old name of a bare base58 string.
    return "base58" if value == "binary" else str(value)


def max_version_of(options: dict[str, Any]) -> int | None:
    """`maxSupportedTransactionVersion`, None where it is not given."""
    value = options.get("maxSupportedTransactionVersion")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 255):
        raise invalid_params("Invalid params: maxSupportedTransactionVersion, expected u8.")
    return value


def check_version(entry: Entry, max_version: int | None) -> None:
    """Raise the node's -32015 where the transaction is of a version that the asker does not claim to read."""
    is_number = entry.version.isascii() and entry.version.isdigit()
    if not is_number or (max_version is not None and int(entry.version) <= max_version):
        return
    raise RpcError(
        UNSUPPORTED_TRANSACTION_VERSION,
        f"Transaction version ({entry.version}) is not supported by the requesting client. Please try the request "
        f'again with the following configuration parameter: "maxSupportedTransactionVersion": {entry.version}',
    )


def result_body(ledger: Ledger, entry: Entry, encoding: str, max_version: int | None) -> bytes:
    """The getTransaction result: the recorded bytes, less the `version` key where no highest version was named."""
    check_version(entry, max_version)
    body = ledger.read_body(entry, encoding)
    if max_version is not None:
        return body
    fields = _fields_decoder.decode(body)
    if fields.pop("version", None) is None:
        return body
    return msgspec.json.encode(fields)


def in_slot(body: bytes, slot: int) -> bytes:
    """The result as a node gives it that has the transaction in `slot`."""
    fields = _fields_decoder.decode(body)
    fields["slot"] = msgspec.Raw(b"%d" % slot)
    return msgspec.json.encode(fields)


def block_element(ledger: Ledger, entry: Entry, encoding: str, max_version: int | None) -> msgspec.Raw:
    """The transaction as getBlock lists it: without slot, time and index."""
    check_version(entry, max_version)
    fields = _fields_decoder.decode(ledger.read_body(entry, encoding))
    names = _ELEMENT_FIELDS if max_version is not None else _ELEMENT_FIELDS[:2]
    return msgspec.Raw(msgspec.json.encode({name: fields[name] for name in names if name in fields}))

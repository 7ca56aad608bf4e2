"""From a transaction as a Geyser stream brings it to the body that getTransaction would give, wire bytes and all. Pure.

The stream brings a message in parts. They are put together again as they were signed (solana-message, short_vec.rs), and
the signatures decide whether that came out right: what does not verify is no body. Everything else of the body is as agave
prints it (transaction-status, UiTransactionStatusMeta): keys in order, no blanks, base58 for keys and inner data.
"""

import base64
import re
from typing import Any

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.body import MAX_TX_INDEX, MAX_WIRE_BYTES
from oof_pipelines.chain.transaction_error import read_transaction_error
from oof_pipelines.transport.geyser_wire import geyser_pb2, solana_storage_pb2

_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_VERSION_0_MARK = b"\x80"
# What the storage format cannot tell from "no amount": f64::EPSILON, as storage-proto's convert.rs has it.
_NO_AMOUNT = 2.0**-52
_REWARD_TYPES = {1: "Fee", 2: "Rent", 3: "Staking", 4: "Voting", 5: "DeactivatedStake"}
# Percent, in a byte.
_COMMISSION = re.compile(r"[0-9]{1,3}")
_encoder = msgspec.json.Encoder()


class RebuildError(ValueError):
    """The stream's parts do not make a transaction that somebody signed, or hold what no body can say."""


def read_signature(info: geyser_pb2.SubscribeUpdateTransactionInfo) -> str:
    """The transaction's first signature in base58. Raises `RebuildError` where it is none."""
    if len(info.signature) != _SIGNATURE_BYTES:
        raise RebuildError(f"a signature of {len(info.signature)} bytes")
    return str(Signature.from_bytes(info.signature))


def rebuild_body(info: geyser_pb2.SubscribeUpdateTransactionInfo, slot: int) -> bytes:
    """The getTransaction result in base64 encoding, less `blockTime`, which comes with the block meta.

    Raises `RebuildError` where no form of the message verifies, and where outcome or parts cannot be read.
    """
    if not info.HasField("meta"):
        raise RebuildError("the outcome is missing")
    version, wire = rebuild_wire(info)
    body: dict[str, Any] = {
        "meta": _meta(info.meta),
        "slot": slot,
        "transaction": [base64.b64encode(wire).decode(), "base64"],
    }
    if info.index <= MAX_TX_INDEX:
        # A server that does not know the place in the block can only send some number, and none of these is one.
        body["transactionIndex"] = info.index
    body["version"] = version
    return _encoder.encode(body)


def rebuild_wire(info: geyser_pb2.SubscribeUpdateTransactionInfo) -> tuple[int | str, bytes]:
    """The message's version, 'legacy' or 0, and the wire bytes that were signed. Raises `RebuildError`."""
    message = info.transaction.message
    signatures = list(info.transaction.signatures)
    if not signatures or signatures[0] != info.signature:
        raise RebuildError("the signatures do not begin with the one that names the transaction")
    if message.HasField("config"):
        raise RebuildError("the message is of version 1, which is not read here")
    parts = _message_parts(message)
    forms: list[tuple[int | str, bytes]] = [
        ("legacy", parts),
        (0, _VERSION_0_MARK + parts + _lookups(message)),
    ]
    # Some servers leave `versioned` out, so both forms are tried, the stated one first.
    for version, signed in reversed(forms) if message.versioned else forms:
        if _is_signed(signed, signatures, message):
            wire = _compact_length(len(signatures)) + b"".join(signatures) + signed
            if len(wire) > MAX_WIRE_BYTES:
                raise RebuildError(f"{len(wire)} bytes, more than a transaction may have")
            return version, wire
    raise RebuildError("the signatures do not verify")


def _is_signed(signed: bytes, signatures: list[bytes], message: solana_storage_pb2.Message) -> bool:
    if len(signatures) != message.header.num_required_signatures or len(signatures) > len(message.account_keys):
        return False
    if any(len(one) != _SIGNATURE_BYTES for one in signatures):
        return False
    pairs = zip(signatures, message.account_keys, strict=False)
    return all(Signature.from_bytes(one).verify(Pubkey.from_bytes(key), signed) for one, key in pairs)


def _message_parts(message: solana_storage_pb2.Message) -> bytes:
    header = message.header
    counts = (
        header.num_required_signatures,
        header.num_readonly_signed_accounts,
        header.num_readonly_unsigned_accounts,
    )
    if any(len(key) != _KEY_BYTES for key in (*message.account_keys, message.recent_blockhash)):
        raise RebuildError("a key or the blockhash is not of 32 bytes")
    parts = [_bytes_of(counts), _compact_length(len(message.account_keys)), *message.account_keys]
    parts += [message.recent_blockhash, _compact_length(len(message.instructions))]
    for instruction in message.instructions:
        parts += [
            _bytes_of((instruction.program_id_index,)),
            _sized(instruction.accounts),
            _sized(instruction.data),
        ]
    return b"".join(parts)


def _lookups(message: solana_storage_pb2.Message) -> bytes:
    parts = [_compact_length(len(message.address_table_lookups))]
    for lookup in message.address_table_lookups:
        parts += [lookup.account_key, _sized(lookup.writable_indexes), _sized(lookup.readonly_indexes)]
    return b"".join(parts)


def _sized(data: bytes) -> bytes:
    return _compact_length(len(data)) + data


def _compact_length(length: int) -> bytes:
    """A length in seven bits a byte, the lowest first, the top bit of each byte saying that more follow."""
    if length > 0xFFFF:
        raise RebuildError(f"a list of {length}")
    encoded = bytearray()
    while length >= 0x80:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)


def _bytes_of(numbers: tuple[int, ...]) -> bytes:
    try:
        return bytes(numbers)
    except ValueError:
        raise RebuildError(f"one of {numbers} is no byte") from None


def _meta(meta: solana_storage_pb2.TransactionStatusMeta) -> dict[str, Any]:
    try:
        error = read_transaction_error(meta.err.err) if meta.HasField("err") else None
    except ValueError as problem:
        raise RebuildError(str(problem)) from None
    value: dict[str, Any] = {}
    if meta.HasField("compute_units_consumed"):
        value["computeUnitsConsumed"] = meta.compute_units_consumed
    if meta.HasField("cost_units"):
        value["costUnits"] = meta.cost_units
    value |= {
        "err": error,
        "fee": meta.fee,
        "innerInstructions": None if meta.inner_instructions_none else _inner(meta),
        "loadedAddresses": {
            "readonly": [_key(key) for key in meta.loaded_readonly_addresses],
            "writable": [_key(key) for key in meta.loaded_writable_addresses],
        },
        "logMessages": None if meta.log_messages_none else list(meta.log_messages),
        "postBalances": list(meta.post_balances),
        "postTokenBalances": [_token_balance(one) for one in meta.post_token_balances],
        "preBalances": list(meta.pre_balances),
        "preTokenBalances": [_token_balance(one) for one in meta.pre_token_balances],
    }
    if meta.HasField("return_data") and not meta.return_data_none:
        data = base64.b64encode(meta.return_data.data).decode()
        value["returnData"] = {"data": [data, "base64"], "programId": _key(meta.return_data.program_id)}
    value["rewards"] = [_reward(one) for one in meta.rewards]
    value["status"] = {"Ok": None} if error is None else {"Err": error}
    return value


def _inner(meta: solana_storage_pb2.TransactionStatusMeta) -> list[dict[str, Any]]:
    return [
        {"index": group.index, "instructions": [_inner_instruction(one) for one in group.instructions]}
        for group in meta.inner_instructions
    ]


def _inner_instruction(one: solana_storage_pb2.InnerInstruction) -> dict[str, Any]:
    return {
        "accounts": list(one.accounts),
        "data": encode_base58(one.data),
        "programIdIndex": one.program_id_index,
        "stackHeight": one.stack_height if one.HasField("stack_height") else None,
    }


def _token_balance(one: solana_storage_pb2.TokenBalance) -> dict[str, Any]:
    amount = one.ui_token_amount
    value: dict[str, Any] = {"accountIndex": one.account_index, "mint": one.mint}
    # Ledgers older than these fields have them empty; a node then leaves the key out.
    value |= {name: text for name, text in (("owner", one.owner), ("programId", one.program_id)) if text}
    value["uiTokenAmount"] = {
        "amount": amount.amount,
        "decimals": amount.decimals,
        "uiAmount": amount.ui_amount if amount.ui_amount > _NO_AMOUNT else None,
        "uiAmountString": amount.ui_amount_string,
    }
    return value


def _reward(one: solana_storage_pb2.Reward) -> dict[str, Any]:
    return {
        "commission": int(one.commission) if _COMMISSION.fullmatch(one.commission) else None,
        "lamports": one.lamports,
        "postBalance": one.post_balance,
        "pubkey": one.pubkey,
        "rewardType": _REWARD_TYPES.get(one.reward_type),
    }


def _key(key: bytes) -> str:
    if len(key) != _KEY_BYTES:
        raise RebuildError(f"an address of {len(key)} bytes")
    return str(Pubkey.from_bytes(key))

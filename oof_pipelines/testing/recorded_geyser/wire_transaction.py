"""From a recorded body to the message that a Geyser server sends for it. Pure.

A body in a raw encoding (json, base64 and its like) gives the whole transaction. One that is parsed, incomplete or damaged
gives its signature alone: nobody could send more, and a client has to cope with what it cannot put together.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.body import read_wire
from oof_pipelines.chain.transaction_error import write_transaction_error
from oof_pipelines.transport.geyser_wire import geyser_pb2, solana_storage_pb2

UNKNOWN_INDEX = 2**64 - 1
"""Sent for a place in the block that nobody recorded: the field cannot be left out, and no block is so long."""

_decoder = msgspec.json.Decoder()


class NotRawError(ValueError):
    """A recorded body that does not hold a whole raw transaction with its outcome; the message says what is missing."""


def transaction_info(
    signature: str, body: bytes | None, *, is_vote: bool, tx_index: int | None
) -> geyser_pb2.SubscribeUpdateTransactionInfo:
    """What the stream says of one transaction; of one whose `body` is not raw, or is None, signature and place alone."""
    info = geyser_pb2.SubscribeUpdateTransactionInfo(
        signature=bytes(Signature.from_string(signature)),
        is_vote=is_vote,
        index=UNKNOWN_INDEX if tx_index is None else tx_index,
    )
    if body is None:
        return info
    try:
        transaction, meta = raw_parts(body)
    except NotRawError:
        return info
    info.transaction.CopyFrom(transaction)
    info.meta.CopyFrom(meta)
    return info


def raw_parts(
    body: bytes,
) -> tuple[solana_storage_pb2.Transaction, solana_storage_pb2.TransactionStatusMeta]:
    """Message and outcome of a getTransaction result. Raises `NotRawError`."""
    try:
        value = _decoder.decode(body)
        transaction = value["transaction"]
        if isinstance(transaction, dict):
            return _from_json(transaction), _meta(value["meta"])
        _, wire = read_wire(msgspec.json.encode(transaction))
        return _from_wire(VersionedTransaction.from_bytes(wire)), _meta(value["meta"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise NotRawError(f"{type(error).__name__}: {error}") from None


def _from_wire(signed: VersionedTransaction) -> solana_storage_pb2.Transaction:
    message = signed.message
    if not isinstance(message, Message | MessageV0):
        raise NotRawError("a message of a version that no client reads")
    written = solana_storage_pb2.Message(
        account_keys=[bytes(key) for key in message.account_keys],
        recent_blockhash=bytes(message.recent_blockhash),
        versioned=isinstance(message, MessageV0),
        instructions=[
            solana_storage_pb2.CompiledInstruction(
                program_id_index=one.program_id_index, accounts=bytes(one.accounts), data=bytes(one.data)
            )
            for one in message.instructions
        ],
    )
    _set_header(written, message)
    if isinstance(message, MessageV0):
        for lookup in message.address_table_lookups:
            written.address_table_lookups.add(
                account_key=bytes(lookup.account_key),
                writable_indexes=bytes(lookup.writable_indexes),
                readonly_indexes=bytes(lookup.readonly_indexes),
            )
    return solana_storage_pb2.Transaction(signatures=[bytes(one) for one in signed.signatures], message=written)


def _set_header(written: solana_storage_pb2.Message, message: Message | MessageV0) -> None:
    header = message.header
    written.header.num_required_signatures = header.num_required_signatures
    written.header.num_readonly_signed_accounts = header.num_readonly_signed_accounts
    written.header.num_readonly_unsigned_accounts = header.num_readonly_unsigned_accounts


def _from_json(transaction: Mapping[str, Any]) -> solana_storage_pb2.Transaction:
    message = transaction["message"]
    header = message["header"]
    lookups = message.get("addressTableLookups")
    written = solana_storage_pb2.Message(
        header=solana_storage_pb2.MessageHeader(
            num_required_signatures=header["numRequiredSignatures"],
            num_readonly_signed_accounts=header["numReadonlySignedAccounts"],
            num_readonly_unsigned_accounts=header["numReadonlyUnsignedAccounts"],
        ),
        account_keys=[_key(key) for key in message["accountKeys"]],
        recent_blockhash=_key(message["recentBlockhash"]),
        instructions=[
            solana_storage_pb2.CompiledInstruction(
                program_id_index=one["programIdIndex"],
                accounts=bytes(one["accounts"]),
                data=decode_base58(one["data"]),
            )
            for one in message["instructions"]
        ],
        versioned=lookups is not None,
    )
    for lookup in lookups or ():
        written.address_table_lookups.add(
            account_key=_key(lookup["accountKey"]),
            writable_indexes=bytes(lookup["writableIndexes"]),
            readonly_indexes=bytes(lookup["readonlyIndexes"]),
        )
    signatures = [bytes(Signature.from_string(one)) for one in transaction["signatures"]]
    return solana_storage_pb2.Transaction(signatures=signatures, message=written)


def _meta(meta: Mapping[str, Any]) -> solana_storage_pb2.TransactionStatusMeta:
    inner, logs, returned = meta.get("innerInstructions"), meta.get("logMessages"), meta.get("returnData")
    loaded = meta.get("loadedAddresses") or {}
    written = solana_storage_pb2.TransactionStatusMeta(
        fee=meta["fee"],
        pre_balances=meta["preBalances"],
        post_balances=meta["postBalances"],
        inner_instructions_none=inner is None,
        log_messages_none=logs is None,
        log_messages=logs or (),
        pre_token_balances=[_token_balance(one) for one in meta.get("preTokenBalances") or ()],
        post_token_balances=[_token_balance(one) for one in meta.get("postTokenBalances") or ()],
        rewards=[_reward(one) for one in meta.get("rewards") or ()],
        loaded_writable_addresses=[_key(key) for key in loaded.get("writable") or ()],
        loaded_readonly_addresses=[_key(key) for key in loaded.get("readonly") or ()],
        return_data_none=returned is None,
        compute_units_consumed=meta.get("computeUnitsConsumed"),
        cost_units=meta.get("costUnits"),
    )
    if meta["err"] is not None:
        written.err.err = write_transaction_error(meta["err"])
    if returned is not None:
        written.return_data.program_id = _key(returned["programId"])
        written.return_data.data = base64.b64decode(returned["data"][0])
    for group in inner or ():
        _add_inner(written, group)
    return written


def _add_inner(written: solana_storage_pb2.TransactionStatusMeta, group: Mapping[str, Any]) -> None:
    added = written.inner_instructions.add(index=group["index"])
    for one in group["instructions"]:
        added.instructions.add(
            program_id_index=one["programIdIndex"],
            accounts=bytes(one["accounts"]),
            data=decode_base58(one["data"]),
            stack_height=one.get("stackHeight"),
        )


def _token_balance(one: Mapping[str, Any]) -> solana_storage_pb2.TokenBalance:
    amount = one["uiTokenAmount"]
    return solana_storage_pb2.TokenBalance(
        account_index=one["accountIndex"],
        mint=one["mint"],
        owner=one.get("owner") or "",
        program_id=one.get("programId") or "",
        ui_token_amount=solana_storage_pb2.UiTokenAmount(
            ui_amount=amount.get("uiAmount") or 0.0,
            decimals=amount["decimals"],
            amount=amount["amount"],
            ui_amount_string=amount.get("uiAmountString") or "",
        ),
    )


def _reward(one: Mapping[str, Any]) -> solana_storage_pb2.Reward:
    commission = one.get("commission")
    return solana_storage_pb2.Reward(
        pubkey=one["pubkey"],
        lamports=one["lamports"],
        post_balance=one["postBalance"],
        reward_type=one.get("rewardType") or "Unspecified",
        commission="" if commission is None else str(commission),
    )


def _key(text: str) -> bytes:
    return bytes(Pubkey.from_string(text))

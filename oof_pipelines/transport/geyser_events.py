"""What we ask of a Geyser stream, and its updates as plain events. Pure."""

import logging
from typing import Any

from solders.pubkey import Pubkey
from solders.signature import Signature

from oof_pipelines.chain.body import MAX_SLOT
from oof_pipelines.geyser_interfaces import (
    CONFIRMED,
    DEAD,
    FINALIZED,
    PROCESSED,
    BlockMeta,
    GeyserAccount,
    GeyserFilters,
    GeyserSlot,
    GeyserTransaction,
)
from oof_pipelines.transport.geyser_body import RebuildError, read_signature, rebuild_body
from oof_pipelines.transport.geyser_wire import geyser_pb2

logger = logging.getLogger(__name__)

ALL, ALL_WITH_VOTES = "all", "allWithVotes"
_OWNERS_FILTER, _ACCOUNTS_FILTER = "owners", "accounts"
_STATUSES = {
    geyser_pb2.SLOT_PROCESSED: PROCESSED,
    geyser_pb2.SLOT_CONFIRMED: CONFIRMED,
    geyser_pb2.SLOT_FINALIZED: FINALIZED,
    geyser_pb2.SLOT_DEAD: DEAD,
}
_KINDS = frozenset({"transaction", "slot", "block_meta", "account"})
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64


def subscribe_request(filters: GeyserFilters, from_slot: int | None) -> geyser_pb2.SubscribeRequest:
    """The request of one subscription; each target of `filters` is a filter of its own name."""
    request = geyser_pb2.SubscribeRequest(commitment=geyser_pb2.CONFIRMED, from_slot=from_slot)
    for target in filters.targets:
        wanted = request.transactions[target]
        if target == ALL:
            wanted.vote = False
        elif target != ALL_WITH_VOTES:
            wanted.account_include.append(target)
    if filters.account_owners:
        request.accounts[_OWNERS_FILTER].owner.extend(filters.account_owners)
    if filters.accounts:
        request.accounts[_ACCOUNTS_FILTER].account.extend(filters.accounts)
    # Every status, not only our commitment's: a dead slot and the finalised tip are of interest too.
    request.slots["slots"].filter_by_commitment = False
    request.blocks_meta["blocks"].SetInParent()
    return request


def read_update(
    update: geyser_pb2.SubscribeUpdate,
) -> GeyserTransaction | GeyserSlot | BlockMeta | GeyserAccount | None:
    """The event in `update`; None where it carries none of ours (pings, steps between statuses, a nameless transaction)."""
    kind = update.WhichOneof("update_oneof")
    if kind in _KINDS and (slot := getattr(update, kind).slot) > MAX_SLOT:
        # A checkpoint that followed it would never come back.
        logger.warning("a slot that no chain has, left out", extra={"slot": slot, "kind": kind})
        return None
    match kind:
        case "transaction":
            return _transaction(update)
        case "slot":
            return _slot(update.slot)
        case "block_meta":
            meta = update.block_meta
            time_s = meta.block_time.timestamp if meta.HasField("block_time") else None
            return BlockMeta(meta.slot, meta.parent_slot, time_s, meta.executed_transaction_count)
        case "account":
            return _account(update.account)
    return None


def _transaction(update: geyser_pb2.SubscribeUpdate) -> GeyserTransaction | None:
    info, slot = update.transaction.transaction, update.transaction.slot
    try:
        signature = read_signature(info)
    except RebuildError as error:
        logger.warning("a transaction without a name, left out", extra={"slot": slot, "reason": str(error)})
        return None
    targets = tuple(update.filters)
    try:
        return GeyserTransaction(signature, slot, info.is_vote, targets, rebuild_body(info, slot))
    except RebuildError as error:
        return GeyserTransaction(signature, slot, info.is_vote, targets, None, str(error))


def _slot(told: Any) -> GeyserSlot | None:
    status = _STATUSES.get(told.status)
    return None if status is None else GeyserSlot(told.slot, told.parent if told.HasField("parent") else None, status)


def _account(told: geyser_pb2.SubscribeUpdateAccount) -> GeyserAccount | None:
    info = told.account
    if len(info.pubkey) != _KEY_BYTES or len(info.owner) != _KEY_BYTES:
        logger.warning("an account without a key, left out", extra={"slot": told.slot})
        return None
    has_signature = info.HasField("txn_signature") and len(info.txn_signature) == _SIGNATURE_BYTES
    return GeyserAccount(
        pubkey=str(Pubkey.from_bytes(info.pubkey)),
        owner=str(Pubkey.from_bytes(info.owner)),
        lamports=info.lamports,
        data=info.data,
        slot=told.slot,
        write_version=info.write_version,
        signature=str(Signature.from_bytes(info.txn_signature)) if has_signature else None,
        is_executable=info.executable,
        is_startup=told.is_startup,
    )

"""getSlot, getBlocks, getBlocksWithLimit, getBlock, getBlockTime and getFirstAvailableBlock."""

import hashlib
from itertools import islice
from typing import Any

import msgspec

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing.recorded_node.chain_view import CONFIRMED, View
from oof_pipelines.testing.recorded_node.json_rpc import (
    BLOCK_NOT_AVAILABLE,
    LONG_TERM_STORAGE_SLOT_SKIPPED,
    RpcError,
    commitment_of,
    config,
    invalid_params,
    required,
    slot_param,
)
from oof_pipelines.testing.recorded_node.known_tip import known_tip_slot
from oof_pipelines.testing.recorded_node.served_bodies import block_element, encoding_of, max_version_of

MAX_BLOCKS_RANGE = 500_000


def get_slot(view: View, params: list[Any]) -> bytes:
    """The newest slot; some slots behind it where the stale_slot fault strikes."""
    options = config(params, 0)
    commitment = commitment_of(options, is_processed_allowed=True)
    return str(known_tip_slot(view, commitment, options, "getSlot")).encode()


def get_blocks(view: View, params: list[Any]) -> bytes:
    """The recorded slots of a range, both ends included; without an end, as far as a range may reach."""
    first = slot_param(required(params, 0))
    has_end = len(params) > 1 and params[1] is not None and not isinstance(params[1], dict)
    options = config(params, 2 if has_end or len(params) > 2 else 1)
    commitment = commitment_of(options, is_processed_allowed=False)
    last = slot_param(params[1]) if has_end else first + MAX_BLOCKS_RANGE
    last = min(last, known_tip_slot(view, commitment, options, f"getBlocks {first}"))
    if last - first > MAX_BLOCKS_RANGE:
        raise invalid_params(f"Slot range too large; max {MAX_BLOCKS_RANGE}")
    return msgspec.json.encode(list(view.slots(first, last, commitment)))


def get_blocks_with_limit(view: View, params: list[Any]) -> bytes:
    """The first recorded slots from a start on."""
    first = slot_param(required(params, 0))
    limit = slot_param(required(params, 1))
    options = config(params, 2)
    commitment = commitment_of(options, is_processed_allowed=False)
    if limit > MAX_BLOCKS_RANGE:
        raise invalid_params(f"Limit too large; max {MAX_BLOCKS_RANGE}")
    last = known_tip_slot(view, commitment, options, f"getBlocksWithLimit {first}")
    return msgspec.json.encode(list(islice(view.slots(first, last, commitment), limit)))


def get_first_available_block(view: View, params: list[Any]) -> bytes:
    """The first recorded slot."""
    return str(view.chain.ledger.slots[0]).encode()


def get_block_time(view: View, params: list[Any]) -> bytes:
    """The block time in seconds, `null` where no record of the slot has one."""
    slot = slot_param(required(params, 0))
    number = _slot_number(view, slot, CONFIRMED)
    return msgspec.json.encode(view.chain.ledger.block_time_seconds(number))


def get_block(view: View, params: list[Any]) -> bytes:
    """A block made of the recorded transactions of its slot, in the form that `transactionDetails` asks for."""
    slot = slot_param(required(params, 0))
    bare = len(params) > 1 and isinstance(params[1], str)
    options = {"encoding": params[1]} if bare else config(params, 1)
    encoding, max_version = encoding_of(options), max_version_of(options)
    commitment = commitment_of(options, is_processed_allowed=False)
    details = options.get("transactionDetails") or "full"
    if details == "accounts":
        raise invalid_params("Invalid params: transactionDetails `accounts` is not recorded; ask for `full`.")
    if details not in ("full", "signatures", "none"):
        raise invalid_params(f"Invalid params: unknown variant `{details}`, expected `full`, `signatures` or `none`.")
    number = _slot_number(view, slot, commitment)
    ledger = view.chain.ledger
    block = _block_head(view, number)
    entries = ledger.entries_of_slot(number)
    if details == "full":
        block["transactions"] = [block_element(ledger, entry, encoding, max_version) for entry in entries]
    elif details == "signatures":
        block["signatures"] = [entry.signature for entry in entries]
    if options.get("rewards", True) is False:
        block.pop("rewards", None)
    return msgspec.json.encode(block)


def _slot_number(view: View, slot: int, commitment: str) -> int:
    if slot > view.tip_slot(commitment):
        raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
    number = view.chain.ledger.slot_number(slot)
    if number is None or not view.has_slot(slot, commitment):
        message = f"Slot {slot} was skipped, or missing in long-term storage"
        raise RpcError(LONG_TERM_STORAGE_SLOT_SKIPPED, message)
    return number


def _block_head(view: View, number: int) -> dict[str, Any]:
    """The recorded frame of the block, or a made-up one: hashes of slot numbers, the recorded slot before as parent."""
    ledger = view.chain.ledger
    slot = ledger.slots[number]
    parent = ledger.slots[number - 1] if number else max(0, slot - 1)
    head: dict[str, Any] = {
        "blockHeight": None,
        "blockTime": ledger.block_time_seconds(number),
        "blockhash": _made_up_hash(slot),
        "parentSlot": parent,
        "previousBlockhash": _made_up_hash(parent),
        "rewards": [],
    }
    frame = ledger.frames.get(slot)
    if frame is not None:
        head.update({name: msgspec.Raw(value) for name, value in frame.fields.items() if name != "signatures"})
    return head


def _made_up_hash(slot: int) -> str:
    return encode_base58(hashlib.sha256(f"recorded block {slot}".encode()).digest())

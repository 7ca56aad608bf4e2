"""getTransaction, getSignaturesForAddress and getSignatureStatuses."""

from array import array
from bisect import bisect_left, bisect_right
from typing import Any

import msgspec

from oof_pipelines.testing.recorded_node.chain_view import CONFIRMED, FINALIZED, View
from oof_pipelines.testing.recorded_node.json_rpc import (
    commitment_of,
    config,
    invalid_params,
    pubkey_param,
    required,
    signature_param,
)
from oof_pipelines.testing.recorded_node.known_tip import known_tip_slot
from oof_pipelines.testing.recorded_node.ledger import Entry
from oof_pipelines.testing.recorded_node.served_bodies import encoding_of, in_slot, max_version_of, result_body

MAX_SIGNATURES = 1000
MAX_STATUSES = 256
API_VERSION = "3.0.0"


def get_transaction(view: View, params: list[Any]) -> bytes:
    """The recorded result, `null` where the signature is unknown or not there yet."""
    signature = signature_param(required(params, 0))
    # The oldest form of the call names just an encoding.
    bare = len(params) > 1 and isinstance(params[1], str)
    options = {"encoding": params[1]} if bare else config(params, 1)
    encoding, max_version = encoding_of(options), max_version_of(options)
    entry = view.entry(signature, commitment_of(options, is_processed_allowed=False))
    if entry is None or view.chain.is_null_after_log(entry):
        return b"null"
    body = result_body(view.chain.ledger, entry, encoding, max_version)
    return in_slot(body, view.chain.slot_of(entry)) if view.chain.is_forked(entry) else body


def get_signatures_for_address(view: View, params: list[Any]) -> bytes:
    """Newest first. An unknown `before` gives nothing and an unknown `until` no bound.

    So does agave without long-term storage (ledger, get_confirmed_signatures_for_address2: a `before` without a
    transaction status returns an empty list, an `until` without one falls back to the lowest block).
    """
    address = pubkey_param(required(params, 0))
    options = config(params, 1)
    commitment = commitment_of(options, is_processed_allowed=False)
    limit = options.get("limit")
    if limit is None:
        limit = MAX_SIGNATURES
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_SIGNATURES:
        raise invalid_params(f"Invalid limit; max {MAX_SIGNATURES}")
    ledger = view.chain.ledger
    positions = ledger.positions_of_address(address)
    tip_slot = known_tip_slot(view, commitment, options, f"getSignaturesForAddress {address}")
    known_slots = min(view.slot_count(commitment), bisect_right(ledger.slots, tip_slot))
    first, end = 0, bisect_left(positions, ledger.end_position(known_slots))
    if options.get("before") is not None:
        before = _cursor(view, signature_param(options["before"]), commitment, tip_slot)
        if before is None:
            return b"[]"
        end = min(end, bisect_left(positions, before))
    if options.get("until") is not None:
        until = _cursor(view, signature_param(options["until"]), commitment, tip_slot)
        if until is not None:
            first = bisect_left(positions, until + 1)
    return msgspec.json.encode(_page(view, positions, first, end, limit, commitment))


def _cursor(view: View, signature: str, commitment: str, tip_slot: int) -> int | None:
    entry = view.entry(signature, commitment)
    if entry is None or entry.slot > tip_slot:
        return None
    return view.chain.ledger.position_of(signature)


def _page(
    view: View, positions: "array[int]", first: int, end: int, limit: int, commitment: str
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(end - 1, first - 1, -1):
        entry = view.chain.ledger.entries[positions[number]]
        if view.has_slot(entry.slot, commitment):
            found.append(_listed(view, entry))
            if len(found) == limit:
                break
    return found


def _listed(view: View, entry: Entry) -> dict[str, Any]:
    return {
        "blockTime": entry.block_time_seconds,
        "confirmationStatus": view.confirmation(entry.slot)[0],
        "err": msgspec.Raw(entry.err),
        "memo": entry.memo,
        "signature": entry.signature,
        "slot": entry.slot,
    }


def get_signature_statuses(view: View, params: list[Any]) -> bytes:
    """A status or null for each signature; old ones are found without searchTransactionHistory too."""
    signatures = required(params, 0)
    if not isinstance(signatures, list):
        raise invalid_params("Invalid params: expected a sequence.")
    if len(signatures) > MAX_STATUSES:
        raise invalid_params(f"Too many inputs provided; max {MAX_STATUSES}")
    config(params, 1)
    statuses = [_status(view, signature_param(signature)) for signature in signatures]
    return with_context(view, CONFIRMED, statuses)


def _status(view: View, signature: str) -> dict[str, Any] | None:
    entry = view.entry(signature, CONFIRMED)
    if entry is None:
        return None
    is_forked = view.chain.is_forked(entry)
    status, confirmations = (CONFIRMED, 0) if is_forked else view.confirmation(entry.slot)
    err = msgspec.Raw(entry.err)
    return {
        "confirmationStatus": status,
        "confirmations": confirmations,
        "err": err,
        "slot": view.chain.slot_of(entry),
        "status": {"Ok": None} if entry.err == b"null" else {"Err": err},
    }


def with_context(view: View, commitment: str, value: Any) -> bytes:
    """`value` as nodes wrap answers that depend on the state of a slot."""
    slot = view.tip_slot(FINALIZED if commitment == FINALIZED else CONFIRMED)
    return msgspec.json.encode({"context": {"apiVersion": API_VERSION, "slot": slot}, "value": value})

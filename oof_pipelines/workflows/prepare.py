"""From a body as the node sent it to a row for the inbox, or to a row for quarantine with its reason. No I/O."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from oof_pipelines.chain.body import BodyError, BodyHeader, QuarantineReason, check_storable, read_body
from oof_pipelines.chain.compression import compress_body
from oof_pipelines.chain.slot_clock import estimate_block_time_s, fits_cluster
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.interfaces import QuarantinedTransaction, StoredTransaction

logger = logging.getLogger(__name__)

# How far our clock may be behind the chain's. A later time would make a day that no partition is for yet.
_CLOCK_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class FetchedBody:
    """A body and the signature it was asked for; `known_block_time_s` is what getBlockTime said where the body is silent."""

    signature: str
    body: bytes
    known_block_time_s: int | None = None


def lacks_block_time(body: bytes) -> int | None:
    """The slot of a body that can be stored but for its missing block time; None otherwise."""
    try:
        header = read_body(body)
    except BodyError:
        return None
    return header.slot if header.block_time_s is None else None


def prepare(
    fetched: FetchedBody,
    heard_slot: int,
    cluster: str,
    now: datetime,
    *,
    is_decoding: bool = True,
    anchor_programs: Collection[str] = (),
) -> StoredTransaction | QuarantinedTransaction:
    """What to write for a fetched body: a checked row, or the reason why not. Never raises for what a body holds.

    Without `is_decoding` the row brings no decoded rows along: its day is going to be decoded at once. `anchor_programs`
    are programs whose events are decoded.
    """
    try:
        header = read_body(fetched.body)
        slot = check_storable(header, fetched.signature)
        block_time_s, is_estimated = _block_time(header, slot, fetched.known_block_time_s, cluster)
        if block_time_s > (now + _CLOCK_SLACK).timestamp():
            raise BodyError(
                QuarantineReason.IN_THE_FUTURE, f"slot {slot} is of Unix time {block_time_s}, and it is {now:%F %T} UTC"
            )
        parsed = parse_transaction(fetched.body)
    except BodyError as error:
        return QuarantinedTransaction(
            fetched.signature, heard_slot, error.reason, error.detail, compress_body(fetched.body)
        )
    return StoredTransaction(
        signature=header.signature,
        slot=slot,
        tx_index=header.tx_index,
        block_time=datetime.fromtimestamp(block_time_s, UTC),
        is_block_time_estimated=is_estimated,
        version=header.version,
        is_failed=header.is_failed,
        fee_lamports=header.fee_lamports,
        fee_payer=header.fee_payer,
        program_ids=header.program_ids,
        lead_program_id=header.lead_program_id or "",
        is_simple_vote=header.is_simple_vote,
        logs=header.log_messages,
        body_zstd=compress_body(fetched.body),
        decoded=decode_or_none(parsed, anchor_programs) if is_decoding else None,
    )


def decode_or_none(parsed: ParsedTransaction, anchor_programs: Collection[str] = ()) -> Decoded | None:
    """The decoded transaction; None, with the error in the log, where the decoder has a fault.

    Store first, decode second: a fault in a decoder must neither stop a feed nor keep a body out of the store. The body
    is decoded again with its day, once the decoder is mended.
    """
    try:
        return decode_transaction(parsed, anchor_programs)
    except Exception:
        logger.exception("decoding failed", extra={"signature": parsed.signature})
        return None


def _block_time(header: BodyHeader, slot: int, known_s: int | None, cluster: str) -> tuple[int, bool]:
    """(Unix seconds, whether estimated). Raises `BodyError` where slot and time cannot both be of this cluster."""
    stated_s = header.block_time_s if header.block_time_s is not None else known_s
    if stated_s is None:
        estimate_s = estimate_block_time_s(slot)
        if not fits_cluster(slot, estimate_s, cluster):
            raise BodyError(QuarantineReason.OTHER_CLUSTER, f"slot {slot} is past the end of this century")
        return estimate_s, True
    if not fits_cluster(slot, stated_s, cluster):
        raise BodyError(
            QuarantineReason.OTHER_CLUSTER,
            f"slot {slot} was not at Unix time {stated_s} on {cluster}: another cluster's, or changed by its recorder",
        )
    return stated_s, False

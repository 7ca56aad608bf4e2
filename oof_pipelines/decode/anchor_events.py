"""Events that Anchor programs emit, as bytes: whoever knows the program's IDL can read them, now or later.

A program tells an event in one of two ways (anchor-lang, `emit!` and `emit_cpi!`): by a line of the log within its own call,
`Program data:` and base64 of a discriminator and Borsh; or by a call of itself whose data begin with the event instruction's
discriminator, signed by an address that it alone can sign for. The discriminator of an event is the first eight bytes of
sha256("event:Name"). Which programs are read is said by the caller; nothing here knows what their events mean.
"""

from collections.abc import Collection

import msgspec

from oof_pipelines.chain.moves import path_text
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.logged_data import LoggedData
from oof_pipelines.decode.program import EVENT_CALL

ANCHOR_EVENT = "anchor_event"
"""The kind of the action that an event makes."""
LOG, CALL = "log", "call"

_DISCRIMINATOR_BYTES = 8
_LOG_CUT = "Log truncated"


class AnchorEvent(msgspec.Struct, frozen=True, gc=False):
    """One emitted event. `path` is the call that logged it, or the call that is it; `ordinal` counts the events of a path.

    `data` are discriminator and fields. `wallet` is who pays for the transaction: who is meant the fields know.
    """

    path: str
    ordinal: int
    program_id: str
    wallet: str
    source: str
    data: bytes


def anchor_events_of(
    transaction: ParsedTransaction, logs: LoggedData, programs: Collection[str]
) -> tuple[AnchorEvent, ...]:
    """The events of `programs`, in call order, a call's own before those of the calls it makes. None of a failed transaction.

    What a program logs as data and is too short for a discriminator is no event.
    """
    if transaction.is_failed:
        return ()
    found: list[AnchorEvent] = []
    for order, instruction in enumerate(transaction.instructions):
        if instruction.program_id not in programs:
            continue
        path = path_text(instruction.path)
        emitted = [(LOG, data) for data in logs.of(order)]
        if instruction.data[:_DISCRIMINATOR_BYTES] == EVENT_CALL:
            emitted.append((CALL, instruction.data[_DISCRIMINATOR_BYTES:]))
        told = [(source, data) for source, data in emitted if len(data) >= _DISCRIMINATOR_BYTES]
        for ordinal, (source, data) in enumerate(told):
            found.append(AnchorEvent(path, ordinal, instruction.program_id, transaction.fee_payer, source, bytes(data)))
    return tuple(found)


def calls_any(transaction: ParsedTransaction, programs: Collection[str]) -> bool:
    """Whether one of the programs is called at any level."""
    return any(one.program_id in programs for one in transaction.instructions)


def is_log_cut(transaction: ParsedTransaction) -> bool:
    """Whether the node cut the log: what was logged behind that is not known to anybody."""
    return _LOG_CUT in transaction.log_messages

"""Facts of a transaction: every call of a program we decode, read by its own layout."""

import msgspec

from oof_pipelines.chain.moves import path_text
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.call import Call, Scene
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.program import is_event_call
from oof_pipelines.decode.programs import BY_ID


class UnknownCall(msgspec.Struct, frozen=True, gc=False):
    """A call of a program we decode whose discriminator no layout declares. The program may have changed."""

    path: str
    program_id: str
    discriminator: str


class Reading(msgspec.Struct, frozen=True, gc=False):
    """`facts` in call order; `unknown` calls; `unread` are paths of calls whose data or accounts fit not their layout."""

    facts: list[Fact]
    unknown: list[UnknownCall]
    unread: list[str]


def has_known_program(transaction: ParsedTransaction) -> bool:
    """Whether there is anything to read: a call of a program we decode, in a transaction that did something.

    A failed one says nothing of layouts either: anybody may call a program with anything.
    """
    return not transaction.is_failed and any(one.program_id in BY_ID for one in transaction.instructions)


def read_facts(scene: Scene) -> Reading:
    """What the programs of a successful transaction did by their own words."""
    reading = Reading([], [], [])
    transaction = scene.transaction
    for order, one in enumerate(transaction.instructions):
        program = BY_ID.get(one.program_id)
        if program is None:
            continue
        if is_event_call(one.data):
            if program.events and program.event_of(one.data) is None:
                reading.unknown.append(_unknown(transaction, order, program.tag_bytes))
            continue
        layout = program.layout_of(one.data, transaction.slot)
        if layout is None:
            reading.unknown.append(_unknown(transaction, order, program.tag_bytes))
        elif layout.read is not None:
            call = Call(scene, order, program, layout.take(one.accounts, one.data))
            try:
                # All of a call or nothing: a reader that fails midway has said nothing.
                reading.facts.extend(list(layout.read(call)))
            except LayoutError:
                reading.unread.append(call.path)
    return reading


def _unknown(transaction: ParsedTransaction, order: int, tag_bytes: int) -> UnknownCall:
    one = transaction.instructions[order]
    tag = one.data[8:16] if is_event_call(one.data) else one.data[:tag_bytes]
    return UnknownCall(path_text(one.path), one.program_id, tag.hex())

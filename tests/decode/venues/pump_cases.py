"""What the tests of the pump programs share: layouts held against an IDL, recorded facts, hand-built calls and events."""

import json
import struct
from pathlib import Path
from typing import Any

from hand_ledger import body, key

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.book import Booked, book_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Fact, FeePart, Leg
from oof_pipelines.decode.program import EVENT_CALL, Program, anchor_event
from oof_pipelines.decode.reading import Reading, read_facts

NUMBERS = {"u64": "<Q", "i64": "<q", "u16": "<H", "u8": "<B", "bool": "<?"}


def layout_faults(program: Program, idl_path: Path) -> list[str]:
    """Where a program's layouts differ from its IDL, in words: what is not declared, and names, places and types that
    are not the IDL's. Accounts behind the IDL's own are free.
    """
    idl = json.loads(idl_path.read_text())
    faults = []
    declared = {one.discriminator: one for one in program.instructions}
    for one in idl["instructions"]:
        layout = declared.get(bytes(one["discriminator"]))
        if layout is None or layout.name != one["name"]:
            faults.append(f"{one['name']} is not declared by that name")
            continue
        seats = {account["name"]: seat for seat, account in enumerate(one["accounts"])}
        for name, seat in layout.seats.items():
            is_ours = name not in seats and not 0 <= seat < len(seats)
            if not is_ours and seat != seats.get(name):
                faults.append(f"{one['name']}: {name} at {seat}, not {seats.get(name)}")
        faults += _field_faults(one["name"], layout.args.names, [arg["name"] for arg in one["args"]])
    told = {one.discriminator: one for one in program.events}
    types = {one["name"]: one["type"] for one in idl["types"]}
    for one in idl["events"]:
        event_layout = told.get(bytes(one["discriminator"]))
        if event_layout is None:
            faults.append(f"{one['name']} is not declared")
        else:
            fields = [field["name"] for field in types[one["name"]]["fields"]]
            faults += _field_faults(one["name"], event_layout.fields.names, fields)
    return faults


def _field_faults(name: str, ours: list[str], theirs: list[str]) -> list[str]:
    pairs = zip(ours, theirs, strict=False)
    return [f"{name}: {our}, not {their}" for our, their in pairs if our != their]


def facts_of(raw: bytes, *venues: str) -> list[Fact]:
    """What the venues said in a body, in call order."""
    _, reading = run_body(raw)
    assert reading.unread == []
    return [fact for fact in reading.facts if getattr(fact, "venue", "") in venues]


def legs_of(raw: bytes, venue: str) -> list[Leg]:
    """The legs among them."""
    return [fact for fact in facts_of(raw, venue) if isinstance(fact, Leg)]


def run_body(raw: bytes) -> tuple[Booked, Reading]:
    transaction = parse_transaction(raw)
    booked = book_transaction(transaction)
    return booked, read_facts(Scene(transaction, booked.moves))


def run(before: str, calls: list[Any], after: str) -> tuple[Booked, list[Fact]]:
    """A hand-built transaction booked and read; every call has to be known and read."""
    booked, reading = run_body(body(before, calls, after))
    assert (booked.unread, reading.unread, reading.unknown) == ([], [], [])
    return booked, reading.facts


def packed(values: str) -> bytes:
    """Borsh bytes of `type:value` words: numbers, `pubkey:NAME`, `string:TEXT`, `bytes:HEX`."""
    parts = []
    for word in values.split():
        kind, _, value = word.partition(":")
        if kind == "pubkey":
            parts.append(bytes(32) if value == "none" else key(value))
        elif kind == "string":
            parts.append(struct.pack("<I", len(value)) + value.encode())
        elif kind == "bytes":
            parts.append(bytes.fromhex(value))
        else:
            parts.append(struct.pack(NUMBERS[kind], int(value)))
    return b"".join(parts)


def told(name: str, values: str) -> bytes:
    """The data of the call by which a program tells itself an event."""
    return EVENT_CALL + anchor_event(name) + packed(values)


def fee_lines(leg: Leg) -> list[str]:
    """The parts of a leg's fee as `kind amount side recipient`, the recipient by its first letters."""
    return [_fee_line(part) for part in leg.fees]


def _fee_line(part: FeePart) -> str:
    return f"{part.kind} {part.amount_raw} {part.side} {part.recipient[:6]}"

"""What a decoder file declares: the program ids it owns, the layouts of its instructions and events, and how to read them.

A layout is picked by the discriminator at the start of the data; where a program changed one, several layouts share it and
the slot picks. An event is what an Anchor program tells of itself by calling itself (`emit_cpi!`), so it has a path of its
own; older programs only log theirs.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.operations import Operation
from oof_pipelines.decode.records import Record, RecordLayout

if TYPE_CHECKING:
    from oof_pipelines.decode.call import Call

EVENT_CALL = bytes.fromhex("e445a52e51cb9a1d")
"""How data begin when an Anchor program calls itself to tell an event: sha256("anchor:event")[:8], reversed."""
_DISCRIMINATOR_BYTES = 8

VENUE = "venue"
ROUTER = "router"
ORDERS = "orders"
OTHER = "other"

Reader: TypeAlias = Callable[["Call"], Iterable[Fact]]
"""What makes facts of a call; LayoutError where the call is not as the layout says."""


def anchor_instruction(name: str) -> bytes:
    """The discriminator of an instruction by its name in snake case: the first eight bytes of sha256("global:" + name)."""
    return hashlib.sha256(f"global:{name}".encode()).digest()[:_DISCRIMINATOR_BYTES]


def anchor_event(name: str) -> bytes:
    """The discriminator of an event by its name in camel case: the first eight bytes of sha256("event:" + name)."""
    return hashlib.sha256(f"event:{name}".encode()).digest()[:_DISCRIMINATOR_BYTES]


class Arguments(msgspec.Struct, frozen=True, gc=False):
    """An instruction taken apart: its accounts by the layout's names and its arguments."""

    layout: "InstructionLayout"
    accounts: list[str]
    args: Record

    def account(self, name: str) -> str:
        """The account of that name; LayoutError where the instruction has fewer, or its address is not recorded.

        So it is where the layout has no such seat: an event may be told from a call that nobody expected it from.
        """
        try:
            found = self.accounts[self.layout.seats[name]]
        except LookupError:
            found = ""
        if not found:
            raise LayoutError(f"{self.layout.name} has {len(self.accounts)} accounts, {name} is missing")
        return found


@dataclass(frozen=True, slots=True)
class InstructionLayout:
    """One instruction. `seats` are account positions by name; a negative one counts from the end.

    `read` makes facts of a call; None where the instruction changes nothing anybody trades or holds. `closes` are pairs of
    names: all lamports of the first go to the second as its rent (Anchor's `close`), which no instruction shows.
    `from_slot` is the first slot this layout holds for.
    """

    name: str
    discriminator: bytes
    seats: dict[str, int]
    args: RecordLayout
    read: Reader | None = None
    closes: tuple[tuple[str, str], ...] = ()
    from_slot: int = 0

    def take(self, accounts: list[str], data: bytes) -> Arguments:
        return Arguments(self, accounts, Record(self.args, data, len(self.discriminator)))


def instruction(
    name: str,
    accounts: str = "",
    args: str = "",
    *,
    discriminator: bytes | None = None,
    read: Reader | None = None,
    closes: tuple[tuple[str, str], ...] = (),
    from_slot: int = 0,
    from_end: str = "",
) -> InstructionLayout:
    """An instruction's layout from names: `accounts` in order, `_` for one that does not matter; `from_end` the last ones.

    The discriminator is Anchor's unless it is given.
    """
    seats = {one: seat for seat, one in enumerate(accounts.split()) if one != "_"}
    last = from_end.split()
    seats |= {one: seat - len(last) for seat, one in enumerate(last) if one != "_"}
    tag = anchor_instruction(name) if discriminator is None else discriminator
    return InstructionLayout(name, tag, seats, RecordLayout(args), read, closes, from_slot)


@dataclass(frozen=True, slots=True)
class EventLayout:
    """One event. `debits` says which balances the program changed by itself when it told this."""

    name: str
    discriminator: bytes
    fields: RecordLayout
    debits: Callable[[Record, Arguments], list[Operation]] | None = None


def event(
    name: str,
    fields: str,
    *,
    discriminator: bytes | None = None,
    debits: Callable[[Record, Arguments], list[Operation]] | None = None,
) -> EventLayout:
    """An event's layout; the discriminator is Anchor's unless it is given."""
    tag = anchor_event(name) if discriminator is None else discriminator
    return EventLayout(name, tag, RecordLayout(fields), debits)


@dataclass(frozen=True, slots=True)
class Program:
    """A program we decode. `role`: venue (holds pools), router (calls venues), orders (fills makers' orders), other.

    `source` is where the layouts are from. `proven` names what recorded transactions have shown to be read right; what is
    not proven is marked so in docs/decoding.md.
    """

    name: str
    role: str
    program_ids: tuple[str, ...]
    source: str
    instructions: tuple[InstructionLayout, ...]
    events: tuple[EventLayout, ...] = ()
    is_proven: bool = True
    tag_bytes: int = _DISCRIMINATOR_BYTES
    has_debits: bool = field(init=False, default=False)
    _by_tag: dict[bytes, list[InstructionLayout]] = field(init=False, default_factory=dict, repr=False)
    _events: dict[bytes, EventLayout] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for one in self.instructions:
            if len(one.discriminator) != self.tag_bytes:
                raise ValueError(f"{self.name}.{one.name}: a discriminator of {len(one.discriminator)} bytes")
            self._by_tag.setdefault(one.discriminator, []).append(one)
        for layouts in self._by_tag.values():
            layouts.sort(key=lambda one: -one.from_slot)
            if len({one.from_slot for one in layouts}) < len(layouts):
                raise ValueError(f"{self.name}: {[one.name for one in layouts]} share a discriminator and a slot")
        object.__setattr__(self, "has_debits", any(one.debits is not None for one in self.events))
        self._events.update({one.discriminator: one for one in self.events})

    def layout_of(self, data: bytes, slot: int | None) -> InstructionLayout | None:
        """The layout of data at a slot, the newest where the slot is not known; None for one that is not declared."""
        layouts = self._by_tag.get(data[: self.tag_bytes])
        if layouts is None:
            return None
        if slot is None or len(layouts) == 1:
            return layouts[0]
        return next((one for one in layouts if one.from_slot <= slot), layouts[-1])

    def event_of(self, data: bytes) -> tuple[EventLayout, Record] | None:
        """The event a program tells by calling itself with these data; None for one not declared."""
        start = len(EVENT_CALL)
        return self._event_at(data, start) if data.startswith(EVENT_CALL) else None

    def logged_event_of(self, data: bytes) -> tuple[EventLayout, Record] | None:
        """The same of the bytes a program logged."""
        return self._event_at(data, 0)

    def _event_at(self, data: bytes, start: int) -> tuple[EventLayout, Record] | None:
        end = start + _DISCRIMINATOR_BYTES
        layout = self._events.get(data[start:end])
        return (layout, Record(layout.fields, data, end)) if layout is not None else None


def is_event_call(data: bytes) -> bool:
    """Whether an instruction is a program telling an event to itself."""
    return data.startswith(EVENT_CALL)


def quiet(names: str) -> tuple[InstructionLayout, ...]:
    """Anchor instructions that change nothing anybody trades or holds (settings, own accounts): known, not read."""
    return tuple(instruction(name) for name in names.split())


def quiet_tags(
    names: dict[int, str], accounts: str = "", *, before: bytes = b"", tag_bytes: int = 1
) -> tuple[InstructionLayout, ...]:
    """The same for programs with small numbers for discriminators, little endian, behind the bytes `before`."""
    return tuple(
        instruction(name, accounts, discriminator=before + tag.to_bytes(tag_bytes, "little"))
        for tag, name in names.items()
    )

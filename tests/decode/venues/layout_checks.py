"""Holds a program's declared layouts against an Anchor IDL, and against instructions recorded with the names of accounts."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oof_pipelines.decode.program import InstructionLayout, Program
from oof_pipelines.decode.records import RecordLayout

_PRIMITIVES = {"publicKey": "pubkey", "pubkey": "pubkey", "string": "string", "bytes": "bytes", "bool": "bool"}
_PRIMITIVES |= {f"{sign}{bits}": f"{sign}{bits}" for sign in "ui" for bits in (8, 16, 32, 64, 128)}
_SIZES = {"pubkey": 32, "bool": 1} | {f"{sign}{bits}": bits // 8 for sign in "ui" for bits in (8, 16, 32, 64, 128)}
"""How many bytes a type takes."""

Aliases = dict[str, set[str]]
"""What a layout calls an account → what the IDL calls it, where they differ. Nothing where it is counted from the end and
stands behind the IDL's own.
"""


def snake_case(name: str) -> str:
    """`closePosition2` → `close_position2`; what is snake case already stays."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def layout_named(program: Program, name: str) -> InstructionLayout:
    """The declared layout of an instruction."""
    found = [one for one in program.instructions if one.name == name]
    assert found, f"{program.name} does not declare {name}"
    return found[0]


# --- IDLs ---


def check_against_idl(program: Program, path: Path, aliases: Aliases, longer: Collection[str] = ()) -> None:
    """Every instruction and event of the IDL is declared, by its discriminator, with fields of the IDL's types in its order
    and with accounts that the IDL has at those places. Accounts behind the IDL's own are free, and so are the last fields
    of events that have grown `longer` since.
    """
    idl = json.loads(path.read_bytes())
    for one in idl["instructions"]:
        name = snake_case(one["name"])
        layout = layout_named(program, name)
        if "discriminator" in one:
            assert layout.discriminator == bytes(one["discriminator"]), name
        _check_accounts(layout, [snake_case(account["name"]) for account in one["accounts"]], aliases)
    events = {one.name: one for one in program.events}
    for one in idl["events"]:
        if "discriminator" in one:
            assert events[one["name"]].discriminator == bytes(one["discriminator"]), one["name"]
    for name, record, fields in _laid_out(program, idl):
        _check_fields(name, [kind for _, kind in record._fields], [kind for _, kind in fields], name in longer)


def check_field_names(
    program: Program, path: Path, longer: Collection[str] = (), renamed: Collection[str] = ()
) -> None:
    """The fields of arguments and events are called as in the IDL, but for the `renamed` instructions and events."""
    for name, layout, fields in _laid_out(program, json.loads(path.read_bytes())):
        if name not in renamed:
            _check_fields(name, layout.names, [field for field, _ in fields], name in longer)


def _check_fields(name: str, ours: list[str], theirs: list[str], is_longer: bool) -> None:
    """Ours are the first of theirs; of one that is longer, theirs are the first of ours."""
    assert len(ours) > len(theirs) if is_longer else len(ours) <= len(theirs), f"{name}: {ours} is not {theirs}"
    shorter = min(len(ours), len(theirs))
    assert ours[:shorter] == theirs[:shorter], f"{name}: {ours} is not {theirs}"


def _laid_out(program: Program, idl: dict[str, Any]) -> Iterator[tuple[str, RecordLayout, list[tuple[str, str]]]]:
    """Each instruction's arguments and each event's fields: name, our layout, the IDL's (name, type)."""
    types = {one["name"]: one["type"] for one in idl["types"]}
    for one in idl["instructions"]:
        name = snake_case(one["name"])
        yield name, layout_named(program, name).args, list(_flat_fields(one["args"], types))
    events = {one.name: one for one in program.events}
    for one in idl["events"]:
        fields = one["fields"] if "fields" in one else types[one["name"]]["fields"]
        yield one["name"], events[one["name"]].fields, list(_flat_fields(fields, types))


def _check_accounts(layout: InstructionLayout, names: list[str], aliases: Aliases) -> None:
    for seat, index in layout.seats.items():
        called = {seat} | aliases.get(seat, set())
        is_behind = index >= len(names) or (index < 0 and aliases.get(seat) == set())
        if is_behind:
            assert seat not in names, f"{layout.name}[{index}] is {seat}, which stands at {names.index(seat)}"
        else:
            assert names[index] in called, f"{layout.name}[{index}] is {names[index]}, not {seat}"


def _flat_fields(fields: list[Any], types: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(name, type) of fields with all structs spread out; it ends before the first one that a layout has no word for.

    Fields of a tuple are types alone, and have no names.
    """
    for field in fields:
        is_named = isinstance(field, dict) and "name" in field
        for name, kind in _flat(
            snake_case(field["name"]) if is_named else "", field["type"] if is_named else field, types
        ):
            if not kind:
                return
            yield name, kind


def _flat(name: str, kind: Any, types: dict[str, Any]) -> list[tuple[str, str]]:
    if isinstance(kind, str):
        return [(name, _PRIMITIVES.get(kind, ""))]
    if "array" in kind:
        inner, length = kind["array"]
        return [(name, f"[{length}]")] if inner == "u8" else _flat(name, inner, types) * length
    for outer in ("vec", "option"):
        if outer in kind:
            element = _element([inner for _, inner in _flat("", kind[outer], types)])
            return [(name, f"{outer}<{element}>" if element else "")]
    defined = kind["defined"] if isinstance(kind["defined"], str) else kind["defined"]["name"]
    found = types[defined]
    if found["kind"] != "struct":
        return [(name, "u8")]
    return [(own or name, inner) for own, inner in _flat_fields(found["fields"], types)]


def _element(kinds: list[str]) -> str:
    """The type of what a list holds: a struct is so many bytes, '' where its size is not fixed."""
    if len(kinds) == 1:
        return kinds[0]
    return f"[{sum(_SIZES[kind] for kind in kinds)}]" if all(kind in _SIZES for kind in kinds) else ""


# --- recorded instructions with the names of their accounts ---


@dataclass(frozen=True, slots=True)
class LabelledInstruction:
    """A recorded instruction: (name, address) of its accounts, '' where the recording does not name one, and its data."""

    name: str
    accounts: list[tuple[str, str]]
    data: bytes


def labelled_instructions(fixtures: Path, decoder: str) -> list[LabelledInstruction]:
    found = []
    for path in sorted((fixtures / "carbon_instructions").glob(f"{decoder}__*_ix.json")):
        one = json.loads(path.read_bytes())
        accounts = [(snake_case(account.get("label", "")), account["pubkey"]) for account in one["accounts"]]
        name = path.name.removeprefix(f"{decoder}__").removesuffix("_ix.json")
        found.append(LabelledInstruction(name, accounts, bytes.fromhex(one["data"])))
    return found


def check_against_labels(program: Program, recorded: LabelledInstruction, aliases: Aliases) -> int:
    """The layout found by the data is of that name, reads its arguments and names the accounts as the recording does.

    How many accounts were named is returned.
    """
    layout = program.layout_of(recorded.data, None)
    assert layout is not None, f"{recorded.name} is not declared"
    assert layout.name == recorded.name
    arguments = layout.take([address for _, address in recorded.accounts], recorded.data)
    assert all(name in arguments.args for name in layout.args.names), f"{layout.name} has not all arguments"
    checked = 0
    for seat, index in layout.seats.items():
        label, address = recorded.accounts[index] if index < len(recorded.accounts) else ("", "")
        if label:
            assert label == seat or label in aliases.get(seat, set()), f"{layout.name}[{index}] is {label}, not {seat}"
            assert arguments.account(seat) == address
            checked += 1
    return checked

"""Holds a program's declared layouts against an Anchor IDL, and against instructions recorded with the names of accounts."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oof_pipelines.decode.program import InstructionLayout, Program
from oof_pipelines.decode.records import RecordLayout

_PRIMITIVES = {"publicKey": "pubkey", "pubkey": "pubkey", "string": "string", "bytes": "bytes", "bool": "bool"}
_PRIMITIVES |= {f"{sign}{bits}": f"{sign}{bits}" for sign in "ui" for bits in (8, 16, 32, 64, 128)}

Aliases = dict[str, set[str]]
"""What a layout calls an account → what the IDL calls it, where they differ."""


def snake_case(name: str) -> str:
    """`closePosition2` → `close_position2`; what is snake case already stays."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def check_against_idl(program: Program, path: Path, aliases: Aliases) -> None:
    """Every instruction and event of the IDL is declared, by its discriminator, with fields of the IDL's types in its order
    and with accounts that the IDL has at those places.
    """
    idl = json.loads(path.read_bytes())
    types = {one["name"]: one["type"] for one in idl["types"]}
    for one in idl["instructions"]:
        name = snake_case(one["name"])
        layout = _declared(program, name)
        if "discriminator" in one:
            assert layout.discriminator == bytes(one["discriminator"]), name
        _check_accounts(layout, [snake_case(account["name"]) for account in one["accounts"]], aliases)
        _check_types(f"{name}'s arguments", layout.args, list(_flat_fields(one["args"], types)))
    events = {one.name: one for one in program.events}
    for one in idl["events"]:
        event = events[one["name"]]
        if "discriminator" in one:
            assert event.discriminator == bytes(one["discriminator"]), one["name"]
        fields = one["fields"] if "fields" in one else types[one["name"]]["fields"]
        _check_types(one["name"], event.fields, list(_flat_fields(fields, types)))


def _declared(program: Program, name: str) -> InstructionLayout:
    found = [one for one in program.instructions if one.name == name]
    assert found, f"{program.name} does not declare {name}"
    return found[0]


def _check_accounts(layout: InstructionLayout, names: list[str], aliases: Aliases) -> None:
    for seat, index in layout.seats.items():
        if index < len(names):
            stands = names[index]
            assert stands == seat or stands in aliases.get(seat, set()), (
                f"{layout.name}[{index}] is {stands}, not {seat}"
            )


def _check_types(name: str, layout: RecordLayout, types: list[str]) -> None:
    declared = [kind for _, kind in layout._fields]
    assert declared == types[: len(declared)], f"{name}: {declared} is not {types}"


def _flat_fields(fields: list[dict[str, Any]], types: dict[str, Any]) -> Iterator[str]:
    """The types of fields with all structs spread out; it ends before the first one that a layout has no word for."""
    for field in fields:
        for kind in _flat(field["type"], types):
            if not kind:
                return
            yield kind


def _flat(kind: Any, types: dict[str, Any]) -> list[str]:
    if isinstance(kind, str):
        return [_PRIMITIVES.get(kind, "")]
    if "array" in kind:
        inner, length = kind["array"]
        return [f"[{length}]"] if inner == "u8" else _flat(inner, types) * length
    for outer in ("vec", "option"):
        if outer in kind:
            inner_kinds = _flat(kind[outer], types)
            return [f"{outer}<{inner_kinds[0]}>"] if len(inner_kinds) == 1 and inner_kinds[0] else [""]
    defined = kind["defined"] if isinstance(kind["defined"], str) else kind["defined"]["name"]
    found = types[defined]
    return list(_flat_fields(found["fields"], types)) if found["kind"] == "struct" else ["u8"]


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

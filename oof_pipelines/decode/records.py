"""Typed fields by name: what an IDL says of an instruction's arguments or an event, read where it lies and when asked.

A layout is written as the field's names with their types, in order: `"pool:pubkey amount_in:u64 name:string"`. Types are
Borsh's: u8…u128, i8…i128, bool, pubkey, string, bytes (a u32 length first), `[N]` for N raw bytes, `option<T>` and `vec<T>`
of those. Programs append fields to their events as they grow, so data may end before the layout does: `in` tells.
"""

import struct
from typing import Any

from solders.pubkey import Pubkey

from oof_pipelines.decode.layout import LayoutError

_FIXED = {
    "u8": struct.Struct("<B"),
    "i8": struct.Struct("<b"),
    "bool": struct.Struct("<?"),
    "u16": struct.Struct("<H"),
    "i16": struct.Struct("<h"),
    "u32": struct.Struct("<I"),
    "i32": struct.Struct("<i"),
    "u64": struct.Struct("<Q"),
    "i64": struct.Struct("<q"),
}
_WIDE = {"u128": False, "i128": True}
_PUBKEY_BYTES = 32
_LENGTH = _FIXED["u32"]


def _size_of(kind: str) -> int | None:
    """Bytes of a type of fixed size; None for one whose size its data say."""
    if kind in _FIXED:
        return _FIXED[kind].size
    if kind in _WIDE:
        return 16
    if kind == "pubkey":
        return _PUBKEY_BYTES
    return int(kind[1:-1]) if kind.startswith("[") else None


class RecordLayout:
    """Names and types, with the offsets of all fields that come before the first one of unfixed size."""

    __slots__ = ("_fields", "offsets", "unfixed_from")

    def __init__(self, text: str) -> None:
        """ValueError where a type is none of those above, or a name stands twice."""
        self._fields = [(name, kind) for name, _, kind in (part.partition(":") for part in text.split())]
        if len({name for name, _ in self._fields}) < len(self._fields):
            raise ValueError(f"a field stands twice in {text!r}")
        self.offsets: dict[str, tuple[int, str, int]] = {}
        self.unfixed_from = (0, 0)
        offset = 0
        for index, (name, kind) in enumerate(self._fields):
            size = _size_of(kind) if _check(kind) else None
            if size is None:
                break
            self.offsets[name] = (offset, kind, size)
            offset += size
            self.unfixed_from = (index + 1, offset)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self._fields]

    def unfixed(self, data: bytes, start: int) -> dict[str, Any]:
        """The fields from the first one of unfixed size on, as far as the data go."""
        index, offset = self.unfixed_from
        position = start + offset
        values: dict[str, Any] = {}
        try:
            for name, kind in self._fields[index:]:
                values[name], position = _read(kind, data, position)
        except LayoutError:
            pass  # the data end here: an older version of the program wrote them
        return values


def _check(kind: str) -> bool:
    for outer in ("option<", "vec<"):
        if kind.startswith(outer) and kind.endswith(">"):
            return _check(kind[len(outer) : -1])
    if kind not in ("string", "bytes") and _size_of_known(kind) is None:
        raise ValueError(f"{kind!r} is no type of a field")
    return True


def _size_of_known(kind: str) -> int | None:
    try:
        return _size_of(kind)
    except ValueError:
        return None


def _read(kind: str, data: bytes, position: int) -> tuple[Any, int]:
    """The value at `position` and where the next one begins; LayoutError where the data are too short."""
    size = _size_of(kind)
    if size is not None:
        if position + size > len(data):
            raise LayoutError(f"{len(data)} bytes of data, {position + size} needed")
        return _fixed(kind, data, position, size), position + size
    if kind.startswith("option<"):
        is_there, position = _read("u8", data, position)
        return _read(kind[7:-1], data, position) if is_there else (None, position)
    length, position = _read("u32", data, position)
    if kind.startswith("vec<"):
        if length > len(data):
            raise LayoutError(f"a list of {length} in {len(data)} bytes")
        values = []
        for _ in range(length):
            value, position = _read(kind[4:-1], data, position)
            values.append(value)
        return values, position
    if position + length > len(data):
        raise LayoutError(f"{len(data)} bytes of data, {position + length} needed")
    raw = data[position : position + length]
    return raw.decode(errors="replace") if kind == "string" else raw, position + length


def _fixed(kind: str, data: bytes, position: int, size: int) -> Any:
    code = _FIXED.get(kind)
    if code is not None:
        return code.unpack_from(data, position)[0] if kind != "bool" else data[position] != 0
    raw = data[position : position + size]
    if kind == "pubkey":
        return str(Pubkey.from_bytes(raw))
    return int.from_bytes(raw, "little", signed=_WIDE[kind]) if kind in _WIDE else raw


class Record:
    """The fields of one instruction or event. `record["amount_in"]` reads one; LayoutError where the data lack it."""

    __slots__ = ("_data", "_layout", "_start", "_unfixed")

    def __init__(self, layout: RecordLayout, data: bytes, start: int) -> None:
        self._layout = layout
        self._data = data
        self._start = start
        self._unfixed: dict[str, Any] | None = None

    def __getitem__(self, name: str) -> Any:
        found = self._layout.offsets.get(name)
        if found is not None:
            offset, kind, size = found
            position = self._start + offset
            if position + size > len(self._data):
                raise LayoutError(f"{len(self._data)} bytes of data, {position + size} needed")
            return _fixed(kind, self._data, position, size)
        try:
            return self._read_unfixed()[name]
        except KeyError:
            raise LayoutError(f"the data end before {name}") from None

    def __contains__(self, name: str) -> bool:
        found = self._layout.offsets.get(name)
        if found is not None:
            return self._start + found[0] + found[2] <= len(self._data)
        return name in self._read_unfixed()

    def get(self, name: str, default: Any = 0) -> Any:
        """The field, or `default` where the data end before it."""
        if name not in self:
            return default
        return self[name]

    def _read_unfixed(self) -> dict[str, Any]:
        if self._unfixed is None:
            self._unfixed = self._layout.unfixed(self._data, self._start)
        return self._unfixed

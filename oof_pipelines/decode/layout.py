"""Reads fields off instruction data by name and type, in order, with the end checked."""

import struct

from solders.pubkey import Pubkey


class LayoutError(ValueError):
    """The data or the account list is shorter than the instruction's layout: not the instruction it claims to be."""


class Fields:
    """A cursor over instruction data. All integers are little-endian, as Borsh and bincode write them."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self._position = position

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if end > len(self._data):
            raise LayoutError(f"{len(self._data)} bytes of data, {end} needed")
        part = self._data[self._position : end]
        self._position = end
        return part

    def u8(self) -> int:
        return self._take(1)[0]

    def u32(self) -> int:
        value: int = struct.unpack("<I", self._take(4))[0]
        return value

    def u64(self) -> int:
        value: int = struct.unpack("<Q", self._take(8))[0]
        return value

    def pubkey(self) -> str:
        return str(Pubkey.from_bytes(self._take(32)))

    def bytes(self, size: int) -> bytes:
        return self._take(size)

    @property
    def is_at_end(self) -> bool:
        return self._position >= len(self._data)


def account(accounts: list[str], index: int) -> str:
    """The account at `index` of an instruction; LayoutError where the instruction has fewer, or its address is unknown."""
    if index >= len(accounts) or not accounts[index]:
        raise LayoutError(f"{len(accounts)} accounts, account {index} needed")
    return accounts[index]

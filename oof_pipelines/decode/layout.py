"""Reads fields off instruction data by name and type, in order, with the end checked."""

from solders.pubkey import Pubkey


class LayoutError(ValueError):
    """The data or the account list is shorter than the instruction's layout: not the instruction it claims to be."""


class Fields:
    """A cursor over instruction data. All integers are little-endian, as Borsh and bincode write them."""

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self._position = position

    def u8(self) -> int:
        start = self._position
        self._position = start + 1
        try:
            return self._data[start]
        except IndexError:
            raise LayoutError(f"{len(self._data)} bytes of data, {start + 1} needed") from None

    def u32(self) -> int:
        return int.from_bytes(self.bytes(4), "little")

    def u64(self) -> int:
        return int.from_bytes(self.bytes(8), "little")

    def pubkey(self) -> str:
        return str(Pubkey.from_bytes(self.bytes(32)))

    def bytes(self, size: int) -> bytes:
        start = self._position
        end = self._position = start + size
        if end > len(self._data):
            raise LayoutError(f"{len(self._data)} bytes of data, {end} needed")
        return self._data[start:end]

    @property
    def is_at_end(self) -> bool:
        return self._position >= len(self._data)


def account(accounts: list[str], index: int) -> str:
    """The account at `index` of an instruction; LayoutError where the instruction has fewer, or its address is unknown."""
    try:
        found = accounts[index]
    except IndexError:
        found = ""
    if not found:
        raise LayoutError(f"{len(accounts)} accounts, account {index} needed")
    return found

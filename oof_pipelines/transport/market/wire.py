"""Forms that figures have in the answers of market services, and readings of one entry each.

msgspec checks the form; what a figure may be is in plausibility.py.
"""

from typing import Annotated, TypeVar

import msgspec

from oof_pipelines.chain.body import MAX_SLOT
from oof_pipelines.pricing.readings import ReadingRefusedError

StructT = TypeVar("StructT")

Slot = Annotated[int, msgspec.Meta(ge=0, le=MAX_SLOT)]
Decimals = Annotated[int, msgspec.Meta(ge=0, le=255)]
UnsignedText = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,20}$")]
"""An unsigned whole number of at most 20 digits, in quotes."""
SignedText = Annotated[str, msgspec.Meta(pattern="^-?[0-9]{1,20}$")]
MillisecondsOfEpoch = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""Milliseconds since 1970, up to the year 9999."""
SecondsOfEpoch = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]

_MOST_RAW = 2**64 - 1


def read_entry(source: str, subject: str, entry: bytes | msgspec.Raw, kind: type[StructT]) -> StructT:
    """One entry of an answer, strictly; `ReadingRefusedError` where it has another form."""
    try:
        return msgspec.json.decode(entry, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ReadingRefusedError(source, subject, f"the entry has another form ({error})") from None


def raw_amount(source: str, subject: str, figure: str, text: str, least: int = 1) -> int:
    """A token amount in base units, from `least` to what an u64 holds; else `ReadingRefusedError`."""
    amount = int(text)
    if not least <= amount <= _MOST_RAW:
        raise ReadingRefusedError(source, subject, f"{figure} {text} is zero or above an u64")
    return amount


def chunks(items: list[str], size: int) -> list[list[str]]:
    """`items` in order, in lists of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]

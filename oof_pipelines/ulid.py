"""ULIDs, for rows that a user makes: 26 characters that sort by the millisecond in which they were made.

The layout is that of the ULID specification (github.com/ulid/spec): 48 bits of milliseconds since 1970, then 80 bits of
randomness, both in Crockford's base 32. Time and randomness are passed in.
"""

import re
from datetime import UTC, datetime, timedelta

RANDOM_BYTES = 10

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_CHARACTERS = 26
_MILLISECOND_BITS = 48
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 26 characters hold 130 bits, two more than there are: the first is at most 7.
_ULID = re.compile(f"[0-7][{_ALPHABET}]{{{_CHARACTERS - 1}}}")


def make_ulid(at: datetime, randomness: bytes) -> str:
    """The ULID of an instant with its zone and 10 random bytes.

    Raises `ValueError` for an instant before 1970, or past the year 10889 of which no 48 bits are enough, and for other
    than 10 bytes.
    """
    if len(randomness) != RANDOM_BYTES:
        raise ValueError(f"a ULID wants {RANDOM_BYTES} random bytes, not {len(randomness)}")
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    if not 0 <= milliseconds < 1 << _MILLISECOND_BITS:
        raise ValueError(f"no ULID can be made of {at.isoformat()}")
    value = milliseconds << 8 * RANDOM_BYTES | int.from_bytes(randomness, "big")
    return "".join(_ALPHABET[value >> 5 * place & 31] for place in reversed(range(_CHARACTERS)))


def is_ulid(text: str) -> bool:
    """Whether it is a ULID as `make_ulid` writes them, in capitals."""
    return _ULID.fullmatch(text) is not None


def ulid_at(ulid: str) -> datetime:
    """The millisecond in which it was made, in UTC. Raises `ValueError` for what is none."""
    if not is_ulid(ulid):
        raise ValueError(f"{ulid[:40]!r} is no ULID")
    value = 0
    for character in ulid:
        value = value << 5 | _VALUES[character]
    return _EPOCH + timedelta(milliseconds=value >> 8 * RANDOM_BYTES)

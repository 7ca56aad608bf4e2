"""Base58 as Bitcoin and Solana write it, of any length, on top of what solders reads fast: numbers of 32 and of 64 bytes."""

from solders.pubkey import Pubkey
from solders.signature import Signature

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ZERO = ALPHABET[0]
_ONE = ALPHABET[1]

# solders takes a text for a key only where it stands for 32 bytes, leading zeros included. A digit one in front of 43 others
# sees to that whatever they are: 58**43 has 252 bits, its double 253. The same is true of 87 digits and 64 bytes.
_SHORT_DIGITS = 43
_SHORT_ONE = 58**_SHORT_DIGITS
_SHORT_FRONTS = [_ONE + _ZERO * (_SHORT_DIGITS - digits) for digits in range(_SHORT_DIGITS + 1)]
_LONG_DIGITS = 87
_LONG_ONE = 58**_LONG_DIGITS
_LONG_FRONTS = [_ONE + _ZERO * (_LONG_DIGITS - digits) for digits in range(_LONG_DIGITS + 1)]
_LONG_ONE_ODD = 29**_LONG_DIGITS
"""58**87 without its 87 factors of two: a shift is quicker than to multiply by them."""

# From nothing but zeros, one character each, to the largest number.
_PUBKEY_CHARACTERS = range(32, 45)
_SIGNATURE_CHARACTERS = range(64, 89)


def decode_base58(text: str) -> bytes:
    """The bytes behind `text`; ValueError names the first character that is not base58."""
    number: int
    size = len(text)
    try:
        if size <= _SHORT_DIGITS:
            number = int.from_bytes(Pubkey.from_string(_SHORT_FRONTS[size] + text), "big") - _SHORT_ONE
        elif size <= _LONG_DIGITS:
            number = int.from_bytes(Signature.from_string(_LONG_FRONTS[size] + text), "big") - _LONG_ONE
        else:
            number = _long_number(text)
    except ValueError:
        stranger = next(character for character in text if character not in ALPHABET)
        raise ValueError(f"{stranger!r} is not a base58 character") from None
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    if text[:1] != _ZERO:
        return data
    return bytes(len(text) - len(text.lstrip(_ZERO))) + data


def _long_number(digits: str) -> int:
    """The number that more digits stand for, read 87 at a time."""
    first = len(digits) % _LONG_DIGITS
    number: int = int.from_bytes(Signature.from_string(_LONG_FRONTS[first] + digits[:first]), "big") - _LONG_ONE
    for start in range(first, len(digits), _LONG_DIGITS):
        part = Signature.from_string(_ONE + digits[start : start + _LONG_DIGITS])
        number = (number * _LONG_ONE_ODD << _LONG_DIGITS) + int.from_bytes(part, "big") - _LONG_ONE
    return number


def encode_base58(data: bytes) -> str:
    """`data` in base58; each leading zero byte is a leading '1'."""
    number = int.from_bytes(data, "big")
    parts = []
    while number:
        number, low = divmod(number, _SHORT_ONE)
        # The digit one in front keeps the zeros of the 43 others, and is left out again.
        parts.append(str(Pubkey.from_bytes((_SHORT_ONE + low).to_bytes(32, "big")))[1:])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return _ZERO * zeros + "".join(reversed(parts)).lstrip(_ZERO)


def is_pubkey(text: str) -> bool:
    """Whether `text` is the base58 form of 32 bytes."""
    return _is_of(text, 32, _PUBKEY_CHARACTERS)


def is_signature(text: str) -> bool:
    """Whether `text` is the base58 form of 64 bytes."""
    return _is_of(text, 64, _SIGNATURE_CHARACTERS)


def _is_of(text: str, size: int, characters: range) -> bool:
    # What is asked here may be anybody's, and reading base58 takes the square of its length.
    if len(text) not in characters:
        return False
    try:
        return len(decode_base58(text)) == size
    except ValueError:
        return False

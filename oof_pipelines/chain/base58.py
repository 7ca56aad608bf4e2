"""Base58 as Bitcoin and Solana write it. solders does fixed sizes (keys, signatures); this does any length."""

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_STRANGE = 58
_VALUES = bytes(ALPHABET.find(chr(code)) if chr(code) in ALPHABET else _STRANGE for code in range(256))
"""Byte of ASCII → its value, `_STRANGE` for what is no digit."""
_CHUNK = 10
_POWERS = [58**digits for digits in range(_CHUNK + 1)]


def decode_base58(text: str) -> bytes:
    """The bytes behind `text`; ValueError names the first character that is not base58."""
    values = text.encode(errors="replace").translate(_VALUES)
    if _STRANGE in values:
        stranger = next(character for character in text if character not in ALPHABET)
        raise ValueError(f"{stranger!r} is not a base58 character")
    number = 0
    for start in range(0, len(values), _CHUNK):
        part = values[start : start + _CHUNK]
        # Ten digits fit a machine word, so the long multiplication is done once a chunk instead of once a digit.
        chunk = 0
        for value in part:
            chunk = chunk * 58 + value
        number = number * _POWERS[len(part)] + chunk
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    return b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")


def encode_base58(data: bytes) -> str:
    """`data` in base58; each leading zero byte is a leading '1'."""
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, value = divmod(number, 58)
        digits.append(ALPHABET[value])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return ALPHABET[0] * zeros + "".join(reversed(digits))


def is_pubkey(text: str) -> bool:
    """Whether `text` is the base58 form of 32 bytes."""
    try:
        return len(decode_base58(text)) == 32
    except ValueError:
        return False


def is_signature(text: str) -> bool:
    """Whether `text` is the base58 form of 64 bytes."""
    try:
        return len(decode_base58(text)) == 64
    except ValueError:
        return False

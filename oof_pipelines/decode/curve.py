"""Whether a key can sign for an address."""

from functools import lru_cache

from solders.pubkey import Pubkey


@lru_cache(maxsize=1 << 16)
def is_off_curve(address: str) -> bool:
    """Whether an address is no ed25519 public key, so derived by a program. A recording's mangled address is not."""
    try:
        return not Pubkey.from_string(address).is_on_curve()
    except ValueError:
        return False

"""Which of 64 buckets a wallet's rows lie in: sha256 of the address modulo 64."""

import hashlib

WALLET_BUCKETS = 64


def wallet_bucket(wallet: str) -> int:
    """0 to 63; evenly spread and the same for ever, since files are laid out by it."""
    # 64 divides 256, so the last byte alone decides.
    return hashlib.sha256(wallet.encode()).digest()[-1] % WALLET_BUCKETS

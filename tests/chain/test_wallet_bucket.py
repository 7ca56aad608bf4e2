"""Wallet buckets: files are laid out by them, so they never change and are evenly filled."""

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.wallet_bucket import WALLET_BUCKETS, wallet_bucket


@pytest.mark.parametrize(
    ("wallet", "bucket"),
    [
        ("11111111111111111111111111111111", 42),
        ("So11111111111111111111111111111111111111112", 24),
        ("CPp14jCnVZpBUoLGZKAFcrLGHqbYTqHjcBEXaJyVgVop", 54),
    ],
)
def test_buckets_are_for_ever(wallet: str, bucket: int) -> None:
    assert wallet_bucket(wallet) == bucket


@given(st.text(max_size=60).filter(lambda text: text.isprintable()))
def test_it_is_the_whole_digest_modulo_64(wallet: str) -> None:
    number = int.from_bytes(hashlib.sha256(wallet.encode()).digest(), "big")
    assert wallet_bucket(wallet) == number % 64
    assert 0 <= wallet_bucket(wallet) < WALLET_BUCKETS == 64


def test_addresses_spread_evenly() -> None:
    """Over 64,000 addresses a bucket expects 1,000, give or take 31 (one standard deviation)."""
    addresses = (encode_base58(number.to_bytes(32, "big")) for number in range(2**200, 2**200 + 64_000))
    counts = Counter(wallet_bucket(address) for address in addresses)
    assert set(counts) == set(range(64))
    assert max(abs(count - 1_000) for count in counts.values()) < 160

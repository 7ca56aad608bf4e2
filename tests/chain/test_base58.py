"""Base58 of any length, against solders where it has a size for it."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.signature import Signature

from oof_pipelines.chain.base58 import ALPHABET, decode_base58, encode_base58, is_pubkey, is_signature


@given(st.binary(max_size=200))
def test_bytes_come_back(data: bytes) -> None:
    assert decode_base58(encode_base58(data)) == data


@given(st.text(ALPHABET, max_size=200))
def test_text_comes_back(text: str) -> None:
    assert encode_base58(decode_base58(text)) == text


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_agrees_with_solders(key: bytes, signature: bytes) -> None:
    assert encode_base58(key) == str(Pubkey(key))
    assert encode_base58(signature) == str(Signature(signature))
    assert is_pubkey(str(Pubkey(key)))
    assert is_signature(str(Signature(signature)))
    assert not is_signature(str(Pubkey(key)))
    assert not is_pubkey(str(Signature(signature)))


@given(st.text(ALPHABET, max_size=700), st.integers(0, 90))
def test_any_length_is_what_its_digits_say(text: str, ones: int) -> None:
    text = ALPHABET[0] * ones + text
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip(ALPHABET[0]))
    assert decode_base58(text) == bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


@pytest.mark.parametrize("size", [1, 42, 43, 44, 86, 87, 88, 173, 174, 175, 400])
@pytest.mark.parametrize("digit", [ALPHABET[0], ALPHABET[-1]])
def test_the_least_and_the_greatest_of_a_length(size: int, digit: str) -> None:
    assert encode_base58(decode_base58(digit * size)) == digit * size


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "1 ", "é", "11\n", "z" * 60 + "0", "z" * 130 + "l" + "z" * 60])
def test_a_stranger_is_named(text: str) -> None:
    stranger = next(character for character in text if character not in ALPHABET)
    with pytest.raises(ValueError, match="is not a base58 character") as raised:
        decode_base58(text)
    assert repr(stranger) in str(raised.value)
    assert not is_pubkey(text)


def test_leading_zeros_are_ones() -> None:
    assert encode_base58(bytes(32)) == "1" * 32 == str(Pubkey.default())
    assert encode_base58(b"\0\0\1") == "112"
    assert (encode_base58(b""), decode_base58("")) == ("", b"")
    assert not is_pubkey("")


@pytest.mark.parametrize("is_one", [is_pubkey, is_signature])
def test_a_text_of_any_length_is_told_from_an_address_at_once(is_one: Callable[[str], bool]) -> None:
    # To read this one would take minutes.
    began_s = time.monotonic()
    assert not is_one("z" * 2_000_000)
    assert time.monotonic() - began_s < 1

"""Mints and token accounts of both token programs, with their extensions."""

import pytest
from accounts_told import TOKEN, TOKEN_2022, USDC, key_bytes, mint_data, token_account_data

from oof_pipelines.decode.accounts.facts import AccountFacts, TokenAccountInfo, TokenMintInfo
from oof_pipelines.decode.accounts.layout import UnknownAccountError
from oof_pipelines.decode.accounts.registry import read_account

COIN = "CLnsvL118rFABjjpGkR5jY8JeUib3SjEf4Eyu7ZVhbKu"
WALLET = "7n9jvPADeWJrqPeZXgUXQ1uauQoCNiP4fHsAxw5nfKwR"


def read(account: str, owner: str, data: bytes) -> AccountFacts | None:
    return read_account(account, owner, 1, data)


def test_mints_and_their_authorities() -> None:
    assert read(USDC, TOKEN, mint_data(7, 6)) == TokenMintInfo(USDC, TOKEN, 6, 7, "", "")
    assert read(USDC, TOKEN, mint_data(2**64 - 1, 255, WALLET)) == TokenMintInfo(
        USDC, TOKEN, 255, 2**64 - 1, WALLET, ""
    )
    assert read(USDC, TOKEN, bytes(82)) is None, "made and not initialised yet"
    freezing = mint_data(1, 0)[:46] + b"\1\0\0\0" + key_bytes(WALLET)
    assert read(USDC, TOKEN, freezing) == TokenMintInfo(USDC, TOKEN, 0, 1, "", WALLET)
    with pytest.raises(UnknownAccountError, match="token: a mint whose has_freeze_authority is 2"):
        read(USDC, TOKEN, mint_data(1, 0)[:46] + b"\2\0\0\0" + bytes(32))


def extended(base: bytes, kind: int, *entries: tuple[int, bytes]) -> bytes:
    data = base + bytes(165 - len(base)) + bytes([kind])
    for number, value in entries:
        data += number.to_bytes(2, "little") + len(value).to_bytes(2, "little") + value
    return data


def test_extensions_of_a_mint() -> None:
    fee = bytes(64) + (5).to_bytes(8, "little")
    fee += (700).to_bytes(8, "little") + (10**6).to_bytes(8, "little") + (100).to_bytes(2, "little")
    fee += (702).to_bytes(8, "little") + (10**9).to_bytes(8, "little") + (250).to_bytes(2, "little")
    name, symbol, uri = (
        len(text).to_bytes(4, "little") + text for text in (b"START \xe2\x98\x83", b"DENZA", b"https://x")
    )
    data = extended(
        mint_data(10**15, 6),
        1,
        (1, fee),
        (3, key_bytes(WALLET)),
        (6, b"\2"),
        (12, key_bytes(COIN)),
        (14, bytes(32) + key_bytes(USDC)),
        (26, bytes(32) + b"\1"),
        (19, bytes(64) + name + symbol + uri + bytes(4)),
        (999, b"later"),
    )
    assert read(COIN, TOKEN_2022, data) == TokenMintInfo(
        COIN,
        TOKEN_2022,
        6,
        10**15,
        "",
        "",
        (
            "transfer_fee_config",
            "mint_close_authority",
            "default_account_state",
            "permanent_delegate",
            "transfer_hook",
            "pausable",
            "token_metadata",
            "extension_999",
        ),
        transfer_fee_bps=250,
        most_transfer_fee_raw=10**9,
        fee_from_epoch=702,
        older_fee_bps=100,
        permanent_delegate=COIN,
        close_authority=WALLET,
        hook_program=USDC,
        default_state="frozen",
        is_paused=True,
        name="START ☃",
        symbol="DENZA",
        uri="https://x",
    )
    short = read(COIN, TOKEN_2022, extended(mint_data(1, 6), 1, (1, fee[:40]), (18, bytes(64))))
    assert short == TokenMintInfo(COIN, TOKEN_2022, 6, 1, "", "", ("transfer_fee_config", "metadata_pointer"))
    with pytest.raises(UnknownAccountError, match="token: extension 1 ends at 278 of 210 bytes"):
        read(COIN, TOKEN_2022, extended(mint_data(1, 6), 1, (1, fee))[:210])


def test_token_accounts() -> None:
    held = token_account_data(COIN, WALLET, 2**64 - 1)
    plain = TokenAccountInfo(USDC, TOKEN, COIN, WALLET, 2**64 - 1, "initialized")
    assert read(USDC, TOKEN, held) == plain
    assert read(USDC, TOKEN, token_account_data(COIN, WALLET, 0, state=0)) is None
    frozen = read(USDC, TOKEN, token_account_data(COIN, WALLET, 5, state=2))
    assert isinstance(frozen, TokenAccountInfo)
    assert frozen.state == "frozen"
    full = held[:72] + b"\1\0\0\0" + key_bytes(COIN) + held[108:109]
    full += b"\1\0\0\0" + (2_039_280).to_bytes(8, "little") + (77).to_bytes(8, "little") + b"\1\0\0\0" + key_bytes(USDC)
    assert read(USDC, TOKEN, full) == TokenAccountInfo(
        USDC, TOKEN, COIN, WALLET, 2**64 - 1, "initialized", COIN, 77, USDC, 2_039_280
    )
    withheld = extended(held, 2, (7, b""), (2, (9).to_bytes(8, "little")))
    assert read(USDC, TOKEN_2022, withheld) == TokenAccountInfo(
        USDC,
        TOKEN_2022,
        COIN,
        WALLET,
        2**64 - 1,
        "initialized",
        withheld_raw=9,
        extensions=("immutable_owner", "transfer_fee_amount"),
    )
    with pytest.raises(UnknownAccountError, match="token: a token account of state 3"):
        read(USDC, TOKEN, token_account_data(COIN, WALLET, 5, state=3))
    assert read(USDC, TOKEN, bytes(355)) is None, "a multisig"
    with pytest.raises(UnknownAccountError, match="token: 200 bytes, neither mint nor token account"):
        read(USDC, TOKEN, bytes(200))

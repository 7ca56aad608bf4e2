"""Accounts for tests: real ones by the values their bytes held on mainnet, put back at the offsets the programs use.

The offsets are those of the programs' own structs, counted here once more and apart from the decoders' layouts.
"""

from collections.abc import Iterable
from struct import pack

from solders.pubkey import Pubkey

from oof_pipelines.geyser_interfaces import GeyserAccount

WSOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
SYSTEM = "11111111111111111111111111111111"
RAYDIUM_V4 = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
RAYDIUM_CPMM = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
DLMM = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
PUMP = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"

Value = tuple[int, str, int | str]
"""Offset, format (struct's, `key` for an address, `u128`), value."""


def key_bytes(address: str) -> bytes:
    return bytes(Pubkey.from_string(address))


def account_data(size: int, tag: bytes, values: Iterable[Value]) -> bytes:
    """Bytes of an account: a discriminator at its beginning, values at their offsets, zeros elsewhere."""
    data = bytearray(size)
    data[: len(tag)] = tag
    for offset, form, value in values:
        if form == "key":
            raw = key_bytes(str(value))
        elif form == "u128":
            raw = int(value).to_bytes(16, "little")
        else:
            raw = pack(f"<{form}", value)
        assert offset + len(raw) <= size
        data[offset : offset + len(raw)] = raw
    return bytes(data)


def token_account_data(mint: str, owner: str, amount_raw: int, *, state: int = 1) -> bytes:
    return account_data(165, b"", [(0, "key", mint), (32, "key", owner), (64, "Q", amount_raw), (108, "B", state)])


def mint_data(supply_raw: int, decimals: int, authority: str = "") -> bytes:
    values: list[Value] = [(36, "Q", supply_raw), (44, "B", decimals), (45, "B", 1)]
    if authority:
        values += [(0, "I", 1), (4, "key", authority)]
    return account_data(82, b"", values)


def cpmm_pool() -> tuple[str, bytes]:
    """FmNz8z2o… as it was on 2026-06-23: WSOL against CLNS, both of nine decimals."""
    return "FmNz8z2oN4CheHj4EUXVXC6doFN4RRmhGwxFQgrJVJFs", account_data(
        637,
        bytes([247, 237, 227, 245, 215, 195, 222, 70]),
        [
            (8, "key", "2fGXL8uhqxJ4tpgtosHZXT4zcQap6j62z3bMDxdkMvy5"),
            (40, "key", "A7zcEKcRWZd4xAx44UB3fmSQzpfp8TExAD1dTyT8bjF2"),
            (72, "key", "7kr6P33VCitwmwpShpUwXKpjnnXQkVyNZNqLktYKRKm9"),
            (104, "key", "9rtx1zk5rSXFjg9oDKhzTnJWeVhuA8CJFvvgdKppsz8a"),
            (136, "key", "AXga7cEpYZZKsyV7FMMwfmb6y7Lxy9DGAwMbwf622mSp"),
            (168, "key", WSOL),
            (200, "key", "CLnsvL118rFABjjpGkR5jY8JeUib3SjEf4Eyu7ZVhbKu"),
            (232, "key", TOKEN),
            (264, "key", TOKEN),
            (328, "B", 253),
            (330, "B", 9),
            (331, "B", 9),
            (332, "B", 9),
            (333, "Q", 100),
            (341, "Q", 1_164_696),
            (349, "Q", 546_278_780_218_986),
            (357, "Q", 388_232),
            (365, "Q", 182_092_926_745_803),
        ],
    )


def pump_curve(quote_mint: str = "METvsvVRapdj9cFLzq4Tr43xK4tAjQfwX76z3n6mWQL") -> tuple[str, bytes]:
    """3hcAKoHk… as it was on 2026-09-27: a curve for another coin than SOL, 151 bytes."""
    return "3hcAKoHkBRW1HtamyvdZPyr5oHV8pGkoV2yUAnUuLVko", account_data(
        151,
        bytes([23, 183, 248, 55, 96, 216, 172, 96]),
        [
            (8, "Q", 1_045_225_794_522_273),
            (16, "Q", 12_410_948_657),
            (24, "Q", 765_325_794_522_273),
            (32, "Q", 321_252_847),
            (40, "Q", 1_000_000_000_000_000),
            (49, "key", "7n9jvPADeWJrqPeZXgUXQ1uauQoCNiP4fHsAxw5nfKwR"),
            (83, "key", quote_mint),
        ],
    )


def heard(
    pubkey: str,
    owner: str,
    data: bytes,
    slot: int,
    write_version: int,
    *,
    lamports: int = 2_039_280,
    signature: str | None = None,
    is_startup: bool = False,
) -> GeyserAccount:
    return GeyserAccount(pubkey, owner, lamports, data, slot, write_version, signature, is_startup=is_startup)

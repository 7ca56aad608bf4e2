"""A market made up from a seed: what every coin costs at every second, which coins are known, and what venues turned over.

All services of one server tell of this one market, so their prices agree as real ones do. Prices are exact decimals.
"""

import hashlib
from datetime import datetime
from decimal import Decimal

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT

TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - a public address
TOKEN_2022_PROGRAM = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105

# (price in 1e-9 dollars, decimals, name, symbol)
_FIXED = {
    NATIVE_MINT: (150_000_000_000, 9, "Wrapped SOL", "SOL"),
    USDC_MINT: (1_000_000_000, 6, "USD Coin", "USDC"),
    USDT_MINT: (1_000_000_000, 6, "Tether USD", "USDT"),
}
_PRICE_PLACES = 18
_FIRST_SLOT_AT_S = 1_600_000_000
_SLOTS_PER_5_SECONDS = 12
# How far a price strays from where it began, in thousandths: nothing may drift away over years of a test's time.
_WOBBLE_PER_MILLE = 20


class MarketWorld:
    """The market of one seed. Every answer is a function of its arguments alone."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def draw(self, *names: object) -> int:
        """A number below 2^64 that belongs to `names`."""
        text = "\0".join(str(name) for name in (self._seed, *names)).encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")

    def is_known(self, mint: str) -> bool:
        """Whether services have heard of it: SOL and the dollars, and seven of eight other addresses."""
        return mint in _FIXED or (is_pubkey(mint) and self.draw("known", mint) % 8 != 0)

    def decimals(self, mint: str) -> int:
        return _FIXED[mint][1] if mint in _FIXED else 6

    def words(self, mint: str) -> tuple[str, str]:
        """Its name and symbol."""
        if mint in _FIXED:
            return _FIXED[mint][2], _FIXED[mint][3]
        number = self.draw("words", mint) % 100_000
        return f"Made-up coin {number}", f"MADE{number}"

    def token_program(self, mint: str) -> str:
        is_new = mint not in _FIXED and self.draw("program", mint) % 2 == 1
        return TOKEN_2022_PROGRAM if is_new else TOKEN_PROGRAM

    def price_usd(self, mint: str, at: datetime) -> Decimal:
        """Dollars a whole token in the second of `at`: near its first price, a little another every second."""
        if mint in _FIXED:
            first = _FIXED[mint][0] * 10**9
        else:
            first = (1 + self.draw("price", mint) % 999_999) * 10 ** (6 + self.draw("scale", mint) % 8)
        second = int(at.timestamp())
        wobble = self.draw("wobble", mint, second) % (2 * _WOBBLE_PER_MILLE * 1000 + 1) - _WOBBLE_PER_MILLE * 1000
        if mint in (USDC_MINT, USDT_MINT):
            wobble //= 100
        return Decimal(f"{first * (1_000_000 + wobble) // 1_000_000}E-{_PRICE_PLACES}")

    def slot(self, at: datetime) -> int:
        """The slot of `at`, at 2.4 slots a second from a fixed beginning."""
        return (int(at.timestamp()) - _FIRST_SLOT_AT_S) * _SLOTS_PER_5_SECONDS // 5

    def volume_usd(self, name: str, hours: int, at: datetime) -> Decimal:
        """What `name` turned over in the `hours` before `at`, in dollars and cents."""
        hour = int(at.timestamp()) // 3600
        cents = 10_000 + self.draw("volume", name) % 10**9 + self.draw("volume of the hour", name, hour) % 10**7
        return Decimal(f"{cents * hours}E-2")

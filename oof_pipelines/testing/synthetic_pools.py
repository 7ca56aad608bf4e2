"""What the pools of the written ledger have in common: a constant product, a fill, and how instructions name accounts."""

from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from typing import Protocol

from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

from oof_pipelines.testing.synthetic_world import Actor, Mint
from oof_pipelines.testing.synthetic_written_transaction import TransactionWriter

ALL_PARTS = 10_000
"""Fees are in parts of this, basis points."""


@dataclass(frozen=True, slots=True)
class Fill:
    """What a swap did, in base units. `base_raw` and `quote_raw` are the venue's own amounts, which make its price; with the
    fees on top, `paid_raw` is what the trader gave in all and `got_raw` what he was left with.
    """

    base_raw: int
    quote_raw: int
    paid_raw: int
    got_raw: int


class Pool(Protocol):
    """A place to trade `base` for `quote`."""

    @property
    def address(self) -> Pubkey: ...

    @property
    def venue(self) -> str: ...

    @property
    def base(self) -> Mint: ...

    @property
    def quote(self) -> Mint: ...

    @property
    def takes_wrapped_sol(self) -> bool:
        """Whether SOL is paid by way of a wrapped SOL account."""
        ...

    @property
    def static_accounts(self) -> tuple[Pubkey, ...]:
        """Accounts that all trades of the pool name: what a lookup table is good for."""
        ...

    def reserves_raw(self) -> tuple[int, int]:
        """(base, quote) as its price is made of."""
        ...

    def best_buy_raw(self, spend_raw: int) -> int:
        """What spending that much of the quote, all fees included, would give now."""
        ...

    def best_sell_raw(self, base_raw: int) -> int:
        """What selling that much would leave after all fees."""
        ...

    def buy(self, writer: TransactionWriter, trader: Actor, spend_raw: int, now_s: int) -> Fill:
        """Write a purchase for at most `spend_raw`. The trader's token accounts exist and are filled."""
        ...

    def sell(self, writer: TransactionWriter, trader: Actor, base_raw: int, now_s: int) -> Fill:
        """Write a sale of exactly `base_raw`."""
        ...


def spot_price(pool: Pool) -> Fraction:
    """Base units of the quote for one base unit of the base."""
    base_raw, quote_raw = pool.reserves_raw()
    return Fraction(quote_raw, base_raw)


def divided_up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


def constant_product_out(in_raw: int, reserve_in_raw: int, reserve_out_raw: int) -> int:
    """What comes out of a constant product pool for an input that no fee is taken of any more, rounded down."""
    return reserve_out_raw * in_raw // (reserve_in_raw + in_raw)


def anchor_tag(space: str, name: str) -> bytes:
    """The discriminator of an instruction (`global`) or event (`event`) of an Anchor program."""
    return sha256(f"{space}:{name}".encode()).digest()[:8]


def made_up_address(*words: str) -> Pubkey:
    """An address that nobody has a key of, for an account whose content nobody reads."""
    return Pubkey.from_bytes(sha256("/".join(("oof written chain", *words)).encode()).digest())


def derived_address(program: Pubkey, *seeds: bytes) -> Pubkey:
    """A program's own address for these seeds."""
    return Pubkey.find_program_address(list(seeds), program)[0]


def seats(text: str, by_name: dict[str, Pubkey], *, signer: str, writable: str) -> list[AccountMeta]:
    """Account metas in the order of the names in `text`; `writable` are names too, apart by spaces."""
    changed = set(writable.split())
    return [AccountMeta(by_name[name], name == signer, name in changed) for name in text.split()]

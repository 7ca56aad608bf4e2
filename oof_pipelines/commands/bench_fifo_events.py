"""Made-up events of wallets, by seed: trades alone for `oof bench fifo`, and events of every kind to compare books over."""

import random
from collections.abc import Iterator
from typing import NamedTuple, Self

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.positions import events as kinds
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

MINTS = 500
_FIRST_SLOT = 250_000_000
_FIRST_SECOND = 1_700_000_000
_MOST_UNITS_RAW = 10**12
_MOST_LAMPORTS = 10**11
_SOL_USD = 150
_E18_A_LAMPORT = _SOL_USD * 10**9
_NETWORK_FEE_LAMPORTS = 5_000
_NETWORK_FEE_USD_E18 = _NETWORK_FEE_LAMPORTS * _E18_A_LAMPORT
_DECIMALS = 6
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

MEMBERS = ("Anna", "Bert")
EXCHANGE = "Exchange"
STRANGER = "Stranger"
POOLS = ("PoolOne", "PoolTwo")
ESCROWS = ("Order", "PoolTwo")
"""Who keeps tokens for a wallet: one is a pool as well, and `EXCHANGE` may be said to be one too."""
RULES = PositionRules(exchanges=frozenset({EXCHANGE}), owner_set=frozenset(MEMBERS))
"""The rules by which `all_kinds` is meant: two wallets are one owner's, one is an exchange's."""


class Trade(NamedTuple):
    """A trade against SOL as anybody would hand it over: the units, and lamports at a fixed price in dollars."""

    signature: str
    slot: int
    at_s: int
    mint: str
    kind: str
    qty_raw: int
    lamports: int
    usd_e18: int

    @classmethod
    def made(cls, number: int, at_s: int, mint: str, kind: str, qty_raw: int, usd_e18: int) -> Self:
        """The trade of that number; lamports are what so many dollars are, at the one price there is."""
        return cls(
            f"{number:088d}", _FIRST_SLOT + number, at_s, mint, kind, qty_raw, usd_e18 // _E18_A_LAMPORT, usd_e18
        )


def trades(count: int, seed: int, mints: int = MINTS) -> Iterator[Trade]:
    """Buys and sells of one wallet, one a second, that never sell more than is held; two sells in five sell everything."""
    source = random.Random(seed)  # noqa: S311 - made-up data, by seed
    names = ["".join(source.choices(_BASE58, k=44)) for _ in range(mints)]
    held = dict.fromkeys(names, 0)
    for number in range(count):
        mint = source.choice(names)
        has_raw = held[mint]
        is_buy = not has_raw or source.random() < 0.5
        if is_buy:
            qty_raw = source.randrange(1, _MOST_UNITS_RAW)
        else:
            qty_raw = has_raw if source.random() < 0.4 else source.randrange(1, has_raw + 1)
        held[mint] += qty_raw if is_buy else -qty_raw
        usd_e18 = source.randrange(1, _MOST_LAMPORTS) * _E18_A_LAMPORT
        kind = kinds.BUY if is_buy else kinds.SELL
        yield Trade.made(number, _FIRST_SECOND + number, mint, kind, qty_raw, usd_e18)


def event_of(trade: Trade, wallet: str = MEMBERS[0]) -> ValuedEvent:
    """The trade as the engine takes it."""
    signature, slot, at_s, mint, kind, qty_raw, lamports, usd_e18 = trade
    event = PositionEvent(
        signature,
        slot,
        0,
        at_s,
        65_537,
        "1",
        0,
        wallet,
        kind,
        mint,
        _DECIMALS,
        qty_raw,
        NATIVE_MINT,
        9,
        lamports,
        "",
        "pumpswap",
        _NETWORK_FEE_LAMPORTS,
        0,
        0,
    )
    return ValuedEvent(event, usd_e18, "klines", 10**18, _NETWORK_FEE_USD_E18)


def all_kinds(count: int, seed: int, mints: int = 12) -> Iterator[ValuedEvent]:
    """Events of every kind, of wallets within and without the owner set of `RULES`, by seed.

    Amounts from nothing to all of 64 bits; more is sold than is held, prices are missing, some of what is sent within the
    set is withheld, pools and escrows give back more and less than they got.
    """
    source = random.Random(seed)  # noqa: S311 - made-up data, by seed
    world = _World(source, [f"Mint{number}" for number in range(mints)])
    made = 0
    transaction = 0
    while made < count:
        transaction += 1
        for event in world.transaction(transaction)[: count - made]:
            made += 1
            yield world.valued(event)


class _World:
    def __init__(self, source: random.Random, mints: list[str]) -> None:
        self._source = source
        self._mints = mints

    def transaction(self, number: int) -> list[PositionEvent]:
        """One to three events of one transaction; a transfer within the set has both of its sides."""
        source = self._source
        if source.random() < 0.15:
            sender, receiver = source.sample(MEMBERS, 2)
            mint, sent_raw = source.choice(self._mints), self._units()
            arrived_raw = sent_raw if source.random() < 0.7 else sent_raw * source.randrange(90, 105) // 100
            return [
                self._event(number, 0, sender, kinds.SEND, mint, sent_raw, receiver),
                self._event(number, 0, receiver, kinds.RECEIVE, mint, arrived_raw, sender),
            ]
        wallet = source.choice((*MEMBERS, *MEMBERS, STRANGER))
        return [self._any(number, seq, wallet) for seq in range(source.choice((1, 1, 1, 2, 3)))]

    def _any(self, number: int, seq: int, wallet: str) -> PositionEvent:
        source = self._source
        kind = source.choices(kinds.KINDS, weights=(30, 25, 9, 11, 3, 8, 8, 4, 3))[0]
        mint = source.choice(self._mints)
        if kind == kinds.COST:
            return self._event(number, seq, wallet, kind, NATIVE_MINT, 0, "")
        if kind in (kinds.LP_ADD, kinds.LP_REMOVE):
            return self._event(number, seq, wallet, kind, mint, self._units(), source.choice(POOLS))
        if kind in (kinds.SEND, kinds.RECEIVE):
            is_escrow = source.random() < 0.4
            counterparty = source.choice((*ESCROWS, *ESCROWS, EXCHANGE) if is_escrow else (EXCHANGE, "Somebody", ""))
            return self._event(number, seq, wallet, kind, mint, self._units(), counterparty, is_escrow=is_escrow)
        return self._event(number, seq, wallet, kind, mint, self._units(), "")

    def _event(
        self,
        number: int,
        seq: int,
        wallet: str,
        kind: str,
        mint: str,
        qty_raw: int,
        counterparty: str,
        *,
        is_escrow: bool = False,
    ) -> PositionEvent:
        source = self._source
        other_mint, other_raw = "", None
        if kind in kinds.TRADES:
            other_mint = source.choice((NATIVE_MINT, NATIVE_MINT, USDC_MINT, mint))
            # A circle gains for nothing, or loses for nothing; now and then nobody knows what was paid.
            other_raw = 0 if other_mint == mint else source.choice((self._units(), self._units(), self._units(), None))
        has_fees = seq == 0 and (kind in kinds.TRADES or kind == kinds.COST)
        return PositionEvent(
            f"Signature{number}",
            _FIRST_SLOT + number // 3,
            source.choice((None, number % 3)),
            _FIRST_SECOND + number,
            65_537 + seq,
            str(seq),
            seq,
            wallet,
            kind,
            mint,
            source.choice((None, _DECIMALS)),
            qty_raw,
            other_mint,
            None,
            other_raw,
            counterparty,
            "",
            source.randrange(5_000, 9_000) if has_fees else 0,
            source.choice((0, 10_000)) if has_fees else 0,
            source.choice((0, 2_039_280, -2_039_280)) if has_fees else 0,
            is_escrow,
        )

    def _units(self) -> int:
        source = self._source
        kind = source.random()
        if kind < 0.03:
            return 0
        if kind < 0.2:
            return source.randrange(1, 10)
        return source.randrange(1, 1_000_000) if kind < 0.95 else source.randrange(1, 2**64)

    def valued(self, event: PositionEvent) -> ValuedEvent:
        """The event with dollars, now and then without."""
        source = self._source
        is_priced = source.random() < 0.85
        value = source.randrange(0, 10**24) if is_priced and source.random() < 0.98 else None
        fees = source.randrange(0, 10**18) if source.random() < 0.9 else None
        return ValuedEvent(event, value, "" if value is None else "klines", None if value is None else 10**18, fees)

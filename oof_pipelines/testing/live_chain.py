"""A market as of now: so many transactions a second, in which wallets trade and moments arise at once and by later prices.

Each coin has two pools of one pair. Whales move the price up and down, mostly in one of the two, and traders take either: who
takes the worse one has had a bad route; who sold before a rise or bought before a fall has a moment once the minute of that
price is over. Written by hand as the trading chain is (synthetic_trading.py); the same arguments give the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import sha256
from math import isqrt
from random import Random

from solders.keypair import Keypair

from oof_pipelines.chain.slot_clock import estimate_slot
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction
from oof_pipelines.testing.synthetic_instructions import TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_pools import Pool, made_up_address
from oof_pipelines.testing.synthetic_raydium_cpmm import CpmmPool
from oof_pipelines.testing.synthetic_raydium_v4 import RaydiumV4Pool
from oof_pipelines.testing.synthetic_trades import write_buy, write_sell
from oof_pipelines.testing.synthetic_trading import USDC
from oof_pipelines.testing.synthetic_world import LAMPORTS_A_SOL, Actor, Mint
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedger
from oof_pipelines.testing.synthetic_written_transaction import Place, TransactionWriter

_SLOT_MS = 400
_MINUTE_S = 60
_FEWEST_COINS, _MOST_COINS = 3, 40
_FEWEST_WALLETS, _MOST_WALLETS = 12, 600
_WALLETS_A_RATE = 12
_DEPTH_USD = 400_000
_ONE_USD_RAW = 10**6
_RICH_LAMPORTS = 100_000 * LAMPORTS_A_SOL
_RICH_RAW = 10**9 * _ONE_USD_RAW
_WHALE_PERCENT = 12
_STEPS = (Fraction(145, 100), Fraction(160, 100), Fraction(68, 100), Fraction(60, 100))
_ROOT_SCALE = 10**12


@dataclass(frozen=True, slots=True)
class LiveTransaction:
    """A transaction, who traded by it, and in which pool; `is_lead` says that it comes before the rate asked for."""

    transaction: SyntheticTransaction
    trader: str
    pool: str
    is_lead: bool


@dataclass(slots=True)
class _Coin:
    pools: tuple[Pool, Pool]
    level: Fraction = Fraction(1)
    """What the whales have done to its price since the beginning; it is kept between a quarter and four."""


@dataclass(slots=True)
class _Trader:
    actor: Actor
    held: list[int] = field(default_factory=list)


class LiveMarket:
    """The cast, and what it does next. `rate` is in transactions a second."""

    def __init__(self, seed: int, rate: int) -> None:
        self._seed = seed
        self._dice = Random(f"live market {seed} {rate}")  # noqa: S311 - a replayable chain is the point, not secrecy
        self._ledger = WrittenLedger()
        self._whale = self._actor("whale")
        coins = max(_FEWEST_COINS, min(_MOST_COINS, rate))
        self._coins = [self._coin(number) for number in range(coins)]
        wallets = max(_FEWEST_WALLETS, min(_MOST_WALLETS, rate * _WALLETS_A_RATE))
        self._traders = [_Trader(self._actor(f"trader {number}")) for number in range(wallets)]

    def _actor(self, role: str) -> Actor:
        keypair = Keypair.from_seed(sha256(f"oof live market/{self._seed}/{role}".encode()).digest())
        self._ledger.fund(keypair.pubkey(), _RICH_LAMPORTS)
        self._ledger.endow(keypair.pubkey(), USDC, _RICH_RAW)
        return Actor(keypair.pubkey(), keypair)

    def _coin(self, number: int) -> _Coin:
        name = f"live/{self._seed}/{number}"
        mint = Mint(made_up_address(name, "mint"), None, 6, TOKEN_PROGRAM)
        self._ledger.decimals[mint.address] = mint.decimals
        base_raw, quote_raw = 4_000_000 * 10**6, _DEPTH_USD * _ONE_USD_RAW
        pools = (
            RaydiumV4Pool.made(self._ledger, name, mint, USDC, base_raw, quote_raw),
            CpmmPool.made(self._ledger, name, mint, USDC, base_raw, quote_raw),
        )
        self._ledger.endow(self._whale.address, mint, base_raw * 1_000)
        return _Coin(pools)

    def land(self, place: Place, now_s: int, *, is_lead: bool) -> LiveTransaction:
        """Land the next transaction."""
        coin = self._dice.randrange(len(self._coins))
        steps = self._steps(coin, now_s)
        if steps and self._dice.randrange(100) < _WHALE_PERCENT:
            writer, pool = self._drive(self._coins[coin], self._dice.choice(steps), now_s)
        else:
            writer, pool = self._trade(self._dice.choice(self._traders), coin, now_s)
        landed = writer.land(place, self._seed)
        return LiveTransaction(landed, str(writer.payer.address), str(pool.address), is_lead)

    def _steps(self, number: int, now_s: int) -> list[Fraction]:
        """By what the whales may move a coin now: up in one minute and down in the next, as long as it is not too far."""
        is_rising = (now_s // _MINUTE_S + number) % 2 == 0
        level = self._coins[number].level
        return [step for step in _STEPS if (step > 1) == is_rising and Fraction(1, 4) < level * step < 4]

    def _drive(self, coin: _Coin, step: Fraction, now_s: int) -> tuple[TransactionWriter, Pool]:
        """A whale moves one of the pools by a step."""
        writer = TransactionWriter(self._ledger, self._whale)
        pool = self._dice.choice(coin.pools)
        coin.level *= step
        base_raw, quote_raw = pool.reserves_raw()
        if step > 1:
            write_buy(writer, self._whale, pool, int(quote_raw * (_root(step) - 1)), now_s)
        else:
            write_sell(writer, self._whale, pool, int(base_raw * (_root(1 / step) - 1)), now_s)
        return writer, pool

    def _trade(self, trader: _Trader, number: int, now_s: int) -> tuple[TransactionWriter, Pool]:
        """A purchase for some hundred dollars, or the sale of half or all of what is held, in either pool."""
        writer = TransactionWriter(self._ledger, trader.actor)
        if trader.held and self._dice.randrange(100) < 45:
            number = self._dice.choice(trader.held)
            pool = self._dice.choice(self._coins[number].pools)
            held_raw = self._ledger.tokens_raw(self._ledger.associated(trader.actor.address, pool.base))
            is_whole = self._dice.randrange(2) == 0
            write_sell(writer, trader.actor, pool, held_raw if is_whole else held_raw // 2, now_s)
            if is_whole:
                trader.held.remove(number)
            return writer, pool
        pool = self._dice.choice(self._coins[number].pools)
        write_buy(writer, trader.actor, pool, self._dice.randrange(150, 900) * _ONE_USD_RAW, now_s)
        if number not in trader.held:
            trader.held.append(number)
        return writer, pool


def generate_live(
    seed: int, rate: int, seconds: int, *, start_time_s: int, lead_seconds: int = 0
) -> Iterator[LiveTransaction]:
    """`rate` transactions a second for so long, in ledger order, the first at `start_time_s` (Unix).

    Before them there is one a second for `lead_seconds`, so that whoever listens is awake.
    """
    if rate < 1 or seconds < 1 or lead_seconds < 0:
        raise ValueError(f"rate, seconds and lead must be at least 1, 1 and 0: {rate}, {seconds}, {lead_seconds}")
    market = LiveMarket(seed, rate)
    lead_ms = [number * 1_000 for number in range(lead_seconds)]
    rate_ms = [lead_seconds * 1_000 + number * 1_000 // rate for number in range(rate * seconds)]
    first_slot, slot, index = estimate_slot(start_time_s), -1, 0
    for number, offset_ms in enumerate((*lead_ms, *rate_ms)):
        slot_before, slot = slot, first_slot + offset_ms // _SLOT_MS
        index = index + 1 if slot == slot_before else 0
        now_s = start_time_s + offset_ms // 1_000
        yield market.land(Place(slot, now_s, index), now_s, is_lead=number < lead_seconds)


def _root(number: Fraction) -> Fraction:
    """The square root, to twelve places."""
    return Fraction(isqrt(int(number * _ROOT_SCALE**2)), _ROOT_SCALE)

"""Where the golden story plays: a clock, transactions that land one after the other, and the notes of what they meant.

Chapters are generators that yield the second at which they go on (`play` in golden_chain.py); whatever they do lands at the
stage's clock, which only goes forward.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import isqrt
from random import Random

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from oof_pipelines.chain.slot_clock import estimate_slot
from oof_pipelines.testing.golden_cast import SOL, USDC, Cast, Coin, quote_usd_e18, varied
from oof_pipelines.testing.golden_diary import BUY, SELL, Costs, Diary, Entry, Swap
from oof_pipelines.testing.golden_market import (
    DAY_S,
    MINUTE_S,
    ONE_E18,
    StoryError,
    StoryMarket,
    half_even,
    sol_usd_e18,
)
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction
from oof_pipelines.testing.synthetic_pools import Fill, Pool, made_up_address, spot_price
from oof_pipelines.testing.synthetic_trades import Costs as TradeCosts
from oof_pipelines.testing.synthetic_trades import write_buy, write_sell
from oof_pipelines.testing.synthetic_world import Actor, Mint
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedger
from oof_pipelines.testing.synthetic_written_transaction import Place, TransactionWriter

_TABLES_FROM_S = 1_672_531_200
_FRESH_S = 600
_LARGEST_STEP = Fraction(5, 2)
_NEAR_ENOUGH = Fraction(3, 1_000)
_ROOT_SCALE = 10**12
_UNIT_LIMIT = 260_000
_ONE_RAW_OF_USDC_E18 = ONE_E18 // 1_000_000


class Stage:
    """One telling of the story: the seed's cast, ledger, market and diary."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = Random(f"golden wallet {seed}")  # noqa: S311 - a replayable story is the point, not secrecy
        self.ledger = WrittenLedger()
        self.cast = Cast(seed, self.ledger)
        self.market = StoryMarket()
        self.diary = Diary()
        self.now_s = 0
        self.landed: list[SyntheticTransaction] = []
        self.kept: list[Pool] = []
        """Where the coins are traded that the owner still holds at the end."""
        self._pools: dict[tuple[Pubkey, Pubkey], list[Pool]] = {}
        self._last_traded_s: dict[Pubkey, int] = {}
        self._slot, self._index = 0, 0
        self._turn = 0

    # --- the clock ---

    def next_minute(self) -> int:
        """The beginning of the next minute."""
        return (self.now_s // MINUTE_S + 1) * MINUTE_S

    def wait(self, seconds: int) -> None:
        """Let a little time pass within the minute."""
        self.now_s += seconds

    def write(self, payer: Actor, costs: TradeCosts | None = None) -> TransactionWriter:
        """A transaction that `payer` pays for."""
        costs = costs or TradeCosts()
        return TransactionWriter(
            self.ledger, payer, unit_limit=costs.unit_limit, price_micro_lamports=costs.price_micro_lamports
        )

    def land(self, writer: TransactionWriter, signers: Sequence[Actor] = (), pool: Pool | None = None) -> str:
        """Land a transaction now; returns its signature. Since 2023 every other one is a v0 message with a lookup table."""
        # Mainnet's own curve: a store refuses what was never at that time.
        slot = estimate_slot(self.now_s)
        self._index = self._index + 1 if slot == self._slot else 0
        if slot < self._slot:
            raise StoryError(f"slot {slot} comes behind {self._slot}")
        self._slot = slot
        tables = None
        if pool is not None and self.now_s >= _TABLES_FROM_S and len(self.landed) % 2:
            addresses = list(dict.fromkeys(pool.static_accounts))
            tables = [AddressLookupTableAccount(made_up_address("table", str(pool.address)), addresses)]
        transaction = writer.land(Place(slot, self.now_s, self._index), self.seed, signers=signers, tables=tables)
        self.landed.append(transaction)
        self._note_costs(writer.payer, transaction)
        return transaction.signature

    def _note_costs(self, payer: Actor, transaction: SyntheticTransaction) -> None:
        if payer in (self.cast.owner, self.cast.second):
            costs = self.diary.costs.setdefault(str(payer.address), Costs())
            costs.network_fee_lamports += transaction.result["meta"]["fee"]
            costs.transactions += 1
            costs.failed += transaction.result["meta"]["err"] is not None

    # --- coins ---

    def open_pool(self, coin: Coin, venue: str, quote: Mint, price: Fraction, depth_usd: int, at_s: int) -> Pool:
        """A pool of a coin at a price in dollars of its opening day."""
        quote_usd = Fraction(quote_usd_e18(quote, at_s), ONE_E18)
        return self.add_pool(self.cast.pool(coin, venue, quote, price, depth_usd, quote_usd))

    def add_pool(self, pool: Pool) -> Pool:
        """A pool that is compared with the others of its pair."""
        self._pools.setdefault((pool.base.address, pool.quote.address), []).append(pool)
        self.diary.decimals[str(pool.base.address)] = pool.base.decimals
        return pool

    def price_usd(self, pool: Pool) -> Fraction:
        """Dollars a whole coin, by the pool's reserves."""
        scale = Fraction(10**pool.base.decimals, 10**pool.quote.decimals)
        return spot_price(pool) * scale * Fraction(quote_usd_e18(pool.quote, self.now_s), ONE_E18)

    def quote_raw(self, pool: Pool, usd: int | Fraction) -> int:
        """Base units of the pool's quote that are worth so many dollars now."""
        return int(usd * 10**pool.quote.decimals / Fraction(quote_usd_e18(pool.quote, self.now_s), ONE_E18))

    # --- trades ---

    def buy(self, actor: Actor, pool: Pool, spend_raw: int, costs: TradeCosts | None = None) -> Fill:
        """A purchase that lands now."""
        offers = self._offers(pool, lambda one: one.best_buy_raw(spend_raw))
        writer = self.write(actor, costs)
        fill = write_buy(writer, actor, pool, spend_raw, self.now_s, costs or TradeCosts())
        self._traded(actor, pool, fill, self.land(writer, pool=pool), offers, costs, is_buy=True)
        return fill

    def sell(
        self, actor: Actor, pool: Pool, base_raw: int, costs: TradeCosts | None = None, *, is_closing: bool = False
    ) -> Fill:
        """A sale that lands now."""
        offers = self._offers(pool, lambda one: one.best_sell_raw(base_raw))
        writer = self.write(actor, costs)
        fill = write_sell(writer, actor, pool, base_raw, self.now_s, costs or TradeCosts(), is_closing=is_closing)
        self._traded(actor, pool, fill, self.land(writer, pool=pool), offers, costs, is_buy=False)
        return fill

    def _offers(self, pool: Pool, best: Callable[[Pool], int]) -> tuple[tuple[str, int], ...]:
        """What each pool of the pair that traded of late would leave, by address."""
        return tuple(
            (str(one.address), best(one))
            for one in self._pools.get((pool.base.address, pool.quote.address), ())
            if self.now_s - self._last_traded_s.get(one.address, 0) <= _FRESH_S
        )

    def _traded(
        self,
        actor: Actor,
        pool: Pool,
        fill: Fill,
        signature: str,
        offers: tuple[tuple[str, int], ...],
        costs: TradeCosts | None,
        *,
        is_buy: bool,
    ) -> None:
        coin, is_money = str(pool.base.address), pool.quote.address in (SOL.address, USDC.address)
        self._last_traded_s[pool.address] = self.now_s
        if is_money:
            decimals = (pool.base.decimals, pool.quote.decimals)
            amounts = (fill.base_raw, fill.quote_raw)
            rate_e18 = quote_usd_e18(pool.quote, self.now_s)
            self.market.record(coin, decimals, rate_e18, self.now_s, amounts, str(actor.address))
        if actor not in (self.cast.owner, self.cast.second):
            return
        if costs is not None:
            self.diary.costs[str(actor.address)].tip_lamports += costs.tip_lamports
        base_side = (coin, fill.got_raw if is_buy else fill.paid_raw)
        quote_side = (str(pool.quote.address), fill.paid_raw if is_buy else fill.got_raw)
        sold, bought = (quote_side, base_side) if is_buy else (base_side, quote_side)
        self._note_trade(str(actor.address), signature, sold, bought)
        money_usd_e18 = self._trade_value(bought, sold)
        swap = Swap(
            str(actor.address),
            signature,
            self.now_s,
            coin,
            str(pool.address),
            fill.paid_raw,
            fill.got_raw,
            money_usd_e18,
            offers,
        )
        self.diary.swaps.append(swap)

    def _note_trade(self, wallet: str, signature: str, sold: tuple[str, int], bought: tuple[str, int]) -> None:
        """A sale of the one and a purchase of the other, but SOL has no entries: it is money."""
        for kind, (mint, raw), other in ((SELL, sold, bought), (BUY, bought, sold)):
            if mint != str(SOL.address):
                value = self._trade_value((mint, raw), other)
                self.diary.entries.append(Entry(kind, wallet, signature, self.now_s, mint, raw, value))

    def _trade_value(self, own: tuple[str, int], other: tuple[str, int]) -> int:
        """Dollars of a trade, in 10^-18: of its money where one side is money, else of the other side's coin."""
        for mint, raw in (own, other):
            if mint == str(USDC.address):
                return raw * _ONE_RAW_OF_USDC_E18
        for mint, raw in (own, other):
            if mint == str(SOL.address):
                return half_even(raw * sol_usd_e18(self.now_s), 10**SOL.decimals)
        return self.value_of(*other)

    def value_of(self, mint: str, raw: int) -> int:
        """Dollars of units of a coin at its newest minute that is over, in 10^-18; USDC at par."""
        if mint == str(USDC.address):
            return raw * _ONE_RAW_OF_USDC_E18
        minute = self.market.known_at(mint, self.now_s)
        if minute is None:
            raise StoryError(f"nobody traded {mint} in the hour before {self.now_s}")
        return half_even(raw * minute.vwap_usd_e18, 10 ** self.diary.decimals[mint])

    # --- the others ---

    def busy_minute(self, pool: Pool, trades: int = 6) -> Iterator[int]:
        """A minute in which some of the crowd buy and sell about as much; yields when it begins."""
        yield self.next_minute()
        self.now_s += 2
        bought_raw = 0
        for number in range(trades):
            actor = self.cast.crowd[(self._turn + number) % len(self.cast.crowd)]
            if number % 2 == 0:
                usd = varied(self.dice, 260 if pool.venue == "pumpfun" else 2_600, 25)
                bought_raw = self.buy(actor, pool, self.quote_raw(pool, usd), self._hurry()).base_raw
            else:
                self.sell(actor, pool, bought_raw, self._hurry())
            # Every other pair shares its slot.
            self.now_s += 0 if number % 4 == 0 else self.dice.randrange(7, 14)
        self._turn += trades

    def drive(self, pool: Pool, price: Fraction) -> Iterator[int]:
        """Whales move the price to so many dollars a coin, each minute one of them; yields as the minutes begin."""
        for _ in range(20):
            now = self.price_usd(pool)
            if abs(price / now - 1) <= _NEAR_ENOUGH:
                return
            step = min(max(price / now, 1 / _LARGEST_STEP), _LARGEST_STEP)
            yield self.next_minute()
            self.now_s += 5
            whale = self.cast.whales[self._turn % len(self.cast.whales)]
            self._turn += 1
            base_raw, quote_raw = pool.reserves_raw()
            if step > 1:
                self.buy(whale, pool, int(quote_raw * (_root(step) - 1) * Fraction(1_003, 1_000)))
            else:
                self.sell(whale, pool, int(base_raw * (_root(1 / step) - 1) * Fraction(1_003, 1_000)))
        raise StoryError(f"the price of {pool.base.address} cannot be moved to {float(price)}")

    def level(self, pool: Pool, other: Pool, share: Fraction) -> Iterator[int]:
        """A whale sells in `pool` until its price is that share of the other's, in one minute."""
        base_raw, _ = pool.reserves_raw()
        fall = self.price_usd(pool) / (self.price_usd(other) * share)
        yield self.next_minute()
        self.now_s += 5
        self.sell(self.cast.whales[0], pool, int(base_raw * (_root(fall) - 1) * Fraction(10_025, 10_000)))

    def follow(self, pool: Pool, ratio: Fraction) -> Iterator[int]:
        """Somebody brings a pool of two coins to `ratio` whole coins of the quote for one of the base."""
        base_raw, quote_raw = pool.reserves_raw()
        now = spot_price(pool) * Fraction(10**pool.base.decimals, 10**pool.quote.decimals)
        yield self.next_minute()
        whale = self.cast.whales[1]
        if ratio > now:
            self.buy(whale, pool, int(quote_raw * (_root(ratio / now) - 1)))
        else:
            self.sell(whale, pool, int(base_raw * (_root(now / ratio) - 1)))

    def _hurry(self) -> TradeCosts:
        """Now and then somebody of the crowd pays a priority fee."""
        return (
            TradeCosts(_UNIT_LIMIT, self.dice.randrange(1_000, 90_000)) if self.dice.randrange(3) == 0 else TradeCosts()
        )

    def hurry(self, tip_lamports: int = 0) -> TradeCosts:
        """A priority fee, and a tip where one is named."""
        price = self.dice.randrange(20_000, 400_000)
        return TradeCosts(_UNIT_LIMIT, price, tip_lamports, self.dice.randrange(8))


def _root(number: Fraction) -> Fraction:
    """The square root, to twelve places."""
    return Fraction(isqrt(int(number * _ROOT_SCALE**2)), _ROOT_SCALE)


def days_later(begin_s: int, days: int, hours: int = 0) -> int:
    """The same minute some days and hours after."""
    return begin_s + days * DAY_S + hours * 3_600

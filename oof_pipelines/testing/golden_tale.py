"""What the owner does in a chapter of the golden story: trades, transfers, failures; each in a minute of its own."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction

from solders.pubkey import Pubkey

from oof_pipelines.testing.golden_answers import NearMiss, Plan
from oof_pipelines.testing.golden_cast import EXCHANGE, USDC, Coin, varied
from oof_pipelines.testing.golden_diary import BURN, RECEIVE, SEND, Entry
from oof_pipelines.testing.golden_market import DAY_S, HOUR_S, ONE_E18
from oof_pipelines.testing.golden_stage import Stage
from oof_pipelines.testing.synthetic_pools import Fill, Pool
from oof_pipelines.testing.synthetic_trades import Costs
from oof_pipelines.testing.synthetic_world import Actor, Mint
from oof_pipelines.testing.synthetic_written_calls import (
    burn_tokens,
    close_account,
    open_associated,
    send_lamports,
    send_tokens,
)

_SLIPPAGE_ERROR = 30
"""Of Raydium AMM v4: the pool would give less than was asked for."""


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade of the owner's: units of the coin, dollars, and dollars a whole coin."""

    signature: str
    qty_raw: int
    usd: Fraction
    price: Fraction


class Tale:
    """One chapter on the stage. It begins at `begin_s`; its days are counted from there."""

    def __init__(self, stage: Stage, plan: Plan, begin_s: int) -> None:
        self.stage = stage
        self.plan = plan
        self.begin_s = begin_s
        self.owner = stage.cast.owner

    def day(self, days: int, hours: int = 0) -> int:
        """So many days after the chapter began, at its time of the day; later where that is past."""
        return max(self.begin_s + days * DAY_S + hours * HOUR_S, self.stage.next_minute())

    def usd(self, dollars: int, percent: int = 8) -> int:
        """About so many dollars, as the seed has it."""
        return varied(self.stage.dice, dollars, percent)

    def near(self, kind: str, traded: Traded | str, mint: str, what: str, value: Fraction, threshold: Fraction) -> None:
        """Note a near miss."""
        signature = traded if isinstance(traded, str) else traded.signature
        texts = (f"{float(value):.6f}", f"{float(threshold):.6f}")
        self.plan.near_misses.append(NearMiss(kind, mint, signature, what, *texts))

    # --- trades ---

    def buying(
        self, pool: Pool, dollars: int | Fraction, costs: Costs | None = None, actor: Actor | None = None
    ) -> Generator[int, None, Traded]:
        """A purchase in the next minute."""
        yield self.stage.next_minute()
        self.stage.wait(4 + self.stage.dice.randrange(30))
        actor = actor or self.owner
        spend_raw = self.stage.quote_raw(pool, dollars)
        return self._told(pool, self.stage.buy(actor, pool, spend_raw, costs), is_buy=True)

    def selling(
        self,
        pool: Pool,
        base_raw: int,
        costs: Costs | None = None,
        actor: Actor | None = None,
        *,
        is_closing: bool = False,
    ) -> Generator[int, None, Traded]:
        """A sale in the next minute."""
        yield self.stage.next_minute()
        self.stage.wait(4 + self.stage.dice.randrange(30))
        actor = actor or self.owner
        return self._told(pool, self.stage.sell(actor, pool, base_raw, costs, is_closing=is_closing), is_buy=False)

    def _told(self, pool: Pool, fill: Fill, *, is_buy: bool) -> Traded:
        swap = self.stage.diary.swaps[-1]
        qty_raw = fill.got_raw if is_buy else fill.paid_raw
        usd = Fraction(swap.value_usd_e18, ONE_E18)
        return Traded(swap.signature, qty_raw, usd, usd * 10**pool.base.decimals / qty_raw)

    def held_raw(self, coin: Coin, actor: Actor | None = None) -> int:
        """What the owner's token account holds."""
        ledger = self.stage.ledger
        return ledger.tokens_raw(ledger.associated((actor or self.owner).address, coin.mint))

    def failing(self, pool: Pool, dollars: int) -> Iterator[int]:
        """A purchase that fails and costs its fee alone."""
        yield self.stage.next_minute()
        self.stage.wait(3)
        costs = self.stage.hurry()
        writer = self.stage.write(self.owner, costs)
        open_associated(writer, self.owner.address, pool.base)
        open_associated(writer, self.owner.address, pool.quote)
        writer.doom(_SLIPPAGE_ERROR, "Error: exceeds desired slippage limit")
        pool.buy(writer, self.owner, self.stage.quote_raw(pool, dollars), self.stage.now_s)
        self.stage.land(writer)

    # --- transfers ---

    def sending(self, coin: Coin, receiver: Pubkey, raw: int, sender: Actor | None = None) -> Generator[int, None, str]:
        """Units go to somebody's associated account, which the sender opens where it is missing."""
        yield self.stage.next_minute()
        self.stage.wait(9)
        stage, sender = self.stage, sender or self.owner
        writer = stage.write(sender)
        source = stage.ledger.associated(sender.address, coin.mint)
        destination = open_associated(writer, receiver, coin.mint)
        send_tokens(writer, source, destination, sender.address, coin.mint, raw)
        signature = stage.land(writer)
        value = self.value(coin.mint, raw)
        both = (str(sender.address), str(receiver))
        self.note(SEND, signature, both[0], coin.mint, raw, value, both[1])
        self.note(RECEIVE, signature, both[1], coin.mint, raw, value, both[0])
        return signature

    def withdrawing(self, dollars: int) -> Iterator[int]:
        """USDC comes from the exchange: a delegate of its account pays and signs."""
        yield self.stage.next_minute()
        stage, delegate = self.stage, self.stage.cast.exchange_delegate
        raw = dollars * 10**USDC.decimals
        writer = stage.write(delegate)
        destination = open_associated(writer, self.owner.address, USDC)
        send_tokens(writer, stage.ledger.associated(EXCHANGE, USDC), destination, delegate.address, USDC, raw)
        signature = stage.land(writer)
        self.note(RECEIVE, signature, str(self.owner.address), USDC, raw, self.value(USDC, raw), str(EXCHANGE))

    def paying(self, payer: Actor, receiver: Actor, lamports: int) -> Iterator[int]:
        """SOL moves; it is money and has no lots."""
        yield self.stage.next_minute()
        writer = self.stage.write(payer)
        send_lamports(writer, payer.address, receiver.address, lamports)
        self.stage.land(writer)

    def burning(self, coin: Coin, raw: int) -> Generator[int, None, str]:
        """Units are destroyed and the emptied account is closed."""
        yield self.stage.next_minute()
        stage = self.stage
        writer = stage.write(self.owner)
        account = stage.ledger.associated(self.owner.address, coin.mint)
        burn_tokens(writer, coin.mint, account, self.owner.address, raw)
        close_account(writer, account, self.owner.address, coin.mint.token_program)
        signature = stage.land(writer)
        self.note(BURN, signature, str(self.owner.address), coin.mint, raw, None, "")
        return signature

    def value(self, mint: Mint, raw: int) -> int | None:
        address = str(mint.address)
        if address != str(USDC.address) and self.stage.market.known_at(address, self.stage.now_s) is None:
            return None
        return self.stage.value_of(address, raw)

    def note(self, kind: str, signature: str, wallet: str, mint: Mint, raw: int, value: int | None, other: str) -> None:
        own = (str(self.owner.address), str(self.stage.cast.second.address))
        if wallet in own:
            self.stage.diary.decimals[str(mint.address)] = mint.decimals
            entry = Entry(kind, wallet, signature, self.stage.now_s, str(mint.address), raw, value, other)
            self.stage.diary.entries.append(entry)

    # --- the market around ---

    def calm(self, pool: Pool, minutes: int = 1) -> Iterator[int]:
        """Busy minutes at about the price as it is."""
        for _ in range(minutes):
            yield from self.stage.busy_minute(pool)

    def moved(self, pool: Pool, price: Fraction, minutes: int = 1) -> Iterator[int]:
        """The price goes to so many dollars a coin, and the crowd trades there."""
        yield from self.stage.drive(pool, price)
        yield from self.calm(pool, minutes)

    def last_minute_usd(self, coin: Coin) -> Fraction:
        """The mean price of the coin's newest minute, in dollars."""
        return Fraction(self.stage.market.minutes[coin.address][-1].vwap_usd_e18, ONE_E18)

    def highest_usd(self, coin: Coin) -> Fraction:
        """The highest mean price of a minute so far."""
        return Fraction(max(minute.vwap_usd_e18 for minute in self.stage.market.minutes[coin.address]), ONE_E18)

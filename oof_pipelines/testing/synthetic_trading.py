"""A chain for volume: many wallets that trade many coins on four venues, send each other some, and fail now and then.

Written by hand (synthetic_written_transaction.py), since swap programs are not available to the virtual machine: encodings
are true, balances exact, signatures verify. Wallets and coins exist, with SOL, USDC and reserves, before the chain begins; a
wallet's coins are all bought on it. The same seed and counts give the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from oof_pipelines.testing.synthetic_chain import SyntheticTransaction
from oof_pipelines.testing.synthetic_instructions import TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_pools import Pool, made_up_address
from oof_pipelines.testing.synthetic_pumpfun import PumpCurve
from oof_pipelines.testing.synthetic_pumpswap import PumpSwapPool
from oof_pipelines.testing.synthetic_raydium_cpmm import CpmmPool
from oof_pipelines.testing.synthetic_raydium_v4 import RaydiumV4Pool
from oof_pipelines.testing.synthetic_schedule import plan_slots
from oof_pipelines.testing.synthetic_trades import Costs, write_buy, write_sell
from oof_pipelines.testing.synthetic_world import JITO_TIP_ACCOUNTS, LAMPORTS_A_SOL, Actor, Mint
from oof_pipelines.testing.synthetic_written_calls import open_associated, send_lamports, send_tokens, wrap_sol
from oof_pipelines.testing.synthetic_written_ledger import WRAPPED_SOL, WrittenLedger, WrittenLedgerError
from oof_pipelines.testing.synthetic_written_transaction import Place, TransactionWriter

USDC = Mint(Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"), None, 6, TOKEN_PROGRAM)

_FEWEST_COINS, _MOST_COINS = 8, 400
_TRANSACTIONS_A_COIN = 500
_WALLET_LAMPORTS = 2_000 * LAMPORTS_A_SOL
_WALLET_USDC_RAW = 500_000 * 10**6
_LEAST_USDC_RAW, _LEAST_LAMPORTS = 5 * 10**6, LAMPORTS_A_SOL // 25
_LEAST_RAW = 1_000_000
_UNIT_LIMIT = 260_000
_SLIPPAGE_ERROR = 6_004


@dataclass(slots=True)
class _Wallet:
    actor: Actor
    held: list[int] = field(default_factory=list)
    """Numbers of the coins it has bought and not sold whole."""


class Trading:
    """The cast of one chain, and what it does next."""

    def __init__(self, seed: int, wallets: int, transactions: int) -> None:
        self._seed = seed
        self.dice = Random(f"synthetic trading {seed}")  # noqa: S311 - a replayable chain is the point, not secrecy
        self.ledger = WrittenLedger()
        self._wallet_count = wallets
        self._wallets: dict[int, _Wallet] = {}
        for account in JITO_TIP_ACCOUNTS:
            self.ledger.fund(account, 3 * LAMPORTS_A_SOL)
        coins = max(_FEWEST_COINS, min(_MOST_COINS, transactions // _TRANSACTIONS_A_COIN))
        self.pools = [self._pool(number) for number in range(coins)]
        self._tables = [
            AddressLookupTableAccount(
                made_up_address("table", str(pool.address)), list(dict.fromkeys(pool.static_accounts))
            )
            for pool in self.pools
        ]

    def _pool(self, number: int) -> Pool:
        """A coin with one pool: a curve, or a pool for SOL or USDC worth some hundred thousand dollars a side."""
        dice, name = self.dice, f"trading/{self._seed}/{number}"
        mint = Mint(made_up_address(name, "mint"), None, dice.choice((6, 6, 9)), TOKEN_PROGRAM)
        self.ledger.decimals[mint.address] = mint.decimals
        kind = number % 4
        if kind == 0:
            return PumpCurve.made(self.ledger, name, Mint(mint.address, None, 6, TOKEN_PROGRAM), 5 * LAMPORTS_A_SOL)
        quote = dice.choice((WRAPPED_SOL, USDC))
        quote_raw = dice.randrange(2_000, 9_000) * LAMPORTS_A_SOL
        if quote is USDC:
            quote_raw = dice.randrange(200_000, 900_000) * 10**6
        base_raw = dice.randrange(10**5, 10**8) * 10**mint.decimals
        made = (RaydiumV4Pool.made, CpmmPool.made, PumpSwapPool.made)[kind - 1]
        return made(self.ledger, name, mint, quote, base_raw, quote_raw)

    def _wallet(self) -> _Wallet:
        """Some wallet; one that was never seen before has its money since before the chain began."""
        number = self.dice.randrange(self._wallet_count)
        found = self._wallets.get(number)
        if found is None:
            keypair = Keypair.from_seed(sha256(f"oof trading chain/{self._seed}/wallet/{number}".encode()).digest())
            found = self._wallets[number] = _Wallet(Actor(keypair.pubkey(), keypair))
            self.ledger.fund(found.actor.address, _WALLET_LAMPORTS)
            self.ledger.endow(found.actor.address, USDC, _WALLET_USDC_RAW)
        return found

    def land(self, place: Place, now_s: int) -> SyntheticTransaction:
        """Land the next transaction."""
        wallet, drawn = self._wallet(), self.dice.randrange(100)
        costs = self._costs()
        writer = TransactionWriter(
            self.ledger,
            wallet.actor,
            unit_limit=costs.unit_limit,
            price_micro_lamports=costs.price_micro_lamports,
        )
        if drawn < 42 and wallet.held:
            number = self._sell(writer, wallet, costs, now_s)
        elif drawn < 88:
            number = self._buy(writer, wallet, costs, now_s)
        elif drawn < 92:
            number = self._fail(writer, wallet, now_s)
        elif drawn < 96 and wallet.held:
            number = self._send(writer, wallet)
        else:
            number = None
            lamports = self.dice.randrange(LAMPORTS_A_SOL // 100, LAMPORTS_A_SOL)
            send_lamports(writer, wallet.actor.address, self._wallet().actor.address, lamports)
        tables = None if number is None or self.dice.randrange(2) else [self._tables[number]]
        return writer.land(place, self._seed, tables=tables)

    def _costs(self) -> Costs:
        """One in three pays a priority fee, one in six a tip as well."""
        drawn = self.dice.randrange(6)
        if drawn > 1:
            return Costs()
        tip_lamports = self.dice.randrange(10_000, 3_000_000) if drawn else 0
        return Costs(_UNIT_LIMIT, self.dice.randrange(1_000, 400_000), tip_lamports, self.dice.randrange(8))

    def _coin(self) -> int:
        """Some coin, the first ones much more often than the last."""
        return min(self.dice.randrange(len(self.pools)) for _ in range(2))

    def _spend_raw(self, pool: Pool, wallet: _Wallet) -> int:
        """What a purchase costs: some dollars to some hundreds, as far as the wallet has them."""
        if pool.quote is USDC:
            held_raw = self.ledger.tokens_raw(self.ledger.associated(wallet.actor.address, USDC))
            return min(held_raw, _LEAST_USDC_RAW + self.dice.randrange(700 * 10**6))
        return _LEAST_LAMPORTS + self.dice.randrange(4 * LAMPORTS_A_SOL)

    def _buy(self, writer: TransactionWriter, wallet: _Wallet, costs: Costs, now_s: int) -> int | None:
        number = self._coin()
        pool = self.pools[number]
        spend_raw = self._spend_raw(pool, wallet)
        if spend_raw < 1_000 or pool.best_buy_raw(spend_raw) < 1_000:
            self._pass(writer, wallet)
            return None
        write_buy(writer, wallet.actor, pool, spend_raw, now_s, costs)
        if number not in wallet.held:
            wallet.held.append(number)
        return number

    def _sell(self, writer: TransactionWriter, wallet: _Wallet, costs: Costs, now_s: int) -> int | None:
        number = self.dice.choice(wallet.held)
        pool = self.pools[number]
        held_raw = self.ledger.tokens_raw(self.ledger.associated(wallet.actor.address, pool.base))
        percent = self.dice.choice((25, 50, 100, 100))
        base_raw = held_raw * percent // 100
        if pool.best_sell_raw(base_raw) < 1_000:
            self._pass(writer, wallet)
            return None
        is_whole = base_raw == held_raw
        write_sell(writer, wallet.actor, pool, base_raw, now_s, costs, is_closing=is_whole and held_raw % 2 == 0)
        if is_whole:
            wallet.held.remove(number)
        return number

    def _fail(self, writer: TransactionWriter, wallet: _Wallet, now_s: int) -> int:
        """A purchase whose price ran away: everything is rolled back but the fee."""
        number = self._coin()
        pool = self.pools[number]
        open_associated(writer, wallet.actor.address, pool.base)
        if pool.takes_wrapped_sol:
            wrap_sol(writer, wallet.actor, _LEAST_LAMPORTS)
        else:
            open_associated(writer, wallet.actor.address, pool.quote)
        writer.doom(_SLIPPAGE_ERROR, "Error: slippage tolerance exceeded")
        pool.buy(writer, wallet.actor, _LEAST_RAW, now_s)
        return number

    def _send(self, writer: TransactionWriter, wallet: _Wallet) -> int | None:
        """Some of a coin goes to another wallet."""
        number, receiver = self.dice.choice(wallet.held), self._wallet()
        if receiver is wallet:
            self._pass(writer, wallet)
            return None
        coin = self.pools[number].base
        source = self.ledger.associated(wallet.actor.address, coin)
        amount_raw = self.ledger.tokens_raw(source) // 3
        if not amount_raw:
            self._pass(writer, wallet)
            return None
        destination = open_associated(writer, receiver.actor.address, coin)
        send_tokens(writer, source, destination, wallet.actor.address, coin, amount_raw)
        if number not in receiver.held:
            receiver.held.append(number)
        return number

    def _pass(self, writer: TransactionWriter, wallet: _Wallet) -> None:
        """Nothing to trade with: some lamports go to a landing service instead."""
        account = JITO_TIP_ACCOUNTS[self.dice.randrange(len(JITO_TIP_ACCOUNTS))]
        send_lamports(writer, wallet.actor.address, account, self.dice.randrange(1_000, 1_000_000))


def generate_trading(
    seed: int,
    wallets: int,
    transaction_count: int,
    *,
    start_slot: int,
    start_time_s: int,
    days: int,
    on_trading: Callable[[Trading], Callable[[SyntheticTransaction], None]] | None = None,
) -> Iterator[SyntheticTransaction]:
    """The transactions of a trading chain in ledger order; slots and times as in `synthetic_chain.generate`.

    `on_trading` is told of the chain before it begins, and what it gives is told of each transaction as it lands.
    """
    if wallets < 1:
        raise ValueError(f"wallets must be at least 1, they are {wallets}")
    trading = Trading(seed, wallets, transaction_count)
    on_landed = on_trading(trading) if on_trading is not None else None
    slots = plan_slots(trading.dice, transaction_count, start_slot=start_slot, start_time_s=start_time_s, days=days)
    for occupied in slots:
        signatures: set[str] = set()
        for index_in_slot in range(occupied.transaction_count):
            time_s = occupied.unix_time_s if occupied.is_time_known else None
            landed = trading.land(Place(occupied.slot, time_s, index_in_slot), occupied.unix_time_s)
            if landed.signature in signatures:
                raise WrittenLedgerError(f"slot {occupied.slot}: {landed.signature} landed twice")
            signatures.add(landed.signature)
            if on_landed is not None:
                on_landed(landed)
            yield landed

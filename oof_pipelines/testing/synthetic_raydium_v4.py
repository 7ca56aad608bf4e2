"""Swaps on Raydium AMM v4 pools, as its program takes, logs and makes them; the pool's orders are taken to be empty.

Layout and arithmetic: raydium-io/raydium-amm, program/src/instruction.rs, math.rs and log.rs: tag 9 is SwapBaseIn, eighteen
accounts; a fee of 25 of 10,000 is taken of the input, rounded up, and stays in the vault; `ray_log` is base64 of the swap.
"""

import base64
from dataclasses import dataclass
from struct import pack

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from oof_pipelines.testing.synthetic_instructions import NATIVE_MINT, TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_pools import (
    ALL_PARTS,
    Fill,
    constant_product_out,
    divided_up,
    made_up_address,
    seats,
)
from oof_pipelines.testing.synthetic_world import Actor, Mint
from oof_pipelines.testing.synthetic_written_calls import send_tokens_unchecked
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedger
from oof_pipelines.testing.synthetic_written_transaction import TransactionWriter

PROGRAM = Pubkey.from_string("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8")
_AUTHORITY = Pubkey.from_string("5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1")
_MARKET_PROGRAM = Pubkey.from_string("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX")
_FEE_PARTS = 25
_SWAP_BASE_IN = 9
_LOG_EXACT_IN = 3
_PC_TO_COIN, _COIN_TO_PC = 1, 2
_FIXED = (
    "token_program amm amm_authority open_orders target_orders coin_vault pc_vault market_program market market_bids"
    " market_asks market_event_queue market_coin_vault market_pc_vault market_vault_signer"
)
_ACCOUNTS = f"{_FIXED} user_source user_destination user_owner"
_WRITABLE = (
    "amm open_orders target_orders coin_vault pc_vault market market_bids market_asks market_event_queue"
    " market_coin_vault market_pc_vault user_source user_destination"
)


@dataclass(frozen=True)
class RaydiumV4Pool:
    """A pool whose coin is `base` and whose pc is `quote`."""

    ledger: WrittenLedger
    address: Pubkey
    base: Mint
    quote: Mint
    accounts: dict[str, Pubkey]
    venue: str = "raydium_amm_v4"

    @classmethod
    def made(
        cls, ledger: WrittenLedger, name: str, base: Mint, quote: Mint, base_raw: int, quote_raw: int
    ) -> "RaydiumV4Pool":
        """A pool that holds these reserves before the chain begins."""
        accounts = {part: made_up_address("raydium v4", name, part) for part in _FIXED.split()}
        accounts |= {"token_program": TOKEN_PROGRAM, "amm_authority": _AUTHORITY, "market_program": _MARKET_PROGRAM}
        ledger.endow(_AUTHORITY, base, base_raw, accounts["coin_vault"])
        ledger.endow(_AUTHORITY, quote, quote_raw, accounts["pc_vault"])
        return cls(ledger, accounts["amm"], base, quote, accounts)

    @property
    def takes_wrapped_sol(self) -> bool:
        return self.quote.address == NATIVE_MINT

    @property
    def static_accounts(self) -> tuple[Pubkey, ...]:
        return (*self.accounts.values(), self.base.address, self.quote.address)

    def reserves_raw(self) -> tuple[int, int]:
        return (
            self.ledger.tokens_raw(self.accounts["coin_vault"]),
            self.ledger.tokens_raw(self.accounts["pc_vault"]),
        )

    def best_buy_raw(self, spend_raw: int) -> int:
        base_raw, quote_raw = self.reserves_raw()
        return constant_product_out(_after_fee(spend_raw), quote_raw, base_raw)

    def best_sell_raw(self, base_raw: int) -> int:
        reserve_raw, quote_raw = self.reserves_raw()
        return constant_product_out(_after_fee(base_raw), reserve_raw, quote_raw)

    def buy(self, writer: TransactionWriter, trader: Actor, spend_raw: int, now_s: int) -> Fill:
        got_raw = self.best_buy_raw(spend_raw)
        self._swap(writer, trader, spend_raw, got_raw, is_buy=True)
        return Fill(got_raw, spend_raw, spend_raw, got_raw)

    def sell(self, writer: TransactionWriter, trader: Actor, base_raw: int, now_s: int) -> Fill:
        got_raw = self.best_sell_raw(base_raw)
        self._swap(writer, trader, base_raw, got_raw, is_buy=False)
        return Fill(base_raw, got_raw, base_raw, got_raw)

    def _swap(self, writer: TransactionWriter, trader: Actor, in_raw: int, out_raw: int, *, is_buy: bool) -> None:
        sold, bought = (self.quote, self.base) if is_buy else (self.base, self.quote)
        source = self.ledger.associated(trader.address, sold)
        destination = self.ledger.associated(trader.address, bought)
        into, out_of = ("pc_vault", "coin_vault") if is_buy else ("coin_vault", "pc_vault")
        named = self.accounts | {
            "user_source": source,
            "user_destination": destination,
            "user_owner": trader.address,
        }
        data = pack("<BQQ", _SWAP_BASE_IN, in_raw, out_raw * 99 // 100)
        coin_raw, pc_raw = self.reserves_raw()
        direction = _PC_TO_COIN if is_buy else _COIN_TO_PC
        held_raw = self.ledger.tokens_raw(source)
        told = pack("<B7Q", _LOG_EXACT_IN, in_raw, out_raw * 99 // 100, direction, held_raw, coin_raw, pc_raw, out_raw)
        call = Instruction(PROGRAM, data, seats(_ACCOUNTS, named, signer="user_owner", writable=_WRITABLE))
        with writer.call(call, f"ray_log: {base64.b64encode(told).decode()}", units=30_600):
            send_tokens_unchecked(writer, source, self.accounts[into], trader.address, sold, in_raw)
            send_tokens_unchecked(writer, self.accounts[out_of], destination, _AUTHORITY, bought, out_raw)


def _after_fee(in_raw: int) -> int:
    return in_raw - divided_up(in_raw * _FEE_PARTS, ALL_PARTS)

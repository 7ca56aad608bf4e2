"""Swaps and liquidity on Raydium CPMM pools, as its program takes, tells and makes them.

Layout and arithmetic: raydium-io/raydium-cp-swap, programs/cp-swap/src (instructions, curve, states/events). The pool's
config charges 2,500 of 1,000,000 of the input, rounded up, and no protocol's or fund's share of it, so all of it stays in
the vaults as reserves. Events are logged (`emit!`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from struct import pack

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from oof_pipelines.testing.synthetic_instructions import NATIVE_MINT, TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_pools import (
    Fill,
    anchor_tag,
    constant_product_out,
    derived_address,
    divided_up,
    made_up_address,
    seats,
)
from oof_pipelines.testing.synthetic_world import Actor, Mint
from oof_pipelines.testing.synthetic_written_calls import burn_tokens, mint_tokens, send_tokens
from oof_pipelines.testing.synthetic_written_ledger import WrittenLedger
from oof_pipelines.testing.synthetic_written_transaction import TransactionWriter

PROGRAM = Pubkey.from_string("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C")
_AUTHORITY = Pubkey.from_string("GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL")
_CONFIG = Pubkey.from_string("D4FPEruKEHrG5TenZ2mpDGEfu1iUvTiqBxvpU8HLBvC2")
_FEE_PARTS, _ALL_FEE_PARTS = 2_500, 1_000_000
_LP_DECIMALS = 9
_SWAP = (
    "payer authority amm_config pool_state input_token_account output_token_account input_vault output_vault"
    " input_token_program output_token_program input_token_mint output_token_mint observation_state"
)
_SWAP_WRITABLE = "payer pool_state input_token_account output_token_account input_vault output_vault observation_state"
_LIQUIDITY = (
    "owner authority pool_state owner_lp_token token_0_account token_1_account token_0_vault token_1_vault token_program"
    " token_program_2022 vault_0_mint vault_1_mint lp_mint"
)
_WITHDRAW = f"{_LIQUIDITY} memo_program"
_LIQUIDITY_WRITABLE = (
    "owner pool_state owner_lp_token token_0_account token_1_account token_0_vault token_1_vault lp_mint"
)
_MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


@dataclass(frozen=True, slots=True)
class LiquidityFill:
    """What liquidity was worth in base units of both sides and of the pool's own token."""

    base_raw: int
    quote_raw: int
    lp_raw: int


@dataclass(frozen=True)
class CpmmPool:
    """A pool of `base` and `quote`, whichever of them sorts first; `supply` holds what exists of the pool's own token."""

    ledger: WrittenLedger
    address: Pubkey
    base: Mint
    quote: Mint
    base_vault: Pubkey
    quote_vault: Pubkey
    lp_mint: Mint
    observation: Pubkey
    supply: list[int]
    venue: str = "raydium_cpmm"

    @classmethod
    def made(
        cls, ledger: WrittenLedger, name: str, base: Mint, quote: Mint, base_raw: int, quote_raw: int
    ) -> "CpmmPool":
        """A pool that holds these reserves before the chain begins."""
        address = derived_address(PROGRAM, b"pool", bytes(made_up_address("cpmm", name)))
        base_vault = derived_address(PROGRAM, b"pool_vault", bytes(address), bytes(base.address))
        quote_vault = derived_address(PROGRAM, b"pool_vault", bytes(address), bytes(quote.address))
        lp_mint = Mint(derived_address(PROGRAM, b"pool_lp_mint", bytes(address)), None, _LP_DECIMALS, TOKEN_PROGRAM)
        ledger.endow(_AUTHORITY, base, base_raw, base_vault)
        ledger.endow(_AUTHORITY, quote, quote_raw, quote_vault)
        observation = made_up_address("cpmm", name, "observation")
        supply = [quote_raw * 1_000]
        return cls(ledger, address, base, quote, base_vault, quote_vault, lp_mint, observation, supply)

    @property
    def takes_wrapped_sol(self) -> bool:
        return self.quote.address == NATIVE_MINT

    @property
    def static_accounts(self) -> tuple[Pubkey, ...]:
        own = (self.address, self.base_vault, self.quote_vault, self.observation, self.base.address, self.quote.address)
        return (*own, _AUTHORITY, _CONFIG)

    def reserves_raw(self) -> tuple[int, int]:
        return self.ledger.tokens_raw(self.base_vault), self.ledger.tokens_raw(self.quote_vault)

    def best_buy_raw(self, spend_raw: int) -> int:
        base_raw, quote_raw = self.reserves_raw()
        return constant_product_out(spend_raw - _fee_raw(spend_raw), quote_raw, base_raw)

    def best_sell_raw(self, base_raw: int) -> int:
        reserve_raw, quote_raw = self.reserves_raw()
        return constant_product_out(base_raw - _fee_raw(base_raw), reserve_raw, quote_raw)

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
        into, out_of = (self.quote_vault, self.base_vault) if is_buy else (self.base_vault, self.quote_vault)
        source = self.ledger.associated(trader.address, sold)
        destination = self.ledger.associated(trader.address, bought)
        named = {
            "payer": trader.address,
            "authority": _AUTHORITY,
            "amm_config": _CONFIG,
            "pool_state": self.address,
            "input_token_account": source,
            "output_token_account": destination,
            "input_vault": into,
            "output_vault": out_of,
            "input_token_program": sold.token_program,
            "output_token_program": bought.token_program,
            "input_token_mint": sold.address,
            "output_token_mint": bought.address,
            "observation_state": self.observation,
        }
        data = anchor_tag("global", "swap_base_input") + pack("<QQ", in_raw, out_raw * 99 // 100)
        call = Instruction(PROGRAM, data, seats(_SWAP, named, signer="payer", writable=_SWAP_WRITABLE))
        before = (self.ledger.tokens_raw(into), self.ledger.tokens_raw(out_of))
        told = anchor_tag("event", "SwapEvent") + pack(
            "<32sQQQQQQ?32s32sQQ?",
            bytes(self.address),
            *before,
            in_raw,
            out_raw,
            0,
            0,
            True,
            bytes(sold.address),
            bytes(bought.address),
            _fee_raw(in_raw),
            0,
            True,
        )
        with writer.call(call, "Instruction: SwapBaseInput", units=38_000):
            writer.log_data(told)
            send_tokens(writer, source, into, trader.address, sold, in_raw)
            send_tokens(writer, out_of, destination, _AUTHORITY, bought, out_raw)

    def add(self, writer: TransactionWriter, owner: Actor, quote_raw: int) -> LiquidityFill:
        """Put in `quote_raw` and as much of the base as the pool's ratio wants; both rounded up against the owner."""
        base_reserve_raw, quote_reserve_raw = self.reserves_raw()
        lp_raw = quote_raw * self.supply[0] // quote_reserve_raw
        fill = LiquidityFill(
            divided_up(lp_raw * base_reserve_raw, self.supply[0]),
            divided_up(lp_raw * quote_reserve_raw, self.supply[0]),
            lp_raw,
        )
        with self._liquidity_call(writer, owner, "deposit", fill, is_add=True):
            for mint, vault, raw in self._sides(fill):
                account = self.ledger.associated(owner.address, mint)
                send_tokens(writer, account, vault, owner.address, mint, raw)
            lp_account = self.ledger.associated(owner.address, self.lp_mint)
            mint_tokens(writer, self.lp_mint, lp_account, _AUTHORITY, lp_raw)
        self.supply[0] += lp_raw
        return fill

    def remove(self, writer: TransactionWriter, owner: Actor, lp_raw: int) -> LiquidityFill:
        """Burn `lp_raw` of the pool's token for its share of both vaults, rounded down."""
        base_reserve_raw, quote_reserve_raw = self.reserves_raw()
        fill = LiquidityFill(
            lp_raw * base_reserve_raw // self.supply[0], lp_raw * quote_reserve_raw // self.supply[0], lp_raw
        )
        with self._liquidity_call(writer, owner, "withdraw", fill, is_add=False):
            lp_account = self.ledger.associated(owner.address, self.lp_mint)
            burn_tokens(writer, self.lp_mint, lp_account, owner.address, lp_raw)
            for mint, vault, raw in self._sides(fill):
                account = self.ledger.associated(owner.address, mint)
                send_tokens(writer, vault, account, _AUTHORITY, mint, raw)
        self.supply[0] -= lp_raw
        return fill

    def _sides(self, fill: LiquidityFill) -> list[tuple[Mint, Pubkey, int]]:
        """(mint, vault, amount) in the pool's order: the mint that sorts first is token 0."""
        both = [(self.base, self.base_vault, fill.base_raw), (self.quote, self.quote_vault, fill.quote_raw)]
        return sorted(both, key=lambda side: bytes(side[0].address))

    @contextmanager
    def _liquidity_call(
        self, writer: TransactionWriter, owner: Actor, name: str, fill: LiquidityFill, *, is_add: bool
    ) -> Iterator[None]:
        (mint_0, vault_0, raw_0), (mint_1, vault_1, raw_1) = self._sides(fill)
        named = {
            "owner": owner.address,
            "authority": _AUTHORITY,
            "pool_state": self.address,
            "owner_lp_token": self.ledger.associated(owner.address, self.lp_mint),
            "token_0_account": self.ledger.associated(owner.address, mint_0),
            "token_1_account": self.ledger.associated(owner.address, mint_1),
            "token_0_vault": vault_0,
            "token_1_vault": vault_1,
            "token_program": TOKEN_PROGRAM,
            "token_program_2022": TOKEN_2022_PROGRAM,
            "vault_0_mint": mint_0.address,
            "vault_1_mint": mint_1.address,
            "lp_mint": self.lp_mint.address,
            "memo_program": _MEMO_PROGRAM,
        }
        limits = (raw_0, raw_1)
        data = anchor_tag("global", name) + pack("<QQQ", fill.lp_raw, *limits)
        layout = _LIQUIDITY if is_add else _WITHDRAW
        metas = seats(layout, named, signer="owner", writable=_LIQUIDITY_WRITABLE)
        reserves = [self.ledger.tokens_raw(vault) for vault in (vault_0, vault_1)]
        told = anchor_tag("event", "LpChangeEvent") + pack(
            "<32sQQQQQQQB", bytes(self.address), self.supply[0], *reserves, raw_0, raw_1, 0, 0, 0 if is_add else 1
        )
        with writer.call(Instruction(PROGRAM, data, metas), f"Instruction: {name.title()}", units=45_000):
            writer.log_data(told)
            yield


def _fee_raw(in_raw: int) -> int:
    return divided_up(in_raw * _FEE_PARTS, _ALL_FEE_PARTS)

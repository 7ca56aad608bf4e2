"""States of one made-up pool, and swaps against it."""

from moment_inputs import MINT, T0, WALLET

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.detectors.input import PoolState, Swap

SOL = NATIVE_MINT


def state(
    *,
    pool: str = "poo1",
    venue: str = "raydium_cpmm",
    mint: str = MINT,
    slot: int = 499,
    tx_index: int | None = 0,
    at_s: int = T0 - 1,
    base_raw: int = 10**12,
    quote_raw: int = 100 * 10**9,
    is_virtual: bool = False,
    changes: tuple[int, int] | None = None,
) -> PoolState:
    """A million coins of six decimals and 100 SOL, as somebody who bought for a SOL, 25 basis points off it, left them."""
    if changes is None and quote_raw > 10**9:
        into_raw = 10**9 * 9_975 // 10_000
        changes = (-(base_raw * into_raw // (quote_raw - 10**9)), 10**9)
    return PoolState(
        pool=pool,
        venue=venue,
        mint=mint,
        quote_mint=SOL,
        slot=slot,
        tx_index=tx_index,
        signature=f"{pool}{slot}",
        log_idx=0,
        at_s=at_s,
        is_virtual=is_virtual,
        is_trade=changes is not None,
        base_reserve_raw=base_raw,
        quote_reserve_raw=quote_raw,
        base_change_raw=None if changes is None else changes[0],
        quote_change_raw=None if changes is None else changes[1],
    )


def after_trade(before: PoolState, *, sold_sol: int, fee_bps: int, slot: int, at_s: int) -> PoolState:
    """The pool after somebody bought for `sold_sol` lamports; the fee, off what goes in, stays in the vault."""
    into_raw = sold_sol - -(-sold_sol * fee_bps // 10_000)
    bought_raw = before.base_reserve_raw * into_raw // (before.quote_reserve_raw + into_raw)
    return state(
        pool=before.pool,
        venue=before.venue,
        slot=slot,
        at_s=at_s,
        base_raw=before.base_reserve_raw - bought_raw,
        quote_raw=before.quote_reserve_raw + sold_sol,
        changes=(-bought_raw, sold_sol),
    )


def swap(
    *,
    at_s: int = T0,
    slot: int = 500,
    tx_index: int | None = 3,
    sold_mint: str = SOL,
    sold_raw: int = 10**9,
    bought_mint: str = MINT,
    bought_raw: int = 9 * 10**9,
    value_usd_e18: int | None = 200 * 10**18,
) -> Swap:
    """A SOL, worth 200 dollars, for the coin."""
    return Swap(
        wallet=WALLET,
        signature="swap",
        path="2",
        slot=slot,
        tx_index=tx_index,
        at_s=at_s,
        sold_mint=sold_mint,
        sold_raw=sold_raw,
        bought_mint=bought_mint,
        bought_raw=bought_raw,
        venue="jupiter_v6",
        pool="",
        value_usd_e18=value_usd_e18,
        price_source="klines",
        confidence_e18=9 * 10**17,
    )

"""Events of a made-up market, told one after another: each stands a slot behind the one before."""

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec
from crafted_bodies import address
from solders.keypair import Keypair

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.market.events import (
    EventPlace,
    LiquidityChanged,
    MarketEvent,
    PoolCreated,
    RiskFlag,
    TokenLaunched,
    TokenMintInfo,
    Trade,
)
from oof_pipelines.market.risk import RiskState, RiskThresholds, step

PROGRAM, COIN, POOL = address("venue"), address("coin"), address("pool")
TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
THRESHOLDS = RiskThresholds(
    liquidity_pulled_bps=5000, creator_dumping_bps=5000, top_holder_share_bps=1500, lookback_days=2
)
_SLOTS = itertools.count(1)
_START_S = 1_700_000_000


def wallet(seed: int) -> str:
    """A wallet somebody has a key of: the same for the same number."""
    return str(Keypair.from_seed(bytes([seed]) * 32).pubkey())


ALICE, BOB, MAKER = wallet(1), wallet(2), wallet(3)


def place(**changes: Any) -> EventPlace:
    slot = next(_SLOTS)
    whole = {"signature": f"transaction {slot}", "slot": slot, "tx_index": 0, "block_time_s": _START_S + slot}
    return EventPlace(**{**whole, "log_idx": 65_536, "ordinal": 0, **changes})


def trade(trader: str = ALICE, *, is_buy: bool = True, at: EventPlace | None = None, **changes: Any) -> Trade:
    """A buy of 100 coins, of which the trader then holds 100."""
    whole = {
        "program_id": PROGRAM,
        "venue": "venue",
        "pool": POOL,
        "mint": COIN,
        "quote_mint": NATIVE_MINT,
        "is_buy": is_buy,
        "base_raw": 100,
        "quote_raw": 1_000,
        "base_decimals": 6,
        "quote_decimals": 9,
        "trader": trader,
        "signer": trader,
        "trader_balance_raw": 100,
    }
    return Trade(at or place(), **{**whole, **changes})


def mint_info(
    mint_authority: str | None = "",
    freeze_authority: str | None = "",
    supply_raw: int | None = 10_000,
    mint: str = COIN,
) -> TokenMintInfo:
    return TokenMintInfo(place(), mint, TOKEN_PROGRAM, 6, mint_authority, freeze_authority, supply_raw)


def launched(creator: str = MAKER, mint: str = COIN, pool: str = POOL) -> TokenLaunched:
    return TokenLaunched(
        place(), PROGRAM, "venue", mint, NATIVE_MINT, pool, creator, TOKEN_PROGRAM, "Coin", "COIN", "https://coin"
    )


def pool_made(pool: str = POOL, mint: str = COIN, quote_mint: str = NATIVE_MINT) -> PoolCreated:
    return PoolCreated(place(), PROGRAM, "venue", pool, mint, quote_mint, MAKER)


def removed(by: str = MAKER, **changes: Any) -> LiquidityChanged:
    """Half of what the pool held of either side was taken out."""
    whole = {
        "program_id": PROGRAM,
        "venue": "venue",
        "pool": POOL,
        "mint": COIN,
        "quote_mint": NATIVE_MINT,
        "wallet": by,
        "is_add": False,
        "base_raw": 500,
        "quote_raw": 50,
        "base_reserve_raw": 500,
        "quote_reserve_raw": 50,
    }
    return LiquidityChanged(place(), **{**whole, **changes})


def fold(events: Iterable[MarketEvent], thresholds: RiskThresholds = THRESHOLDS) -> list[RiskFlag]:
    """Every flag that the events raise, from nothing known."""
    state, flags = RiskState(thresholds), []
    for event in events:
        state, raised = step(state, event)
        flags += raised
    return flags


def said(flags: Iterable[RiskFlag]) -> list[tuple[str, str, int | None]]:
    """(flag, wallet, share in basis points) of each."""
    return [(flag.flag, flag.wallet, flag.share_bps) for flag in flags]


def moved_to(event: MarketEvent, **changes: Any) -> MarketEvent:
    """The event at another place."""
    return msgspec.structs.replace(event, place=msgspec.structs.replace(event.place, **changes))

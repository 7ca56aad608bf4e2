"""What a buyer of a coin should know, folded over the market's events in their order: `step(state, event)`.

- mint_authority_live, freeze_authority_live: somebody can still make more of the coin, or freeze it, when it is traded.
- top_holder_share: who traded holds a large part of all there is. Pools, curves and other program accounts hold for others.
- creator_dumping: the creator sold a large part of what he held. He is known by the coin's launch, or by the fee account
  that the trade pays.
- liquidity_pulled: a wallet took a large part of what its pool held: of the money, or of the coin where that is not seen.

What is not known raises nothing: a coin whose initialisation is not in the stream has neither authorities nor supply here.
The supply is what the coin's first transaction made of it. Money itself (SOL, USDC, USDT) is never flagged. A flag is raised
once for a coin and wallet. It stands at the event that raised it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from oof_pipelines.chain.moves import NATIVE_MINTS
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.market.creator_vaults import is_creators_account
from oof_pipelines.market.events import (
    LiquidityChanged,
    MarketEvent,
    PoolCreated,
    PoolState,
    RiskFlag,
    TokenLaunched,
    TokenMintInfo,
    Trade,
)

MINT_AUTHORITY_LIVE = "mint_authority_live"
FREEZE_AUTHORITY_LIVE = "freeze_authority_live"
LIQUIDITY_PULLED = "liquidity_pulled"
CREATOR_DUMPING = "creator_dumping"
TOP_HOLDER_SHARE = "top_holder_share"
FLAGS = (MINT_AUTHORITY_LIVE, FREEZE_AUTHORITY_LIVE, LIQUIDITY_PULLED, CREATOR_DUMPING, TOP_HOLDER_SHARE)

_MONEY = NATIVE_MINTS | {USDC_MINT, USDT_MINT}
_WHOLE_BPS = 10_000
_MOST_DAYS = 366


class RiskConfigError(ValueError):
    """The thresholds cannot be used; the one-line message names the one."""


class RiskThresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which share on, in basis points, each flag is raised (risk.yaml); `lookback_days` see workflows/risk_flags.py."""

    liquidity_pulled_bps: int
    creator_dumping_bps: int
    top_holder_share_bps: int
    lookback_days: int


def thresholds_of(settings: Mapping[str, Any] | object) -> RiskThresholds:
    """The thresholds of a mapping, checked. Raises `RiskConfigError`."""
    try:
        thresholds = msgspec.convert(settings, RiskThresholds)
    except msgspec.ValidationError as error:
        raise RiskConfigError(f"risk.yaml: {error}") from None
    for name in ("liquidity_pulled_bps", "creator_dumping_bps", "top_holder_share_bps"):
        if not 0 < getattr(thresholds, name) <= _WHOLE_BPS:
            raise RiskConfigError(f"risk.yaml: {name} is no share from 1 to {_WHOLE_BPS}")
    if not 0 <= thresholds.lookback_days <= _MOST_DAYS:
        raise RiskConfigError(f"risk.yaml: lookback_days is no number of days from 0 to {_MOST_DAYS}")
    return thresholds


@dataclass(slots=True)
class _Mint:
    """What is known of a coin. Authorities are '' where there is none, None where nobody told."""

    mint_authority: str | None = None
    freeze_authority: str | None = None
    supply_raw: int | None = None
    creator: str = ""


@dataclass(slots=True)
class RiskState:
    """What the events so far told. `step` changes it in place, since it grows with every coin: to keep one, copy it."""

    thresholds: RiskThresholds
    mints: dict[str, _Mint] = field(default_factory=dict)
    coins_of_pools: dict[str, str] = field(default_factory=dict)
    raised: set[tuple[str, str, str]] = field(default_factory=set)
    # Where the last flag stands, and how many stand there.
    last_path: tuple[str, int] = ("", 0)
    flags_at_last_path: int = 0

    def mint(self, address: str) -> _Mint:
        known = self.mints.get(address)
        if known is None:
            known = self.mints[address] = _Mint()
        return known

    def learn_pool(self, pool: str, mint: str) -> None:
        """`pool` trades `mint`. Where no pool is named ('') there is nothing to learn: such events are of many pools."""
        if pool:
            self.coins_of_pools[pool] = mint


def step(state: RiskState, event: MarketEvent) -> tuple[RiskState, list[RiskFlag]]:
    """The state after an event, and the flags it raises. Events come in their order; flags themselves change nothing."""
    if isinstance(event, Trade):
        if event.pool not in state.coins_of_pools:
            state.learn_pool(event.pool, event.mint)
        return state, [] if event.mint in _MONEY else list(_of_trade(state, event))
    if isinstance(event, LiquidityChanged):
        return state, [] if event.is_add else list(_of_removal(state, event))
    if isinstance(event, TokenMintInfo):
        _learn(state.mint(event.mint), event)
    elif isinstance(event, TokenLaunched):
        state.mint(event.mint).creator = event.creator
        state.learn_pool(event.pool, event.mint)
    elif isinstance(event, PoolCreated | PoolState):
        state.learn_pool(event.pool, event.mint)
    return state, []


def _learn(known: _Mint, told: TokenMintInfo) -> None:
    if told.mint_authority is not None:
        known.mint_authority = told.mint_authority
    if told.freeze_authority is not None:
        known.freeze_authority = told.freeze_authority
    if told.supply_raw is not None:
        known.supply_raw = told.supply_raw


def _of_trade(state: RiskState, trade: Trade) -> Iterator[RiskFlag]:
    known = state.mints.get(trade.mint)
    if known is not None:
        if known.mint_authority:
            yield from _raise(state, trade, MINT_AUTHORITY_LIVE, trade.mint, known.mint_authority, None)
        if known.freeze_authority:
            yield from _raise(state, trade, FREEZE_AUTHORITY_LIVE, trade.mint, known.freeze_authority, None)
    if trade.trader_balance_raw is None or not trade.trader:
        return
    if not trade.is_buy and _is_creator(known, trade):
        share_bps = _share_bps(trade.base_raw, trade.trader_balance_raw + trade.base_raw)
        if share_bps is not None and share_bps >= state.thresholds.creator_dumping_bps:
            yield from _raise(state, trade, CREATOR_DUMPING, trade.mint, trade.trader, share_bps)
    if known is None or known.supply_raw is None:
        return
    share_bps = _share_bps(trade.trader_balance_raw, known.supply_raw)
    if share_bps is None or share_bps < state.thresholds.top_holder_share_bps:
        return
    if trade.trader not in state.coins_of_pools and not is_off_curve(trade.trader):
        yield from _raise(state, trade, TOP_HOLDER_SHARE, trade.mint, trade.trader, share_bps)


def _is_creator(known: _Mint | None, trade: Trade) -> bool:
    if known is not None and known.creator:
        return known.creator == trade.trader
    return bool(trade.creator) and is_creators_account(trade.creator, trade.program_id, trade.trader)


def _of_removal(state: RiskState, removed: LiquidityChanged) -> Iterator[RiskFlag]:
    # Where only the money moved, the call does not name the coin; the pool's earlier events may.
    mint = removed.mint or state.coins_of_pools.get(removed.pool, "")
    if not mint or mint in _MONEY:
        return
    amount_raw, left_raw = removed.quote_raw, removed.quote_reserve_raw
    if left_raw is None:
        amount_raw, left_raw = removed.base_raw, removed.base_reserve_raw
    if left_raw is None:
        return
    share_bps = _share_bps(amount_raw, left_raw + amount_raw)
    if share_bps is not None and share_bps >= state.thresholds.liquidity_pulled_bps:
        yield from _raise(state, removed, LIQUIDITY_PULLED, mint, removed.wallet, share_bps)


def _share_bps(part_raw: int, whole_raw: int) -> int | None:
    """Rounded down; None of nothing, and where the whole is smaller than its part and so not what it was taken for."""
    return part_raw * _WHOLE_BPS // whole_raw if 0 <= part_raw <= whole_raw and whole_raw > 0 else None


def _raise(
    state: RiskState, at: Trade | LiquidityChanged, flag: str, mint: str, wallet: str, share_bps: int | None
) -> Iterator[RiskFlag]:
    """The flag, unless it was raised before; several at one path are counted, as events of any kind are."""
    if (mint, wallet, flag) in state.raised:
        return
    state.raised.add((mint, wallet, flag))
    path = (at.place.signature, at.place.log_idx)
    state.flags_at_last_path = state.flags_at_last_path + 1 if path == state.last_path else 0
    state.last_path = path
    place = msgspec.structs.replace(at.place, ordinal=state.flags_at_last_path)
    yield RiskFlag(place, flag, mint, wallet, at.pool, share_bps)

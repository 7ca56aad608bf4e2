"""One decoded transaction as events of the market: the only place where they are made, for stored days and for the feed.

A trade for each leg of each route with the state it leaves its pool in, the steps of tokens' lives, changed liquidity, and
what its token instructions say of mints. A failed transaction gives nothing.
"""

from collections.abc import Iterator

from oof_pipelines.chain.moves import NATIVE_MINTS, SUPPLY_ACCOUNT, log_idx
from oof_pipelines.chain.storable_text import storable
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.facts import Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.routes import Route
from oof_pipelines.market.events import (
    KINDS,
    LIQUIDITY_CHANGED,
    POOL_STATE,
    TOKEN_MINT_INFO,
    TRADE,
    EventPlace,
    Graduation,
    LiquidityChanged,
    MarketEvent,
    Migration,
    PoolCreated,
    PoolState,
    TokenLaunched,
    TokenMintInfo,
    Trade,
)
from oof_pipelines.market.mint_instructions import MintChange, mint_changes
from oof_pipelines.market.pool_vaults import vault_after_raw

_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}
_NATIVE_DECIMALS = 9
_MOST_DECIMALS = 255
_VIRTUAL = "virtual"


def market_events_of(
    signature: str, slot: int, tx_index: int | None, block_time_s: int, decoded: Decoded
) -> list[MarketEvent]:
    """The events of a transaction in their order (`order_key`); where it stands is told by whoever stored it."""
    if decoded.transaction.is_failed:
        return []
    changes = mint_changes(decoded.transaction)
    if not (changes or decoded.routes or decoded.facts):
        return []
    return _Reader(signature, slot, tx_index, block_time_s, decoded).events(changes)


class _Reader:
    """Counts the events of a kind at a path, so that each has a place of its own."""

    def __init__(self, signature: str, slot: int, tx_index: int | None, block_time_s: int, decoded: Decoded) -> None:
        self._where = (signature, slot, tx_index, block_time_s)
        self._decoded = decoded
        self._counted: dict[tuple[int, str], int] = {}

    def events(self, changes: list[MintChange]) -> list[MarketEvent]:
        found: list[MarketEvent] = list(self._mints(changes)) if changes else []
        for route in self._decoded.routes:
            for leg in route.legs:
                found += self._traded(route, leg)
        for fact in self._decoded.facts:
            if isinstance(fact, TokenEvent):
                found += self._lived(fact)
            elif isinstance(fact, Liquidity):
                found += self._changed(fact)
        # Within one transaction the first three parts of the order key are the same for all.
        if len(found) > 1:
            found.sort(key=lambda event: (event.place.log_idx, _RANKS[event.KIND], event.place.ordinal))
        return found

    def _place(self, path: str, kind: str) -> EventPlace:
        at = log_idx(path)
        ordinal = self._counted.get((at, kind), 0)
        self._counted[at, kind] = ordinal + 1
        return EventPlace(*self._where, at, ordinal)

    # --- trades ---

    def _traded(self, route: Route, leg: Leg) -> Iterator[MarketEvent]:
        if leg.sold_mint == leg.bought_mint:
            return
        mint, quote_mint = _pair(leg.sold_mint, leg.bought_mint)
        is_buy = leg.bought_mint == mint
        base_raw, quote_raw = (leg.bought_raw, leg.sold_raw) if is_buy else (leg.sold_raw, leg.bought_raw)
        reserve_kind, base_reserve_raw, quote_reserve_raw = _reserves_after(leg.reserves, mint, quote_mint)
        # A hop is made in the name of a router's account, or of a keeper: whose trade it is the route knows.
        trader = route.trader or leg.trader
        yield Trade(
            self._place(leg.path, TRADE),
            leg.program_id,
            leg.venue,
            leg.pool,
            mint,
            quote_mint,
            is_buy,
            base_raw,
            quote_raw,
            self._decimals(mint),
            self._decimals(quote_mint),
            trader,
            self._decoded.transaction.fee_payer,
            next((fee.recipient for fee in leg.fees if fee.kind == "creator"), ""),
            self._balance_raw(trader, mint),
            reserve_kind,
            base_reserve_raw,
            quote_reserve_raw,
        )
        if base_reserve_raw is not None or quote_reserve_raw is not None:
            yield PoolState(
                self._place(leg.path, POOL_STATE),
                leg.program_id,
                leg.venue,
                leg.pool,
                mint,
                quote_mint,
                reserve_kind,
                base_reserve_raw,
                quote_reserve_raw,
            )

    def _decimals(self, mint: str) -> int | None:
        decimals = _NATIVE_DECIMALS if mint in NATIVE_MINTS else self._decoded.decimals.get(mint)
        return decimals if decimals is not None and 0 <= decimals <= _MOST_DECIMALS else None

    def _balance_raw(self, trader: str, mint: str) -> int | None:
        """What the trader's token accounts hold of a mint afterwards; an account that was closed holds nothing."""
        if mint in NATIVE_MINTS:
            return None
        transaction = self._decoded.transaction
        after = [one.amount_raw for one in transaction.post_tokens if one.mint == mint and one.owner == trader]
        if after:
            return sum(after)
        had_any = any(one.mint == mint and one.owner == trader for one in transaction.pre_tokens)
        return 0 if had_any else None

    # --- tokens and pools ---

    def _lived(self, fact: TokenEvent) -> Iterator[MarketEvent]:
        mint, quote_mint = _pair(fact.mint, fact.quote_mint) if fact.quote_mint else (fact.mint, "")
        by = (fact.program_id, fact.venue)
        if fact.kind == "launch":
            # Which side is the coin a launch says itself, whatever it is paired with.
            yield TokenLaunched(
                self._place(fact.path, TokenLaunched.KIND),
                *by,
                fact.mint,
                fact.quote_mint,
                fact.pool,
                fact.creator or fact.wallet,
                fact.token_program_id,
                storable(fact.name),
                storable(fact.symbol),
                storable(fact.uri),
            )
        elif fact.kind == "pool_created":
            place = self._place(fact.path, PoolCreated.KIND)
            yield PoolCreated(place, *by, fact.pool, mint, quote_mint, fact.creator or fact.wallet)
        elif fact.kind == "graduation":
            yield Graduation(self._place(fact.path, Graduation.KIND), *by, fact.mint, fact.quote_mint, fact.pool)
        elif fact.kind == "migration":
            yield Migration(self._place(fact.path, Migration.KIND), *by, fact.mint, fact.quote_mint, fact.pool)

    def _changed(self, fact: Liquidity) -> Iterator[MarketEvent]:
        """Nothing of a pool of three coins and more, which is of no pair."""
        amounts: dict[str, int] = {}
        for mint, amount_raw in fact.amounts:
            amounts[mint] = amounts.get(mint, 0) + amount_raw
        if not 1 <= len(amounts) <= 2:
            return
        mints = list(amounts)
        if len(mints) == 2:
            mint, quote_mint = _pair(*mints)
        else:
            is_money = base_and_quote(mints[0], "")[1] == mints[0]
            mint, quote_mint = ("", mints[0]) if is_money else (mints[0], "")
        is_add = fact.kind == "liquidity_add"

        def reserve_raw(side: str) -> int | None:
            return vault_after_raw(self._decoded, fact.path, fact.wallet, side, amounts[side], is_add) if side else None

        yield LiquidityChanged(
            self._place(fact.path, LIQUIDITY_CHANGED),
            fact.program_id,
            fact.venue,
            fact.pool,
            mint,
            quote_mint,
            fact.wallet,
            is_add,
            amounts.get(mint, 0),
            amounts.get(quote_mint, 0),
            reserve_raw(mint),
            reserve_raw(quote_mint),
        )

    # --- mints ---

    def _mints(self, changes: list[MintChange]) -> Iterator[MarketEvent]:
        made = {change.mint for change in changes if change.decimals is not None}
        for change in changes:
            yield TokenMintInfo(
                self._place(change.path, TOKEN_MINT_INFO),
                change.mint,
                change.token_program,
                change.decimals if change.decimals is not None else self._decimals(change.mint),
                change.mint_authority,
                change.freeze_authority,
                self._supply_raw(change.mint) if change.mint in made else None,
            )

    def _supply_raw(self, mint: str) -> int:
        """What the transaction minted less what it burned: all there is of a mint that it made."""
        moves = self._decoded.moves
        return max(0, -sum(one.delta_raw for one in moves if one.account == SUPPLY_ACCOUNT and one.asset == mint))


def _pair(first: str, second: str) -> tuple[str, str]:
    """(coin, money); of two coins, or of one money twice, the one that sorts last is the money."""
    return base_and_quote(*sorted((first, second)))


def _reserves_after(reserves: tuple[Reserve, ...], mint: str, quote_mint: str) -> tuple[str, int | None, int | None]:
    """Kind, and what the pool holds afterwards of the coin and of the money; a curve's virtual ones win: they price it."""
    kinds = {reserve.kind for reserve in reserves}
    if not kinds:
        return "", None, None
    kind = _VIRTUAL if _VIRTUAL in kinds else min(kinds)
    after: dict[str, int | None] = {}
    for reserve in reserves:
        if reserve.kind == kind:
            after.setdefault(reserve.mint, reserve.after_raw)
    return kind, after.get(mint), after.get(quote_mint)

"""What accounts say as events of the market: pools as they are discovered, mints, what vaults and watched wallets hold.

An account tells a state and no instruction: its events have no path. Their `signature` is an id made of the account's write
(`account_event_id`), which sorts behind every signature, and their place in the block is not known: so the order key puts
them behind all transactions of their slot, in the order of write versions, and one account's events of one write by kind.
A stored change gives the same events whoever heard it before and after: nothing is looked up but which pool a vault is of,
and which coin a curve is of, and neither ever changes.
"""

from collections.abc import Collection, Mapping

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.accounts.facts import PoolInfo, TokenAccountInfo, TokenMintInfo, WalletInfo
from oof_pipelines.decode.accounts.update import AccountUpdate
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.market.events import EventPlace, MarketEvent, PoolCreated, PoolState, WalletBalance
from oof_pipelines.market.events import TokenMintInfo as MintEvent

_NO_PATH = 0
_VAULT, _VIRTUAL = "vault", "virtual"
_BEHIND_SIGNATURES = "~"
"""Sorts behind every character of base58."""


def account_event_id(pubkey: str, slot: int, write_version: int) -> str:
    """The id that stands in an account event's place where others have a signature; ids of a slot sort by write."""
    return f"{_BEHIND_SIGNATURES}{slot:012d}.{write_version:020d}.{pubkey}"


def account_events(
    update: AccountUpdate,
    *,
    pool_of_vault: Mapping[str, PoolInfo],
    mints_of_pool: Mapping[str, tuple[str, str]],
    watched: Collection[str],
) -> list[MarketEvent]:
    """The events of one change.

    `pool_of_vault` is by the vault's address. `mints_of_pool` names the pair of pools whose account does not. `watched` are
    wallets and token accounts whose balances are wanted.
    """
    facts, place = update.facts, _place(update)
    match facts:
        case PoolInfo():
            pair = _pair_of(facts, mints_of_pool)
            return _pool_events(facts, place, pair) if pair else []
        case TokenMintInfo():
            return [
                MintEvent(
                    place,
                    facts.mint,
                    facts.token_program,
                    facts.decimals,
                    facts.mint_authority,
                    facts.freeze_authority,
                    facts.supply_raw,
                )
            ]
        case TokenAccountInfo():
            events: list[MarketEvent] = []
            pool = pool_of_vault.get(facts.account)
            if pool is not None and facts.mint in (pool.mint_a, pool.mint_b):
                events.append(_vault_state(pool, facts, place))
            if facts.owner in watched or facts.account in watched:
                events.append(WalletBalance(place, facts.mint, facts.owner, facts.amount_raw))
            return events
        case WalletInfo():
            is_watched = facts.wallet in watched
            return [WalletBalance(place, NATIVE_MINT, facts.wallet, facts.lamports)] if is_watched else []
        case _:
            # A closed account tells that it is gone: of a wallet that its SOL is.
            return [WalletBalance(place, NATIVE_MINT, update.pubkey, 0)] if update.pubkey in watched else []


def _place(update: AccountUpdate) -> EventPlace:
    identifier = account_event_id(update.pubkey, update.slot, update.write_version)
    return EventPlace(identifier, update.slot, None, update.block_time_s, _NO_PATH, 0)


def _pair_of(pool: PoolInfo, mints_of_pool: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """The mints of sides a and b; None where the account does not name them and nobody else knows."""
    if pool.mint_a:
        return pool.mint_a, pool.mint_b
    known = mints_of_pool.get(pool.pool)
    if known is None:
        return None
    # Who knows them names the coin first; the side that the account does name is the other one.
    coin = next((mint for mint in known if mint and mint != pool.mint_b), None)
    return None if coin is None else (coin, pool.mint_b)


def _pool_events(pool: PoolInfo, place: EventPlace, pair: tuple[str, str]) -> list[MarketEvent]:
    mint, quote_mint = _oriented(*pair)
    by = (pool.program_id, pool.venue, pool.pool, mint, quote_mint)
    events: list[MarketEvent] = [PoolCreated(place, *by, pool.creator)]
    if pool.virtual_a_raw is not None and pool.virtual_b_raw is not None:
        is_turned = mint != pair[0]
        reserves = (pool.virtual_b_raw, pool.virtual_a_raw) if is_turned else (pool.virtual_a_raw, pool.virtual_b_raw)
        events.append(PoolState(place, *by, _VIRTUAL, *reserves))
    return events


def _vault_state(pool: PoolInfo, vault: TokenAccountInfo, place: EventPlace) -> PoolState:
    """The side that the vault is of; the other side is its own vault's to tell."""
    mint, quote_mint = _oriented(pool.mint_a, pool.mint_b)
    is_base = vault.mint == mint
    return PoolState(
        place,
        pool.program_id,
        pool.venue,
        pool.pool,
        mint,
        quote_mint,
        _VAULT,
        vault.amount_raw if is_base else None,
        None if is_base else vault.amount_raw,
    )


def _oriented(first: str, second: str) -> tuple[str, str]:
    """(coin, money), as events of transactions have them; of two coins the one that sorts last is the money."""
    return base_and_quote(*sorted((first, second)))

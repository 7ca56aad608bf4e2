"""A swap read off a pool's call: what left one token account of the trader and what reached another.

That is what most pools show: two transfers, whose accounts the layout names. Token transfer fees are thereby on the
trader's side: what he gave is what left him, what he got is what arrived.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, Leg, Reserve
from oof_pipelines.decode.program import Reader

FeeRule: TypeAlias = Callable[[Call], tuple[FeePart, ...]]
"""The fees that a call tells of, besides those that a token withholds."""


def pool_swap(
    call: Call,
    *,
    pool: str,
    source: str,
    destination: str,
    vaults: tuple[str, ...] = (),
    fees: tuple[FeePart, ...] = (),
    reserves: tuple[Reserve, ...] | None = None,
) -> list[Leg]:
    """The leg of a call, nothing where it did not take and give. All arguments are addresses, `source` and `destination`
    the trader's token accounts, `vaults` the pool's; `reserves` where the program itself states them.
    """
    sold_mint, bought_mint = call.mint_of(source), call.mint_of(destination)
    sold_raw, bought_raw = -call.moved(source, sold_mint), call.moved(destination, bought_mint)
    if sold_raw <= 0 or bought_raw <= 0:
        return []
    withheld = [
        FeePart("transfer", mint, raw, INSIDE)
        for mint in dict.fromkeys((sold_mint, bought_mint))
        if (raw := call.withheld_raw(mint))
    ]
    return [
        Leg(
            call.path,
            call.instruction.program_id,
            call.program.name,
            pool,
            call.owner_of(source),
            sold_mint,
            sold_raw,
            bought_mint,
            bought_raw,
            call.vault_reserves(*vaults) if reserves is None else reserves,
            (*fees, *withheld),
        )
    ]


def either_way_swap(
    call: Call,
    *,
    pool: str,
    accounts: tuple[str, str],
    vaults: tuple[str, ...] = (),
    fees: tuple[FeePart, ...] = (),
) -> list[Leg]:
    """The leg of a call whose layout names the trader's two token accounts by the pool's order of mints, not by direction.

    The one that lost is what he sold from; nothing where none lost, or where both did.
    """
    first, second = accounts
    source, destination = (first, second) if call.moved(first) < 0 else (second, first)
    if call.moved(source) >= 0:
        return []
    return pool_swap(call, pool=pool, source=source, destination=destination, vaults=vaults, fees=fees)


def one_way(pool: str, *, source: str, destination: str, vaults: str, fees: FeeRule | None = None) -> Reader:
    """A reader for `pool_swap` by the layout's names; `vaults` are apart by a space."""
    vault_names = vaults.split()

    def read(call: Call) -> Iterable[Fact]:
        return pool_swap(
            call,
            pool=call.account(pool),
            source=call.account(source),
            destination=call.account(destination),
            vaults=tuple(call.account(name) for name in vault_names),
            fees=fees(call) if fees is not None else (),
        )

    return read


def either_way(pool: str, *, accounts: str, vaults: str, fees: FeeRule | None = None) -> Reader:
    """A reader for `either_way_swap` by the layout's names: `accounts` and `vaults` are two each, apart by a space."""
    first, second = accounts.split()
    first_vault, second_vault = vaults.split()

    def read(call: Call) -> Iterable[Fact]:
        return either_way_swap(
            call,
            pool=call.account(pool),
            accounts=(call.account(first), call.account(second)),
            vaults=(call.account(first_vault), call.account(second_vault)),
            fees=fees(call) if fees is not None else (),
        )

    return read


def fee(kind: str, mint: str, amount_raw: int, side: str, recipient: str = "") -> tuple[FeePart, ...]:
    """One part of a fee as a tuple, empty where it is nothing, so that parts can be joined."""
    return (FeePart(kind, mint, amount_raw, side, recipient),) if amount_raw else ()


def fee_paid_to(call: Call, account: str, kind: str, *, recipient: str | None = None) -> tuple[FeePart, ...]:
    """What reached a token account from within the trade, as an inside fee; `recipient` is its owner unless given.

    Empty where nothing reached it.
    """
    fee_raw = call.moved(account)
    if fee_raw <= 0:
        return ()
    return fee(kind, call.mint_of(account), fee_raw, INSIDE, call.owner_of(account) if recipient is None else recipient)

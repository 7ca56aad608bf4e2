"""A swap read off a pool's call: what left one token account of the trader and what reached another.

That is what most pools show: two transfers, whose accounts the layout names. Token transfer fees are thereby on the
trader's side: what he gave is what left him, what he got is what arrived.
"""

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, FeePart, Leg, Reserve


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


def fee(kind: str, mint: str, amount_raw: int, side: str, recipient: str = "") -> tuple[FeePart, ...]:
    """One part of a fee as a tuple, empty where it is nothing, so that parts can be joined."""
    return (FeePart(kind, mint, amount_raw, side, recipient),) if amount_raw else ()

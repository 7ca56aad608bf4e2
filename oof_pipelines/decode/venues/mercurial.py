"""Mercurial's stable-swap of n coins: tags of one byte, no events.

The pool's vaults, as many as it has coins, stand between the named accounts, so the trader's two accounts are counted from
the end. The fee stays in the vaults.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_liquidity
from oof_pipelines.decode.pool_swaps import pool_swap
from oof_pipelines.decode.program import VENUE, Program, instruction

_FIRST_VAULT = 4
_USER_ACCOUNTS = 2
_AROUND_LIQUIDITY = 6
"""Accounts of a deposit or withdrawal beside vaults and wallet: the first four, the pool's mint, the account of its token."""


def _exchange(call: Call) -> Iterable[Fact]:
    source, destination = call.account("user_source"), call.account("user_destination")
    mints = (call.mint_of(source), call.mint_of(destination))
    vaults = call.instruction.accounts[_FIRST_VAULT:-_USER_ACCOUNTS]
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=source,
        destination=destination,
        vaults=tuple(one for mint in mints for one in vaults if call.scene.mint_of(one) == mint),
    )


def _coins(call: Call) -> int:
    """How many coins the pool of a deposit or withdrawal has; LayoutError where the accounts do not add up."""
    coins, rest = divmod(len(call.instruction.accounts) - _AROUND_LIQUIDITY, 2)
    if rest or coins < 1:
        raise LayoutError(f"{call.layout.name} has {len(call.instruction.accounts)} accounts")
    return coins


def _liquidity(call: Call, kind: str, accounts: tuple[str, ...], share_mint: str) -> Iterable[Fact]:
    return pool_liquidity(
        call,
        kind,
        pool=call.account("pool"),
        wallet=call.owner_of(accounts[0]),
        accounts=accounts,
        share_account=call.account("share_account"),
        share_mint=share_mint,
    )


def _both_ways(call: Call, kind: str) -> Iterable[Fact]:
    coins, accounts = _coins(call), call.instruction.accounts
    share_mint = accounts[_FIRST_VAULT + coins]
    return _liquidity(call, kind, tuple(accounts[_FIRST_VAULT + coins + 1 : -1]), share_mint)


def _add(call: Call) -> Iterable[Fact]:
    return _both_ways(call, ADD)


def _remove(call: Call) -> Iterable[Fact]:
    return _both_ways(call, REMOVE)


def _remove_one(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE, (call.account("user_destination"),), call.account("share_mint"))


PROGRAM = Program(
    name="mercurial",
    role=VENUE,
    program_ids=("MERLuDFBMmsHnsBPZw2sDQZHvXFMwp8EdjudcU2HKky",),
    source="src/instruction.rs of mercurial-finance/stable-swap-n-pool-instructions; recorded exchanges",
    instructions=(
        instruction("initialize", "pool", discriminator=b"\0"),
        instruction("add_liquidity", "pool", discriminator=b"\1", from_end="share_account", read=_add),
        instruction("remove_liquidity", "pool", discriminator=b"\2", from_end="share_account", read=_remove),
        instruction(
            "remove_liquidity_one_token",
            "pool",
            "unmint_amount:u64 minimum_out_amount:u64",
            discriminator=b"\3",
            from_end="share_mint user_destination share_account",
            read=_remove_one,
        ),
        instruction(
            "exchange",
            "pool _ _ user",
            "amount_in:u64 minimum_amount_out:u64",
            discriminator=b"\4",
            from_end="user_source user_destination",
            read=_exchange,
        ),
        instruction("get_virtual_price", "pool", discriminator=b"\5"),
        *(instruction(f"set_admin_setting_{tag}", "pool", discriminator=bytes([tag])) for tag in range(100, 106)),
    ),
    tag_bytes=1,
)

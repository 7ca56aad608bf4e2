"""Instructions of the SPL token-swap program, copied by many pools of Solana's first years: tags of one byte, no events.

A call names the trader's accounts by direction. The pool's owner takes his fee as new pool tokens, which cost the trader
nothing beside what he sold, so no part of a fee is told. Later copies put the mints and a token program for each behind the
same first seats; deposits and withdrawals are read by those first seats only.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_created, pool_liquidity
from oof_pipelines.decode.pool_swaps import pool_swap
from oof_pipelines.decode.program import InstructionLayout, instruction

SOURCE = "instruction.rs of token-swap in solana-labs/solana-program-library"


def read_swap(call: Call) -> Iterable[Fact]:
    """Swap: the trader's two transfers with the pool's vaults."""
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=call.account("user_source"),
        destination=call.account("user_destination"),
        vaults=(call.account("pool_source"), call.account("pool_destination")),
    )


def read_initialize(call: Call) -> Iterable[Fact]:
    """Initialize: the vaults were filled before, the pool tokens go to whoever made the pool."""
    mints = call.mint_of(call.account("vault_a")), call.mint_of(call.account("vault_b"))
    mint, quote_mint = base_and_quote(*mints)
    wallet = call.owner_of(call.account("share_account"))
    yield pool_created(call, pool=call.account("pool"), mint=mint, quote_mint=quote_mint, wallet=wallet)


def _liquidity(call: Call, kind: str, *names: str) -> Iterable[Fact]:
    accounts = tuple(call.account(name) for name in names)
    return pool_liquidity(
        call,
        kind,
        pool=call.account("pool"),
        wallet=call.owner_of(accounts[0]),
        accounts=accounts,
        share_account=call.account("share_account"),
        share_mint=call.account("share_mint"),
    )


def read_deposit_both(call: Call) -> Iterable[Fact]:
    """DepositAllTokenTypes: both tokens go in."""
    return _liquidity(call, ADD, "user_a", "user_b")


def read_withdraw_both(call: Call) -> Iterable[Fact]:
    """WithdrawAllTokenTypes: both tokens come out."""
    return _liquidity(call, REMOVE, "user_a", "user_b")


def read_deposit_one(call: Call) -> Iterable[Fact]:
    """DepositSingleTokenTypeExactAmountIn: one token goes in."""
    return _liquidity(call, ADD, "user_token")


def read_withdraw_one(call: Call) -> Iterable[Fact]:
    """WithdrawSingleTokenTypeExactAmountOut: one token comes out."""
    return _liquidity(call, REMOVE, "user_token")


def token_swap_instructions() -> tuple[InstructionLayout, ...]:
    """The six instructions of the program; `Program` takes them with `tag_bytes=1`."""
    return (
        instruction(
            "initialize",
            "pool _ vault_a vault_b share_mint _ share_account",
            discriminator=b"\0",
            read=read_initialize,
        ),
        instruction(
            "swap",
            "pool _ _ user_source pool_source pool_destination user_destination share_mint",
            "amount_in:u64 minimum_amount_out:u64",
            discriminator=b"\1",
            read=read_swap,
        ),
        instruction(
            "deposit_all_token_types",
            "pool _ _ user_a user_b vault_a vault_b share_mint share_account",
            "pool_token_amount:u64 maximum_token_a_amount:u64 maximum_token_b_amount:u64",
            discriminator=b"\2",
            read=read_deposit_both,
        ),
        instruction(
            "withdraw_all_token_types",
            "pool _ _ share_mint share_account vault_a vault_b user_a user_b",
            "pool_token_amount:u64 minimum_token_a_amount:u64 minimum_token_b_amount:u64",
            discriminator=b"\3",
            read=read_withdraw_both,
        ),
        instruction(
            "deposit_single_token_type_exact_amount_in",
            "pool _ _ user_token vault_a vault_b share_mint share_account",
            "source_token_amount:u64 minimum_pool_token_amount:u64",
            discriminator=b"\4",
            read=read_deposit_one,
        ),
        instruction(
            "withdraw_single_token_type_exact_amount_out",
            "pool _ _ share_mint share_account vault_a vault_b user_token",
            "destination_token_amount:u64 maximum_pool_token_amount:u64",
            discriminator=b"\5",
            read=read_withdraw_one,
        ),
    )

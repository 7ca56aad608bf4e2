"""Stabble: stable and weighted pools whose tokens lie in one shared vault program; two programs with the same layouts.

The vault pays the trader and the beneficiary of the protocol's fee apart. `bought_raw` is what reached the trader; the
beneficiary's part comes out of the vault beside it and stands as an inside fee. A vault's token account is shared by every
pool with that mint, so the reserves are the vault's.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact, FeePart
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_liquidity
from oof_pipelines.decode.pool_swaps import fee_paid_to, one_way
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, event, instruction, quiet


def _beneficiary_fee(call: Call) -> tuple[FeePart, ...]:
    beneficiary = call.account("beneficiary_token_out")
    return fee_paid_to(call, beneficiary, "protocol") if beneficiary != call.account("user_token_out") else ()


_swap = one_way(
    "pool",
    source="user_token_in",
    destination="user_token_out",
    vaults="vault_token_in vault_token_out",
    fees=_beneficiary_fee,
)


def _liquidity(call: Call, kind: str) -> Iterable[Fact]:
    """The tokens' accounts come after the named ones, so the user's are found by their owner."""
    user, share_account = call.account("user"), call.account("user_pool_token")
    named = {share_account, call.account("mint")}
    accounts = tuple(one for one in call.instruction.accounts if one not in named and call.owner_of(one) == user)
    return pool_liquidity(
        call,
        kind,
        pool=call.account("pool"),
        wallet=user,
        accounts=tuple(one for one in accounts if one != user),
        share_account=share_account,
        share_mint=call.account("mint"),
    )


def _deposit(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD)


def _withdraw(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE)


_SWAP_ACCOUNTS = (
    "user_token_in user_token_out vault_token_in vault_token_out beneficiary_token_out pool withdraw_authority vault"
    " vault_authority vault_program token_program"
)
_SWAP_ARGUMENTS = "amount_in:option<u64> minimum_amount_out:u64"


def _instructions(own: str) -> tuple[InstructionLayout, ...]:
    return (
        instruction("swap", f"user {_SWAP_ACCOUNTS}", _SWAP_ARGUMENTS, read=_swap),
        instruction("swap_v2", f"user mint_in mint_out {_SWAP_ACCOUNTS}", _SWAP_ARGUMENTS, read=_swap),
        instruction(
            "deposit",
            "user user_pool_token mint pool pool_authority vault vault_authority",
            "amounts:vec<u64> minimum_amount_out:u64",
            read=_deposit,
        ),
        instruction(
            "withdraw",
            "user user_pool_token mint pool withdraw_authority vault vault_authority vault_program",
            "amount:u64 minimum_amounts_out:vec<u64>",
            read=_withdraw,
        ),
        *quiet(
            "accept_owner change_max_supply change_swap_fee initialize pause reject_owner shutdown transfer_owner unpause"
        ),
        *quiet(own),
    )


_EVENTS = (event("PoolBalanceUpdatedEvent", "pool:pubkey"), event("PoolUpdatedEvent", "pool:pubkey"))

PROGRAMS = (
    Program(
        name="stabble_stable_swap",
        role=VENUE,
        program_ids=("swapNyd8XiQwJ6ianp9snpu4brUqFxadzvHebnAXjJZ",),
        source="IDL of stable_swap, as in stabble-stable-swap-decoder of sevenlabs-hq/carbon; a recorded swap_v2",
        instructions=_instructions("approve_strategy change_amp_factor create_strategy exec_strategy"),
        events=_EVENTS,
    ),
    Program(
        name="stabble_weighted_swap",
        role=VENUE,
        program_ids=("swapFpHZwjELNnjvThjajtiVmkz3yPQEHjLtka2fwHW",),
        source="IDL of weighted_swap, as in stabble-weighted-swap-decoder of sevenlabs-hq/carbon; a recorded swap_v2",
        instructions=_instructions(""),
        events=_EVENTS,
    ),
)

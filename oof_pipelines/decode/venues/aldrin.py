"""Aldrin's pools, versions 1 and 2: vaults and the trader's accounts in the order base, quote; no events.

The pool's owner takes his fee as new pool tokens, which cost the trader nothing more. Version 2 only adds the account of
the curve to a swap. Farming locks pool tokens and pays rewards; it is known here, not read.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import adding_and_removing, claiming, first_owner, pool_created
from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, instruction, quiet

_swap = either_way("pool", accounts="user_base user_quote", vaults="base_vault quote_vault")
_create_basket, _redeem_basket = adding_and_removing(
    "pool", accounts="user_base user_quote", wallet=first_owner, share="user_pool_token pool_mint"
)
_withdraw_farmed = claiming("reward_claim", "pool", accounts="user_farming_token_account", wallet=first_owner)


def _initialize(call: Call) -> Iterable[Fact]:
    """The mints are told by the vaults, where anything recorded tells theirs."""
    mints = call.mint_of(call.account("base_vault")), call.mint_of(call.account("quote_vault"))
    mint, quote_mint = base_and_quote(*mints)
    yield pool_created(
        call, pool=call.account("pool"), mint=mint, quote_mint=quote_mint, wallet=call.account("initializer")
    )


def _instructions(own: str) -> tuple[InstructionLayout, ...]:
    return (
        instruction(
            "swap",
            "pool pool_signer pool_mint base_vault quote_vault fee_pool_token user user_base user_quote",
            "amount_in:u64 minimum_amount_out:u64 side:u8",
            read=_swap,
        ),
        instruction(
            "create_basket",
            "pool pool_mint pool_signer user_base user_quote base_vault quote_vault user_pool_token user",
            "creation_size:u64 base_token_used_max:u64 quote_token_used_max:u64",
            read=_create_basket,
        ),
        instruction(
            "redeem_basket",
            "pool pool_mint base_vault quote_vault pool_signer user_pool_token user_base user_quote user",
            "redemption_size:u64 base_token_returned_min:u64 quote_token_returned_min:u64",
            read=_redeem_basket,
        ),
        instruction(
            "withdraw_farmed",
            "pool farming_state farming_calc farming_token_vault pool_signer user_farming_token_account user",
            read=_withdraw_farmed,
        ),
        instruction(
            "initialize",
            "pool pool_mint lp_token_freeze_vault base_vault quote_vault pool_signer initializer",
            read=_initialize,
        ),
        *quiet(
            "get_creation_basket get_redemption_basket initialize_farming start_farming initialize_farming_calc"
            " close_farming_calc calculate_farmed check_farmed end_farming take_farming_snapshot increase_farming_total"
        ),
        *quiet(own),
    )


PROGRAMS = (
    Program(
        name="aldrin_v1",
        role=VENUE,
        program_ids=("AMM55ShdkoGRB5jVYPjWziwk8m5MpwyDgsMWHaMSQWH6",),
        source="src/idl/poolsV1.json of aldrin-exchange/aldrin-sdk; a recorded swap",
        instructions=_instructions(""),
    ),
    Program(
        name="aldrin_v2",
        role=VENUE,
        program_ids=("CURVGoZn8zycx6FXwwevgBTB2gVvdbGTEpvMJDbgs2t4",),
        source="src/idl/poolsV2.json of aldrin-exchange/aldrin-sdk; a recorded swap",
        instructions=_instructions("initialize_const_product_curve initialize_stable_curve"),
    ),
)

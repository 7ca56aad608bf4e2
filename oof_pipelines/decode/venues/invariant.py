"""Invariant: concentrated liquidity with the trader's accounts and the reserves in the pool's order of mints; no events.

The trade fee stays in the reserves. A removed position's last account is closed to its owner; a tick that becomes empty is
closed too, but no data say so, and its rent is left to the balances.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, claims, pool_created, pool_liquidity
from oof_pipelines.decode.pool_swaps import either_way_swap
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet


def _swap(call: Call) -> Iterable[Fact]:
    return either_way_swap(
        call,
        pool=call.account("pool"),
        accounts=(call.account("account_x"), call.account("account_y")),
        vaults=(call.account("reserve_x"), call.account("reserve_y")),
    )


def _liquidity(call: Call, kind: str) -> Iterable[Fact]:
    accounts = (call.account("account_x"), call.account("account_y"))
    return pool_liquidity(call, kind, pool=call.account("pool"), wallet=call.account("owner"), accounts=accounts)


def _create_position(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD)


def _remove_position(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE)


def _claim_fee(call: Call) -> Iterable[Fact]:
    accounts = (call.account("account_x"), call.account("account_y"))
    return claims(call, "lp_fee_claim", wallet=call.account("owner"), accounts=accounts, pool=call.account("pool"))


def _withdraw_protocol_fee(call: Call) -> Iterable[Fact]:
    accounts = (call.account("account_x"), call.account("account_y"))
    wallet = call.owner_of(accounts[0])
    return claims(call, "protocol_fee_claim", wallet=wallet, accounts=accounts, pool=call.account("pool"))


def _create_pool(call: Call) -> Iterable[Fact]:
    mint, quote_mint = base_and_quote(call.account("token_x"), call.account("token_y"))
    yield pool_created(call, pool=call.account("pool"), mint=mint, quote_mint=quote_mint, wallet=call.account("payer"))


_USER_AND_RESERVES = "token_x token_y account_x account_y reserve_x reserve_y"

PROGRAM = Program(
    name="invariant",
    role=VENUE,
    program_ids=("HyaB3W9q6XdA5xwpU4XnSZV94htfmbmqJXZcEbRaJutt",),
    source="sdk/src/idl/invariant.ts of invariant-labs/protocol; recorded swaps",
    instructions=(
        instruction(
            "swap",
            "state pool tickmap account_x account_y reserve_x reserve_y owner",
            "x_to_y:bool amount:u64 by_amount_in:bool sqrt_price_limit:u128",
            read=_swap,
        ),
        instruction(
            "create_position",
            f"state position pool position_list payer owner lower_tick upper_tick tickmap {_USER_AND_RESERVES}",
            "lower_tick_index:i32 upper_tick_index:i32 liquidity_delta:u128",
            read=_create_position,
        ),
        instruction(
            "remove_position",
            f"state removed_position position_list last_position pool tickmap lower_tick upper_tick owner"
            f" {_USER_AND_RESERVES}",
            "index:u32 lower_tick_index:i32 upper_tick_index:i32",
            read=_remove_position,
            closes=(("last_position", "owner"),),
        ),
        instruction(
            "claim_fee",
            f"state pool position lower_tick upper_tick owner {_USER_AND_RESERVES}",
            "index:u32 lower_tick_index:i32 upper_tick_index:i32",
            read=_claim_fee,
        ),
        instruction("withdraw_protocol_fee", f"state pool {_USER_AND_RESERVES}", read=_withdraw_protocol_fee),
        instruction(
            "create_pool",
            "state pool fee_tier tickmap token_x token_y token_x_reserve token_y_reserve payer",
            "init_tick:i32",
            read=_create_pool,
        ),
        *quiet(
            "create_state create_fee_tier initialize_oracle create_tick create_position_list"
            " transfer_position_ownership update_seconds_per_liquidity change_protocol_fee change_fee_receiver"
        ),
    ),
)

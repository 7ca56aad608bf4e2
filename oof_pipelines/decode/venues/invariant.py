"""Invariant: concentrated liquidity with the trader's accounts and the reserves in the pool's order of mints; no events.

The trade fee stays in the reserves. A removed position's last account is closed to its owner; a tick that becomes empty is
closed too, but no data say so, and its rent is left to the balances.
"""

from oof_pipelines.decode.pool_liquidity import adding_and_removing, claiming, creating, first_owner, named
from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet

_swap = either_way("pool", accounts="account_x account_y", vaults="reserve_x reserve_y")
_create_position, _remove_position = adding_and_removing("pool", accounts="account_x account_y", wallet=named("owner"))
_claim_fee = claiming("lp_fee_claim", "pool", accounts="account_x account_y", wallet=named("owner"))
_withdraw_protocol_fee = claiming("protocol_fee_claim", "pool", accounts="account_x account_y", wallet=first_owner)
_create_pool = creating("pool", mints="token_x token_y", wallet="payer")

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

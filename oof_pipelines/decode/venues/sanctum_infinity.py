"""Sanctum's S controller ("Infinity"): one pool of many liquid staking tokens; tags of one byte, no events.

The protocol's part of the fee leaves the paying reserve to its own account in the same call: an inside fee of the token
bought. Liquidity is one token against the pool's own.
"""

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import FeePart
from oof_pipelines.decode.pool_liquidity import adding_and_removing, first_owner
from oof_pipelines.decode.pool_swaps import fee_paid_to, one_way
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet_tags


def _protocol_fee(call: Call) -> tuple[FeePart, ...]:
    accumulator = call.account("protocol_fee_accumulator")
    return fee_paid_to(call, accumulator, "protocol", recipient=accumulator)


_swap = one_way(
    "pool_state",
    source="src_lst_acc",
    destination="dst_lst_acc",
    vaults="src_pool_reserves dst_pool_reserves",
    fees=_protocol_fee,
)
_add, _remove = adding_and_removing("pool_state", accounts="lst_acc", wallet=first_owner, share="lp_acc lp_token_mint")

_SWAP_ACCOUNTS = (
    "signer src_lst_mint dst_lst_mint src_lst_acc dst_lst_acc protocol_fee_accumulator src_lst_token_program"
    " dst_lst_token_program pool_state lst_state_list src_pool_reserves dst_pool_reserves"
)
_LIQUIDITY_ACCOUNTS = (
    "signer lst_mint lst_acc lp_acc lp_token_mint protocol_fee_accumulator lst_token_program lp_token_program pool_state"
    " lst_state_list pool_reserves"
)
_QUIET_TAGS = {
    0: "sync_sol_value",
    5: "disable_lst_input",
    6: "enable_lst_input",
    7: "add_lst",
    8: "remove_lst",
    9: "set_sol_value_calculator",
    10: "set_admin",
    11: "set_protocol_fee",
    12: "set_protocol_fee_beneficiary",
    13: "set_pricing_program",
    14: "withdraw_protocol_fees",
    15: "add_disable_pool_authority",
    16: "remove_disable_pool_authority",
    17: "disable_pool",
    18: "enable_pool",
    19: "start_rebalance",
    20: "end_rebalance",
    21: "set_rebalance_authority",
    22: "initialize",
}

PROGRAM = Program(
    name="sanctum_infinity",
    role=VENUE,
    program_ids=("5ocnV1qiCgaQR8Jb8xWnVbApfaygJ8tNoZfgPwsgx9kx",),
    source="generated/s_controller_interface of igneous-labs/S",
    instructions=(
        instruction(
            "swap_exact_in",
            _SWAP_ACCOUNTS,
            "src_lst_value_calc_accs:u8 dst_lst_value_calc_accs:u8 src_lst_index:u32 dst_lst_index:u32"
            " min_amount_out:u64 amount:u64",
            discriminator=b"\1",
            read=_swap,
        ),
        instruction(
            "swap_exact_out",
            _SWAP_ACCOUNTS,
            "src_lst_value_calc_accs:u8 dst_lst_value_calc_accs:u8 src_lst_index:u32 dst_lst_index:u32"
            " max_amount_in:u64 amount:u64",
            discriminator=b"\2",
            read=_swap,
        ),
        instruction(
            "add_liquidity",
            _LIQUIDITY_ACCOUNTS,
            "lst_value_calc_accs:u8 lst_index:u32 lst_amount:u64 min_lp_out:u64",
            discriminator=b"\3",
            read=_add,
        ),
        instruction(
            "remove_liquidity",
            _LIQUIDITY_ACCOUNTS,
            "lst_value_calc_accs:u8 lst_index:u32 lp_token_amount:u64 min_lst_out:u64",
            discriminator=b"\4",
            read=_remove,
        ),
        *quiet_tags(_QUIET_TAGS),
    ),
    is_proven=False,
    tag_bytes=1,
)

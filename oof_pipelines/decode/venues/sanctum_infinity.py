"""Sanctum's S controller ("Infinity"): one pool of many liquid staking tokens; tags of one byte, no events.

The protocol's part of the fee leaves the paying reserve to its own account in the same call: an inside fee of the token
bought. Liquidity is one token against the pool's own.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_liquidity
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, Program, instruction


def _protocol_fee(call: Call) -> tuple[FeePart, ...]:
    accumulator = call.account("protocol_fee_accumulator")
    fee_raw = call.moved(accumulator)
    return fee("protocol", call.mint_of(accumulator), fee_raw, INSIDE, accumulator) if fee_raw > 0 else ()


def _swap(call: Call) -> Iterable[Fact]:
    return pool_swap(
        call,
        pool=call.account("pool_state"),
        source=call.account("src_lst_acc"),
        destination=call.account("dst_lst_acc"),
        vaults=(call.account("src_pool_reserves"), call.account("dst_pool_reserves")),
        fees=_protocol_fee(call),
    )


def _liquidity(call: Call, kind: str) -> Iterable[Fact]:
    account = call.account("lst_acc")
    return pool_liquidity(
        call,
        kind,
        pool=call.account("pool_state"),
        wallet=call.owner_of(account),
        accounts=(account,),
        share_account=call.account("lp_acc"),
        share_mint=call.account("lp_token_mint"),
    )


def _add(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD)


def _remove(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE)


_SWAP_ACCOUNTS = (
    "signer src_lst_mint dst_lst_mint src_lst_acc dst_lst_acc protocol_fee_accumulator src_lst_token_program"
    " dst_lst_token_program pool_state lst_state_list src_pool_reserves dst_pool_reserves"
)
_LIQUIDITY_ACCOUNTS = (
    "signer lst_mint lst_acc lp_acc lp_token_mint protocol_fee_accumulator lst_token_program lp_token_program pool_state"
    " lst_state_list pool_reserves"
)
_QUIET = {
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
        *(instruction(name, discriminator=bytes([tag])) for tag, name in _QUIET.items()),
    ),
    is_proven=False,
    tag_bytes=1,
)

"""Meteora DLMM (lb_clmm): liquidity in bins, trades fill one bin after another.

Amounts are the trader's transfers; the fee is inside them. The program tells its events by calling itself: `Swap` always,
since 0.12 `Swap2Evt` beside it, which also says whose the fee is and, since pools may take it from the output, in which
token. `Swap.fee` is the whole fee; the parts of `Swap2Evt` add up to it, and `protocol_fee` is what the host left of it.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Liquidity
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.pool_liquidity import (
    ADD,
    REMOVE,
    adding_and_removing,
    changing,
    claiming,
    creating,
    holder_of,
)
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, event, instruction, quiet


def _swap(call: Call) -> Iterable[Fact]:
    return pool_swap(
        call,
        pool=call.account("lb_pair"),
        source=call.account("user_token_in"),
        destination=call.account("user_token_out"),
        vaults=(call.account("reserve_x"), call.account("reserve_y")),
        fees=_fees(call),
    )


def _fees(call: Call) -> tuple[FeePart, ...]:
    x_mint, y_mint = call.account("token_x_mint"), call.account("token_y_mint")
    host = call.account("host_fee_in") if call.has("host_fee_in") else ""
    told = call.event("Swap2Evt")
    if told is not None:
        mint = x_mint if told["fees_on_token_x"] else y_mint
        # The fee on what limit orders filled is their makers', who are providers of liquidity as positions are.
        provider_raw = told["mm_fee"] + told["limit_order_fee"]
    else:
        told = call.event("Swap")
        if told is None:
            return ()
        mint = x_mint if told["swap_for_y"] else y_mint
        provider_raw = told["fee"] - told["protocol_fee"] - told["host_fee"]
    return (
        *fee("lp", mint, provider_raw, INSIDE),
        *fee("protocol", mint, told["protocol_fee"], INSIDE),
        *fee("referral", mint, told["host_fee"], INSIDE, host),
    )


_BOTH_OF_USER = "user_token_x user_token_y"
_add, _remove = adding_and_removing("lb_pair", accounts=_BOTH_OF_USER)
_add_one_side = changing(ADD, "lb_pair", accounts="user_token")


def _rebalance(call: Call) -> Iterable[Fact]:
    """Takes liquidity out of a position, claims its fees and puts liquidity in; only the difference is transferred.

    The event says the parts. Farm rewards it may claim besides are not named, so there is no fact for them.
    """
    told = call.event("Rebalancing")
    if told is None:
        raise LayoutError("a rebalancing whose event is not recorded")
    pool, mints = call.account("lb_pair"), (call.account("token_x_mint"), call.account("token_y_mint"))
    accounts = (call.account("user_token_x"), call.account("user_token_y"))
    wallet = holder_of(call, accounts, call.account("owner"))
    told_by = (call.path, call.instruction.program_id, call.program.name)
    for kind, word in ((REMOVE, "withdrawn"), (ADD, "added")):
        raws = (told[f"x_{word}_amount"], told[f"y_{word}_amount"])
        amounts = tuple((mint, raw) for mint, raw in zip(mints, raws, strict=True) if raw)
        if amounts:
            yield Liquidity(*told_by, kind, pool, wallet, amounts)
    for mint, raw in zip(mints, (told["x_fee_amount"], told["y_fee_amount"]), strict=True):
        if raw:
            yield Claim(*told_by, "lp_fee_claim", wallet, mint, raw, pool)


# A limit order lies in the pool's bins as a position does, and is taken out as such, filled or not.
_place_order, _cancel_order = _add_one_side, _remove
_claim_fee = claiming("lp_fee_claim", "lb_pair", accounts=_BOTH_OF_USER)
_claim_reward = claiming("reward_claim", "lb_pair", accounts="user_token")
_claim_protocol_fee = claiming("protocol_fee_claim", "lb_pair", accounts=_BOTH_OF_USER)
_zap_protocol_fee = claiming("protocol_fee_claim", "lb_pair", accounts="user_token")
_created = creating("lb_pair", mints="token_mint_x token_mint_y", wallet="funder")

_SWAP = (
    "lb_pair bin_array_bitmap_extension reserve_x reserve_y user_token_in user_token_out token_x_mint token_y_mint oracle"
    " host_fee_in user"
)
_BOTH = "position lb_pair bin_array_bitmap_extension user_token_x user_token_y reserve_x reserve_y token_x_mint token_y_mint"
_ONE = "position lb_pair bin_array_bitmap_extension user_token reserve token_mint"
# Up to the second generation of an instruction its bin arrays are named; from then on they follow as remaining accounts.
_ARRAYS = "bin_array_lower bin_array_upper sender"
_CLAIM = "reserve_x reserve_y user_token_x user_token_y token_x_mint token_y_mint"
_PAIR = "lb_pair bin_array_bitmap_extension token_mint_x token_mint_y reserve_x reserve_y oracle"
_POSITION_RENT = (("position", "rent_receiver"),)


def _swaps() -> tuple[InstructionLayout, ...]:
    exact_in, exact_out = "amount_in:u64 min_amount_out:u64", "max_in_amount:u64 out_amount:u64"
    impact = "amount_in:u64 active_id:option<i32> max_price_impact_bps:u16"
    arguments = {"swap": exact_in, "swap_exact_out": exact_out, "swap_with_price_impact": impact}
    names = [(name + generation, args) for name, args in arguments.items() for generation in ("", "2")]
    return tuple(instruction(name, _SWAP, args, read=_swap) for name, args in names)


def _liquidity_changes() -> tuple[InstructionLayout, ...]:
    by_range = "from_bin_id:i32 to_bin_id:i32 bps_to_remove:u16"
    amounts = "amount_x:u64 amount_y:u64"
    return (
        instruction("add_liquidity", f"{_BOTH} {_ARRAYS}", amounts, read=_add),
        instruction("add_liquidity_by_weight", f"{_BOTH} {_ARRAYS}", amounts, read=_add),
        instruction("add_liquidity_by_strategy", f"{_BOTH} {_ARRAYS}", amounts, read=_add),
        instruction("add_liquidity2", f"{_BOTH} sender", amounts, read=_add),
        instruction("add_liquidity_by_weight2", f"{_BOTH} sender", amounts, read=_add),
        instruction("add_liquidity_by_strategy2", f"{_BOTH} sender", amounts, read=_add),
        instruction("add_liquidity_one_side", f"{_ONE} {_ARRAYS}", "amount:u64", read=_add_one_side),
        instruction("add_liquidity_by_strategy_one_side", f"{_ONE} {_ARRAYS}", "amount:u64", read=_add_one_side),
        instruction("add_liquidity_one_side_precise", f"{_ONE} {_ARRAYS}", read=_add_one_side),
        instruction("add_liquidity_one_side_precise2", f"{_ONE} sender", read=_add_one_side),
        instruction("remove_liquidity", f"{_BOTH} {_ARRAYS}", read=_remove),
        instruction("remove_all_liquidity", f"{_BOTH} {_ARRAYS}", read=_remove),
        instruction("remove_liquidity_by_range", f"{_BOTH} {_ARRAYS}", by_range, read=_remove),
        instruction("remove_liquidity2", f"{_BOTH} sender", read=_remove),
        instruction("remove_liquidity_by_range2", f"{_BOTH} sender", by_range, read=_remove),
        instruction("rebalance_liquidity", f"{_BOTH} owner rent_payer", read=_rebalance),
        instruction(
            "place_limit_order",
            "lb_pair bin_array_bitmap_extension reserve token_mint limit_order payer owner user_token sender",
            read=_place_order,
        ),
        instruction(
            "cancel_limit_order",
            "lb_pair bin_array_bitmap_extension reserve_x reserve_y token_x_mint token_y_mint limit_order user_token_x"
            " user_token_y sender",
            read=_cancel_order,
        ),
    )


def _claims_and_closings() -> tuple[InstructionLayout, ...]:
    reward = "sender reward_vault reward_mint user_token"
    protocol = "lb_pair reserve_x reserve_y token_x_mint token_y_mint user_token_x user_token_y _ sender"
    return (
        instruction("claim_fee", f"lb_pair position {_ARRAYS} {_CLAIM}", read=_claim_fee),
        instruction("claim_fee2", f"lb_pair position sender {_CLAIM}", read=_claim_fee),
        instruction(
            "claim_reward",
            f"lb_pair position bin_array_lower bin_array_upper {reward}",
            "reward_index:u64",
            read=_claim_reward,
        ),
        instruction("claim_reward2", f"lb_pair position {reward}", "reward_index:u64", read=_claim_reward),
        # Its seventh and eighth accounts changed their meaning; the ninth signs in both versions.
        instruction("withdraw_protocol_fee", protocol, "amount_x:u64 amount_y:u64", read=_claim_protocol_fee),
        instruction(
            "zap_protocol_fee", "lb_pair reserve token_mint user_token operator sender", read=_zap_protocol_fee
        ),
        instruction("close_position", f"position lb_pair {_ARRAYS} rent_receiver", closes=_POSITION_RENT),
        instruction("close_position2", "position sender rent_receiver", closes=_POSITION_RENT),
        instruction("close_position_if_empty", "position sender rent_receiver", closes=_POSITION_RENT),
        instruction(
            "migrate_position",
            "position_v2 position lb_pair bin_array_lower bin_array_upper owner system_program rent_receiver",
            closes=_POSITION_RENT,
        ),
        instruction(
            "close_limit_order_if_empty",
            "limit_order owner rent_receiver",
            closes=(("limit_order", "rent_receiver"),),
        ),
        instruction("close_bin_array", "lb_pair bin_array rent_receiver", closes=(("bin_array", "rent_receiver"),)),
        *_closings_of_settings(),
    )


def _closings_of_settings() -> tuple[InstructionLayout, ...]:
    closes = (("setting", "rent_receiver"),)
    return (
        # An operator signs since 0.11; the receiver of the rent stays the last account.
        instruction("close_preset_parameter", "setting", from_end="rent_receiver", closes=closes),
        instruction("close_preset_parameter2", "setting", from_end="rent_receiver", closes=closes),
        instruction("close_claim_protocol_fee_operator", "setting rent_receiver", closes=closes),
        instruction("close_claim_fee_operator_account", "setting rent_receiver", closes=closes),
        instruction("close_operator_account", "setting _ rent_receiver", closes=closes),
        instruction("close_token_badge", "setting rent_receiver", closes=closes),
    )


_POSITION = "lb_pair:pubkey position:pubkey owner:pubkey"
_CHANGE = "lb_pair:pubkey from:pubkey position:pubkey amount_x:u64 amount_y:u64 active_bin_id:i32"

PROGRAM = Program(
    name="meteora_dlmm",
    role=VENUE,
    program_ids=("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo",),
    source="Anchor IDLs of lb_clmm 0.9.0 and 0.12.0 (MeteoraAg/dlmm-sdk, idls/dlmm.json); its commons crate for fees",
    instructions=(
        *_swaps(),
        *_liquidity_changes(),
        *_claims_and_closings(),
        instruction("initialize_lb_pair", f"{_PAIR} preset_parameter funder", read=_created),
        instruction("initialize_lb_pair2", f"{_PAIR} preset_parameter funder", read=_created),
        instruction("initialize_permission_lb_pair", f"base {_PAIR} funder", read=_created),
        instruction("initialize_customizable_permissionless_lb_pair", f"{_PAIR} user_token_x funder", read=_created),
        instruction("initialize_customizable_permissionless_lb_pair2", f"{_PAIR} user_token_x funder", read=_created),
        *quiet(
            "create_claim_protocol_fee_operator create_operator_account decrease_position_length"
            " for_idl_type_generation_do_not_call fund_reward go_to_a_bin increase_oracle_length"
            " increase_position_length increase_position_length2 initialize_bin_array"
            " initialize_bin_array_bitmap_extension initialize_position initialize_position2"
            " initialize_position_by_operator initialize_position_pda initialize_preset_parameter"
            " initialize_preset_parameter2 initialize_reward initialize_token_badge migrate_bin_array"
            " set_activation_point set_pair_status set_pair_status_permissionless set_permissionless_operation_bits"
            " set_pre_activation_duration set_pre_activation_swap_address update_base_fee_parameters"
            " update_dynamic_fee_parameters update_fees_and_reward2 update_fees_and_rewards update_position_operator"
            " update_reward_duration update_reward_funder withdraw_ineligible_reward"
        ),
    ),
    events=(
        event(
            "Swap",
            "lb_pair:pubkey from:pubkey start_bin_id:i32 end_bin_id:i32 amount_in:u64 amount_out:u64 swap_for_y:bool"
            " fee:u64 protocol_fee:u64 fee_bps:u128 host_fee:u64",
        ),
        event(
            "Swap2Evt",
            "lb_pair:pubkey from:pubkey start_bin_id:i32 end_bin_id:i32 swap_for_y:bool fee_bps:u128 amount_in:u64"
            " amount_left:u64 amount_out:u64 mm_fee:u64 protocol_fee:u64 limit_order_fee:u64 host_fee:u64"
            " fees_on_input:bool fees_on_token_x:bool",
        ),
        event("AddLiquidity", _CHANGE),
        event("RemoveLiquidity", _CHANGE),
        event(
            "Rebalancing",
            f"{_POSITION} active_bin_id:i32 x_withdrawn_amount:u64 x_added_amount:u64 y_withdrawn_amount:u64"
            " y_added_amount:u64 x_fee_amount:u64 y_fee_amount:u64 old_min_id:i32 old_max_id:i32 new_min_id:i32"
            " new_max_id:i32 reward_0:u64 reward_1:u64",
        ),
        event("ClaimFee", f"{_POSITION} fee_x:u64 fee_y:u64"),
        event("ClaimFee2", f"{_POSITION} fee_x:u64 fee_y:u64 active_bin_id:i32"),
        event("ClaimReward", f"{_POSITION} reward_index:u64 total_reward:u64"),
        event("ClaimReward2", f"{_POSITION} reward_index:u64 total_reward:u64 active_bin_id:i32"),
        event(
            "CompositionFee",
            "from:pubkey bin_id:i16 token_x_fee_amount:u64 token_y_fee_amount:u64 protocol_token_x_fee_amount:u64"
            " protocol_token_y_fee_amount:u64",
        ),
        event("LbPairCreate", "lb_pair:pubkey bin_step:u16 token_x:pubkey token_y:pubkey"),
        event("PositionCreate", _POSITION),
        event("PositionClose", "position:pubkey owner:pubkey"),
        event("IncreasePositionLength", f"{_POSITION} length_to_add:u16 side:u8"),
        event("DecreasePositionLength", f"{_POSITION} length_to_remove:u16 side:u8"),
        event("PlaceLimitOrderEvt", "lb_pair:pubkey sender:pubkey owner:pubkey limit_order:pubkey active_id:i32"),
        event(
            "CancelLimitOrderEvt",
            "lb_pair:pubkey from:pubkey limit_order:pubkey amount_x:u64 amount_y:u64 active_id:i32 bins:vec<i32>",
        ),
        event("CloseLimitOrderEvt", "lb_pair:pubkey owner:pubkey limit_order:pubkey"),
        event("FundReward", "lb_pair:pubkey funder:pubkey reward_index:u64 amount:u64"),
        event("InitializeReward", "lb_pair:pubkey reward_mint:pubkey funder:pubkey reward_index:u64"),
        event("UpdateRewardDuration", "lb_pair:pubkey reward_index:u64"),
        event("UpdateRewardFunder", "lb_pair:pubkey reward_index:u64"),
        event("WithdrawIneligibleReward", "lb_pair:pubkey reward_mint:pubkey amount:u64"),
        event("FeeParameterUpdate", "lb_pair:pubkey protocol_share:u16 base_factor:u16"),
        event("DynamicFeeParameterUpdate", "lb_pair:pubkey"),
        event("IncreaseObservation", "oracle:pubkey"),
        event("GoToABin", "lb_pair:pubkey from_bin_id:i32 to_bin_id:i32"),
        event("SetPositionPermissionlessOperationBitsEvt", "position:pubkey owner:pubkey"),
        event("UpdatePositionLockReleasePoint", "position:pubkey"),
        event("UpdatePositionOperator", "position:pubkey"),
    ),
)

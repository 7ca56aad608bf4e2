"""Meteora DAMM v2 (cp-amm): concentrated or constant product pools, positions are NFTs.

Amounts are the trader's transfers; fees are inside them, in one of the two tokens by the pool's fee mode: selling token A
pays in B; selling B pays in A (`both tokens`) or in B. `EvtSwap2` (since 0.1.5) shows which by the input with and without
fees. `EvtSwap` before it does not for B sold for A, where only a referral's token account can tell.

In version 0.2.0 the part of a partner became the part that compounds in a pool of the new mode 2; the event's bytes are the
same, and the mode, which the event carries, tells them apart.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import adding_and_removing, claiming, holder_of, pool_created
from oof_pipelines.decode.pool_swaps import fee, one_way
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, event, instruction, quiet
from oof_pipelines.decode.records import Record

_A_TO_B = 0
_COMPOUNDING = 2


def _fees(call: Call) -> tuple[FeePart, ...]:
    told = call.event("EvtSwap2")
    if told is not None:
        # A mode of 2 exists since the partner's part does not.
        shared_kind = "lp" if told["collect_fee_mode"] == _COMPOUNDING else "platform"
        return _fee_parts(call, told, _fee_mint(call, told), shared_kind)
    told = call.event("EvtSwap")
    if told is not None:
        return _fee_parts(call, told, _old_fee_mint(call, told), "platform")
    return ()


def _fee_mint(call: Call, told: Record) -> str:
    is_on_input = told["included_fee_input_raw"] != told["excluded_fee_input_raw"]
    is_token_a = is_on_input == (told["trade_direction"] == _A_TO_B)
    return call.account("token_a_mint" if is_token_a else "token_b_mint")


def _old_fee_mint(call: Call, told: Record) -> str:
    """'' where nothing tells."""
    if told["trade_direction"] == _A_TO_B:
        return call.account("token_b_mint")
    return call.scene.mint_of(call.account("referral_token_account")) if told["has_referral"] else ""


def _fee_parts(call: Call, told: Record, mint: str, shared_kind: str) -> tuple[FeePart, ...]:
    if not mint:
        return ()
    referral = call.account("referral_token_account") if told["has_referral"] else ""
    return (
        *fee("lp", mint, told["lp_fee"], INSIDE),
        *fee("protocol", mint, told["protocol_fee"], INSIDE),
        *fee(shared_kind, mint, told["shared_fee"], INSIDE),
        *fee("referral", mint, told["referral_fee"], INSIDE, referral),
    )


_swap = one_way(
    "pool",
    source="input_token_account",
    destination="output_token_account",
    vaults="token_a_vault token_b_vault",
    fees=_fees,
)
_BOTH = "token_a_account token_b_account"
_add, _remove = adding_and_removing("pool", accounts=_BOTH)


def _created(call: Call) -> Iterable[Fact]:
    mint, quote_mint = base_and_quote(call.account("token_a_mint"), call.account("token_b_mint"))
    accounts = (call.account("token_a_account"), call.account("token_b_account"))
    pool, wallet = call.account("pool"), holder_of(call, accounts, call.account("owner"))
    yield pool_created(call, pool=pool, mint=mint, quote_mint=quote_mint, wallet=wallet)
    yield from _add(call)


_claim_position_fee = claiming("lp_fee_claim", "pool", accounts=_BOTH)
_claim_partner_fee = claiming("platform_fee_claim", "pool", accounts=_BOTH)
_claim_protocol_fee = claiming("protocol_fee_claim", "pool", accounts=_BOTH)
_claim_protocol_fee_of_one = claiming("protocol_fee_claim", "pool", accounts="receiver_token")
_claim_reward = claiming("reward_claim", "pool", accounts="user_token_account")

_USER = "token_a_account token_b_account token_a_vault token_b_vault token_a_mint token_b_mint"
_SWAP = (
    "pool_authority pool input_token_account output_token_account token_a_vault token_b_vault token_a_mint token_b_mint"
    " payer token_a_program token_b_program referral_token_account"
)
_NEW_POSITION = "creator position_nft_mint position_nft_account owner"
_NEW_POOL = (
    "pool_authority pool position token_a_mint token_b_mint token_a_vault token_b_vault token_a_account token_b_account"
)
_RENT_OF_SETTING = (("setting", "rent_receiver"),)


def _trades_and_liquidity() -> tuple[InstructionLayout, ...]:
    delta = "liquidity_delta:u128 token_a_amount_threshold:u64 token_b_amount_threshold:u64"
    owned = f"pool_authority pool position {_USER} position_nft_account owner"
    return (
        instruction("swap", _SWAP, "amount_in:u64 minimum_amount_out:u64", read=_swap),
        instruction("swap2", _SWAP, "amount_0:u64 amount_1:u64 swap_mode:u8", read=_swap),
        instruction("add_liquidity", f"pool position {_USER} position_nft_account owner", delta, read=_add),
        instruction("remove_liquidity", owned, delta, read=_remove),
        instruction("remove_all_liquidity", owned, read=_remove),
        instruction("initialize_pool", f"{_NEW_POSITION} config {_NEW_POOL}", read=_created),
        instruction("initialize_customizable_pool", f"{_NEW_POSITION} {_NEW_POOL}", read=_created),
        instruction(
            "initialize_pool_with_dynamic_config",
            f"{_NEW_POSITION} pool_creator_authority config {_NEW_POOL}",
            read=_created,
        ),
        instruction("claim_position_fee", owned, read=_claim_position_fee),
        instruction("claim_partner_fee", f"pool_authority pool {_USER} owner", read=_claim_partner_fee),
        instruction(
            "claim_protocol_fee",
            "pool_authority pool token_a_vault token_b_vault token_a_mint token_b_mint token_a_account token_b_account"
            " operator owner",
            read=_claim_protocol_fee,
        ),
        instruction(
            "claim_protocol_fee2",
            "receiver_token token_a_mint token_b_mint token_a_program token_b_program pool token_a_vault token_b_vault"
            " pool_authority owner",
            "max_amount:u64",
            read=_claim_protocol_fee_of_one,
        ),
        instruction(
            "zap_protocol_fee",
            "pool_authority pool token_vault token_mint receiver_token operator owner",
            "max_amount:u64",
            read=_claim_protocol_fee_of_one,
        ),
        instruction(
            "claim_reward",
            "pool_authority pool position reward_vault reward_mint user_token_account position_nft_account owner",
            "reward_index:u8",
            read=_claim_reward,
        ),
    )


def _closings() -> tuple[InstructionLayout, ...]:
    return (
        instruction(
            "close_position",
            "position_nft_mint position_nft_account pool position pool_authority rent_receiver owner",
            closes=(("position", "rent_receiver"),),
        ),
        # Up to 0.1.5 an admin closed these alone; the receiver of the rent is the account before the event's own two.
        instruction("close_config", "setting", from_end="rent_receiver _ _", closes=_RENT_OF_SETTING),
        instruction("close_token_badge", "setting", from_end="rent_receiver _ _", closes=_RENT_OF_SETTING),
        instruction("close_operator_account", "setting", from_end="rent_receiver _ _", closes=_RENT_OF_SETTING),
        instruction("close_claim_fee_operator", "setting rent_receiver", closes=_RENT_OF_SETTING),
    )


_POSITION = "pool:pubkey position:pubkey owner:pubkey"
_AMOUNTS = "token_a_amount:u64 token_b_amount:u64"

PROGRAM = Program(
    name="meteora_damm_v2",
    role=VENUE,
    program_ids=("cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG",),
    source="Anchor IDLs of cp_amm 0.1.7 and 0.2.0, and MeteoraAg/damm-v2 releases 0.1.2 to 0.2.2 for the rest",
    instructions=(
        *_trades_and_liquidity(),
        *_closings(),
        *quiet(
            "create_claim_fee_operator create_config create_dynamic_config create_operator_account create_position"
            " create_token_badge dummy_ix fix_config_fee_params fix_pool_fee_params fix_pool_layout_version fund_reward"
            " initialize_reward lock_inner_position lock_position permanent_lock_position refresh_vesting"
            " set_pool_status split_position split_position2 update_delegate_permission update_pool_fees"
            " update_reward_duration update_reward_funder withdraw_ineligible_reward"
        ),
    ),
    events=(
        event(
            "EvtSwap2",
            "pool:pubkey trade_direction:u8 collect_fee_mode:u8 has_referral:bool amount_0:u64 amount_1:u64"
            " swap_mode:u8 included_fee_input_raw:u64 excluded_fee_input_raw:u64 amount_left:u64 output_amount:u64"
            " next_sqrt_price:u128 lp_fee:u64 protocol_fee:u64 shared_fee:u64 referral_fee:u64"
            " included_transfer_fee_amount_in:u64 included_transfer_fee_amount_out:u64"
            " excluded_transfer_fee_amount_out:u64 current_timestamp:u64 reserve_a_amount:u64 reserve_b_amount:u64",
        ),
        event(
            "EvtSwap",
            "pool:pubkey trade_direction:u8 has_referral:bool amount_in:u64 minimum_amount_out:u64 output_amount:u64"
            " next_sqrt_price:u128 lp_fee:u64 protocol_fee:u64 shared_fee:u64 referral_fee:u64 actual_amount_in:u64"
            " current_timestamp:u64",
        ),
        event(
            "EvtLiquidityChange",
            f"{_POSITION} {_AMOUNTS} transfer_fee_included_token_a_amount:u64 transfer_fee_included_token_b_amount:u64"
            " reserve_a_amount:u64 reserve_b_amount:u64 liquidity_delta:u128",
        ),
        event("EvtAddLiquidity", f"{_POSITION} liquidity_delta:u128 token_a_threshold:u64 token_b_threshold:u64"),
        event("EvtRemoveLiquidity", f"{_POSITION} liquidity_delta:u128 token_a_threshold:u64 token_b_threshold:u64"),
        event("EvtInitializePool", "pool:pubkey token_a_mint:pubkey token_b_mint:pubkey creator:pubkey payer:pubkey"),
        event("EvtClaimPositionFee", f"{_POSITION} fee_a_claimed:u64 fee_b_claimed:u64"),
        event("EvtClaimPartnerFee", f"pool:pubkey {_AMOUNTS}"),
        event("EvtClaimProtocolFee", f"pool:pubkey {_AMOUNTS}"),
        event("EvtClaimProtocolFee2", "pool:pubkey receiver_token_account:pubkey token_mint:pubkey amount:u64"),
        event("EvtClaimReward", f"{_POSITION} mint_reward:pubkey reward_index:u8 total_reward:u64"),
        event("EvtCreatePosition", "pool:pubkey owner:pubkey position:pubkey position_nft_mint:pubkey"),
        event("EvtClosePosition", "pool:pubkey owner:pubkey position:pubkey position_nft_mint:pubkey"),
        event("EvtSplitPosition", "pool:pubkey first_owner:pubkey second_owner:pubkey"),
        event("EvtSplitPosition2", "pool:pubkey first_owner:pubkey second_owner:pubkey"),
        event("EvtSplitPosition3", "pool:pubkey first_owner:pubkey second_owner:pubkey"),
        event("EvtLockPosition", _POSITION),
        event("EvtPermanentLockPosition", "pool:pubkey position:pubkey lock_liquidity_amount:u128"),
        event("EvtUpdateDelegatePermission", "position:pubkey owner:pubkey permission:u32"),
        event("EvtFundReward", "pool:pubkey funder:pubkey mint_reward:pubkey reward_index:u8 amount:u64"),
        event("EvtInitializeReward", "pool:pubkey reward_mint:pubkey funder:pubkey"),
        event("EvtUpdateRewardDuration", "pool:pubkey"),
        event("EvtUpdateRewardFunder", "pool:pubkey"),
        event("EvtWithdrawIneligibleReward", "pool:pubkey reward_mint:pubkey amount:u64"),
        event("EvtSetPoolStatus", "pool:pubkey status:u8"),
        event("EvtUpdatePoolFees", "pool:pubkey operator:pubkey"),
        event("EvtCreateConfig", ""),
        event("EvtCreateDynamicConfig", "config:pubkey"),
        event("EvtCloseConfig", "config:pubkey admin:pubkey"),
        event("EvtCreateTokenBadge", "token_mint:pubkey"),
        event("EvtCreateClaimFeeOperator", "operator:pubkey"),
        event("EvtCloseClaimFeeOperator", "claim_fee_operator:pubkey operator:pubkey"),
    ),
)

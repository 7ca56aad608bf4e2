"""Meteora DLMM pairs: LbPair, 904 bytes. The active bin and the width of a bin give the price; bins are other accounts.

The fee stated is the base fee, base factor × bin step × 10 × 10^power in parts of 10⁹; what volatility adds comes on top.
"""

from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.layout import AccountReader, address_or_none, anchor_record, tags_of
from oof_pipelines.decode.records import RecordLayout

LB_PAIR_BYTES = 904
_QUIET = tags_of(
    "BinArray BinArrayBitmapExtension ClaimFeeOperator DummyZcAccount Oracle Position PositionV2 PresetParameter"
    " PresetParameter2 TokenBadge"
)
_PARTS_OF_FEE_A_PPM = 1_000

LB_PAIR = RecordLayout(
    "base_factor:u16 filter_period:u16 decay_period:u16 reduction_factor:u16 variable_fee_control:u32"
    " max_volatility_accumulator:u32 min_bin_id:i32 max_bin_id:i32 protocol_share:u16 base_fee_power_factor:u8"
    " static_padding:[5] volatility_accumulator:u32 volatility_reference:u32 index_reference:i32 variable_padding:[4]"
    " last_update_timestamp:i64 variable_padding1:[8] bump_seed:[1] bin_step_seed:[2] pair_type:u8 active_id:i32"
    " bin_step:u16 status:u8 require_base_factor_seed:u8 base_factor_seed:[2] activation_type:u8"
    " creator_pool_on_off_control:u8 token_x_mint:pubkey token_y_mint:pubkey reserve_x:pubkey reserve_y:pubkey"
    " protocol_fee_x:u64 protocol_fee_y:u64 padding1:[32] reward_infos:[288] oracle:pubkey bin_array_bitmap:[128]"
    " last_updated_at:i64 padding2:[32] pre_activation_swap_address:pubkey base_key:pubkey activation_point:u64"
    " pre_activation_duration:u64 padding3:[8] padding4:u64 creator:pubkey token_mint_x_program_flag:u8"
    " token_mint_y_program_flag:u8 reserved:[22]"
)


def _read(account: str, owner: str, data: bytes) -> PoolInfo | None:
    told = anchor_record(data, "LbPair", LB_PAIR, (LB_PAIR_BYTES,), _QUIET)
    if told is None:
        return None
    fee = told["base_factor"] * told["bin_step"] * 10 * 10 ** told["base_fee_power_factor"]
    return PoolInfo(
        venue="meteora_dlmm",
        program_id=owner,
        pool=account,
        mint_a=told["token_x_mint"],
        mint_b=told["token_y_mint"],
        vault_a=told["reserve_x"],
        vault_b=told["reserve_y"],
        creator=address_or_none(told["creator"]),
        status=told["status"],
        fee_ppm=fee // _PARTS_OF_FEE_A_PPM,
        owed_a_raw=told["protocol_fee_x"],
        owed_b_raw=told["protocol_fee_y"],
        tick=told["active_id"],
        step=told["bin_step"],
    )


READER = AccountReader(
    "meteora_dlmm",
    ("LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo",),
    "IDL of lb_clmm; MeteoraAg/dlmm-sdk, commons (LbPair, StaticParameters, fee of a bin)",
    _read,
)

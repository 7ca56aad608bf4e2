"""Raydium AMM v4 pools: AmmInfo, 752 bytes without a discriminator, so that its size and its status tell it.

The vaults hold what is traded and what is owed to the protocol (`need_take_pnl`). A pool with orders on its market has
amounts there as well, which the account does not tell; hardly one has any more.
"""

from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.layout import AccountReader, UnknownAccountError
from oof_pipelines.decode.records import Record, RecordLayout

AMM_INFO_BYTES = 752
# TargetOrders, and the AmmConfig of the program: they say nothing of a pool's mints.
_QUIET_SIZES = frozenset({2_208, 544})
# AmmStatus: 1 to 7; 0 is an account that was made and not initialised yet.
_STATUSES = range(1, 8)
_PPM = 1_000_000

AMM_INFO = RecordLayout(
    "status:u64 nonce:u64 order_num:u64 depth:u64 coin_decimals:u64 pc_decimals:u64 state:u64 reset_flag:u64 min_size:u64"
    " vol_max_cut_ratio:u64 amount_wave:u64 coin_lot_size:u64 pc_lot_size:u64 min_price_multiplier:u64"
    " max_price_multiplier:u64 sys_decimal_value:u64"
    " min_separate_numerator:u64 min_separate_denominator:u64 trade_fee_numerator:u64 trade_fee_denominator:u64"
    " pnl_numerator:u64 pnl_denominator:u64 swap_fee_numerator:u64 swap_fee_denominator:u64"
    " need_take_pnl_coin:u64 need_take_pnl_pc:u64 total_pnl_pc:u64 total_pnl_coin:u64 pool_open_time:u64"
    " punish_pc:u64 punish_coin:u64 orderbook_to_init_time:u64 swap_coin_in:u128 swap_pc_out:u128 swap_pc_fee:u64"
    " swap_pc_in:u128 swap_coin_out:u128 swap_coin_fee:u64"
    " coin_vault:pubkey pc_vault:pubkey coin_mint:pubkey pc_mint:pubkey lp_mint:pubkey open_orders:pubkey market:pubkey"
    " market_program:pubkey target_orders:pubkey padding1:[64] amm_owner:pubkey lp_amount:u64 client_order_id:u64"
    " recent_epoch:u64 padding2:u64"
)


def _read(account: str, owner: str, data: bytes) -> PoolInfo | None:
    if len(data) in _QUIET_SIZES:
        return None
    if len(data) != AMM_INFO_BYTES:
        raise UnknownAccountError(f"{len(data)} bytes")
    told = Record(AMM_INFO, data, 0)
    if told["status"] not in _STATUSES:
        raise UnknownAccountError(f"AmmInfo of status {told['status']}")
    return PoolInfo(
        venue="raydium_amm_v4",
        program_id=owner,
        pool=account,
        mint_a=told["coin_mint"],
        mint_b=told["pc_mint"],
        vault_a=told["coin_vault"],
        vault_b=told["pc_vault"],
        decimals_a=told["coin_decimals"],
        decimals_b=told["pc_decimals"],
        lp_mint=told["lp_mint"],
        creator=told["amm_owner"],
        config=told["market"],
        status=told["status"],
        fee_ppm=_ppm(told["swap_fee_numerator"], told["swap_fee_denominator"]),
        owed_a_raw=told["need_take_pnl_coin"],
        owed_b_raw=told["need_take_pnl_pc"],
        supply_raw=told["lp_amount"],
    )


def _ppm(numerator: int, denominator: int) -> int | None:
    return numerator * _PPM // denominator if denominator else None


READER = AccountReader(
    "raydium_amm_v4",
    ("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8", "HWy1jotHpo6UqeQxx49dpYYdQB8wj9Qk9MdxwjLvDHB8"),
    "raydium-io/raydium-amm, program/src/state.rs (AmmInfo, StateData, Fees, AmmStatus)",
    _read,
)

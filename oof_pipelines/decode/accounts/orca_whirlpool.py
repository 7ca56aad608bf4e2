"""Orca Whirlpools: Whirlpool, 653 bytes. Price, tick and the liquidity in range; what lies in the vaults is no reserve."""

from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.layout import AccountReader, anchor_record, tags_of
from oof_pipelines.decode.records import RecordLayout

WHIRLPOOL_BYTES = 653
_QUIET = tags_of(
    "AdaptiveFeeTier FeeTier LockConfig Oracle Position PositionBundle TickArray DynamicTickArray TokenBadge"
    " WhirlpoolsConfig WhirlpoolsConfigExtension"
)

WHIRLPOOL = RecordLayout(
    "whirlpools_config:pubkey bump:u8 tick_spacing:u16 fee_tier_index_seed:[2] fee_rate:u16 protocol_fee_rate:u16"
    " liquidity:u128 sqrt_price:u128 tick_current_index:i32 protocol_fee_owed_a:u64 protocol_fee_owed_b:u64"
    " token_mint_a:pubkey token_vault_a:pubkey fee_growth_global_a:u128 token_mint_b:pubkey token_vault_b:pubkey"
    " fee_growth_global_b:u128 reward_last_updated_timestamp:u64 reward_infos:[384]"
)


def _read(account: str, owner: str, data: bytes) -> PoolInfo | None:
    told = anchor_record(data, "Whirlpool", WHIRLPOOL, (WHIRLPOOL_BYTES,), _QUIET)
    if told is None:
        return None
    return PoolInfo(
        venue="orca_whirlpool",
        program_id=owner,
        pool=account,
        mint_a=told["token_mint_a"],
        mint_b=told["token_mint_b"],
        vault_a=told["token_vault_a"],
        vault_b=told["token_vault_b"],
        config=told["whirlpools_config"],
        # Hundredths of a basis point, so parts of a million.
        fee_ppm=told["fee_rate"],
        owed_a_raw=told["protocol_fee_owed_a"],
        owed_b_raw=told["protocol_fee_owed_b"],
        liquidity_raw=told["liquidity"],
        price_x64=told["sqrt_price"],
        tick=told["tick_current_index"],
        step=told["tick_spacing"],
    )


READER = AccountReader(
    "orca_whirlpool",
    ("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc",),
    "IDL of whirlpool; orca-so/whirlpools, programs/whirlpool/src/state/whirlpool.rs",
    _read,
)

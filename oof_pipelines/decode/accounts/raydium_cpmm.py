"""Raydium CPMM (CP-Swap) pools: PoolState, 637 bytes. The rate of the trade's fee is its config's, another account."""

from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.layout import AccountReader, anchor_record, tags_of
from oof_pipelines.decode.records import RecordLayout

POOL_STATE_BYTES = 637
_QUIET = tags_of("AmmConfig ObservationState Permission CreatorFeeShare SupportMintAssociated")

POOL_STATE = RecordLayout(
    "amm_config:pubkey pool_creator:pubkey token_0_vault:pubkey token_1_vault:pubkey lp_mint:pubkey token_0_mint:pubkey"
    " token_1_mint:pubkey token_0_program:pubkey token_1_program:pubkey observation_key:pubkey auth_bump:u8 status:u8"
    " lp_mint_decimals:u8 mint_0_decimals:u8 mint_1_decimals:u8 lp_supply:u64 protocol_fees_token_0:u64"
    " protocol_fees_token_1:u64 fund_fees_token_0:u64 fund_fees_token_1:u64 open_time:u64 recent_epoch:u64"
    " creator_fee_on:u8 enable_creator_fee:bool padding1:[6] creator_fees_token_0:u64 creator_fees_token_1:u64"
    " padding:[224]"
)


def _read(account: str, owner: str, data: bytes) -> PoolInfo | None:
    told = anchor_record(data, "PoolState", POOL_STATE, (POOL_STATE_BYTES,), _QUIET)
    if told is None:
        return None

    def owed_raw(side: int) -> int:
        return sum(int(told[f"{whose}_fees_token_{side}"]) for whose in ("protocol", "fund", "creator"))

    return PoolInfo(
        venue="raydium_cpmm",
        program_id=owner,
        pool=account,
        mint_a=told["token_0_mint"],
        mint_b=told["token_1_mint"],
        vault_a=told["token_0_vault"],
        vault_b=told["token_1_vault"],
        decimals_a=told["mint_0_decimals"],
        decimals_b=told["mint_1_decimals"],
        lp_mint=told["lp_mint"],
        creator=told["pool_creator"],
        config=told["amm_config"],
        status=told["status"],
        owed_a_raw=owed_raw(0),
        owed_b_raw=owed_raw(1),
        supply_raw=told["lp_supply"],
    )


READER = AccountReader(
    "raydium_cpmm",
    ("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C", "DRaycpLY18LhpbydsBWbVJtxpNv9oXPgjRSfpF2bWpYb"),
    "IDL of raydium_cp_swap 0.2.0; raydium-io/raydium-cp-swap, programs/cp-swap/src/states/pool.rs",
    _read,
)

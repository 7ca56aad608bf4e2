"""PumpSwap pools: Pool. Reserves are what its two token accounts hold; newer pools price with quote that is not there.

The account has grown: 211 bytes at first, 243 with the coin's creator, 244 and 245 with two flags, and those within 300
and 301 bytes. Behind the flags pools of 2026 keep a virtual quote reserve: on mainnet their prices of swaps hold with it
added to the vault and not without it.
"""

from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.layout import AccountReader, address_or_none, anchor_record, tags_of
from oof_pipelines.decode.records import RecordLayout

_SIZES = frozenset({211, 243, 244, 245, 253, 261, 300, 301})
_QUIET = tags_of("BondingCurve FeeConfig GlobalConfig GlobalVolumeAccumulator SharingConfig UserVolumeAccumulator")

POOL = RecordLayout(
    "pool_bump:u8 index:u16 creator:pubkey base_mint:pubkey quote_mint:pubkey lp_mint:pubkey"
    " pool_base_token_account:pubkey pool_quote_token_account:pubkey lp_supply:u64 coin_creator:pubkey"
    " is_mayhem_mode:bool is_cashback_coin:bool virtual_quote_reserves:u64"
)


def _read(account: str, owner: str, data: bytes) -> PoolInfo | None:
    told = anchor_record(data, "Pool", POOL, _SIZES, _QUIET)
    if told is None:
        return None
    return PoolInfo(
        venue="pumpswap",
        program_id=owner,
        pool=account,
        mint_a=told["base_mint"],
        mint_b=told["quote_mint"],
        vault_a=told["pool_base_token_account"],
        vault_b=told["pool_quote_token_account"],
        lp_mint=told["lp_mint"],
        creator=address_or_none(told["coin_creator"]) if "coin_creator" in told else "",
        virtual_b_raw=told.get("virtual_quote_reserves", None),
        supply_raw=told["lp_supply"],
    )


READER = AccountReader(
    "pumpswap",
    ("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA",),
    "IDL of pump_amm 0.1.0 and pump-fun/pump-public-docs (Pool); sizes as accounts on mainnet have them",
    _read,
)

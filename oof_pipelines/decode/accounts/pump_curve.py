"""pump.fun curves: BondingCurve. It tells its reserves and its creator, and not its coin: the address is derived from it.

The account has grown five times; what an older one does not have is None. Sizes seen: 49 bytes, 81 with the creator, 82
with the mayhem mode, 83 with cashback, 115 with the quote's mint, and the same within 150 and 151 bytes.
"""

from solders.pubkey import Pubkey

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.layout import AccountReader, address_or_none, anchor_record, tags_of
from oof_pipelines.decode.records import RecordLayout

_SIZES = frozenset({49, 81, 82, 83, 115, 150, 151})
_QUIET = tags_of(
    "FeeConfig Global GlobalVolumeAccumulator SharingConfig UserVolumeAccumulator FeeProgramGlobal FeeSharingConfig"
)

BONDING_CURVE = RecordLayout(
    "virtual_token_reserves:u64 virtual_quote_reserves:u64 real_token_reserves:u64 real_quote_reserves:u64"
    " token_total_supply:u64 complete:bool creator:pubkey is_mayhem_mode:bool is_cashback_coin:bool quote_mint:pubkey"
)


def is_curve_of(curve: str, mint: str, program_id: str) -> bool:
    """Whether `curve` is the address that the program derives from the coin: of seed "bonding-curve" and the mint."""
    seeds = [b"bonding-curve", bytes(Pubkey.from_string(mint))]
    return str(Pubkey.find_program_address(seeds, Pubkey.from_string(program_id))[0]) == curve


def _read(account: str, owner: str, data: bytes) -> PoolInfo | None:
    told = anchor_record(data, "BondingCurve", BONDING_CURVE, _SIZES, _QUIET)
    if told is None:
        return None
    # No mint, or the one of zeros: the curve is for SOL, which it holds as lamports of its own.
    quote_mint = address_or_none(told["quote_mint"]) if "quote_mint" in told else ""
    return PoolInfo(
        venue="pumpfun",
        program_id=owner,
        pool=account,
        mint_a="",
        mint_b=quote_mint or NATIVE_MINT,
        vault_a="",
        vault_b="" if quote_mint else account,
        creator=address_or_none(told["creator"]) if "creator" in told else "",
        is_complete=told["complete"],
        virtual_a_raw=told["virtual_token_reserves"],
        virtual_b_raw=told["virtual_quote_reserves"],
        real_a_raw=told["real_token_reserves"],
        real_b_raw=told["real_quote_reserves"],
        supply_raw=told["token_total_supply"],
    )


READER = AccountReader(
    "pumpfun",
    ("6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P",),
    "IDL of pump 0.1.0 and pump-fun/pump-public-docs (BondingCurve); sizes as accounts on mainnet have them",
    _read,
)

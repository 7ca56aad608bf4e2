"""Whose creator fees an account collects: on pump.fun and PumpSwap a vault whose address is derived from the creator's.

Seeds by the IDLs (github.com/pump-fun/pump-public-docs): `creator_vault` of pump and `coin_creator_vault_authority` of
pump_amm.
"""

from functools import lru_cache

from solders.pubkey import Pubkey

_SEEDS = {
    "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P": b"creator-vault",
    "pAMMBay6oceH9fJKBRHGP5D4bD4sWpMSwMn52FMfXEA": b"creator_vault",
}


@lru_cache(maxsize=1 << 16)
def is_creators_account(account: str, program_id: str, wallet: str) -> bool:
    """Whether `account`, which a trade on the program pays the creator's fee to, is the wallet's own or its vault there."""
    if account == wallet:
        return True
    seed = _SEEDS.get(program_id)
    if seed is None or not account:
        return False
    try:
        owner = Pubkey.from_string(wallet)
    except ValueError:
        # A recording's mangled address is nobody's.
        return False
    return str(Pubkey.find_program_address([seed, bytes(owner)], Pubkey.from_string(program_id))[0]) == account

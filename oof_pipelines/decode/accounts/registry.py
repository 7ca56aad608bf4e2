"""Which reader owns which program's accounts, and the facts of any account."""

from oof_pipelines.decode.accounts import (
    meteora_dlmm,
    orca_whirlpool,
    pump_curve,
    pumpswap,
    raydium_amm_v4,
    raydium_cpmm,
    spl_token,
)
from oof_pipelines.decode.accounts.facts import AccountFacts, ClosedAccount, WalletInfo
from oof_pipelines.decode.accounts.layout import AccountReader, UnknownAccountError
from oof_pipelines.decode.layout import LayoutError

SYSTEM_PROGRAM_ID = "11111111111111111111111111111111"
READERS: tuple[AccountReader, ...] = (
    raydium_amm_v4.READER,
    raydium_cpmm.READER,
    orca_whirlpool.READER,
    meteora_dlmm.READER,
    pump_curve.READER,
    pumpswap.READER,
    spl_token.READER,
)
_BY_PROGRAM = {program_id: reader for reader in READERS for program_id in reader.program_ids}


def owns_accounts_of(program_id: str) -> bool:
    """Whether accounts of that program are read here."""
    return program_id == SYSTEM_PROGRAM_ID or program_id in _BY_PROGRAM


def read_account(account: str, owner: str, lamports: int, data: bytes) -> AccountFacts | None:
    """What an account says; None where its program is not read here, or keeps more than one thing in it needs (a config).

    `account` and `owner` are base58. Raises `UnknownAccountError` where the program is read here and the data fit nothing
    it is known to keep: counted by the caller, never guessed.
    """
    if lamports == 0:
        return ClosedAccount(account)
    if owner == SYSTEM_PROGRAM_ID:
        # With data it is a nonce, or an account that a program has yet to take.
        return WalletInfo(account, lamports) if not data else None
    reader = _BY_PROGRAM.get(owner)
    if reader is None:
        return None
    try:
        return reader.read(account, owner, data)
    except LayoutError as error:
        raise UnknownAccountError(f"{reader.name}: {error}") from None
    except UnknownAccountError as error:
        raise UnknownAccountError(f"{reader.name}: {error}") from None

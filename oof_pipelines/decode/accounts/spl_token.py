"""Token accounts of SPL Token and Token-2022: 165 bytes, and behind them the extensions; and which account is which.

Layout: solana-program/token, interface/src/state.rs (Account, AccountState; a delegate, the deposit under wrapped SOL and
the close authority are each a u32 that says whether it is there, and its value).
"""

from oof_pipelines.decode.accounts.facts import TokenAccountInfo, TokenMintInfo
from oof_pipelines.decode.accounts.layout import AccountReader, UnknownAccountError
from oof_pipelines.decode.accounts.spl_mint import is_mint, read_mint
from oof_pipelines.decode.accounts.token_extensions import IS_ACCOUNT, MULTISIG_BYTES, extensions_of, is_extended
from oof_pipelines.decode.records import Record, RecordLayout
from oof_pipelines.decode.token import PROGRAM_IDS

TOKEN_ACCOUNT_BYTES = 165

TOKEN_ACCOUNT = RecordLayout(
    "mint:pubkey owner:pubkey amount:u64 has_delegate:u32 delegate:pubkey state:u8 has_rent:u32 rent:u64 delegated:u64"
    " has_close_authority:u32 close_authority:pubkey"
)
_STATES = ("uninitialized", "initialized", "frozen")
_AMOUNT_BYTES = 8


def read_token_account(account: str, owner: str, data: bytes) -> TokenAccountInfo | None:
    """None where it is not initialised (yet). Raises `UnknownAccountError` where flag or state is none."""
    told = Record(TOKEN_ACCOUNT, data, 0)
    if told["state"] == 0:
        return None
    if told["state"] >= len(_STATES):
        raise UnknownAccountError(f"a token account of state {told['state']}")
    for flag in ("has_delegate", "has_rent", "has_close_authority"):
        if told[flag] not in (0, 1):
            raise UnknownAccountError(f"a token account whose {flag} is {told[flag]}")
    extensions = extensions_of(data) if len(data) > TOKEN_ACCOUNT_BYTES else {}
    withheld = extensions.get("transfer_fee_amount", b"")
    return TokenAccountInfo(
        account=account,
        token_program=owner,
        mint=told["mint"],
        owner=told["owner"],
        amount_raw=told["amount"],
        state=_STATES[told["state"]],
        delegate=told["delegate"] if told["has_delegate"] else "",
        delegated_raw=told["delegated"],
        close_authority=told["close_authority"] if told["has_close_authority"] else "",
        rent_lamports=told["rent"] if told["has_rent"] else None,
        withheld_raw=int.from_bytes(withheld, "little") if len(withheld) == _AMOUNT_BYTES else None,
        extensions=tuple(extensions),
    )


def _read(account: str, owner: str, data: bytes) -> TokenMintInfo | TokenAccountInfo | None:
    if len(data) == MULTISIG_BYTES:
        return None
    if is_mint(data):
        return read_mint(account, owner, data)
    if is_extended(data, TOKEN_ACCOUNT_BYTES, IS_ACCOUNT) is not None:
        return read_token_account(account, owner, data)
    raise UnknownAccountError(f"{len(data)} bytes, neither mint nor token account")


READER = AccountReader(
    "token",
    PROGRAM_IDS,
    "solana-program/token and solana-program/token-2022, interface/src/state.rs and extension",
    _read,
)

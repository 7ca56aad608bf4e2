"""SPL Token and Token-2022: both speak TokenInstruction, a u8 tag first; Token-2022 adds extensions with a second tag.

Sources: the TokenInstruction of solana-program/token (tags 0–24, 38, 45, 255) and of token-2022 (fees 26, confidential 27,
reallocate 29, permissioned burn 46). Operations that concern no visible balance (approve, freeze, mint settings, harvests,
confidential transfers, mints and burns) decode to none.
"""

from oof_pipelines.decode.layout import Fields, LayoutError, account
from oof_pipelines.decode.operations import (
    BurnTokens,
    ChangeOwner,
    CloseAccount,
    CollectWithheld,
    GiveToProgram,
    MintTokens,
    MoveConfidential,
    MoveLamports,
    MoveTokens,
    OpenMint,
    OpenTokenAccount,
    Operation,
    SyncNative,
    UnwrapLamports,
)

TOKEN_PROGRAM_ID = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - a program's address
TOKEN_2022_PROGRAM_ID = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105
PROGRAM_IDS = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)

_INITIALIZE_MINT = 0
_INITIALIZE_ACCOUNT = 1
_TRANSFER = 3
_SET_AUTHORITY = 6
_MINT_TO = 7
_BURN = 8
_CLOSE_ACCOUNT = 9
_TRANSFER_CHECKED = 12
_MINT_TO_CHECKED = 14
_BURN_CHECKED = 15
_INITIALIZE_ACCOUNT_2 = 16
_SYNC_NATIVE = 17
_INITIALIZE_ACCOUNT_3 = 18
_INITIALIZE_MINT_2 = 20
_TRANSFER_FEE_EXTENSION = 26
_CONFIDENTIAL_EXTENSION = 27
_REALLOCATE = 29
_WITHDRAW_EXCESS_LAMPORTS = 38
_UNWRAP_LAMPORTS = 45
_PERMISSIONED_BURN_EXTENSION = 46
_BATCH = 255

_FEE_TRANSFER_CHECKED = 1
_FEE_WITHDRAW_FROM_MINT = 2
_FEE_WITHDRAW_FROM_ACCOUNTS = 3

_CONFIDENTIAL_DEPOSIT = 5
_CONFIDENTIAL_WITHDRAW = 6

_PERMISSIONED_BURN = 1
_PERMISSIONED_BURN_CHECKED = 2

_AUTHORITY_ACCOUNT_OWNER = 2


def decode(accounts: list[str], data: bytes) -> list[Operation]:
    """Operations of one instruction, in order. Raises LayoutError."""
    if not data:
        raise LayoutError("no data, a tag needed")
    decoder = _DECODERS.get(data[0])
    return decoder(accounts, Fields(data, 1)) if decoder else []


def _batch(accounts: list[str], fields: Fields) -> list[Operation]:
    """Several instructions in one: for each u8 accounts, u8 length of data, data; accounts in sequence. None nests."""
    operations: list[Operation] = []
    first = 0
    while not fields.is_at_end:
        account_count, size = fields.u8(), fields.u8()
        data = fields.bytes(size)
        if data[:1] == bytes([_BATCH]):
            raise LayoutError("a batch within a batch")
        operations += decode(accounts[first : first + account_count], data)
        first += account_count
    return operations


def _initialize_mint(accounts: list[str], fields: Fields) -> list[Operation]:
    return [OpenMint(account(accounts, 0), fields.u8())]


def _initialize_account(accounts: list[str], _fields: Fields) -> list[Operation]:
    return [OpenTokenAccount(account(accounts, 0), account(accounts, 1), account(accounts, 2))]


def _initialize_account_of(accounts: list[str], fields: Fields) -> list[Operation]:
    return [OpenTokenAccount(account(accounts, 0), account(accounts, 1), fields.pubkey())]


def _transfer(accounts: list[str], fields: Fields) -> list[Operation]:
    return [MoveTokens(account(accounts, 0), account(accounts, 1), fields.u64())]


def _transfer_checked(accounts: list[str], fields: Fields) -> list[Operation]:
    return [MoveTokens(account(accounts, 0), account(accounts, 2), fields.u64(), mint=account(accounts, 1))]


def _mint_to(accounts: list[str], fields: Fields) -> list[Operation]:
    return [MintTokens(account(accounts, 0), account(accounts, 1), fields.u64())]


def _burn(accounts: list[str], fields: Fields) -> list[Operation]:
    return [BurnTokens(account(accounts, 1), account(accounts, 0), fields.u64())]


def _close_account(accounts: list[str], _fields: Fields) -> list[Operation]:
    return [CloseAccount(account(accounts, 0), account(accounts, 1))]


def _sync_native(accounts: list[str], _fields: Fields) -> list[Operation]:
    return [SyncNative(account(accounts, 0))]


def _set_authority(accounts: list[str], fields: Fields) -> list[Operation]:
    kind, has_new = fields.u8(), fields.u8()
    if kind != _AUTHORITY_ACCOUNT_OWNER or not has_new:
        return []
    return [ChangeOwner(account(accounts, 0), fields.pubkey())]


def _withdraw_excess(accounts: list[str], _fields: Fields) -> list[Operation]:
    return [MoveLamports(account(accounts, 0), account(accounts, 1), None, kind="excess")]


def _unwrap_lamports(accounts: list[str], fields: Fields) -> list[Operation]:
    amount_raw = fields.u64() if fields.u8() else None
    return [UnwrapLamports(account(accounts, 0), account(accounts, 1), amount_raw)]


def _transfer_fee_extension(accounts: list[str], fields: Fields) -> list[Operation]:
    tag = fields.u8()
    if tag == _FEE_TRANSFER_CHECKED:
        amount_raw, _decimals, fee_raw = fields.u64(), fields.u8(), fields.u64()
        source, mint, destination = account(accounts, 0), account(accounts, 1), account(accounts, 2)
        return [MoveTokens(source, destination, amount_raw, mint=mint, fee_raw=fee_raw)]
    if tag in (_FEE_WITHDRAW_FROM_MINT, _FEE_WITHDRAW_FROM_ACCOUNTS):
        return [CollectWithheld(account(accounts, 0), account(accounts, 1))]
    # Harvesting only moves withheld fees between counters that are no one's balance.
    return []


def _confidential_extension(accounts: list[str], fields: Fields) -> list[Operation]:
    tag = fields.u8()
    if tag == _CONFIDENTIAL_DEPOSIT:
        return [MoveConfidential(account(accounts, 0), account(accounts, 1), -fields.u64())]
    if tag == _CONFIDENTIAL_WITHDRAW:
        return [MoveConfidential(account(accounts, 0), account(accounts, 1), fields.u64())]
    return []


def _permissioned_burn_extension(accounts: list[str], fields: Fields) -> list[Operation]:
    tag = fields.u8()
    return _burn(accounts, fields) if tag in (_PERMISSIONED_BURN, _PERMISSIONED_BURN_CHECKED) else []


def _reallocate(accounts: list[str], _fields: Fields) -> list[Operation]:
    # The account stays the program's; saying so makes the System transfer that tops it up rent, as at a creation.
    return [GiveToProgram(account(accounts, 0), TOKEN_2022_PROGRAM_ID)]


_DECODERS = {
    _INITIALIZE_MINT: _initialize_mint,
    _INITIALIZE_MINT_2: _initialize_mint,
    _INITIALIZE_ACCOUNT: _initialize_account,
    _INITIALIZE_ACCOUNT_2: _initialize_account_of,
    _INITIALIZE_ACCOUNT_3: _initialize_account_of,
    _TRANSFER: _transfer,
    _TRANSFER_CHECKED: _transfer_checked,
    _MINT_TO: _mint_to,
    _MINT_TO_CHECKED: _mint_to,
    _BURN: _burn,
    _BURN_CHECKED: _burn,
    _CLOSE_ACCOUNT: _close_account,
    _SYNC_NATIVE: _sync_native,
    _SET_AUTHORITY: _set_authority,
    _WITHDRAW_EXCESS_LAMPORTS: _withdraw_excess,
    _UNWRAP_LAMPORTS: _unwrap_lamports,
    _TRANSFER_FEE_EXTENSION: _transfer_fee_extension,
    _CONFIDENTIAL_EXTENSION: _confidential_extension,
    _REALLOCATE: _reallocate,
    _PERMISSIONED_BURN_EXTENSION: _permissioned_burn_extension,
    _BATCH: _batch,
}

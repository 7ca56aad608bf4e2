"""Instructions of the token programs, the associated-token program and the memo program, byte for byte.

`solders` encodes System, Compute Budget and Address Lookup Table instructions itself; these are the ones it does not.
A layout that was wrong would not survive: every instruction built here is executed by the real programs.

Sources: the instruction enums of `spl_token_interface` and `spl_token_2022_interface` (tag byte, then little-endian
fields), `spl_associated_token_account_interface` and `spl_memo`.
"""

from struct import pack

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
ASSOCIATED_TOKEN_PROGRAM = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
NATIVE_MINT = Pubkey.from_string("So11111111111111111111111111111111111111112")

TOKEN_ACCOUNT_BYTES = 165
MINT_BYTES = 82
# A Token-2022 mint with one TransferFeeConfig: padded to 165 bytes, account type, then type, length, value.
MINT_WITH_TRANSFER_FEE_BYTES = 165 + 1 + 2 + 2 + 108

_ACCOUNT_OWNER_AUTHORITY = 2
_TRANSFER_FEE_EXTENSION = 26


def associated_token_address(owner: Pubkey, mint: Pubkey, token_program: Pubkey) -> Pubkey:
    """The address of the associated token account of an owner and a mint under one token program."""
    seeds = [bytes(owner), bytes(token_program), bytes(mint)]
    return Pubkey.find_program_address(seeds, ASSOCIATED_TOKEN_PROGRAM)[0]


def create_associated_account(
    payer: Pubkey, owner: Pubkey, mint: Pubkey, token_program: Pubkey, *, is_idempotent: bool = False
) -> Instruction:
    """Create, or CreateIdempotent, of the associated-token program; the payer signs and pays the rent."""
    accounts = [
        _signer(payer, is_writable=True),
        _writable(associated_token_address(owner, mint, token_program)),
        _readonly(owner),
        _readonly(mint),
        _readonly(SYSTEM_PROGRAM),
        _readonly(token_program),
    ]
    return Instruction(ASSOCIATED_TOKEN_PROGRAM, b"\x01" if is_idempotent else b"\x00", accounts)


def initialize_mint(mint: Pubkey, decimals: int, authority: Pubkey, token_program: Pubkey) -> Instruction:
    """InitializeMint2 (20) without a freeze authority; the account must exist and belong to the program."""
    data = pack("<BB32sB", 20, decimals, bytes(authority), 0)
    return Instruction(token_program, data, [_writable(mint)])


def initialize_account(account: Pubkey, mint: Pubkey, owner: Pubkey, token_program: Pubkey) -> Instruction:
    """InitializeAccount3 (18): makes an allocated account a token account of the owner."""
    return Instruction(token_program, pack("<B32s", 18, bytes(owner)), [_writable(account), _readonly(mint)])


def transfer(
    source: Pubkey, destination: Pubkey, authority: Pubkey, amount_raw: int, token_program: Pubkey
) -> Instruction:
    """Transfer (3): the authority is the owner or the delegate of the source."""
    accounts = [_writable(source), _writable(destination), _signer(authority)]
    return Instruction(token_program, pack("<BQ", 3, amount_raw), accounts)


def transfer_checked(
    source: Pubkey,
    mint: Pubkey,
    destination: Pubkey,
    authority: Pubkey,
    amount_raw: int,
    decimals: int,
    token_program: Pubkey,
) -> Instruction:
    """TransferChecked (12): Transfer that names the mint and its decimals."""
    accounts = [_writable(source), _readonly(mint), _writable(destination), _signer(authority)]
    return Instruction(token_program, pack("<BQB", 12, amount_raw, decimals), accounts)


def approve(source: Pubkey, delegate: Pubkey, owner: Pubkey, amount_raw: int, token_program: Pubkey) -> Instruction:
    """Approve (4): the delegate may move up to the amount."""
    accounts = [_writable(source), _readonly(delegate), _signer(owner)]
    return Instruction(token_program, pack("<BQ", 4, amount_raw), accounts)


def set_account_owner(account: Pubkey, new_owner: Pubkey, owner: Pubkey, token_program: Pubkey) -> Instruction:
    """SetAuthority (6) of kind AccountOwner: the balance changes hands without a transfer."""
    data = pack("<BBB32s", 6, _ACCOUNT_OWNER_AUTHORITY, 1, bytes(new_owner))
    return Instruction(token_program, data, [_writable(account), _signer(owner)])


def mint_to(
    mint: Pubkey, destination: Pubkey, authority: Pubkey, amount_raw: int, token_program: Pubkey
) -> Instruction:
    """MintTo (7)."""
    accounts = [_writable(mint), _writable(destination), _signer(authority)]
    return Instruction(token_program, pack("<BQ", 7, amount_raw), accounts)


def burn(account: Pubkey, mint: Pubkey, owner: Pubkey, amount_raw: int, token_program: Pubkey) -> Instruction:
    """Burn (8)."""
    accounts = [_writable(account), _writable(mint), _signer(owner)]
    return Instruction(token_program, pack("<BQ", 8, amount_raw), accounts)


def close_account(account: Pubkey, destination: Pubkey, owner: Pubkey, token_program: Pubkey) -> Instruction:
    """CloseAccount (9): all lamports, the wrapped ones of a native account included, go to the destination."""
    accounts = [_writable(account), _writable(destination), _signer(owner)]
    return Instruction(token_program, b"\x09", accounts)


def sync_native(account: Pubkey) -> Instruction:
    """SyncNative (17): the token amount of a native account becomes its lamports above rent."""
    return Instruction(TOKEN_PROGRAM, b"\x11", [_writable(account)])


def initialize_transfer_fee(mint: Pubkey, authority: Pubkey, fee_bps: int, maximum_fee_raw: int) -> Instruction:
    """TransferFeeExtension (26), InitializeTransferFeeConfig (0); must come before the mint is initialised."""
    data = pack(
        "<BBB32sB32sHQ",
        _TRANSFER_FEE_EXTENSION,
        0,
        1,
        bytes(authority),
        1,
        bytes(authority),
        fee_bps,
        maximum_fee_raw,
    )
    return Instruction(TOKEN_2022_PROGRAM, data, [_writable(mint)])


def transfer_checked_with_fee(
    source: Pubkey, mint: Pubkey, destination: Pubkey, authority: Pubkey, amount_raw: int, decimals: int, fee_raw: int
) -> Instruction:
    """TransferFeeExtension (26), TransferCheckedWithFee (1); fails unless the fee is exactly the one that is due."""
    data = pack("<BBQBQ", _TRANSFER_FEE_EXTENSION, 1, amount_raw, decimals, fee_raw)
    accounts = [_writable(source), _readonly(mint), _writable(destination), _signer(authority)]
    return Instruction(TOKEN_2022_PROGRAM, data, accounts)


def withdraw_withheld(mint: Pubkey, destination: Pubkey, authority: Pubkey, sources: list[Pubkey]) -> Instruction:
    """TransferFeeExtension (26), WithdrawWithheldTokensFromAccounts (3): withheld fees go to the destination."""
    accounts = [_readonly(mint), _writable(destination), _signer(authority), *(_writable(source) for source in sources)]
    return Instruction(TOKEN_2022_PROGRAM, pack("<BBB", _TRANSFER_FEE_EXTENSION, 3, len(sources)), accounts)


def memo(text: str, signer: Pubkey) -> Instruction:
    """A memo of the second memo program, signed by one account."""
    return Instruction(MEMO_PROGRAM, text.encode(), [_signer(signer)])


def _signer(address: Pubkey, *, is_writable: bool = False) -> AccountMeta:
    return AccountMeta(address, True, is_writable)


def _writable(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, False, True)


def _readonly(address: Pubkey) -> AccountMeta:
    return AccountMeta(address, False, False)

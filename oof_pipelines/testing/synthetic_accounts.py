"""What a token balance entry of `meta` needs to know of an account: the layouts of token accounts and mints.

Layouts (`spl_token_interface` and `spl_token_2022_interface` state): a token account is mint 0..32, owner 32..64,
amount u64 64..72, state 108, 165 bytes in all; a mint is supply u64 36..44, decimals 44, is-initialised 45, 82 bytes.
Token-2022 accounts with extensions are longer than 165 bytes and say at byte 165 which of the two they are.
"""

from dataclasses import dataclass
from typing import Any

from solders.account import Account
from solders.pubkey import Pubkey

from oof_pipelines.testing.synthetic_instructions import (
    MINT_BYTES,
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_BYTES,
    TOKEN_PROGRAM,
)

TOKEN_PROGRAMS = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)

_TYPE_OFFSET = 165
_TYPE_MINT = 1
_TYPE_ACCOUNT = 2


@dataclass(frozen=True, slots=True)
class TokenAccountState:
    """A token account in use: which mint, whose, how much (base units), under which token program."""

    mint: Pubkey
    owner: Pubkey
    amount_raw: int
    token_program: Pubkey


@dataclass(frozen=True, slots=True)
class MintState:
    """An initialised mint."""

    supply_raw: int
    decimals: int


def read_token_account(account: Account | None) -> TokenAccountState | None:
    """The token account in the bytes, or None when it does not exist, is no token account or is not initialised."""
    if account is None or account.owner not in TOKEN_PROGRAMS:
        return None
    data = account.data
    if not _is_kind(data, TOKEN_ACCOUNT_BYTES, _TYPE_ACCOUNT) or data[108] == 0:
        return None
    return TokenAccountState(
        mint=Pubkey.from_bytes(data[:32]),
        owner=Pubkey.from_bytes(data[32:64]),
        amount_raw=int.from_bytes(data[64:72], "little"),
        token_program=account.owner,
    )


def read_mint(account: Account | None) -> MintState | None:
    """The mint in the bytes, or None when it does not exist, is no mint or is not initialised."""
    if account is None or account.owner not in TOKEN_PROGRAMS:
        return None
    data = account.data
    if not _is_kind(data, MINT_BYTES, _TYPE_MINT) or data[45] == 0:
        return None
    return MintState(supply_raw=int.from_bytes(data[36:44], "little"), decimals=data[44])


def token_balance_entry(account_index: int, state: TokenAccountState, decimals: int) -> dict[str, Any]:
    """One element of pre- or postTokenBalances, as a node prints it."""
    return {
        "accountIndex": account_index,
        "mint": str(state.mint),
        "owner": str(state.owner),
        "programId": str(state.token_program),
        "uiTokenAmount": ui_token_amount(state.amount_raw, decimals),
    }


def ui_token_amount(amount_raw: int, decimals: int) -> dict[str, Any]:
    """A node's four spellings of an amount: exact string of base units, decimals, a float for show, trimmed decimal.

    Recorded transactions say null, not 0.0, for the float of an empty account; the float is never computed with.
    """
    whole, fraction = divmod(amount_raw, 10**decimals)
    digits = f"{fraction:0{decimals}d}".rstrip("0") if decimals else ""
    return {
        "amount": str(amount_raw),
        "decimals": decimals,
        "uiAmount": float(amount_raw) / float(10**decimals) if amount_raw else None,
        "uiAmountString": f"{whole}.{digits}" if digits else str(whole),
    }


def _is_kind(data: bytes, plain_bytes: int, kind: int) -> bool:
    return len(data) == plain_bytes or (len(data) > _TYPE_OFFSET and data[_TYPE_OFFSET] == kind)

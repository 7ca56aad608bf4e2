"""Mints of SPL Token and Token-2022: 82 bytes, and behind them the extensions.

Layout: solana-program/token, interface/src/state.rs (Mint; an authority is a u32 that says whether it is there, and its
key); solana-program/token-2022, interface/src/extension and spl-token-metadata-interface (TokenMetadata).
"""

from typing import Any

from oof_pipelines.decode.accounts.facts import TokenMintInfo
from oof_pipelines.decode.accounts.layout import UnknownAccountError, address_or_none
from oof_pipelines.decode.accounts.token_extensions import IS_MINT, extensions_of, is_extended
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.records import Record, RecordLayout

MINT_BYTES = 82

MINT = RecordLayout(
    "has_mint_authority:u32 mint_authority:pubkey supply:u64 decimals:u8 is_initialized:bool has_freeze_authority:u32"
    " freeze_authority:pubkey"
)
_TRANSFER_FEE = RecordLayout(
    "config_authority:pubkey withdraw_authority:pubkey withheld:u64 older_epoch:u64 older_maximum:u64 older_bps:u16"
    " newer_epoch:u64 newer_maximum:u64 newer_bps:u16"
)
_METADATA = RecordLayout("update_authority:pubkey mint:pubkey name:string symbol:string uri:string")
_ADDRESS = RecordLayout("address:pubkey")
_HOOK = RecordLayout("authority:pubkey program:pubkey")
_PAUSABLE = RecordLayout("authority:pubkey is_paused:bool")
_STATES = ("uninitialized", "initialized", "frozen")


def is_mint(data: bytes) -> bool:
    """Whether data of a token program are a mint's, by size and type."""
    return is_extended(data, MINT_BYTES, IS_MINT) is not None


def read_mint(account: str, owner: str, data: bytes) -> TokenMintInfo | None:
    """None where it is not initialised (yet). Raises `UnknownAccountError` where a flag is no flag."""
    told = Record(MINT, data, 0)
    if not told["is_initialized"]:
        return None
    for flag in ("has_mint_authority", "has_freeze_authority"):
        if told[flag] not in (0, 1):
            raise UnknownAccountError(f"a mint whose {flag} is {told[flag]}")
    extensions = extensions_of(data) if len(data) > MINT_BYTES else {}
    return TokenMintInfo(
        mint=account,
        token_program=owner,
        decimals=told["decimals"],
        supply_raw=told["supply"],
        mint_authority=told["mint_authority"] if told["has_mint_authority"] else "",
        freeze_authority=told["freeze_authority"] if told["has_freeze_authority"] else "",
        extensions=tuple(extensions),
        **_told_by(extensions),
    )


def _told_by(extensions: dict[str, bytes]) -> dict[str, Any]:
    """What extensions say, by the names of TokenMintInfo; one whose value is shorter than its layout says nothing."""
    told: dict[str, Any] = {}
    for name, value in extensions.items():
        try:
            told |= _told_by_one(name, value)
        except LayoutError:
            continue
    return told


def _told_by_one(name: str, value: bytes) -> dict[str, Any]:
    if name == "transfer_fee_config":
        fee = Record(_TRANSFER_FEE, value, 0)
        return {
            "transfer_fee_bps": fee["newer_bps"],
            "most_transfer_fee_raw": fee["newer_maximum"],
            "fee_from_epoch": fee["newer_epoch"],
            "older_fee_bps": fee["older_bps"],
        }
    if name == "permanent_delegate":
        return {"permanent_delegate": address_or_none(Record(_ADDRESS, value, 0)["address"])}
    if name == "mint_close_authority":
        return {"close_authority": address_or_none(Record(_ADDRESS, value, 0)["address"])}
    if name == "transfer_hook":
        return {"hook_program": address_or_none(Record(_HOOK, value, 0)["program"])}
    if name == "default_account_state" and value[:1] and value[0] < len(_STATES):
        return {"default_state": _STATES[value[0]]}
    if name == "pausable":
        return {"is_paused": Record(_PAUSABLE, value, 0)["is_paused"]}
    if name == "token_metadata":
        metadata = Record(_METADATA, value, 0)
        return {part: metadata[part] for part in ("name", "symbol", "uri")}
    return {}

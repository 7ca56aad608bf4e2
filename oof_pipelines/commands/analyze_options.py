"""Wallets and instants as options give them, checked: one line names the option that is wrong."""

from collections.abc import Iterable
from datetime import datetime

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.settings import SettingsError

_SHOWN_CHARACTERS = 60

# Solana began in March 2020; far from either end of what an instant can hold.
_FIRST_YEAR, _LAST_YEAR = 2020, 2200


def read_wallets(wallets: Iterable[str]) -> list[str]:
    """The wallets, each once, in the order given. Raises `SettingsError` for what is no address."""
    unique = list(dict.fromkeys(wallet.strip() for wallet in wallets))
    for wallet in unique:
        if not is_pubkey(wallet):
            raise SettingsError(f"WALLET: {wallet[:_SHOWN_CHARACTERS]!r} is no wallet address (32 bytes in base58)")
    return unique


def read_instant(option: str, text: str | None) -> datetime | None:
    """An instant with its zone (ISO 8601); None where the option is not given. Raises `SettingsError`."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SettingsError(
            f"{option}: {text[:_SHOWN_CHARACTERS]!r} is no instant; write it as 2025-01-31T12:00:00Z"
        ) from None
    if at.tzinfo is None:
        raise SettingsError(f"{option}: {text.strip()!r} has no zone; add Z for UTC, as in 2025-01-31T12:00:00Z")
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise SettingsError(f"{option}: the year {at.year} is not from {_FIRST_YEAR} to {_LAST_YEAR}")
    return at

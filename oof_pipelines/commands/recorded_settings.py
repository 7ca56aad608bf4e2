"""What lies beside recorded transactions and is needed to read them: prices of SOL, and the platform's own token.

A made-up chain brings both (docs/synthetic_chain.md). They count only where the home has nothing configured.
"""

from dataclasses import replace
from glob import escape
from pathlib import Path

from dotenv import dotenv_values

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.pricing.sol_usd import KLINES
from oof_pipelines.settings import NO_SOURCE, Settings, SettingsError

SETTINGS_NAME = "settings.env"
_KLINES_FOLDER = "klines"
_TOKEN_MINT = "OOF_TOKEN_MINT"  # noqa: S105 - the name of a setting


def with_recorded_settings(folder: Path, settings: Settings) -> tuple[Settings, list[str]]:
    """(the settings with what the folder adds, a line for each thing it adds).

    FOLDER/klines says what a SOL is worth, FOLDER/settings.env the mint of the platform's token. Raises `SettingsError` for
    a mint that is no address.
    """
    said = []
    klines = folder / _KLINES_FOLDER
    if settings.sol_usd_source == NO_SOURCE and any(klines.glob("*.csv*")):
        pattern = f"{escape(str(klines.absolute()))}/*.csv*"
        settings = replace(settings, sol_usd_source=KLINES, sol_usd_klines=pattern)
        said.append(f"SOL in dollars: {pattern}, since OOF_SOL_USD_SOURCE names nobody")
    mint = _recorded_mint(folder / SETTINGS_NAME)
    if mint and not settings.token_mint:
        settings = replace(settings, token_mint=mint)
        said.append(f"{_TOKEN_MINT}: {mint} of {SETTINGS_NAME}, since it is not set")
    return settings, said


def _recorded_mint(path: Path) -> str:
    if not path.is_file():
        return ""
    mint = dotenv_values(path, interpolate=False).get(_TOKEN_MINT) or ""
    if mint and not is_pubkey(mint):
        raise SettingsError(f"{_TOKEN_MINT} of {path}: no address of a mint")
    return mint

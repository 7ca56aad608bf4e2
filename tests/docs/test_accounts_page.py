"""docs/accounts.md names what there is: settings, views, kinds of events, and every program whose accounts are read."""

import re

from oof_pipelines.decode.accounts.registry import READERS
from oof_pipelines.settings import REPOSITORY_ROOT
from oof_pipelines.storage.postgres.account_tables import ACCOUNT_QUERY_TABLES
from oof_pipelines.workflows.follow_geyser_accounts import MOST_VAULTS, TARGET
from oof_pipelines.workflows.keep_accounts import STATES_KEPT

PAGE = (REPOSITORY_ROOT / "docs" / "accounts.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"[A-Za-z_0-9:]+", PAGE))
NAMES = {
    "raydium_amm_v4": "Raydium AMM v4",
    "raydium_cpmm": "Raydium CPMM",
    "orca_whirlpool": "Orca Whirlpool",
    "meteora_dlmm": "Meteora DLMM",
    "pumpfun": "pump.fun",
    "pumpswap": "PumpSwap",
    "token": "SPL Token, Token-2022",
}


def test_every_program_that_is_read_has_a_row() -> None:
    assert {reader.name for reader in READERS} == set(NAMES)
    for reader in READERS:
        assert f"| {NAMES[reader.name]} |" in PAGE


def test_settings_and_tables_are_named() -> None:
    example = (REPOSITORY_ROOT / ".env.example").read_text(encoding="utf-8")
    for setting in re.findall(r"OOF_[A-Z_]+", PAGE):
        if setting != "OOF_FOLLOW":
            assert setting in example, setting
    for table in ACCOUNT_QUERY_TABLES:
        if table != "account_events":
            assert table.removeprefix("served_") in WORDS, table
    assert {
        "anchor_events",
        "market_events",
        "pool_created",
        "pool_state",
        "token_mint_info",
        "wallet_balance",
    } <= WORDS


def test_the_figures_are_the_codes() -> None:
    assert f"the {MOST_VAULTS:,} of those" in PAGE
    assert TARGET in WORDS
    assert STATES_KEPT.days == 7
    assert "for seven days" in PAGE

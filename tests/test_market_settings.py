"""Settings of market services: defaults, keys that never print, and one-line errors that name the setting."""

from pathlib import Path

import pytest

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.errors import hide_secrets
from oof_pipelines.settings import SettingsError, load_settings

KEY = "jup-0123456789abcdef"
FEED = "0xEF0D8B6FDA2CEBA41DA15D4095D1DA392A0D2F8ED0C6C7BC0F4CFAC8C280B56D"


def test_nothing_set_means_the_public_services(tmp_path: Path) -> None:
    market = load_settings({"OOF_HOME": str(tmp_path)}).market
    assert market.jupiter.reveal() == "https://api.jup.ag"
    assert market.pyth_stream.reveal() == "https://hermes.pyth.network/v2/updates/price/stream"
    assert market.pyth_feeds == ((NATIVE_MINT, FEED[2:].lower()),)
    assert (market.jupiter_key, market.das) == (None, None)
    assert (market.price_max_age_seconds, market.is_stale_refused, market.timeout_seconds) == (60, True, 10)


def test_what_is_set_is_used(tmp_path: Path) -> None:
    environment = {
        "OOF_HOME": str(tmp_path),
        "RPC_PRIMARY": "https://rpc.example.org/?api-key=secret-secret",
        "JUPITER_BASE_URL": "http://127.0.0.1:8801/jupiter",
        "JUPITER_API_KEY": KEY,
        "OOF_PYTH_FEEDS": f"{NATIVE_MINT} = {FEED}",
        "OOF_STALE_PRICES": "mark",
        "OOF_PRICE_MAX_AGE_SECONDS": "90",
    }
    market = load_settings(environment).market
    assert market.jupiter.reveal() == "http://127.0.0.1:8801/jupiter"
    assert market.jupiter_key is not None
    assert market.jupiter_key.reveal() == KEY
    assert market.das == load_settings(environment).rpc_endpoints[0]
    assert (market.price_max_age_seconds, market.is_stale_refused) == (90, False)
    assert market.pyth_feeds == ((NATIVE_MINT, FEED[2:].lower()),)


def test_the_key_never_prints(tmp_path: Path) -> None:
    settings = load_settings({"OOF_HOME": str(tmp_path), "JUPITER_API_KEY": KEY})
    assert KEY not in f"{settings!r} {settings.market} {settings.market.jupiter_key!s}"
    text = f"who sent {KEY}?"
    for secret in settings.market.secrets:
        text = secret.hide_in(text)
    assert text == "who sent …?"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JUPITER_BASE_URL", "ftp://example.org"),
        ("PYTH_HERMES_SSE", "wss://example.org"),
        ("OOF_BINANCE_URL", "example.org"),
        ("JUPITER_API_KEY", "two words of a key"),
        ("OOF_STALE_PRICES", "keep"),
        ("OOF_PRICE_MAX_AGE_SECONDS", "0"),
        ("OOF_MARKET_TIMEOUT_SECONDS", "301"),
        ("OOF_PYTH_FEEDS", NATIVE_MINT),
        ("OOF_PYTH_FEEDS", f"{NATIVE_MINT}=abc"),
        ("OOF_PYTH_FEEDS", f"sol={FEED}"),
        ("OOF_PYTH_FEEDS", f"{NATIVE_MINT}={FEED},{NATIVE_MINT}={FEED}"),
    ],
)
def test_errors_name_the_setting(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"OOF_HOME": str(tmp_path), name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
    assert "words of a key" not in str(caught.value)


def test_errors_of_commands_hide_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JUPITER_API_KEY", KEY)
    assert hide_secrets(f"refused {KEY}") == "refused …"

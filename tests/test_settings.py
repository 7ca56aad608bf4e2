"""Settings: one line for each bad value, and no secret in any text."""

import logging
from pathlib import Path

import pytest

from oof_pipelines.settings import (
    PUMP_FUN_PROGRAM_ID,
    SecretUrl,
    SettingsError,
    check_targets,
    derive_socket_url,
    load_settings,
)

KEY = "hunter2-api-key"
ADDRESS = "Vote111111111111111111111111111111111111111"


def test_nothing_set_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({})
    assert (settings.home, settings.store) == (tmp_path / ".oof", tmp_path / ".oof" / "parquet_store")
    assert (settings.cluster, settings.follow) == ("mainnet-beta", (PUMP_FUN_PROGRAM_ID,))
    assert (settings.rpc_endpoints, settings.rpc_sockets, settings.database_url) == ((), (), None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OOF_STORE", f"s3://id:{KEY}@bucket/folder"),
        ("OOF_HOME", f"s3://id:{KEY}@bucket/folder"),
        ("OOF_HOME", "~nobody-of-this-name/x"),
        ("OOF_STORE", "~nobody-of-this-name/x"),
        ("SOLANA_CLUSTER", "mainnet"),
        ("SOLANA_CLUSTER", f"https://host/{KEY}"),
        ("RPC_PRIMARY", f"ftp://host/{KEY}"),
        ("RPC_PRIMARY", f"http://[{KEY}"),
        ("RPC_SECONDARY", f"https://host:99999/{KEY}"),
        ("RPC_SECONDARY", f"https:///{KEY}"),
        ("RPC_WS", f"https://host/{KEY}"),
        ("DATABASE_URL", f"mysql://user:{KEY}@host/db"),
        ("DATABASE_URL", f"postgresql://user:first@{KEY}@host/db"),
        ("DATABASE_URL", f"postgresql://user:12/{KEY}@host/db"),
        ("DATABASE_URL", f"postgresql://user:12?{KEY}@host/db"),
        ("DATABASE_URL", f"postgresql://user:12#{KEY}@host/db"),
        ("DATABASE_URL", f"postgresql://user:%{KEY}@host/db"),
        ("DATABASE_URL", f"postgresql://user:a {KEY}@host/db"),
        ("RPC_PRIMARY", f"https://user:12/{KEY}@host"),
        ("RPC_PRIMARY", f"https://host/\n{KEY}"),
        ("OOF_SOL_USD_SOURCE", "coinmarket"),
        ("OOF_SOL_USD_SOURCE", f"https://host/{KEY}"),
        ("OOF_FOLLOW", "everything"),
        ("OOF_FOLLOW", f"https://host/{KEY}"),
        ("OOF_FOLLOW", ","),
        ("OOF_FOLLOW", f"all,{ADDRESS}"),
        ("OOF_FOLLOW", f"{ADDRESS}x"),
        ("RPC_REQUESTS_PER_SECOND", "0"),
        ("RPC_REQUESTS_PER_SECOND", "1.5"),
        ("RPC_CONCURRENCY", "-1"),
        ("RPC_CONCURRENCY", "\u0661\u0662"),
        ("RPC_CONCURRENCY", f"https://host/{KEY}"),
        ("RPC_CONCURRENCY", "9" * 5000),
        ("RPC_TIMEOUT_SECONDS", "soon"),
        ("DAGSTER_WEBSERVER_PORT", "65536"),
        ("OOF_STANDING_RUNS", f"https://host/{KEY}"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_value_gives_one_line_that_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({name: value})
    message = str(raised.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert KEY not in message


@pytest.mark.parametrize("name", ["OOF_HOME", "OOF_STORE"])
def test_a_file_in_the_way_of_a_folder_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for value in (tmp_path / "file", tmp_path / "file" / "below" / "it"):
        with pytest.raises(SettingsError, match=f"^{name}: .*file is a file, not a folder$"):
            load_settings({name: str(value)})


@pytest.mark.parametrize(
    ("lines", "number"),
    [(f"RPC_CONCURRENCY=3\n\n# a comment\n{KEY} is broken\n", 4), (f"RPC_PRIMARY='https://host/{KEY}\n", 1)],
)
def test_a_broken_line_of_the_file_is_an_error_that_names_its_number(
    lines: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(lines, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"^\.env: line {number} ") as raised:
        load_settings()
    assert KEY not in str(raised.value)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RPC_CONCURRENCY", raising=False)
    (tmp_path / ".env").write_text("\ufeffRPC_CONCURRENCY=3\n", encoding="utf-8")
    assert load_settings().rpc_concurrency == 3


def test_escaped_passwords_are_addresses() -> None:
    address = "postgresql://user:a%40b%2Fc@host:5432/db?options=-csearch_path%3Dx"
    assert load_settings({"DATABASE_URL": address}).database_url == address


def test_an_address_knows_its_setting() -> None:
    settings = load_settings({"RPC_SECONDARY": "https://host/a", "DATABASE_URL": "postgresql:///db"})
    assert [url.named for url in settings.rpc_endpoints] == ["RPC_SECONDARY https://host/…"]
    assert [url.named for url in settings.rpc_sockets] == ["RPC_WS (derived from RPC_SECONDARY) wss://host/…"]


def test_no_socket_port_follows_the_last_one() -> None:
    with pytest.raises(SettingsError, match=r"^RPC_WS: "):
        load_settings({"RPC_PRIMARY": "http://host:65535"})
    assert load_settings({"RPC_PRIMARY": "http://host:65535", "RPC_WS": "ws://host:1"}).rpc_sockets


@pytest.mark.parametrize(
    ("endpoint", "socket"),
    [
        ("https://host", "wss://host"),
        ("https://host/v2/key?api-key=x", "wss://host/v2/key?api-key=x"),
        ("http://127.0.0.1:8899", "ws://127.0.0.1:8900"),
        ("http://[::1]:8899/", "ws://[::1]:8900/"),
        ("https://user:pass@host:8443", "wss://user:pass@host:8444"),
        ("https://user:8443@host", "wss://user:8443@host"),
    ],
)
def test_the_socket_follows_from_the_endpoint(endpoint: str, socket: str) -> None:
    assert derive_socket_url(SecretUrl(endpoint)).reveal() == socket
    settings = load_settings({"RPC_SECONDARY": endpoint})
    assert [url.reveal() for url in settings.rpc_sockets] == [socket]


def test_a_named_socket_wins() -> None:
    settings = load_settings({"RPC_PRIMARY": "https://a", "RPC_SECONDARY": "https://b", "RPC_WS": "wss://c"})
    assert [url.reveal() for url in settings.rpc_endpoints] == ["https://a", "https://b"]
    assert [url.reveal() for url in settings.rpc_sockets] == ["wss://c"]


@pytest.mark.parametrize(
    "address",
    [
        f"https://host/?api-key={KEY}",
        f"https://host/{KEY}/",
        f"https://{KEY}@host",
        f"https://user:{KEY}@host:8443/x",
    ],
)
def test_secrets_never_print(address: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings({"RPC_PRIMARY": address, "DATABASE_URL": f"postgresql://user:{KEY}@host/db"})
    with caplog.at_level(logging.INFO):
        logging.getLogger("oof_pipelines").info("%s %r", settings, settings, extra={"url": settings.rpc_endpoints[0]})
    for url in (*settings.rpc_endpoints, *settings.rpc_sockets, settings.database):
        assert url is not None
        assert KEY not in f"{url} {url!r}"
        assert "host" in str(url)
        assert KEY in url.reveal()
    assert KEY not in f"{settings} {settings!r} {caplog.text}"


def test_a_key_is_taken_out_of_what_others_write() -> None:
    url = SecretUrl(f"https://user:{KEY}@host/v2/path-{KEY}?api-key=query-{KEY}&x=1")
    said = f"bad key {KEY}, path-{KEY} or query-{KEY} (v2, x=1)"
    assert url.hide_in(said) == "bad key …, … or … (v2, x=1)"
    database = SecretUrl("postgresql://user:p%40ss@host/production")
    assert (
        database.hide_in('user "user" with p@ss or p%40ss in "production"') == 'user "user" with … or … in "production"'
    )
    assert SecretUrl("http://[::1]:8899").hide_in("as it was") == "as it was"
    assert str(SecretUrl("http://[::1]:8899")) == "http://[::1]:8899"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("RPC_CONCURRENCY", "RPC_TIMEOUT_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / ".env").write_text("RPC_CONCURRENCY=3\nRPC_TIMEOUT_SECONDS=4\nEMPTY\n", encoding="utf-8")
    monkeypatch.setenv("RPC_TIMEOUT_SECONDS", "5")
    settings = load_settings()
    assert (settings.rpc_concurrency, settings.rpc_timeout_seconds) == (3, 5)
    (tmp_path / ".env").write_bytes(b"RPC_CONCURRENCY=\xff\n")
    with pytest.raises(SettingsError, match=r"^\.env: "):
        load_settings()


def test_targets_are_taken_once() -> None:
    assert check_targets("TARGETS", [ADDRESS, ADDRESS, PUMP_FUN_PROGRAM_ID]) == (ADDRESS, PUMP_FUN_PROGRAM_ID)
    assert check_targets("TARGETS", ["allWithVotes"]) == ("allWithVotes",)
    with pytest.raises(SettingsError, match=r"^TARGETS: "):
        check_targets("TARGETS", ["all", "allWithVotes"])


def test_klines_want_a_file() -> None:
    assert (load_settings({}).sol_usd_source, load_settings({}).sol_usd_klines) == ("none", "")
    with pytest.raises(SettingsError, match="OOF_SOL_USD_KLINES: names no file"):
        load_settings({"OOF_SOL_USD_SOURCE": "klines"})
    settings = load_settings({"OOF_SOL_USD_SOURCE": "klines", "OOF_SOL_USD_KLINES": "klines/*.csv"})
    assert (settings.sol_usd_source, settings.sol_usd_klines) == ("klines", "klines/*.csv")

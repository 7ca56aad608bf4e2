"""Settings: the environment (and a `.env` file beside it), read once into a frozen object. Secrets never print.

The names are those of spec 2 §2 where it has one; ours begin with OOF_. Nothing else in the package reads the environment.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from dotenv import dotenv_values

from oof_pipelines.chain.base58 import is_pubkey

REPOSITORY_ROOT = Path(__file__).resolve().parent.parent
PUMP_FUN_PROGRAM_ID = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
# A part of an address this short is a version or a path, not a key.
_SHORTEST_KEY = 8
CLUSTERS = ("mainnet-beta", "testnet", "devnet", "localnet")


class SettingsError(ValueError):
    """A setting that cannot be used; the one-line message names it."""


@dataclass(frozen=True, slots=True)
class SecretUrl:
    """An address that may hold a password or an API key. Only `reveal` gives it away; printing shows scheme and host."""

    _url: str = field(repr=False)

    def reveal(self) -> str:
        return self._url

    def hide_in(self, text: str) -> str:
        """`text`, written by someone else about this address, with what may be a key or a password taken out."""
        parts = urlsplit(self._url)
        pieces = [parts.password or "", *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
        for piece in sorted({*pieces, *map(unquote, pieces)}, key=len, reverse=True):
            if len(piece) >= _SHORTEST_KEY:
                text = text.replace(piece, "…")
        return text

    def __str__(self) -> str:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
        has_more = bool(parts.query or parts.username or parts.path.strip("/"))
        return f"{parts.scheme}://{host}{port}{'/…' if has_more else ''}"

    def __repr__(self) -> str:
        return f"SecretUrl({self})"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything configurable, checked. Durations are seconds; `requests_per_second` is the budget of all RPC calls."""

    home: Path
    store: Path
    cluster: str
    rpc_endpoints: tuple[SecretUrl, ...]
    rpc_sockets: tuple[SecretUrl, ...]
    database: SecretUrl | None
    follow: tuple[str, ...]
    requests_per_second: int
    rpc_concurrency: int
    rpc_timeout_seconds: int
    webserver_port: int

    @property
    def database_url(self) -> str | None:
        """The user's own server, password and all; None where the embedded one is meant."""
        return self.database.reveal() if self.database else None

    @property
    def migrations_folder(self) -> Path:
        return REPOSITORY_ROOT / "sql" / "migrations"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from `environment` (default: the process's, over a `.env` file in the working directory).

    Raises `SettingsError` with one line that names the setting.
    """
    values = _process_environment() if environment is None else dict(environment)
    home = _folder("OOF_HOME", _text(values, "OOF_HOME") or ".oof")
    store_text = _text(values, "OOF_STORE")
    if "://" in store_text:
        raise SettingsError(f"OOF_STORE: {store_text!r} is not a folder; object stores are not supported yet")
    store = _folder("OOF_STORE", store_text) if store_text else home / "parquet_store"
    cluster = _text(values, "SOLANA_CLUSTER") or "mainnet-beta"
    if cluster not in CLUSTERS:
        raise SettingsError(f"SOLANA_CLUSTER: {cluster!r} is none of {', '.join(CLUSTERS)}")
    endpoints = [_url(values, name, ("http", "https")) for name in ("RPC_PRIMARY", "RPC_SECONDARY")]
    rpc_endpoints = tuple(url for url in endpoints if url)
    explicit_socket = _url(values, "RPC_WS", ("ws", "wss"))
    sockets = (explicit_socket,) if explicit_socket else tuple(derive_socket_url(url) for url in rpc_endpoints)
    return Settings(
        home=home,
        store=store,
        cluster=cluster,
        rpc_endpoints=rpc_endpoints,
        rpc_sockets=sockets,
        database=_url(values, "DATABASE_URL", ("postgres", "postgresql")),
        follow=_follow(values),
        requests_per_second=_positive(values, "RPC_REQUESTS_PER_SECOND", 50),
        rpc_concurrency=_positive(values, "RPC_CONCURRENCY", 16),
        rpc_timeout_seconds=_positive(values, "RPC_TIMEOUT_SECONDS", 20),
        webserver_port=_positive(values, "DAGSTER_WEBSERVER_PORT", 3000, at_most=65535),
    )


def derive_socket_url(endpoint: SecretUrl) -> SecretUrl:
    """The WebSocket address of an HTTP endpoint: the next port where one is named (as validators do), else the host."""
    parts = urlsplit(endpoint.reveal())
    scheme = "wss" if parts.scheme == "https" else "ws"
    location = parts.netloc
    if parts.port == 65_535:
        raise SettingsError("RPC_WS: not set, and no port follows the endpoint's 65535; name the WebSocket address")
    if parts.port:
        location = f"{location.rsplit(':', 1)[0]}:{parts.port + 1}"
    return SecretUrl(parts._replace(scheme=scheme, netloc=location).geturl())


def _process_environment() -> dict[str, str]:
    try:
        in_file = dotenv_values(Path.cwd() / ".env")
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f".env: cannot be read ({type(error).__name__})") from None
    return {**{name: value for name, value in in_file.items() if value is not None}, **os.environ}


def _folder(name: str, text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:
        raise SettingsError(f"{name}: the home folder that {text!r} begins with is not known") from None


def _text(values: Mapping[str, str], name: str) -> str:
    return values.get(name, "").strip()


def _url(values: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> SecretUrl | None:
    text = _text(values, name)
    if not text:
        return None
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in schemes and bool(parts.hostname or parts.scheme.startswith("postgres"))
        _ = parts.port
    except ValueError:
        is_usable = False
    if not is_usable:
        # The value itself may hold a key, so only what was expected is said.
        raise SettingsError(f"{name}: not an address of the form {' or '.join(f'{scheme}://…' for scheme in schemes)}")
    return SecretUrl(text)


def _follow(values: Mapping[str, str]) -> tuple[str, ...]:
    text = _text(values, "OOF_FOLLOW") or PUMP_FUN_PROGRAM_ID
    return check_targets("OOF_FOLLOW", [part.strip() for part in text.split(",") if part.strip()])


def check_targets(setting: str, targets: list[str]) -> tuple[str, ...]:
    """What a feed may follow: `all`, `allWithVotes`, or addresses (each a subscription of its own)."""
    unique = tuple(dict.fromkeys(targets))
    for target in unique:
        if target not in ("all", "allWithVotes") and not is_pubkey(target):
            raise SettingsError(f"{setting}: {target!r} is neither 'all', 'allWithVotes' nor an address")
    if len(unique) > 1 and any(target.startswith("all") for target in unique):
        raise SettingsError(f"{setting}: 'all' already holds every address; name it alone")
    if not unique:
        raise SettingsError(f"{setting}: names nothing to follow")
    return unique


def _positive(values: Mapping[str, str], name: str, default: int, at_most: int = 1_000_000) -> int:
    text = _text(values, name)
    if not text:
        return default
    # The length first: int() refuses thousands of digits with an error of its own.
    if not text.isdecimal() or len(text) > 20 or not 1 <= int(text) <= at_most:
        raise SettingsError(f"{name}: {text!r} is not a whole number from 1 to {at_most}")
    return int(text)

"""Settings: the environment (and a `.env` file beside it), read once into a frozen object. Secrets never print.

The names are those of spec 2 §2 where it has one; ours begin with OOF_. Nothing else in the package reads the environment.
"""

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.pricing.readings import BINANCE, DEFILLAMA, HELIUS_DAS, JUPITER, PUMP_FUN, PYTH, RPC_MINT
from oof_pipelines.pricing.sol_usd import KLINES
from oof_pipelines.setting_values import POSTGRES_SCHEMES as POSTGRES_SCHEMES
from oof_pipelines.setting_values import SecretText as SecretText
from oof_pipelines.setting_values import SecretUrl as SecretUrl
from oof_pipelines.setting_values import SettingsError as SettingsError
from oof_pipelines.setting_values import folder_path, positive, public_key, shown, text_of, url_of
from oof_pipelines.source_settings import (
    AUTO,
    LOGS,
    ApiSettings,
    GeyserSettings,
    ProgramSettings,
    read_api,
    read_geyser,
    read_programs,
    read_sources,
    read_standing_runs,
)

REPOSITORY_ROOT = Path(__file__).resolve().parent.parent
PUMP_FUN_PROGRAM_ID = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
# Pyth's SOL/USD, as its list of price feeds names it.
PYTH_SOL_FEED = (
    "So11111111111111111111111111111111111111112=ef0d8b6fda2ceba41da15d4095d1da392a0d2f8ed0c6c7bc0f4cfac8c280b56d"
)
MARKET_SOURCES = (JUPITER, PYTH, DEFILLAMA, PUMP_FUN, BINANCE, HELIUS_DAS, RPC_MINT)
"""What OOF_MARKET_SOURCES may name."""
NO_SOURCE = "none"
SOL_USD_SOURCES = (NO_SOURCE, KLINES, PYTH, JUPITER)
"""Who may say what a SOL is worth in dollars."""
CLUSTERS = ("mainnet-beta", "testnet", "devnet", "localnet")


@dataclass(frozen=True, slots=True)
class MarketSettings:
    """Where market services are. Every address is set (public ones by default); only `das` may be None.

    `sources` are those that are asked again and again: of `MARKET_SOURCES`, in that order.
    `pyth_feeds` are pairs of mint and Pyth feed id (64 hexadecimal digits). A price older than `price_max_age_seconds` is
    refused where `is_stale_refused`, else marked.
    """

    jupiter: SecretUrl
    jupiter_key: SecretText | None
    pyth_stream: SecretUrl
    pyth_feeds: tuple[tuple[str, str], ...]
    defillama: SecretUrl
    pump_fun: SecretUrl
    binance: SecretUrl
    das: SecretUrl | None
    price_max_age_seconds: int
    is_stale_refused: bool
    timeout_seconds: int
    sources: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[SecretUrl | SecretText, ...]:
        """Whatever may hold a key, for messages that must not."""
        urls = (self.jupiter, self.pyth_stream, self.defillama, self.pump_fun, self.binance, self.das, self.jupiter_key)
        return tuple(each for each in urls if each is not None)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything configurable, checked. Durations are seconds; `requests_per_second` is the budget of all RPC calls.

    `token_mint` is the OOF token's, '' where there is none: then nothing of it lies idle.
    """

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
    market: MarketSettings
    sol_usd_source: str
    sol_usd_klines: str
    token_mint: str = ""
    sources: tuple[str, ...] = (LOGS,)
    geyser: GeyserSettings = field(default_factory=GeyserSettings)
    programs: ProgramSettings = field(default_factory=ProgramSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    standing_runs: str = AUTO

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
    home = folder_path("OOF_HOME", text_of(values, "OOF_HOME") or ".oof")
    store_text = text_of(values, "OOF_STORE")
    store = folder_path("OOF_STORE", store_text) if store_text else home / "parquet_store"
    cluster = text_of(values, "SOLANA_CLUSTER") or "mainnet-beta"
    if cluster not in CLUSTERS:
        raise SettingsError(f"SOLANA_CLUSTER: {shown(cluster)} is none of {', '.join(CLUSTERS)}")
    endpoints = [url_of(values, name, ("http", "https")) for name in ("RPC_PRIMARY", "RPC_SECONDARY")]
    rpc_endpoints = tuple(url for url in endpoints if url)
    explicit_socket = url_of(values, "RPC_WS", ("ws", "wss"))
    sockets = (explicit_socket,) if explicit_socket else tuple(derive_socket_url(url) for url in rpc_endpoints)
    return Settings(
        home=home,
        store=store,
        cluster=cluster,
        rpc_endpoints=rpc_endpoints,
        rpc_sockets=sockets,
        database=url_of(values, "DATABASE_URL", POSTGRES_SCHEMES),
        follow=_follow(values),
        requests_per_second=positive(values, "RPC_REQUESTS_PER_SECOND", 50),
        rpc_concurrency=positive(values, "RPC_CONCURRENCY", 16),
        rpc_timeout_seconds=positive(values, "RPC_TIMEOUT_SECONDS", 20),
        webserver_port=positive(values, "DAGSTER_WEBSERVER_PORT", 3000, at_most=65535),
        market=_market(values, rpc_endpoints),
        sol_usd_source=_sol_usd_source(values),
        sol_usd_klines=text_of(values, "OOF_SOL_USD_KLINES"),
        token_mint=public_key(values, "OOF_TOKEN_MINT"),
        sources=read_sources(values),
        geyser=read_geyser(values),
        programs=read_programs(values),
        api=read_api(values),
        standing_runs=read_standing_runs(values),
    )


def _sol_usd_source(values: Mapping[str, str]) -> str:
    source = text_of(values, "OOF_SOL_USD_SOURCE") or NO_SOURCE
    if source not in SOL_USD_SOURCES:
        raise SettingsError(f"OOF_SOL_USD_SOURCE: {shown(source)} is none of {', '.join(SOL_USD_SOURCES)}")
    if source == KLINES and not text_of(values, "OOF_SOL_USD_KLINES"):
        raise SettingsError("OOF_SOL_USD_KLINES: names no file, and OOF_SOL_USD_SOURCE is klines")
    return source


def _market(values: Mapping[str, str], rpc_endpoints: tuple[SecretUrl, ...]) -> MarketSettings:
    def address(name: str, default: str) -> SecretUrl:
        return url_of(values, name, ("http", "https")) or SecretUrl(default, name)

    key = text_of(values, "JUPITER_API_KEY")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError("JUPITER_API_KEY: holds a blank or a character that no key has")
    stale = text_of(values, "OOF_STALE_PRICES") or "refuse"
    if stale not in ("refuse", "mark"):
        raise SettingsError(f"OOF_STALE_PRICES: {shown(stale)} is neither refuse nor mark")
    return MarketSettings(
        jupiter=address("JUPITER_BASE_URL", "https://api.jup.ag"),
        jupiter_key=SecretText(key, "JUPITER_API_KEY") if key else None,
        pyth_stream=address("PYTH_HERMES_SSE", "https://hermes.pyth.network/v2/updates/price/stream"),
        pyth_feeds=_pyth_feeds(text_of(values, "OOF_PYTH_FEEDS") or PYTH_SOL_FEED),
        defillama=address("OOF_DEFILLAMA_URL", "https://api.llama.fi"),
        pump_fun=address("OOF_PUMP_FUN_URL", "https://swap-api.pump.fun"),
        binance=address("OOF_BINANCE_URL", "https://data-api.binance.vision"),
        das=url_of(values, "OOF_DAS_URL", ("http", "https")) or (rpc_endpoints[0] if rpc_endpoints else None),
        price_max_age_seconds=positive(values, "OOF_PRICE_MAX_AGE_SECONDS", 60),
        is_stale_refused=stale == "refuse",
        timeout_seconds=positive(values, "OOF_MARKET_TIMEOUT_SECONDS", 10, at_most=300),
        sources=_market_sources(values),
    )


def _market_sources(values: Mapping[str, str]) -> tuple[str, ...]:
    named = {part.strip() for part in text_of(values, "OOF_MARKET_SOURCES").split(",") if part.strip()}
    for name in sorted(named - set(MARKET_SOURCES)):
        raise SettingsError(f"OOF_MARKET_SOURCES: {shown(name)} is none of {', '.join(MARKET_SOURCES)}")
    # What SOL is worth is taken from a source that is asked, or the choice would stay without effect.
    named |= {text_of(values, "OOF_SOL_USD_SOURCE")} & {JUPITER, PYTH}
    return tuple(name for name in MARKET_SOURCES if name in named)


def _pyth_feeds(text: str) -> tuple[tuple[str, str], ...]:
    feeds: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        mint, _, feed_id = part.partition("=")
        feed_id = feed_id.strip().lower().removeprefix("0x")
        if not is_pubkey(mint.strip()) or not re.fullmatch("[0-9a-f]{64}", feed_id):
            raise SettingsError(
                "OOF_PYTH_FEEDS: wants mint=feed with commas between, a feed being 64 hexadecimal digits"
            )
        feeds.append((mint.strip(), feed_id))
    if len({mint for mint, _ in feeds}) < len(feeds) or len({feed for _, feed in feeds}) < len(feeds):
        raise SettingsError("OOF_PYTH_FEEDS: names a mint or a feed twice")
    return tuple(feeds)


def derive_socket_url(endpoint: SecretUrl) -> SecretUrl:
    """The WebSocket address of an HTTP endpoint: the next port where one is named (as validators do), else the host."""
    parts = urlsplit(endpoint.reveal())
    scheme = "wss" if parts.scheme == "https" else "ws"
    location = parts.netloc
    if parts.port == 65_535:
        raise SettingsError("RPC_WS: not set, and no port follows the endpoint's 65535; name the WebSocket address")
    if parts.port:
        location = f"{location.rsplit(':', 1)[0]}:{parts.port + 1}"
    setting = f"RPC_WS (derived from {endpoint.setting})" if endpoint.setting else ""
    return SecretUrl(parts._replace(scheme=scheme, netloc=location).geturl(), setting)


def _process_environment() -> dict[str, str]:
    try:
        in_file = _read_dotenv(Path.cwd() / ".env")
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f".env: cannot be read ({type(error).__name__})") from None
    return {**in_file, **os.environ}


def _read_dotenv(path: Path) -> dict[str, str]:
    """What the file sets; a name without a value sets nothing. A line that cannot be read is an error, never skipped."""
    if not path.exists() or path.is_dir():
        return {}
    # Some editors begin a file with a byte order mark, which would become part of the first name.
    text = path.read_text(encoding="utf-8-sig")
    for binding in parse_stream(io.StringIO(text)):
        if binding.error:
            # The line itself may hold a key, so only where it is.
            raise SettingsError(
                f".env: line {binding.original.line} is not of the form NAME=value (or a quote is open)"
            )
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}


def _follow(values: Mapping[str, str]) -> tuple[str, ...]:
    text = text_of(values, "OOF_FOLLOW") or PUMP_FUN_PROGRAM_ID
    return check_targets("OOF_FOLLOW", [part.strip() for part in text.split(",") if part.strip()])


def check_targets(setting: str, targets: list[str]) -> tuple[str, ...]:
    """What a feed may follow: `all`, `allWithVotes`, or addresses (each a subscription of its own)."""
    unique = tuple(dict.fromkeys(targets))
    for target in unique:
        if target not in ("all", "allWithVotes") and not is_pubkey(target):
            raise SettingsError(f"{setting}: {shown(target)} is neither 'all', 'allWithVotes' nor an address")
    if len(unique) > 1 and any(target.startswith("all") for target in unique):
        raise SettingsError(f"{setting}: 'all' already holds every address; name it alone")
    if not unique:
        raise SettingsError(f"{setting}: names nothing to follow")
    return unique

"""Settings of what is heard and of what is served over HTTP: sources of the feed, Geyser, our own programs, the API."""

from collections.abc import Mapping
from dataclasses import dataclass

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.setting_values import (
    SecretText,
    SecretUrl,
    SettingsError,
    positive,
    public_key,
    shown,
    text_of,
    url_of,
)

LOGS = "logs"
GEYSER = "geyser"
ACCOUNTS = "accounts"
WEBHOOK = "webhook"
SOURCES = (LOGS, GEYSER, ACCOUNTS, WEBHOOK)
"""What OOF_SOURCES may name; several may run together."""
HEADER, HMAC = "header", "hmac"
WEBHOOK_MODES = (HEADER, HMAC)

AUTO, ALWAYS, NEVER, OFF = "auto", "always", "never", "off"
STANDING_RUNS = (AUTO, ALWAYS, NEVER, OFF)
"""When a Dagster run stands by for jobs: once there was one, from the start, never (one is started for a job that is due), or
off: Dagster serves none at all."""

_LARGEST_WEBHOOK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class GeyserSettings:
    """A Yellowstone gRPC endpoint; `url` is None where there is none.

    `account_owners` are programs of whose accounts every change is heard, `accounts` single ones beside them.
    """

    url: SecretUrl | None = None
    token: SecretText | None = None
    account_owners: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProgramSettings:
    """Our own programs, '' where not set. `watched_accounts` are accounts of theirs whose changes are heard."""

    staking: str = ""
    campaigns: str = ""
    moment_registry: str = ""
    watched_accounts: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The programs that are set, in the order of their settings."""
        return tuple(each for each in (self.staking, self.campaigns, self.moment_registry) if each)


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Where `oof api` listens. Without a webhook secret the webhook is refused."""

    host: str = "127.0.0.1"
    port: int = 8080
    webhook_secret: SecretText | None = None
    webhook_mode: str = HEADER
    webhook_most_bytes: int = 8 * 1024 * 1024


def read_sources(values: Mapping[str, str]) -> tuple[str, ...]:
    """What the feed hears, in the order of `SOURCES`. Raises `SettingsError`."""
    named = _listed(values, "OOF_SOURCES") or (LOGS,)
    for name in named:
        if name not in SOURCES:
            raise SettingsError(f"OOF_SOURCES: {shown(name)} is none of {', '.join(SOURCES)}")
    if GEYSER in named and not text_of(values, "OOF_GEYSER_URL"):
        raise SettingsError("OOF_GEYSER_URL: not set, and OOF_SOURCES names geyser")
    return tuple(name for name in SOURCES if name in named)


def read_geyser(values: Mapping[str, str]) -> GeyserSettings:
    """Raises `SettingsError`."""
    return GeyserSettings(
        url=url_of(values, "OOF_GEYSER_URL", ("http", "https")),
        token=_secret(values, "OOF_GEYSER_TOKEN"),
        account_owners=_addresses(values, "OOF_GEYSER_ACCOUNT_OWNERS"),
        accounts=_addresses(values, "OOF_GEYSER_ACCOUNTS"),
    )


def read_programs(values: Mapping[str, str]) -> ProgramSettings:
    """Raises `SettingsError`."""
    return ProgramSettings(
        staking=public_key(values, "OOF_STAKING_PROGRAM_ID"),
        campaigns=public_key(values, "OOF_CAMPAIGNS_PROGRAM_ID"),
        moment_registry=public_key(values, "OOF_MOMENT_REGISTRY_PROGRAM_ID"),
        watched_accounts=_addresses(values, "OOF_WATCHED_ACCOUNTS"),
    )


def read_api(values: Mapping[str, str]) -> ApiSettings:
    """Raises `SettingsError`."""
    mode = text_of(values, "OOF_WEBHOOK_MODE") or HEADER
    if mode not in WEBHOOK_MODES:
        raise SettingsError(f"OOF_WEBHOOK_MODE: {shown(mode)} is neither {' nor '.join(WEBHOOK_MODES)}")
    default = ApiSettings()
    return ApiSettings(
        host=text_of(values, "OOF_API_HOST") or default.host,
        port=positive(values, "OOF_API_PORT", default.port, at_most=65535),
        webhook_secret=_secret(values, "HELIUS_WEBHOOK_SECRET"),
        webhook_mode=mode,
        webhook_most_bytes=positive(
            values, "OOF_WEBHOOK_MOST_BYTES", default.webhook_most_bytes, at_most=_LARGEST_WEBHOOK_BYTES
        ),
    )


def read_standing_runs(values: Mapping[str, str]) -> str:
    """One of `STANDING_RUNS`. Raises `SettingsError`."""
    when = text_of(values, "OOF_STANDING_RUNS") or AUTO
    if when not in STANDING_RUNS:
        raise SettingsError(f"OOF_STANDING_RUNS: {shown(when)} is none of {', '.join(STANDING_RUNS)}")
    return when


def _secret(values: Mapping[str, str], name: str) -> SecretText | None:
    text = text_of(values, name)
    if not (text.isascii() and text.isprintable()):
        raise SettingsError(f"{name}: holds a character that no header can carry")
    return SecretText(text, name) if text else None


def _listed(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text_of(values, name).split(",") if part.strip()))


def _addresses(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    named = _listed(values, name)
    for address in named:
        if not is_pubkey(address):
            raise SettingsError(f"{name}: {shown(address)} is no address")
    return named

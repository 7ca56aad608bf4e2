"""Wallets of exchanges, by address: read from a mapping (oof_pipelines/config/exchanges.yaml) and checked."""

from collections.abc import Mapping

from oof_pipelines.chain.base58 import is_pubkey

EXCHANGES_FILE = "exchanges.yaml"

_KEYS = frozenset({"address", "name", "sources"})
SOURCES = frozenset({"dune", "solscan", "defillama", "own"})
"""Who may have said so: three public lists, or whoever runs this."""


class ExchangeConfigError(ValueError):
    """A list of exchanges that cannot be used; the one-line message names the entry."""


def read_exchanges(values: object) -> dict[str, str]:
    """Address → name of the exchange, of a parsed configuration. Raises `ExchangeConfigError`."""
    if not isinstance(values, Mapping) or set(values) != {"exchanges"}:
        raise ExchangeConfigError(f"{EXCHANGES_FILE}: wants one list, exchanges")
    entries = values["exchanges"]
    if not isinstance(entries, list):
        raise ExchangeConfigError(f"{EXCHANGES_FILE}: exchanges is no list")
    names: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        address, name = _read(number, entry)
        if address in names:
            raise ExchangeConfigError(f"{EXCHANGES_FILE}: {address} stands twice")
        names[address] = name
    return names


def _read(number: int, entry: object) -> tuple[str, str]:
    if not isinstance(entry, Mapping) or set(entry) != _KEYS:
        raise ExchangeConfigError(f"{EXCHANGES_FILE}: entry {number} wants {', '.join(sorted(_KEYS))} and nothing else")
    address, name, sources = entry["address"], entry["name"], entry["sources"]
    if not isinstance(address, str) or not is_pubkey(address):
        raise ExchangeConfigError(f"{EXCHANGES_FILE}: entry {number}: {address!r} is no address")
    if not isinstance(name, str) or not name.strip():
        raise ExchangeConfigError(f"{EXCHANGES_FILE}: {address}: it has no name")
    if not isinstance(sources, list) or not sources or not set(map(str, sources)) <= SOURCES:
        raise ExchangeConfigError(f"{EXCHANGES_FILE}: {address}: sources are {', '.join(sorted(SOURCES))}")
    return address, name

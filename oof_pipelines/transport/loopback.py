"""Addresses of this machine itself: a proxy of the environment (HTTP_PROXY and its like) is not asked for them.

A proxy elsewhere would look for the address on its own machine.
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

import httpx


def is_loopback(address: str) -> bool:
    """Whether the host of a URL is this machine: `localhost`, a name under it (RFC 6761), or a loopback address."""
    host = (urlsplit(address).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def direct_mounts(addresses: Iterable[str]) -> dict[str, httpx.AsyncBaseTransport | None]:
    """httpx `mounts` that lead past any proxy to those addresses that are loopback: None is the client's own transport."""
    hosts = {urlsplit(address).hostname or "" for address in addresses if is_loopback(address)}
    return {f"all://[{host}]" if ":" in host else f"all://{host}": None for host in hosts}

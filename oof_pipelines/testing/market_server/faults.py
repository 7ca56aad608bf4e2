"""What goes wrong on purpose at a market service. A decision is a hash of the seed, the fault and what it befalls.

A request is identified by its service, its path and query, and how often that was asked before, so two runs that ask the
same things meet the same faults, however their requests interleave, and a retry is decided anew.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass

SERVICES = ("jupiter", "hermes", "llama", "pump", "binance", "das")
ABSURD_VALUES = ("1e400", "nan", "negative", "zero")

_HASH_RANGE = 2**64
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")

KNOWN_FAULTS: dict[str, dict[str, str]] = {
    "429": {"p": "0.05", "retry_after": ""},
    "error": {"p": "0.05"},
    "slow": {"p": "0.1", "ms": "500"},
    "truncated": {"p": "0.05"},
    "garbled": {"p": "0.05"},
    "misshapen": {"p": "0.05"},
    "cut": {"p": "0.05", "after": "3"},
    "stale": {"p": "0.1", "seconds": "3600"},
    "absurd": {"p": "0.05", "value": "mixed"},
    "oversized": {"p": "0.02", "bytes": "20000000"},
}
"""Every fault with its keys and their defaults. Each also takes only=SERVICE."""

MARKET_FAULTS_HELP = """\
SPEC is name[:key=value[;key=value...]] and more of them after commas:
  429:p=0.05;retry_after=SECONDS   HTTP 429; the Retry-After header only with retry_after
  error:p=0.05                     HTTP 500 or 503
  slow:p=0.1;ms=500                answers that come late; a stream that falls silent for as long
  truncated:p=0.05                 JSON cut in the middle, the connection ended properly
  garbled:p=0.05                   bytes that are no JSON
  misshapen:p=0.05                 JSON of another form
  cut:p=0.05;after=3               the connection breaks in the middle; a stream's after that many events
  stale:p=0.1;seconds=3600         an answer of that long ago, Date header and slot included
  absurd:p=0.05;value=mixed        a price or amount of 1e400, nan, negative or zero (mixed: any of them)
  oversized:p=0.02;bytes=20000000  an answer (of a stream: an event) that goes on and on
p is the probability, from 0 to 1, of each request, event or figure. only=SERVICE keeps a fault to one of
jupiter, hermes, llama, pump, binance, das."""


class MarketFaultError(ValueError):
    """A --faults value that cannot be understood; the message lists what is known."""


def parse_market_faults(spec: str | None) -> dict[str, dict[str, str]]:
    """Settings by fault name, defaults filled in; raises `MarketFaultError` for unknown names, keys and values."""
    settings: dict[str, dict[str, str]] = {}
    for part in filter(None, ((part.strip()) for part in (spec or "").split(","))):
        name, _, assignments = part.partition(":")
        if name not in KNOWN_FAULTS:
            raise MarketFaultError(f"--faults: unknown fault {name!r}; known are {', '.join(KNOWN_FAULTS)}")
        chosen = {**KNOWN_FAULTS[name], "only": ""}
        for assignment in filter(None, assignments.split(";")):
            key, _, text = (piece.strip() for piece in assignment.partition("="))
            if key not in chosen:
                raise MarketFaultError(f"--faults: {name} has no key {key!r}; known are {', '.join(chosen)}")
            _check_value(name, key, text)
            chosen[key] = text
        settings[name] = chosen
    return settings


def _check_value(name: str, key: str, text: str) -> None:
    if key in ("only", "value"):
        known = SERVICES if key == "only" else ("mixed", *ABSURD_VALUES)
        if text not in known:
            raise MarketFaultError(f"--faults: {name}:{key} wants one of {', '.join(known)}, not {text!r}")
        return
    if not _NUMBER.fullmatch(text) or (key == "p" and float(text) > 1):
        bounds = " from 0 to 1" if key == "p" else ""
        raise MarketFaultError(f"--faults: {name}:{key} wants a number{bounds}, not {text!r}")


@dataclass(frozen=True, slots=True)
class Befallen:
    """One request, event or figure of `service`, by a name that is the same in every run."""

    service: str
    identity: str

    def part(self, name: str) -> "Befallen":
        """Something within it: an entry, an event."""
        return Befallen(self.service, f"{self.identity}\0{name}")


class MarketFaults:
    """The faults of one run, decided by `seed`."""

    def __init__(self, spec: str | None = None, seed: int = 0) -> None:
        self._settings = parse_market_faults(spec)
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def request(self, service: str, asked: str) -> Befallen:
        """A name for this request: what it asks and how often that was asked before."""
        self._asked[f"{service}\0{asked}"] += 1
        return Befallen(service, f"{asked}\0{self._asked[f'{service}{chr(0)}{asked}']}")

    def strikes(self, name: str, what: Befallen) -> bool:
        """Whether fault `name` befalls `what`; the same answer every time."""
        setting = self._settings.get(name)
        if setting is None or setting["only"] not in ("", what.service):
            return False
        return self.draw(name, what) < float(setting["p"]) * _HASH_RANGE

    def figure(self, name: str, key: str) -> float | None:
        """The number a key of fault `name` has; None where it has none."""
        text = self._settings[name][key]
        return float(text) if text else None

    def absurd_value(self, what: Befallen) -> str | None:
        """Which absurd value a figure of `what` takes; None where it keeps its own."""
        if not self.strikes("absurd", what):
            return None
        value = self._settings["absurd"]["value"]
        return ABSURD_VALUES[self.draw("absurd value", what) % len(ABSURD_VALUES)] if value == "mixed" else value

    def draw(self, name: str, what: Befallen) -> int:
        """A number below 2^64 that only the seed, the fault and what it befalls decide."""
        text = f"{self._seed}\0{name}\0{what.service}\0{what.identity}".encode(errors="surrogateescape")
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")

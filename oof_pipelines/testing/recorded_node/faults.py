"""What goes wrong on purpose. A decision is a hash of the seed, the fault and what it befalls, never of call order.

A request is identified by its method, its first parameter and how often that pair was asked before, so two runs that
ask the same things fault the same answers, however their requests interleave, and a retry is decided anew.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_HASH_RANGE = 2**64
# What Python's float() takes besides (digits of other scripts, underscores, nan) is a slip of the keyboard here.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

KNOWN_FAULTS: dict[str, dict[str, float | None]] = {
    "429": {"p": 0.05, "retry_after": None},
    "null_after_log": {"p": 0.2, "for_ms": 300},
    "stale_slot": {"p": 0.1, "lag": 50},
    "truncated": {"p": 0.05},
    "drop": {"after": 100, "times": 1, "lose": 25, "for_ms": 0},
    "vanish": {"p": 0.05, "slots": None, "after_ms": 1000},
    "slow": {"p": 0.1, "ms": 500},
    "error": {"p": 0.05},
    "storm": {"after": 50, "times": 1, "for_ms": 3000, "retry_after": None},
    "repeat": {"p": 0.2, "later": 5},
    "reorder": {"p": 0.2, "later": 10},
    "fork": {"p": 0.1, "back": 1, "after_ms": 1500},
    "geyser_drop": {"after": 100, "times": 1, "lose": 5, "for_ms": 0},
    "geyser_stall": {"after": 100, "times": 1, "for_ms": 3000},
    "geyser_skip": {"p": 0.1},
    "geyser_repeat": {"p": 0.2},
    "geyser_reorder": {"p": 0.2},
}
"""Every fault with its keys and their defaults; None is a key that does nothing unless it is set."""

_AT_LEAST_ONE = frozenset({("drop", "after"), ("storm", "after"), ("fork", "back")}) | {
    ("geyser_drop", "after"),
    ("geyser_stall", "after"),
}

FAULTS_HELP = """\
SPEC is name[:key=value[;key=value...]] and more of them after commas:
  429:p=0.05;retry_after=SECONDS    HTTP 429; the Retry-After header only with retry_after
  null_after_log:p=0.2;for_ms=300   getTransaction is null that long after the log (--speed 0: after first being asked)
  stale_slot:p=0.1;lag=50           getSlot and the listings of blocks and signatures answer lag slots behind
  truncated:p=0.05                  HTTP 200 with the JSON cut in the middle
  drop:after=100;times=1;lose=25;for_ms=0  the socket is cut after that many announcements, at most times times
                                    (0: always), and none is let in until the next lose are over and for_ms have passed
  vanish:p=0.05 or slots=K;after_ms=1000  slots announced as confirmed that are gone after_ms later, never finalized
  slow:p=0.1;ms=500                 answers that come late
  error:p=0.05                      HTTP 500 or 503
  storm:after=50;times=1;for_ms=3000;retry_after=SECONDS  every request is answered 429 for that long, each time after
                                    that many were answered, at most times times (0: always)
  repeat:p=0.2;later=5              announced again after the next later ones
  reorder:p=0.2;later=10            announced only after the next later ones
  fork:p=0.1;back=1;after_ms=1500   slots that land elsewhere: for that long after they are first heard of, what is in
                                    them is confirmed back slots before where it ends up
  geyser_drop:after=100;times=1;lose=5;for_ms=0  the Geyser stream ends after that many updates, as drop does; at
                                    --speed 0 the next lose slots pass without anybody hearing them
  geyser_stall:after=100;times=1;for_ms=3000  after that many updates the Geyser stream says nothing for that long
  geyser_skip:p=0.1                 slots of which the Geyser stream says nothing at all
  geyser_repeat:p=0.2               transactions that it sends twice
  geyser_reorder:p=0.2              slots whose messages it sends in any order
p is the probability, from 0 to 1, of each request, transaction or slot."""


class FaultSpecError(ValueError):
    """A --faults value that cannot be understood; the message lists what is known."""


def parse_faults(spec: str | None) -> dict[str, dict[str, float | None]]:
    """Settings by fault name, defaults filled in; raises `FaultSpecError` for unknown names, keys and values."""
    settings: dict[str, dict[str, float | None]] = {}
    for part in (spec or "").split(","):
        name, _, assignments = part.strip().partition(":")
        if not name and not assignments:
            continue
        if name not in KNOWN_FAULTS:
            raise FaultSpecError(f"--faults: unknown fault {name!r}; known are {', '.join(KNOWN_FAULTS)}")
        chosen = dict(KNOWN_FAULTS[name])
        for assignment in filter(None, assignments.split(";")):
            key, _, text = assignment.partition("=")
            if key.strip() not in chosen:
                raise FaultSpecError(f"--faults: {name} has no key {key.strip()!r}; known are {', '.join(chosen)}")
            chosen[key.strip()] = _value(name, key.strip(), text.strip())
        settings[name] = chosen
    return settings


def _value(name: str, key: str, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        bounds = " from 0 to 1" if key == "p" else ""
        raise FaultSpecError(f"--faults: {name}:{key} wants a number{bounds}, not {text!r}")
    value = float(text)
    if key == "p" and not 0 <= value <= 1:
        raise FaultSpecError(f"--faults: {name}:p is a probability from 0 to 1, not {text}")
    if key != "p" and not 0 <= value < 1e9:
        raise FaultSpecError(f"--faults: {name}:{key} must be 0 or more, not {text}")
    if key in ("after", "times", "lose", "slots", "lag", "later", "back") and value != int(value):
        raise FaultSpecError(f"--faults: {name}:{key} wants a whole number, not {text}")
    if (name, key) in _AT_LEAST_ONE and value < 1:
        raise FaultSpecError(f"--faults: {name}:{key} must be 1 or more")
    return value


@dataclass(frozen=True, slots=True)
class RequestFault:
    """What befalls one HTTP request: `kind` is 429, error or truncated; None with a delay is merely slow."""

    kind: str | None = None
    status: int = 200
    retry_after_seconds: int | None = None
    delay_seconds: float = 0.0


class Faults:
    """The faults of one run, decided by `seed`."""

    def __init__(self, spec: str | None = None, seed: int = 0) -> None:
        self._settings = parse_faults(spec)
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self._struck: dict[str, set[str]] = {}
        self._answered = 0
        self._storms = 0
        self._storm_ends_at_seconds = 0.0

    def is_on(self, name: str) -> bool:
        """Whether this fault was asked for."""
        return name in self._settings

    def setting(self, name: str, key: str) -> float:
        """The value of a key that has one."""
        value = self._settings[name][key]
        if value is None:
            raise FaultSpecError(f"--faults: {name} needs a value for {key}")
        return value

    def befalls(self, name: str, identity: str) -> bool:
        """Whether fault `name` strikes the thing called `identity`; the same answer every time."""
        if name not in self._settings:
            return False
        is_struck = self._draw(name, identity) < self.setting(name, "p") * _HASH_RANGE
        if is_struck:
            self._struck.setdefault(name, set()).add(identity)
        return is_struck

    def strikes(self) -> dict[str, int]:
        """How many different things each fault with a probability has struck so far."""
        return {name: len(identities) for name, identities in sorted(self._struck.items())}

    def _draw(self, name: str, identity: str) -> int:
        text = f"{self._seed}\0{name}\0{identity}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")

    def request_identity(self, method: str, first_param: str) -> str:
        """A name for this request: what it asks and how often that was asked before."""
        asked = f"{method}\0{first_param}"
        self._asked[asked] += 1
        return f"{asked}\0{self._asked[asked]}"

    def of_request(self, identity: str) -> RequestFault:
        """What befalls an HTTP request; of several faults the first of 429, error, truncated wins, slow adds to any."""
        delay_seconds = self.setting("slow", "ms") / 1000 if self.befalls("slow", identity) else 0.0
        if self.befalls("429", identity):
            retry_after = self._settings["429"]["retry_after"]
            after_seconds = None if retry_after is None else round(retry_after)
            return RequestFault("429", 429, after_seconds, delay_seconds)
        if self.befalls("error", identity):
            status = 500 if self._draw("error status", identity) % 2 else 503
            return RequestFault("error", status, None, delay_seconds)
        kind = "truncated" if self.befalls("truncated", identity) else None
        return RequestFault(kind, delay_seconds=delay_seconds)

    def storm(self, now_seconds: float) -> RequestFault | None:
        """What befalls an HTTP request of now while a storm of 429s lasts, one that begins with it included."""
        if "storm" not in self._settings:
            return None
        if now_seconds >= self._storm_ends_at_seconds:
            self._answered += 1
            times = int(self.setting("storm", "times"))
            if self._answered % int(self.setting("storm", "after")) or (times and self._storms >= times):
                return None
            self._storms += 1
            self._storm_ends_at_seconds = now_seconds + self.setting("storm", "for_ms") / 1000
        retry_after = self._settings["storm"]["retry_after"]
        return RequestFault("429", 429, None if retry_after is None else round(retry_after))

    def vanishing_slots(self, slots: Iterable[int]) -> frozenset[int]:
        """Which of `slots` never become final: each with probability p, or exactly K of them where `slots=K` is set."""
        if "vanish" not in self._settings:
            return frozenset()
        count = self._settings["vanish"]["slots"]
        if count is None:
            return frozenset(slot for slot in slots if self.befalls("vanish", str(slot)))
        drawn = sorted(slots, key=lambda slot: (self._draw("vanish", str(slot)), slot))
        return frozenset(drawn[: int(count)])

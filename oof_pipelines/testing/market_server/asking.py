"""A request as the services see it, their reply, and how figures are written, absurd ones included."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from oof_pipelines.testing.market_server.faults import Befallen, MarketFaults
from oof_pipelines.testing.market_server.world import MarketWorld


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answers; `value` is encoded as JSON."""

    value: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        return msgspec.json.encode(self.value)


class ReplyError(Exception):
    """The service says no, in its own words."""

    def __init__(self, status: int, value: Any) -> None:
        super().__init__(status)
        self.reply = Reply(value, status)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: `now` is the instant it is answered for, `what` its name for faults, `content` its JSON body."""

    path: str
    query: list[tuple[str, str]]
    content: Any
    now: datetime
    what: Befallen
    faults: MarketFaults
    world: MarketWorld

    def value(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), None)

    def values(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return [value for key, value in self.query if key == name]

    def number(self, of: str, value: Decimal | int) -> msgspec.Raw:
        """`value`, a figure of the entry called `of`, as a JSON number, or what the faults make of it."""
        return msgspec.Raw(self._text(of, value).encode())

    def quoted(self, of: str, value: Decimal | int) -> str:
        """`value` as text for a JSON string, or what the faults make of it."""
        return self._text(of, value)

    def _text(self, of: str, value: Decimal | int) -> str:
        absurd = self.faults.absurd_value(self.what.part(of))
        plain = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return {"1e400": "1e400", "nan": "NaN", "negative": f"-{plain}", "zero": "0"}.get(absurd or "", plain)

"""Ask one source once, keep what came, and say how it went. Nothing a source does raises here: it is written down.

Nor does what nobody expected, of us or of the database: it goes to the log with its traceback, and into the report.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, runtime_checkable

from oof_pipelines.interfaces import Clock, SourceRefusedError, SourceUnavailableError
from oof_pipelines.market_interfaces import BreakerOpenError
from oof_pipelines.market_store import Harvest, Kept, MarketStore, What
from oof_pipelines.pricing.readings import ReadingRefusedError, RefusedReading

logger = logging.getLogger(__name__)

_MOST_ERROR_CHARACTERS = 1_000

Hide = Callable[[str], str]
"""A text without what may be a key."""


@runtime_checkable
class KeepsSecrets(Protocol):
    """A source that is asked with a key, and knows it in a text."""

    def hide_in(self, text: str) -> str: ...


def hiding(*sources: object) -> Hide:
    """Takes out of a text the keys of all `sources` that have any."""

    def hide(text: str) -> str:
        for source in sources:
            if isinstance(source, KeepsSecrets):
                text = source.hide_in(text)
        return text

    return hide


def unexpected(name: str, error: Exception, hide: Hide) -> str:
    """Log an error that nobody foresaw, of the refresh or stream `name`, with its traceback; the line to report it by."""
    said = _one_line(f"unexpected {type(error).__name__}: {error}", hide)
    # As a text: what the exception and its causes say may hold a key.
    trace = hide("".join(traceback.format_exception(error)))
    logger.error(
        "a market refresh broke, the others go on", extra={"refresh": name, "reason": said, "exception": trace}
    )
    return said


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """How one refresh went. `readings` were believed, `stored` of them are new; `missing` the source does not know.

    `skipped` says why nothing was asked; `error` what went wrong, where something did: both are one line.
    """

    name: str
    source: str = ""
    readings: int = 0
    stored: int = 0
    missing: int = 0
    refused: int = 0
    last_good_at: datetime | None = None
    skipped: str | None = None
    error: str | None = None

    def plus(self, other: "RefreshReport") -> "RefreshReport":
        """Both together; the other came later."""
        return replace(
            self,
            readings=self.readings + other.readings,
            stored=self.stored + other.stored,
            missing=self.missing + other.missing,
            refused=self.refused + other.refused,
            last_good_at=other.last_good_at or self.last_good_at,
            error=self.error or other.error,
        )


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks which source for what: `name` is the refresh's."""

    name: str
    source: str
    what: What
    store: MarketStore
    clock: Clock
    hide: Hide

    async def once(self, ask: Callable[[Harvest], Awaitable[tuple[Harvest, int]]]) -> RefreshReport:
        """Have `ask` fill an empty harvest, and keep it. `ask` returns it with how many subjects the source does not know.

        What it raises for a source that is away or an answer that is not believed becomes part of what is kept. Any
        other exception, of the keeping too, is logged and becomes the report's error: one source must not stop the others.
        """
        empty = Harvest(self.source, self.what, self.clock.now())
        missing = 0
        try:
            harvest, missing = await ask(empty)
        except Exception as error:
            harvest = self._failed(empty, error)
        try:
            return self.report(harvest, await self.store.keep(harvest), missing)
        except Exception as error:
            said = unexpected(self.name, error, self.hide)
            return RefreshReport(self.name, self.source, error=harvest.error or f"nothing was kept: {said}")

    def _failed(self, empty: Harvest, error: Exception) -> Harvest:
        """What is kept of an asking that raised `error`."""
        if not isinstance(error, SourceUnavailableError | SourceRefusedError | ReadingRefusedError):
            return replace(empty, error=unexpected(self.name, error, self.hide))
        said = _one_line(str(error), self.hide)
        logger.warning("a market source failed", extra={"refresh": self.name, "reason": said})
        if isinstance(error, ReadingRefusedError):
            refusal = RefusedReading(error.source, error.subject, self.hide(error.reason), empty.asked_at)
            return replace(empty, refused=(refusal,), error=said)
        return replace(empty, error=said, is_breaker_open=isinstance(error, BreakerOpenError))

    def report(self, harvest: Harvest, kept: Kept, missing: int = 0) -> RefreshReport:
        return RefreshReport(
            self.name,
            self.source,
            readings=harvest.reading_count,
            stored=kept.stored,
            missing=missing,
            refused=len(harvest.refused),
            last_good_at=kept.last_good_at,
            error=harvest.error,
        )


def _one_line(text: str, hide: Hide) -> str:
    """Hidden before it is cut: half a key is one too."""
    return " ".join(hide(text).split())[:_MOST_ERROR_CHARACTERS]

"""Ask one source once, keep what came, and say how it went. Nothing a source does raises here: it is written down."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from oof_pipelines.interfaces import Clock, SourceRefusedError, SourceUnavailableError
from oof_pipelines.market_interfaces import BreakerOpenError
from oof_pipelines.market_store import Harvest, Kept, MarketStore, What
from oof_pipelines.pricing.readings import ReadingRefusedError, RefusedReading

logger = logging.getLogger(__name__)


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

    async def once(self, ask: Callable[[Harvest], Awaitable[tuple[Harvest, int]]]) -> RefreshReport:
        """Have `ask` fill an empty harvest, and keep it. `ask` returns it with how many subjects the source does not know.

        What it raises for a source that is away or an answer that is not believed becomes part of what is kept.
        """
        empty = Harvest(self.source, self.what, self.clock.now())
        missing = 0
        try:
            harvest, missing = await ask(empty)
        except BreakerOpenError as error:
            harvest = replace(empty, error=str(error), is_breaker_open=True)
        except (SourceUnavailableError, SourceRefusedError) as error:
            harvest = replace(empty, error=str(error))
        except ReadingRefusedError as error:
            refusal = RefusedReading(error.source, error.subject, error.reason, empty.asked_at)
            harvest = replace(empty, refused=(refusal,), error=str(error))
        if harvest.error is not None:
            logger.warning("a market source failed", extra={"refresh": self.name, "reason": harvest.error})
        return self.report(harvest, await self.store.keep(harvest), missing)

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

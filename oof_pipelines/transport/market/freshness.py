"""What happens to readings that are old: refused with the reason, or kept and marked, as set."""

from dataclasses import dataclass
from datetime import datetime

from oof_pipelines.pricing.readings import ReadingRefusedError
from oof_pipelines.transport.market.plausibility import is_stale


@dataclass(frozen=True, slots=True)
class Freshness:
    """`max_age_seconds` from the setting OOF_PRICE_MAX_AGE_SECONDS, `is_stale_refused` from OOF_STALE_PRICES."""

    max_age_seconds: float
    is_stale_refused: bool = True

    def check(self, source: str, subject: str, published_at: datetime, now: datetime) -> bool:
        """Whether it is stale and to be marked; `ReadingRefusedError` where stale ones are refused."""
        if not is_stale(source, subject, published_at, now, self.max_age_seconds):
            return False
        if self.is_stale_refused:
            age_seconds = (now - published_at).total_seconds()
            raise ReadingRefusedError(
                source, subject, f"stale: {age_seconds:.0f} s old, more than {self.max_age_seconds:g}"
            )
        return True

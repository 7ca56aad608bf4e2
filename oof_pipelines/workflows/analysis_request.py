"""What an analysis is asked for, and what is asked for next where a run reached a ceiling."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated

import msgspec

from oof_pipelines.workflows.ceilings import MAX_CANDLE_READS, NO_CEILINGS, Ceilings

MOST_DAYS = 730
"""How far back a wallet's history is asked of a node, at most. What is stored of before counts all the same."""


class AnalysisRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The story of one owner.

    `days` bounds what is told and asked for to the last so many before `as_of` (None: all that is stored, and `MOST_DAYS`
    of the node); `as_of` None is the newest stored block. With `is_stored_only` nobody is asked; `is_asked_again` lists
    what was listed only just now. `candle_share` multiplies the ceiling of candle reads, see `continuation_of`. However old
    `as_of` is, a node is asked for no more than `reach_days` before its newest block.

    As JSON (`msgspec.to_builtins`, `msgspec.convert`) it is what a job holds.
    """

    wallets: tuple[str, ...]
    days: int | None = None
    as_of: datetime | None = None
    ceilings: Ceilings = NO_CEILINGS
    is_stored_only: bool = False
    is_asked_again: bool = False
    reach_days: Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)] = MOST_DAYS
    candle_share: Annotated[int, msgspec.Meta(ge=1)] = 1

    @property
    def depth_days(self) -> int:
        """How many days of history are asked of a node."""
        return min(self.days or MOST_DAYS, MOST_DAYS)

    @property
    def most_candle_reads(self) -> int | None:
        """What this run may read; None is without bound."""
        most = self.ceilings.max_candle_reads
        return None if most is None else most * self.candle_share


def continuation_of(request: AnalysisRequest, ceilings_hit: Collection[str]) -> AnalysisRequest | None:
    """What to ask for next so that what is missing is done; None where no ceiling was reached.

    What was listed, fetched, folded and decoded stays done, so the same request goes on from there. Candles are read anew
    by every run, since a story needs all of them at once: the next run may read twice as many. So a story that needs n
    times the ceiling is whole after log2 n continuations, and all runs together read less than four times what it needs.
    """
    if not ceilings_hit:
        return None
    return msgspec.structs.replace(
        request,
        # What is new since this run can wait until the story is whole.
        is_asked_again=False,
        candle_share=request.candle_share * (2 if MAX_CANDLE_READS in ceilings_hit else 1),
    )

"""What the position engine is fed: events with their dollars, and the rules it books by."""

import msgspec

from oof_pipelines.positions.events import PositionEvent

SNAPSHOT_EVENTS = 500
"""After so many events a snapshot is due (`Book.is_snapshot_due`)."""


class ValuedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event and what it was worth when it happened, in whole 1e-18 dollars; None where no price was known.

    `value_usd_e18` is the dollars of the other side where something was paid, else of the units that came in or left.
    `value_source` and `value_confidence_e18` (1e18 is certain) say where the price came from; '' and None without one.
    `fees_usd_e18` is what the event's network fee and tips cost; rent is a deposit and no part of it. Where the event
    carries no fee, it means nothing.
    """

    event: PositionEvent
    value_usd_e18: int | None = None
    value_source: str = ""
    value_confidence_e18: int | None = None
    fees_usd_e18: int | None = None


class PositionRules(msgspec.Struct, frozen=True):
    """How a book reads events.

    `exchanges` are wallets known to be an exchange's: what is sent there is realised at its value where
    `is_exchange_transfer_realized`, else moved out; what comes from there has its value as basis. The wallets of `owner_set`
    share their lots; every other wallet has its own, so without one each wallet stands alone.
    """

    exchanges: frozenset[str] = frozenset()
    is_exchange_transfer_realized: bool = True
    owner_set: frozenset[str] = frozenset()

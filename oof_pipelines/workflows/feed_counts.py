"""What the feed and its sources have done since they started; gauges are as of now."""

from dataclasses import dataclass


@dataclass(slots=True)
class FeedCounts:
    """What a feed has done since it started, whoever brought what it stored; gauges are as of now."""

    heard: int = 0
    queued: int = 0
    fetched: int = 0
    stored: int = 0
    quarantined: int = 0
    finalised: int = 0
    retracted: int = 0
    ignored_votes: int = 0
    subscriptions: int = 0
    drops: int = 0
    repaired: int = 0
    unproven_gaps: int = 0
    in_flight: int = 0
    newest_slot: int = 0
    finalized_slot: int = 0


@dataclass(slots=True)
class GeyserCounts:
    """What came by Geyser. `hints` are transactions whose bytes were no good, so that they are fetched instead.

    `lag_slots` is how far the stream is behind what the RPC endpoint calls its tip; `held` transactions wait for the time
    of their block.
    """

    transactions: int = 0
    hints: int = 0
    block_metas: int = 0
    subscriptions: int = 0
    resumptions: int = 0
    refusals: int = 0
    drops: int = 0
    gaps: int = 0
    reconnections: int = 0
    newest_slot: int = 0
    finalized_slot: int = 0
    held: int = 0
    lag_slots: int = 0

"""Ids that a replay writes again: hashes of what an event says of itself, never of when or by which code it was read."""

from hashlib import sha256

import msgspec

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.results import ID_DIGITS


class EpisodeName(msgspec.Struct, gc=False):
    """The id of an episode, made when it is first asked for: whoever wants figures alone never asks.

    It is of the event that began the episode, or what a snapshot says it is.
    """

    start: PositionEvent | None
    text: str = ""

    def told(self) -> str:
        """The id; '' where there is no episode."""
        if not self.text and self.start is not None:
            self.text = episode_id(self.start)
        return self.text


def lot_id(entry: PositionEvent) -> str:
    """Of the lot that an event brought in."""
    return _hashed(f"{entry.wallet}|{entry.mint}|{entry.signature}|{entry.path}|{entry.seq}")


def episode_id(start: PositionEvent) -> str:
    """Of the episode that an event began."""
    return _hashed(f"episode|{start.wallet}|{start.mint}|{start.signature}|{start.path}|{start.seq}")


def exit_id(event: PositionEvent, kind: str, cost_mint: str | None, basis_status: str) -> str:
    """Of one row of what an event realised."""
    of_event = f"{event.wallet}|{event.mint}|{event.signature}|{event.path}|{event.seq}"
    what = f"{of_event}|{kind}|{cost_mint or ''}|{basis_status}"
    return _hashed(what)


def _hashed(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:ID_DIGITS]

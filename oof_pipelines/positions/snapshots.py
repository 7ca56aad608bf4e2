"""A book as bytes: JSON, since its integers are larger than 64 bits, and the same bytes for the same book.

A part refers to its lot by the lot's number, so that a lot of which some is held and some in pools stays one lot.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from oof_pipelines.positions.average_cost import AverageCost
from oof_pipelines.positions.cost_totals import CostTotals
from oof_pipelines.positions.episodes import OpenEpisode
from oof_pipelines.positions.lots import LotQueue, OpenLot, Part, part_of
from oof_pipelines.positions.position import Finished, Position, Transit
from oof_pipelines.positions.valued import PositionRules

VERSION = 1
"""Of the form of the bytes; another one is refused, and the events are read again."""

_SavedPart = tuple[int, int, int]
"""(number of the lot, first unit, end)"""


class SavedPosition(msgspec.Struct, gc=False):
    """One position, with its owner ('' for the owner set)."""

    owner: str
    mint: str
    lots: list[OpenLot]
    held: list[_SavedPart]
    pockets: list[tuple[str, list[_SavedPart]]]
    average: AverageCost
    episode: OpenEpisode | None
    episode_count: int
    lot_count: int
    transit: Transit | None
    unheld_raw: int


class SavedBook(msgspec.Struct):
    """Everything a book goes on from."""

    version: int
    rules: PositionRules
    event_count: int
    costs: CostTotals
    finished: Finished
    positions: list[SavedPosition]


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(SavedBook)


def encode_book(book: SavedBook) -> bytes:
    """The same bytes for the same book."""
    return _ENCODER.encode(book)


def decode_book(data: bytes) -> SavedBook:
    """What `encode_book` wrote. Raises `ValueError` for anything else."""
    try:
        saved = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"snapshot: no book of positions: {error}") from None
    if saved.version != VERSION:
        raise ValueError(f"snapshot: version {saved.version} is not {VERSION}")
    return saved


def save_position(owner: str, position: Position) -> SavedPosition:
    """The position as it is; its lots are the position's own, so it is to be encoded before the next event."""
    pockets = position.pockets.by_pool
    parts = [*position.held.parts, *(part for pocket in pockets.values() for part in pocket.parts)]
    lots = {part.lot.number: part.lot for part in parts}
    return SavedPosition(
        owner=owner,
        mint=position.mint,
        lots=[lots[number] for number in sorted(lots)],
        held=_saved(position.held.parts),
        pockets=[(pool, _saved(pockets[pool].parts)) for pool in sorted(pockets)],
        average=position.average,
        episode=position.episode,
        episode_count=position.episode_count,
        lot_count=position.lot_count,
        transit=position.transit,
        unheld_raw=position.unheld_raw,
    )


def load_position(saved: SavedPosition, finished: Finished) -> Position:
    """The position that goes on from there; what is over in it goes to `finished`."""
    lots = {lot.number: lot for lot in saved.lots}
    position = Position(saved.mint, finished)
    position.held = _loaded(saved.held, lots)
    position.pockets.by_pool = {pool: _loaded(parts, lots) for pool, parts in saved.pockets}
    position.pockets.units_raw = sum(pocket.units_raw for pocket in position.pockets.by_pool.values())
    position.average = saved.average
    position.episode = saved.episode
    position.episode_count = saved.episode_count
    position.lot_count = saved.lot_count
    position.transit = saved.transit
    position.unheld_raw = saved.unheld_raw
    return position


def _saved(parts: deque[Part]) -> list[_SavedPart]:
    return [(part.lot.number, part.first_raw, part.end_raw) for part in parts]


def _loaded(parts: Iterable[_SavedPart], lots: dict[int, OpenLot]) -> LotQueue:
    return LotQueue(part_of(lots[number], first_raw, end_raw) for number, first_raw, end_raw in parts)

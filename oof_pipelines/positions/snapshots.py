"""A book as bytes: JSON, since its integers are larger than 64 bits, and the same bytes for the same book.

What a book is made of has a form of its own here, so that it may be compiled and so that a change of it is no change of the
bytes. A part refers to its lot by the lot's number, so that a lot of which some is held and some in pools stays one lot.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec

from oof_pipelines.positions.average_cost import AverageCost
from oof_pipelines.positions.cost_totals import CostTotals
from oof_pipelines.positions.episodes import OpenEpisode
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.identity import EpisodeName
from oof_pipelines.positions.lots import LotQueue, OpenLot, Part, part_of
from oof_pipelines.positions.position import Finished, Position, Transit
from oof_pipelines.positions.results import MovedOut
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

VERSION = 2
"""Of the form of the bytes; another one is refused, and the events are read again."""

_SavedPart = tuple[int, int, int]
"""(number of the lot, first unit, end)"""


class SavedLot(msgspec.Struct, gc=False):
    """The fields of an `OpenLot`, in their order; its episode by its id."""

    number: int
    entry: PositionEvent
    episode: str
    origin: str
    qty_raw: int
    cost_mint: str | None
    cost_raw: int | None
    cost_usd_e18: int | None
    basis_status: str
    sold_raw: int
    moved_raw: int
    in_pool_raw: int


class SavedEpisode(msgspec.Struct, gc=False):
    """The fields of an `OpenEpisode`, in their order; its name as the id."""

    name: str
    number: int
    first: PositionEvent
    last: PositionEvent | None
    bought_raw: int
    sold_raw: int
    received_raw: int
    moved_out_raw: int
    trades: int
    basis_usd_e18: int
    matched_proceeds_usd_e18: int
    matched_cost_usd_e18: int
    matched_average_usd_e18: int
    other_proceeds_usd_e18: int
    unknown_proceeds_usd_e18: int
    fees_usd_e18: int
    known: int
    missing: int


class SavedCosts(msgspec.Struct, gc=False):
    """The fields of `CostTotals`, in their order."""

    network_fee_lamports: int
    tip_lamports: int
    rent_lamports: int
    fees_usd_e18: int
    unpriced_fees_lamports: int


class SavedPosition(msgspec.Struct, gc=False):
    """One position, with its owner ('' for the owner set).

    `average` are the units and the dollars of `AverageCost`, `transit` the last event and the missing units of `Transit`.
    """

    owner: str
    mint: str
    lots: list[SavedLot]
    held: list[_SavedPart]
    pockets: list[tuple[str, list[_SavedPart]]]
    average: tuple[int, int]
    episode: SavedEpisode | None
    episode_count: int
    lot_count: int
    transit: tuple[ValuedEvent, int] | None
    unheld_raw: int


class SavedFinished(msgspec.Struct):
    """What is over."""

    lots: list[SavedLot]
    episodes: list[SavedEpisode]
    moved: list[MovedOut]


class SavedBook(msgspec.Struct):
    """Everything a book goes on from."""

    version: int
    rules: PositionRules
    event_count: int
    costs: SavedCosts
    finished: SavedFinished
    positions: list[SavedPosition]


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(SavedBook)


def encode_book(
    rules: PositionRules,
    event_count: int,
    costs: CostTotals,
    finished: Finished,
    positions: Iterable[tuple[str, Position]],
) -> bytes:
    """The same bytes for the same book. `positions` come with their owner, in order."""
    saved = SavedBook(
        VERSION,
        rules,
        event_count,
        SavedCosts(*_values(costs, SavedCosts)),
        SavedFinished(
            [_saved_lot(lot) for lot in finished.lots],
            [_saved_episode(episode) for episode in finished.episodes],
            finished.moved,
        ),
        [_saved_position(owner, position) for owner, position in positions],
    )
    return _ENCODER.encode(saved)


def decode_book(data: bytes) -> SavedBook:
    """What `encode_book` wrote. Raises `ValueError` for anything else."""
    try:
        saved = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"snapshot: no book of positions: {error}") from None
    if saved.version != VERSION:
        raise ValueError(f"snapshot: version {saved.version} is not {VERSION}")
    return saved


def loaded_costs(saved: SavedCosts) -> CostTotals:
    """What all events cost."""
    return CostTotals(*_values(saved, SavedCosts))


def loaded_finished(saved: SavedFinished) -> Finished:
    """What is over."""
    return Finished([_lot(one) for one in saved.lots], [_episode(one) for one in saved.episodes], saved.moved)


def loaded_position(saved: SavedPosition, finished: Finished) -> Position:
    """The position that goes on from there; what is over in it goes to `finished`."""
    lots = {one.number: _lot(one) for one in saved.lots}
    position = Position(saved.mint, finished)
    position.held = _queue(saved.held, lots)
    position.pockets.by_pool = {pool: _queue(parts, lots) for pool, parts in saved.pockets}
    position.pockets.units_raw = sum(pocket.units_raw for pocket in position.pockets.by_pool.values())
    position.average = AverageCost(*saved.average)
    position.episode = None if saved.episode is None else _episode(saved.episode)
    position.episode_count = saved.episode_count
    position.lot_count = saved.lot_count
    position.transit = None if saved.transit is None else Transit(*saved.transit)
    position.unheld_raw = saved.unheld_raw
    return position


def _saved_position(owner: str, position: Position) -> SavedPosition:
    pockets = position.pockets.by_pool
    parts = [*position.held.parts, *(part for pocket in pockets.values() for part in pocket.parts)]
    lots = {part.lot.number: part.lot for part in parts}
    transit, episode = position.transit, position.episode
    return SavedPosition(
        owner=owner,
        mint=position.mint,
        lots=[_saved_lot(lots[number]) for number in sorted(lots)],
        held=_saved_parts(position.held.parts),
        pockets=[(pool, _saved_parts(pockets[pool].parts)) for pool in sorted(pockets)],
        average=(position.average.units_raw, position.average.cost_usd_e18),
        episode=None if episode is None else _saved_episode(episode),
        episode_count=position.episode_count,
        lot_count=position.lot_count,
        transit=None if transit is None else (transit.last, transit.missing_raw),
        unheld_raw=position.unheld_raw,
    )


def _saved_lot(lot: OpenLot) -> SavedLot:
    number, entry, episode, *rest = _values(lot, SavedLot)
    return SavedLot(number, entry, episode.told(), *rest)


def _lot(saved: SavedLot) -> OpenLot:
    number, entry, name, *rest = _values(saved, SavedLot)
    return OpenLot(number, entry, EpisodeName(None, name), *rest)


def _saved_episode(episode: OpenEpisode) -> SavedEpisode:
    name, *rest = _values(episode, SavedEpisode)
    return SavedEpisode(name.told(), *rest)


def _episode(saved: SavedEpisode) -> OpenEpisode:
    name, *rest = _values(saved, SavedEpisode)
    return OpenEpisode(EpisodeName(None, name), *rest)


def _values(one: object, form: type[msgspec.Struct]) -> list[Any]:
    """What it has in the fields of a form, in their order."""
    return [getattr(one, name) for name in form.__struct_fields__]


def _saved_parts(parts: deque[Part]) -> list[_SavedPart]:
    return [(part.lot.number, part.first_raw, part.end_raw) for part in parts]


def _queue(parts: Iterable[_SavedPart], lots: dict[int, OpenLot]) -> LotQueue:
    return LotQueue(part_of(lots[number], first_raw, end_raw) for number, first_raw, end_raw in parts)

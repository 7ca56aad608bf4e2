"""What this Python books of random events of every kind, a line each: two builds must say the same, to the last byte.

python tests/native/booked_by_a_build.py EVENTS      the first line says which build it is
"""

import sys

import msgspec

from oof_pipelines.commands.bench_fifo_events import RULES, all_kinds, event_of, trades
from oof_pipelines.commands.bench_fifo_worker import BUILD
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

_MINTS = (1, 3, 12)
_EVENTS_A_SNAPSHOT = 250


def _say(line: object) -> None:
    sys.stdout.write(f"{line}\n")


def booked(rules: PositionRules, events: list[ValuedEvent]) -> None:
    """Every row of every event, every snapshot and what is gone on to from it, and what there is in the end."""
    book = Book(rules)
    for number, valued in enumerate(events, 1):
        for row in book.step(valued):
            _say(row)
        if number % _EVENTS_A_SNAPSHOT == 0:
            data = book.snapshot()
            _say(data.decode())
            book = Book.restore(data)
            if number % (2 * _EVENTS_A_SNAPSHOT) == 0:
                drained = book.drain()
                _say((drained.lots, drained.episodes, drained.moved))
    for rows in (book.lots(), book.episodes(), book.moved(), book.in_pools()):
        for row in rows:
            _say(row)
    _say((book.unheld(), book.costs, book.event_count, book.is_snapshot_due))


def booked_at_once(events: list[ValuedEvent]) -> None:
    """Figures without rows, and the rows of them."""
    for one in Book(PositionRules()).apply_all(events):
        _say((one.realized_pnl_usd_e18, one.average_cost_usd_e18, one.row()))


def refused() -> None:
    """What an engine says to what it does not take."""
    book = Book(RULES)
    (valued,) = all_kinds(1, seed=1)
    unknown = msgspec.structs.replace(valued, event=msgspec.structs.replace(valued.event, kind="swap"))
    for refuse in (lambda: book.step(unknown), lambda: Book.restore(b"{}")):
        try:
            _say(refuse())
        except ValueError as error:
            _say(error)
    _say(book.snapshot().decode())


def main(count: int) -> None:
    _say(BUILD)
    for mints in _MINTS:
        booked(RULES, list(all_kinds(count, seed=mints, mints=mints)))
    booked_at_once([event_of(trade) for trade in trades(count, seed=7, mints=20)])
    refused()


if __name__ == "__main__":
    main(int(sys.argv[1]))

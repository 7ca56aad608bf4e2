"""One measurement of the position engine, in a process of its own, so that its memory is its own.

`python -m oof_pipelines.commands.bench_fifo_worker METHOD …` prints one line of JSON. `book TRADES`: the trades of a file
from tuples to realised trades, lots and episodes. `growth EVENTS SEED`: as many made-up trades, in slices, handing out what
is over. `rationals EVENTS SEED`: events of every kind through the engine and through the reference, and what differs.
"""

import resource
import sys
import time
from collections.abc import Sequence
from decimal import Context, Decimal
from itertools import islice
from pathlib import Path

import msgspec

from oof_pipelines.commands.bench_fifo_events import RULES, Trade, all_kinds, event_of, trades
from oof_pipelines.positions import book as engine
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.rational import RationalBook
from oof_pipelines.positions.valued import SNAPSHOT_EVENTS, PositionRules, ValuedEvent

_SLICE_EVENTS = 20_000
_EXACT = Context(prec=60)
# The reference looks through every lot that is left, so it is given its events in runs.
_RUN_EVENTS = 5_000


class Booked(msgspec.Struct, frozen=True):
    """Processor seconds: input made of trades, trades booked to gains, and what only the engine has made of them: rows.

    `realized_usd` is the sum of the gains in dollars, `build` whether the engine ran compiled.
    """

    events: int
    making_seconds: float
    booking_seconds: float
    realized_usd: str
    listing_seconds: float = 0
    rows: int = 0
    lots: int = 0
    episodes: int = 0
    build: str = ""


class Grown(msgspec.Struct, frozen=True):
    """Processor seconds of the steps alone, of handing out what is over, of a snapshot at the end, and the most memory."""

    events: int
    step_seconds: float
    drain_seconds: float
    snapshot_seconds: float
    snapshot_bytes: int
    rows: int
    peak_kib: int


class Compared(msgspec.Struct, frozen=True):
    """How many values were compared, of how many rows, and how many of them differ."""

    events: int
    rows: int
    values: int
    different: int
    book_seconds: float
    rational_seconds: float


BUILD = "pure Python" if str(engine.__file__).endswith(".py") else "compiled"
"""Which build of the engine runs here; `make native` compiles it."""


def write_trades(path: Path, count: int, seed: int) -> None:
    """Trades as both sides read them: seconds, mint, buy or sell, base units, 1e-18 dollars."""
    with path.open("w", encoding="ascii") as file:
        for one in trades(count, seed):
            file.write(f"{one.at_s} {one.mint} {one.kind} {one.qty_raw} {one.usd_e18}\n")


def book(path: Path) -> Booked:
    """The trades of a file, in memory, to everything the engine says of them."""
    told = _read(path)
    began_s = time.process_time()
    events = [event_of(one) for one in told]
    made_s = time.process_time()
    one_book = Book(PositionRules())
    exits = one_book.apply_all(events)
    realized_usd_e18 = sum(one.realized_pnl_usd_e18 or 0 for one in exits)
    booked_s = time.process_time()
    rows = [one.row() for one in exits]
    lots, episodes = one_book.lots(), one_book.episodes()
    listing_seconds = time.process_time() - booked_s
    realized_usd = str(Decimal(realized_usd_e18).scaleb(-18, _EXACT))
    times = made_s - began_s, booked_s - made_s, realized_usd, listing_seconds
    return Booked(len(told), *times, len(rows), len(lots), len(episodes), BUILD)


def _read(path: Path) -> list[Trade]:
    read = []
    for number, line in enumerate(path.read_text(encoding="ascii").splitlines()):
        at_s, mint, kind, qty_raw, usd_e18 = line.split()
        read.append(Trade.made(number, int(at_s), mint, kind, int(qty_raw), int(usd_e18)))
    return read


def growth(count: int, seed: int) -> Grown:
    """`count` trades through one book, in slices, so that the events themselves are not what grows."""
    source = trades(count, seed)
    one_book = Book(PositionRules())
    step_seconds = drain_seconds = 0.0
    rows = 0
    while events := [event_of(one) for one in islice(source, _SLICE_EVENTS)]:
        began_s = time.process_time()
        for event in events:
            rows += len(one_book.step(event))
        stepped_s = time.process_time()
        one_book.drain()
        step_seconds += stepped_s - began_s
        drain_seconds += time.process_time() - stepped_s
    began_s = time.process_time()
    data = one_book.snapshot()
    snapshot_seconds = time.process_time() - began_s
    return Grown(count, step_seconds, drain_seconds, snapshot_seconds, len(data), rows, _peak_kib())


def _peak_kib() -> int:
    """The most memory this process had. `ru_maxrss` would begin with what the command had that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def rationals(count: int, seed: int) -> Compared:
    """Events of every kind in runs, each through a new book and a new reference; every snapshot is gone on from."""
    rows = values = different = done = 0
    book_seconds = rational_seconds = 0.0
    while done < count:
        events = list(all_kinds(min(_RUN_EVENTS, count - done), seed + done))
        began_s = time.process_time()
        ours = _told(Book(RULES), events)
        booked_s = time.process_time()
        theirs = _told(RationalBook(RULES), events)
        book_seconds += booked_s - began_s
        rational_seconds += time.process_time() - booked_s
        different += abs(len(ours) - len(theirs))
        for one, other in zip(ours, theirs, strict=False):
            names = one.__struct_fields__
            rows += 1
            values += len(names)
            different += sum(1 for name in names if getattr(one, name) != getattr(other, name, None))
        done += len(events)
    return Compared(count, rows, values, different, book_seconds, rational_seconds)


def _told(one_book: Book | RationalBook, events: Sequence[ValuedEvent]) -> list[msgspec.Struct]:
    """Everything a book says; the engine's is taken up from its own snapshots on the way."""
    told: list[msgspec.Struct] = []
    for event in events:
        told += one_book.step(event)
        if isinstance(one_book, Book) and one_book.event_count % (SNAPSHOT_EVENTS * 4) == 0:
            one_book = Book.restore(one_book.snapshot())
    return [*told, *one_book.lots(), *one_book.episodes(), *one_book.moved(), *one_book.in_pools()]


def main(arguments: list[str]) -> None:
    """Measure what the arguments name."""
    method, *words = arguments
    measured: msgspec.Struct
    if method == "book":
        measured = book(Path(words[0]))
    else:
        measured = {"growth": growth, "rationals": rationals}[method](int(words[0]), int(words[1]))
    print(msgspec.json.encode(measured).decode(), flush=True)  # noqa: T201 - a line to the parent process


if __name__ == "__main__":
    main(sys.argv[1:])

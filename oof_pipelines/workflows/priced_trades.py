"""A day's trades as pricing reads them, twice and some at a time: for their outline, then by stretches of whole hours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from oof_pipelines.market.events import TRADE
from oof_pipelines.pricing.coded_trades import ORDERED_TRADE_COLUMNS, known_decimals
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS

STRETCH_TRADES = 200_000
"""Hours are folded together until they have this many trades: a fold costs some 50 ms however small it is."""

_HOUR_S = 3_600
_NEVER = 2**62
_SAID = ("mint", "quote_mint", "base_decimals", "quote_decimals")
_PAIRS = {
    "mint": pl.String(),
    "quote_mint": pl.String(),
    "trades": pl.Int64(),
    "base_decimals": pl.Int16(),
    "quote_decimals": pl.Int16(),
}
FEW_PAIRS = 50_000
_PLACE = ("slot", "tx_index")


class EventFiles(Protocol):
    """Where days of market_events are read."""

    def written_at_ns(self, dataset: str, partition: date) -> int | None:
        """When the day's file was written; None where it has none."""
        ...

    def batches(
        self, dataset: str, day: date, *, columns: list[str] | None = None, where: pl.Expr | None = None
    ) -> Iterator[pl.DataFrame]:
        """A day's rows in its file's order, some at a time: the same pieces for the same `where`."""
        ...


class ChangedMeanwhileError(RuntimeError):
    """The day's market_events were replaced while they were read; doing it again will do."""


class UnorderedEventsError(ValueError):
    """The day's market_events are not in the order of the chain: their file was not written as the store writes."""


@dataclass(frozen=True, slots=True)
class TradeOutline:
    """What a day's trades say of the whole day.

    `pairs` has mint, quote_mint, trades, and the decimals that any trade shows, a row a pair; `safe_hours` has for each batch
    the first hour since 1970 from which on nothing earlier comes any more.
    """

    pairs: pl.DataFrame
    safe_hours: list[int]

    @property
    def decimals(self) -> pl.DataFrame:
        """mint → decimals, as `known_decimals` gives them."""
        return known_decimals(self.pairs.lazy())


def read_outline(files: EventFiles, day: date) -> TradeOutline | None:
    """None where the day has no market_events."""
    if files.written_at_ns(MARKET_EVENTS.name, day) is None:
        return None
    pairs = pl.DataFrame(schema=_PAIRS)
    held: list[pl.DataFrame] = []
    first_hours = []
    for trades in _trade_batches(files, day, [*_SAID, "block_time"]):
        held.append(_by_pair(trades.with_columns(pl.lit(1, dtype=pl.Int64).alias("trades"))))
        first_hours.append(_first_hour(trades))
        # Rarely enough that what is merged is mostly new, and often enough that little waits.
        if sum(frame.height for frame in held) > FEW_PAIRS + pairs.height:
            pairs = _by_pair(pl.concat([pairs, *held]))
            held = []
    pairs = _by_pair(pl.concat([pairs, *held])).sort("mint", "quote_mint")
    # Times may run backwards a little: an hour is whole once no later batch reaches back into it.
    safe_hours = []
    first_from_here = _NEVER
    for first_hour in reversed(first_hours):
        safe_hours.append(first_from_here)
        first_from_here = min(first_from_here, first_hour)
    return TradeOutline(pairs, safe_hours[::-1])


def _by_pair(rows: pl.DataFrame) -> pl.DataFrame:
    totals = rows.group_by("mint", "quote_mint").agg(
        pl.col("trades").sum(), pl.col("base_decimals", "quote_decimals").max()
    )
    return totals.select(list(_PAIRS))


def stretches(files: EventFiles, day: date, outline: TradeOutline) -> Iterator[list[pl.DataFrame]]:
    """The day's trades by stretches of whole hours, ascending: pieces in the chain's order, of `ORDERED_TRADE_COLUMNS`.

    An hour may have millions, so mints and signers come as categories. A stretch is emptied when the next is asked for.
    Raises `ChangedMeanwhileError` where they are not those of the outline, `UnorderedEventsError` where out of order.
    """
    held: list[pl.DataFrame] = []
    mints, signers = pl.Categories.random(), pl.Categories.random()
    done_hour = -1
    for place, batch in enumerate(_ordered_batches(files, day)):
        if place >= len(outline.safe_hours) or _first_hour(batch) < done_hour:
            raise ChangedMeanwhileError(f"{MARKET_EVENTS.name} {day}: replaced while it was read; do it again")
        held.append(_with_categories(batch, mints, signers))
        if sum(piece.height for piece in held) >= STRETCH_TRADES:
            whole, rest = _split(held, outline.safe_hours[place])
            if whole:
                done_hour = outline.safe_hours[place]
                held = []
                yield whole
                # What is done with must not stay in memory while the next is read, neither the rows nor who signed them.
                whole.clear()
                signers = pl.Categories.random()
                held = [_with_categories(piece, mints, signers) for piece in rest]
    if held:
        yield held


def _with_categories(trades: pl.DataFrame, mints: pl.Categories, signers: pl.Categories) -> pl.DataFrame:
    """Addresses take 60 bytes as text, four as a category."""
    return trades.with_columns(
        pl.col("mint", "quote_mint").cast(pl.Categorical(mints)),
        pl.col("signer").cast(pl.String).cast(pl.Categorical(signers)),
    )


def _split(held: list[pl.DataFrame], safe_hour: int) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
    """(pieces of what is before the hour, pieces of the rest). Pieces that are all of one side are not copied."""
    before, rest = [], []
    is_before = _hour() < safe_hour
    for piece in held:
        count = int(piece.select(is_before.sum()).item())
        if count:
            before.append(piece if count == piece.height else piece.filter(is_before))
        if count < piece.height:
            rest.append(piece if not count else piece.filter(~is_before))
    return before, rest


def _ordered_batches(files: EventFiles, day: date) -> Iterator[pl.DataFrame]:
    """Batches in the columns that folding needs, seen to be in order by what tells it without reading the signatures."""
    last: pl.DataFrame | None = None
    for batch in _trade_batches(files, day, [*_PLACE, *ORDERED_TRADE_COLUMNS]):
        places = batch.select(_PLACE)
        places = places if last is None else pl.concat([last, places])
        if not places.select(_is_in_order()).item():
            raise UnorderedEventsError(
                f"{MARKET_EVENTS.name} {day}: rows are not in the chain's order; decode it again"
            )
        last = places.tail(1)
        yield batch.drop(_PLACE)


def _is_in_order() -> pl.Expr:
    """Whether no row's place comes before that above it; an unknown tx_index comes last in its slot."""
    slot, above = pl.col("slot"), pl.col("slot").shift(1)
    index = pl.col("tx_index").cast(pl.Int64).fill_null(_NEVER)
    return ((slot > above) | ((slot == above) & (index >= index.shift(1)))).slice(1).all()


def _trade_batches(files: EventFiles, day: date, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """The same pieces whatever columns are asked for."""
    batches = files.batches(MARKET_EVENTS.name, day, columns=list(columns), where=pl.col("kind") == TRADE)
    return (batch for batch in batches if batch.height)


def _first_hour(trades: pl.DataFrame) -> int:
    return int(trades.select(_hour().min()).item())


def _hour() -> pl.Expr:
    return pl.col("block_time").dt.epoch("s") // _HOUR_S

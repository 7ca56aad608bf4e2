"""Candles of a minute as of now: those of the files, and from the first minute that no file holds whole, made anew.

What the feed read and no file holds makes candles by the same functions as a day's pricing, from the trades of the hour
before on: a minute is judged by no earlier one. Nothing of it is kept beyond a turn, so a trade that is taken back is gone
with the next. Candles of files are kept while the files are the same. What is missed until it is folded: a coin's second step
in SOL that is heard only after the trade which is priced by it was folded.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.money import QUOTE_MINTS
from oof_pipelines.pricing.candles import day_minutes
from oof_pipelines.pricing.coded_trades import TRADE_COLUMNS, known_decimals
from oof_pipelines.pricing.filters import PriceFilters
from oof_pipelines.pricing.reference import MAX_AGE_S, ReferencePrice, ReferencePrices
from oof_pipelines.pricing.sol_usd import DAY_S
from oof_pipelines.pricing.windows import MinuteCandle, PriceWindows
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS
from oof_pipelines.storage.parquet.minute_candles import RATE_COLUMNS
from oof_pipelines.storage.parquet.price_schemas import PRICE_1M, REFERENCE_PRICES
from oof_pipelines.storage.parquet.reference_rows import reference_rows
from oof_pipelines.workflows.minute_candles import MOST_CANDLES_KEPT, CandleSource, MinuteCandles, candles_by_mint
from oof_pipelines.workflows.reference_prices import ReferenceSource, midnight_s

_MINUTE_S = 60
_LOOK_BACK_S = 60 * _MINUTE_S + MAX_AGE_S
"""A minute is judged by those of the hour before, and its second step is at most so old."""

_RECENT_DAYS = 2
_MOST_RATE_DAYS = 90
"""Some 400 kB each."""
_MONEY = {*QUOTE_MINTS, NATIVE_MINT}
_INSTANT = pl.Datetime("us", "UTC")


class PriceFiles(Protocol):
    """When the files of prices were written, and their trades."""

    def days(self, dataset: str) -> list[date]: ...

    def written_at_ns(self, dataset: str, partition: date | int) -> int | None: ...

    def read(self, dataset: str, partition: date | int) -> pl.DataFrame | None: ...


class FileTrades(Protocol):
    """The trades of the files of market_events."""

    def trades_since(self, day: date, mints: Collection[str], since: datetime) -> pl.DataFrame:
        """The day's trades of these coins on either side from `since` on, in the columns of market_events."""
        ...


class HotTrades(Protocol):
    """The trades that no file holds yet."""

    def trades(self, mints: Collection[str]) -> pl.DataFrame:
        """Those of these coins on either side, in the columns of market_events."""
        ...


class FreshSources(NamedTuple):
    """What fresh candles are made of. `reference` is None where nobody says what a SOL is worth."""

    files: PriceFiles
    candles: CandleSource
    file_trades: FileTrades
    hot: HotTrades
    filed_reference: "KeptReference"
    reference: ReferenceSource | None
    filters: PriceFilters


class _Made(NamedTuple):
    """A coin's candles from `since_s` to the end of its day at `until_s`, in place of the files'."""

    since_s: int
    until_s: int
    candles: list[MinuteCandle]


class KeptReference:
    """What the files of days say of SOL, kept while a file is the same."""

    def __init__(self, files: PriceFiles) -> None:
        self._files = files
        self._days: dict[date, tuple[int, list[ReferencePrice]]] = {}
        self._rates: dict[date, tuple[int, dict[datetime, tuple[Any, ...]]]] = {}

    def of(self, day: date) -> list[ReferencePrice]:
        """The prices that the day's file names; none without a file."""
        written_at_ns = self._files.written_at_ns(REFERENCE_PRICES.name, day)
        if written_at_ns is None:
            return []
        kept = self._days.get(day)
        if kept is None or kept[0] != written_at_ns:
            read = reference_rows(self._files.read(REFERENCE_PRICES.name, day))
            kept = self._days[day] = written_at_ns, read
            _drop_oldest(self._days, _RECENT_DAYS)
        return kept[1]

    def rates(self, day: date) -> dict[datetime, tuple[Any, ...]]:
        """minute_start → its row in `RATE_COLUMNS`."""
        written_at_ns = self._files.written_at_ns(REFERENCE_PRICES.name, day)
        if written_at_ns is None:
            return {}
        kept = self._rates.get(day)
        if kept is None or kept[0] != written_at_ns:
            frame = self._files.read(REFERENCE_PRICES.name, day)
            rows = () if frame is None else frame.select(RATE_COLUMNS).iter_rows()
            kept = self._rates[day] = written_at_ns, {row[0]: row for row in rows}
            _drop_oldest(self._rates, _MOST_RATE_DAYS)
        return kept[1]


def _drop_oldest(kept: dict[date, Any], most: int) -> None:
    while len(kept) > most:
        del kept[next(iter(kept))]


class KeptCandles:
    """Candles of the files by coin, kept while the files are the same: those of settled days apart from the newest ones."""

    def __init__(self, files: PriceFiles, source: CandleSource, *, most_kept: int = MOST_CANDLES_KEPT) -> None:
        self._files = files
        self._source = source
        self._most_kept = most_kept
        self._spans = [_Span(), _Span()]

    def of(self, mints: Collection[str], until: date) -> dict[str, list[MinuteCandle]]:
        """Coin → its candles up to the day `until`, in the order of time."""
        days = [day for day in self._files.days(PRICE_1M.name) if day <= until]
        settled, recent = days[:-_RECENT_DAYS], days[-_RECENT_DAYS:]
        for span, its_days in zip(self._spans, (settled, recent), strict=True):
            span.become(tuple((day, self._files.written_at_ns(PRICE_1M.name, day)) for day in its_days))
            missing = sorted(set(mints) - span.by_mint.keys())
            if missing:
                read = candles_by_mint(self._source.candles(missing, its_days[0], its_days[-1])) if its_days else {}
                span.keep({mint: read.get(mint, []) for mint in missing})
        first, second = (span.by_mint for span in self._spans)
        found = {mint: [*first[mint], *second[mint]] for mint in mints}
        for span in self._spans:
            span.make_room(self._most_kept // 2, set(mints))
        return found


class _Span:
    """Candles of some days by coin."""

    def __init__(self) -> None:
        self.by_mint: OrderedDict[str, list[MinuteCandle]] = OrderedDict()
        self._versions: tuple[tuple[date, int | None], ...] = ()
        self._kept = 0

    def become(self, versions: tuple[tuple[date, int | None], ...]) -> None:
        if versions != self._versions:
            self.by_mint.clear()
            self._versions, self._kept = versions, 0

    def keep(self, read: Mapping[str, list[MinuteCandle]]) -> None:
        self.by_mint.update(read)
        self._kept += sum(len(candles) + 1 for candles in read.values())

    def make_room(self, most_kept: int, wanted: Collection[str]) -> None:
        for mint in wanted:
            self.by_mint.move_to_end(mint)
        while self._kept > most_kept and len(self.by_mint) > len(wanted):
            _, candles = self.by_mint.popitem(last=False)
            self._kept -= len(candles) + 1


class FreshCandles(MinuteCandles):
    """The candles of one turn, up to the day of `as_of`. What was asked for once stays as it was."""

    def __init__(self, sources: FreshSources, kept: KeptCandles, as_of: datetime) -> None:
        self._until = as_of.astimezone(UTC).date()
        super().__init__(sources.candles, date.min, self._until)
        self._sources = sources
        self._kept_candles = kept
        self._known: dict[str, list[MinuteCandle]] = {}

    def windows(self, mints: Collection[str]) -> PriceWindows:
        """What is known of these coins; those that never had a price are simply not there."""
        wanted = sorted(set(mints))
        missing = [mint for mint in wanted if mint not in self._known]
        if missing:
            # What is hot first: what leaves it meanwhile is in the files by then.
            hot = self._sources.hot.trades(missing)
            made = fresh_candles(self._sources, hot, missing, self._until)
            filed = self._kept_candles.of(missing, self._until)
            self._known |= {mint: _joined(filed[mint], made.get(mint, [])) for mint in missing}
        return PriceWindows({mint: self._known[mint] for mint in wanted if self._known[mint]})


def fresh_candles(
    sources: FreshSources, hot: pl.DataFrame, mints: Collection[str], until: date
) -> dict[str, list[_Made]]:
    """Coin → what stands in place of its candles in files, by day. `hot` are the trades of `mints` that no file holds."""
    by_day = hot.with_columns(day=pl.col("block_time").dt.date()).partition_by("day", as_dict=True, include_key=False)
    hot_days = {key[0]: trades for key, trades in by_day.items()}
    newest = [day for day in sources.files.days(MARKET_EVENTS.name) if day <= until][-_RECENT_DAYS:]
    made: dict[str, list[_Made]] = {}
    for day in sorted({*hot_days, *newest}):
        trades = hot_days.get(day, hot.clear())
        is_lagging = _is_lagging(sources.files, day)
        if trades.is_empty() and not is_lagging:
            continue
        for mint, one in _of_day(sources, day, trades, set(mints), is_lagging=is_lagging).items():
            made.setdefault(mint, []).append(one)
    return made


def _is_lagging(files: PriceFiles, day: date) -> bool:
    """Whether the day's candles are older than what they are made of."""
    priced_at_ns = files.written_at_ns(PRICE_1M.name, day) or 0
    inputs = (files.written_at_ns(dataset.name, day) or 0 for dataset in (MARKET_EVENTS, REFERENCE_PRICES))
    return priced_at_ns < max(inputs)


def _of_day(
    sources: FreshSources, day: date, hot: pl.DataFrame, mints: set[str], *, is_lagging: bool
) -> dict[str, _Made]:
    midnight = midnight_s(day)
    since_s = dict.fromkeys(mints, midnight) if is_lagging else _first_minutes(hot, mints)
    if not since_s:
        return {}
    from_s = max(midnight, min(since_s.values()) - _LOOK_BACK_S)
    since = datetime.fromtimestamp(from_s, UTC)
    own = _with_files(sources, day, hot, since_s.keys(), since)
    # Coins that are paid with coins are worth what those stood at in SOL.
    coins = ({*own["mint"], *own["quote_mint"]} - _MONEY) - since_s.keys()
    if coins:
        steps = _with_files(sources, day, sources.hot.trades(coins), coins, since)
        steps = steps.filter((pl.col("quote_mint") == NATIVE_MINT) & (pl.col("block_time").dt.date() == day))
        own = pl.concat([own, steps.filter(~pl.col("mint").is_in(list(since_s)))])
    if own.is_empty():
        return {mint: _Made(start_s, midnight + DAY_S, []) for mint, start_s in since_s.items()}
    reference = _reference(sources, day, from_s)
    trades = own.select(TRADE_COLUMNS)
    minutes = day_minutes(trades, known_decimals(trades.lazy()), sources.filters, reference)
    starts = pl.DataFrame({"mint": list(since_s), "since_s": list(since_s.values())})
    told = minutes.join(starts, on="mint").filter(
        (pl.col("bucket_start").dt.epoch("s") >= pl.col("since_s"))
        & pl.col("is_primary")
        & pl.col("vwap_usd").is_not_null()
        & pl.col("close_usd").is_not_null()
    )
    by_mint = candles_by_mint(told.sort("mint", "bucket_start"))
    return {mint: _Made(start_s, midnight + DAY_S, by_mint.get(mint, [])) for mint, start_s in since_s.items()}


def _first_minutes(hot: pl.DataFrame, mints: set[str]) -> dict[str, int]:
    """Coin → the first minute in which a trade of it is in no file."""
    sides = [hot.select(mint=side, at_s=pl.col("block_time").dt.epoch("s")) for side in ("mint", "quote_mint")]
    firsts = pl.concat(sides).filter(pl.col("mint").is_in(sorted(mints))).group_by("mint").agg(pl.col("at_s").min())
    return {mint: at_s - at_s % _MINUTE_S for mint, at_s in firsts.iter_rows()}


def _with_files(
    sources: FreshSources, day: date, hot: pl.DataFrame, mints: Collection[str], since: datetime
) -> pl.DataFrame:
    """The day's trades of these coins from `since` on, each once: what is in a file as well, as the file has it."""
    filed = sources.file_trades.trades_since(day, mints, since)
    is_own = pl.col("mint").is_in(sorted(mints)) | pl.col("quote_mint").is_in(sorted(mints))
    waiting = hot.filter(
        is_own & (pl.col("block_time") >= pl.lit(since, _INSTANT)) & (pl.col("block_time").dt.date() == day)
    )
    return pl.concat([filed, waiting.join(filed.select("signature").unique(), on="signature", how="anti")])


def _reference(sources: FreshSources, day: date, from_s: int) -> ReferencePrices:
    """What a SOL was worth, by the day's file and, from `from_s` on, by whoever says so now."""
    filed = sources.filed_reference.of(day)
    now = sources.reference.prices(from_s - MAX_AGE_S, midnight_s(day) + DAY_S) if sources.reference else []
    return ReferencePrices({*filed, *now})


def _joined(filed: list[MinuteCandle], made: list[_Made]) -> list[MinuteCandle]:
    """The files' candles with what stands in their place."""
    joined = filed
    for one in made:
        starts = [candle.start_s for candle in joined]
        before, after = bisect_left(starts, one.since_s), bisect_left(starts, one.until_s)
        joined = [*joined[:before], *one.candles, *joined[after:]]
    return joined


class FreshRates:
    """SOL by minute: as files say, and where they do not yet, as whoever says so now does. Candles are the files'."""

    def __init__(self, sources: FreshSources, as_of: datetime) -> None:
        self._sources = sources
        self._recent = as_of - timedelta(days=_RECENT_DAYS)

    def candles(self, mints: Collection[str], first_day: date, last_day: date) -> pl.DataFrame:
        return self._sources.candles.candles(mints, first_day, last_day)

    def sol_rates(self, minutes: Collection[datetime]) -> pl.DataFrame:
        """minute_start, price_usd, source, confidence: a row for each of `minutes` that has a reference price."""
        by_day: dict[date, list[datetime]] = {}
        for minute in sorted(set(minutes)):
            by_day.setdefault(minute.date(), []).append(minute)
        rows, missing = [], []
        for day, its_minutes in by_day.items():
            filed = self._sources.filed_reference.rates(day)
            rows += [filed[minute] for minute in its_minutes if minute in filed]
            missing += [minute for minute in its_minutes if minute not in filed and minute >= self._recent]
        rows += self._said_now(missing)
        schema = {name: REFERENCE_PRICES.columns[name] for name in RATE_COLUMNS}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _said_now(self, minutes: Sequence[datetime]) -> list[tuple[Any, ...]]:
        reference = self._sources.reference
        if reference is None or not minutes:
            return []
        seconds = [int(minute.timestamp()) for minute in minutes]
        prices = ReferencePrices(reference.prices(seconds[0] - MAX_AGE_S, seconds[-1]))
        known = [(minute, prices.at(second)) for minute, second in zip(minutes, seconds, strict=True)]
        return [(minute, one.price_usd, one.source, one.confidence) for minute, one in known if one is not None]

"""One measurement of candles, in a process of its own, so that its memory is its own.

`python -m oof_pipelines.commands.bench_prices_worker METHOD STORE DAY` says its `Measured` as one line of JSON. The methods
read the same file of trades: `ours` as the asset does, `polars` and `duckdb` as an analyst would write it by hand.
"""

import contextlib
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import polars as pl

from oof_pipelines.config_files import read_config
from oof_pipelines.pricing.filters import PriceFilters, read_filters
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.price_day import price_day

_TIMEFRAMES = {"1m": 60, "5m": 300, "1h": 3_600}


class Measured(msgspec.Struct, frozen=True):
    """Seconds from the file to finished candles; of `ours` also until they are checked and written. `believed` trades.

    The candles of `ours` are in memory then, or where a day is more than a stripe, on disk.
    """

    seconds: float
    written_seconds: float | None
    candles: int
    believed: int
    idle_kib: int
    peak_kib: int


class _Unserved:
    """Serves nothing: what Postgres costs is not measured here."""

    @contextlib.contextmanager
    def lock(self, dataset: str, day: date) -> Iterator[None]:
        yield

    def days_published(self) -> set[date]:
        return set()

    def begin(self, day: date) -> None:
        pass

    def publish(self, day: date, pieces: Mapping[str, Iterable[pl.DataFrame]], sha256: str) -> None:
        pass


def _ours(store: ParquetStore, day: date, filters: PriceFilters) -> tuple[float, float | None, int, int]:
    began_at_s = time.perf_counter()
    reached_s: dict[str, float] = {}
    report = price_day(
        store,
        _Unserved(),
        filters,
        day,
        at_step=lambda step: reached_s.__setitem__(step, time.perf_counter() - began_at_s),
    )
    excluded = sum(int(count) for name, count in report.counts.items() if name == "excluded_trades")
    believed = int(report.counts["trades"]) - excluded
    return reached_s["validate"], reached_s["done"], sum(report.row_counts.values()), believed


def _polars(store: ParquetStore, day: date, filters: PriceFilters) -> tuple[float, float | None, int, int]:
    """Prices as floats; dust, thin pools and few digits by the same thresholds; outliers off the plain median, no more.

    No second look at neighbours or at the minutes before, no dollars, no confidence, nothing counted that is left out.
    """
    began_at_s = time.perf_counter()
    scale = 10.0 ** (pl.col("base_decimals").cast(pl.Float64) - pl.col("quote_decimals").cast(pl.Float64))
    base, quote = pl.col("base_raw").cast(pl.Float64), pl.col("quote_raw").cast(pl.Float64)
    smallest = pl.col("quote_mint").replace_strict(dict(filters.smallest_trade_raw), return_dtype=pl.Float64)
    thinnest = pl.col("quote_mint").replace_strict(dict(filters.thinnest_reserve_raw), return_dtype=pl.Float64)
    key = ["mint", "quote_mint", "bucket"]
    priced = (
        pl.scan_parquet(store.path("market_events", day))
        .filter(pl.col("kind") == "trade")
        .select(
            "mint",
            "quote_mint",
            "signer",
            base.alias("base"),
            quote.alias("quote"),
            (quote / base * scale).alias("price"),
            pl.col("block_time").dt.truncate("1m").alias("bucket"),
            ((quote >= smallest) & (base >= filters.fewest_raw) & (quote >= filters.fewest_raw)).alias("is_large"),
            (pl.col("quote_reserve_raw").cast(pl.Float64) >= thinnest).fill_null(True).alias("is_deep"),
        )
        .filter("is_large", "is_deep")
        .with_columns(pl.col("price").median().over(key).alias("median"))
        .filter(pl.col("price").is_between(pl.col("median") / 5, pl.col("median") * 5))
        .collect()
    )
    candles = {name: _polars_candles(priced, f"{seconds}s") for name, seconds in _TIMEFRAMES.items()}
    seconds = time.perf_counter() - began_at_s
    return seconds, None, sum(frame.height for frame in candles.values()), int(candles["1m"]["trades"].sum())


def _polars_candles(priced: pl.DataFrame, every: str) -> pl.DataFrame:
    return (
        priced.lazy()
        .group_by("mint", "quote_mint", pl.col("bucket").dt.truncate(every))
        .agg(
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            pl.col("base").sum(),
            pl.col("quote").sum(),
            pl.len().alias("trades"),
            pl.col("signer").n_unique().alias("signers"),
        )
        .with_columns((pl.col("quote") / pl.col("base")).alias("vwap"))
        .sort("mint", "quote_mint", "bucket")
        .collect()
    )


_DUCKDB = """
create temp table priced as
with sides as (
    select mint, quote_mint, signer, slot, tx_index, log_idx, epoch_us(block_time) // 60000000 as minute,
           base_raw::double as base, quote_raw::double as quote,
           quote_raw::double / base_raw::double * pow(10.0, base_decimals - quote_decimals) as price
    from read_parquet($file)
    join (select unnest($mints) as quote_mint, unnest($smallest) as smallest, unnest($thinnest) as thinnest)
        using (quote_mint)
    where kind = 'trade' and quote_raw >= smallest and least(base_raw, quote_raw) >= $fewest
      and coalesce(quote_reserve_raw >= thinnest, true)
)
select * from (select *, median(price) over (partition by mint, quote_mint, minute) as middle from sides)
where price between middle / 5 and middle * 5
"""
_DUCKDB_CANDLES = """
create temp table candles_{name} as
select mint, quote_mint, minute // {minutes} as start,
       arg_min(price, (slot, tx_index, log_idx)) as open, max(price) as high, min(price) as low,
       arg_max(price, (slot, tx_index, log_idx)) as close, sum(base) as base, sum(quote) as quote,
       sum(quote) / sum(base) as vwap, count(*) as trades, count(distinct signer) as signers
from priced group by all order by mint, quote_mint, start
"""


def _duckdb(store: ParquetStore, day: date, filters: PriceFilters) -> tuple[float, float | None, int, int]:
    """The Polars query said in SQL."""
    began_at_s = time.perf_counter()
    connection = duckdb.connect(":memory:")
    mints = list(filters.smallest_trade_raw)
    arguments = {
        "file": str(store.path("market_events", day)),
        "mints": mints,
        "smallest": [filters.smallest_trade_raw[mint] for mint in mints],
        "thinnest": [filters.thinnest_reserve_raw[mint] for mint in mints],
        "fewest": filters.fewest_raw,
    }
    connection.execute(_DUCKDB, arguments)
    counts = []
    for name, seconds in _TIMEFRAMES.items():
        connection.execute(_DUCKDB_CANDLES.format(name=name, minutes=seconds // 60))
        counts.append(connection.execute(f"select count(*), sum(trades) from candles_{name}").fetchall()[0])  # noqa: S608
    return time.perf_counter() - began_at_s, None, sum(rows for rows, _ in counts), int(counts[0][1])


METHODS: dict[str, Callable[[ParquetStore, date, PriceFilters], tuple[float, float | None, int, int]]] = {
    "ours": _ours,
    "polars": _polars,
    "duckdb": _duckdb,
}


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(method: str, store: str, day: str) -> None:
    filters = read_filters(read_config("prices.yaml"))
    idle_kib = _peak_kib()
    seconds, written_seconds, candles, believed = METHODS[method](
        ParquetStore(Path(store)), date.fromisoformat(day), filters
    )
    measured = Measured(seconds, written_seconds, candles, believed, idle_kib, _peak_kib())
    sys.stdout.write(msgspec.json.encode(measured).decode() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

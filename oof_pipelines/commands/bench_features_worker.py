"""One measurement of features, in a process of its own, so that its memory is its own.

`python -m oof_pipelines.commands.bench_features_worker METHOD STORE DAY` says its `Measured` as one line of JSON. `ours` is
what the asset does; `polars` and `duckdb` are the same columns written by hand, as far as floats allow; `step` is the fold.
"""

import contextlib
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

import duckdb
import msgspec
import polars as pl

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.features.bucket import row_of_bucket
from oof_pipelines.features.rows import LARGE_TRADE_RAW, LEAST_PRICED_RAW
from oof_pipelines.features.step import BucketClosed, FeatureOutput, FeatureState, finish, step
from oof_pipelines.features.trade_frames import PLACED_TRADE_COLUMNS, trades_of
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.parquet.trade_slices import ParquetTrades
from oof_pipelines.workflows.features_day import features_day

_STEPPED_TRADES = 200_000
_LATENESS_SECONDS = 60


class Measured(msgspec.Struct, frozen=True):
    """Seconds from the file (of `step`: from events in memory) to rows; of `ours` also until checked and written.

    The rows of `ours` are in memory then, or where a day has more than a stripe of them, on disk.
    """

    seconds: float
    written_seconds: float | None
    rows: int
    trades: int
    peak_kib: int = 0


class _Unserved:
    """Serves nothing: what Postgres costs is not measured here."""

    @contextlib.contextmanager
    def lock(self, dataset: str, day: date) -> Iterator[None]:
        yield

    def days_published(self) -> set[date]:
        return set()

    def begin(self, day: date) -> None:
        pass

    def publish(self, day: date, pieces: Iterable[pl.DataFrame], sha256: str) -> None:
        pass


def _ours(store: ParquetStore, day: date) -> Measured:
    began_at_s = time.perf_counter()
    reached_s: dict[str, float] = {}
    report = features_day(
        store,
        ParquetTrades(store),
        _Unserved(),
        day,
        at_step=lambda name: reached_s.__setitem__(name, time.perf_counter() - began_at_s),
    )
    return Measured(reached_s["validate"], reached_s["done"], report.row_count, report.trade_count)


def _step(store: ParquetStore, day: date) -> Measured:
    """The day's first trades, in their order, each bucket's row made as it closes, in seconds of this process's core."""
    first = next(ParquetTrades(store, rows_a_slice=_STEPPED_TRADES).slices(day, PLACED_TRADE_COLUMNS))
    events = list(islice(trades_of(first), _STEPPED_TRADES))
    began_at_s = time.process_time()
    state, rows = FeatureState(_LATENESS_SECONDS), 0
    for event in events:
        state, outputs = step(state, event)
        rows += _closed(outputs)
    state, outputs = finish(state)
    rows += _closed(outputs)
    return Measured(time.process_time() - began_at_s, None, rows, len(events))


def _closed(outputs: tuple[FeatureOutput, ...]) -> int:
    return len([row_of_bucket(output.bucket, None) for output in outputs if isinstance(output, BucketClosed)])


def _polars(store: ParquetStore, day: date) -> Measured:
    """Floats throughout; no value in dollars, no exact sums."""
    began_at_s = time.perf_counter()
    key = ["mint", "minute", "venue", "quote_mint"]
    large_from = pl.col("quote_mint").replace_strict(LARGE_TRADE_RAW, default=None, return_dtype=pl.Float64)
    trades = (
        pl.scan_parquet(store.path("market_events", day))
        .filter(pl.col("kind") == "trade")
        .with_columns(
            minute=pl.col("block_time").dt.truncate("1m"),
            base=pl.col("base_raw").cast(pl.Float64),
            quote=pl.col("quote_raw").cast(pl.Float64),
        )
    )
    scale = 10.0 ** (pl.col("base_decimals").max().cast(pl.Float64) - pl.col("quote_decimals").max().cast(pl.Float64))
    price = (pl.col("quote") / pl.col("base")).filter(
        (pl.col("quote") >= LEAST_PRICED_RAW) & (pl.col("base") >= LEAST_PRICED_RAW)
    )
    quote, is_buy = pl.col("quote"), pl.col("is_buy")
    rows = trades.group_by(key).agg(
        pl.len().alias("trades"),
        is_buy.sum().alias("buys"),
        pl.col("signer").n_unique().alias("uniq_signers"),
        pl.col("wallet").n_unique().alias("holders_touched"),
        quote.filter(is_buy).sum().alias("vol_in"),
        quote.filter(~is_buy).sum().alias("vol_out"),
        pl.col("base").sum().alias("base_volume"),
        (quote.filter(quote >= large_from).sum() / quote.sum()).alias("large_trade_share"),
        (price.first() * scale).alias("open_price"),
        (price.last() * scale).alias("close_price"),
        (price.last() / price.first() - 1).alias("price_change"),
        price.pct_change().pow(2).sum().sqrt().alias("realised_volatility"),
    )
    by_trader = trades.group_by(*key, "wallet").agg(quote.sum())
    whales = by_trader.group_by(key).agg((quote.top_k(5).sum() / quote.sum()).alias("whale_share_top5"))
    in_sol = pl.when(pl.col("quote_mint") == NATIVE_MINT)
    done = (
        rows.join(whales, on=key)
        .with_columns(
            (pl.col("trades") - pl.col("buys")).alias("sells"),
            in_sol.then(pl.col("vol_in") / 1e9).alias("vol_in_sol"),
            in_sol.then(pl.col("vol_out") / 1e9).alias("vol_out_sol"),
            in_sol.then((pl.col("vol_in") - pl.col("vol_out")) / 1e9).alias("net_inflow_sol"),
            (pl.col("minute") + pl.duration(minutes=1)).alias("available_at"),
        )
        .sort("mint", "minute", "venue", "quote_mint")
        .collect()
    )
    return Measured(time.perf_counter() - began_at_s, None, done.height, int(done["trades"].sum()))


_DUCKDB = """
create temp table features as
with trades as (
    select mint, time_bucket(interval '1 minute', block_time) as minute, venue, quote_mint, wallet, signer, is_buy,
           base_raw::double as base, quote_raw::double as quote, base_decimals, quote_decimals,
           case when least(base_raw, quote_raw) >= $fewest then quote_raw::double / base_raw::double end as price,
           (slot, tx_index, log_idx) as place
    from read_parquet($file) where kind = 'trade'
), returns as (
    select *, price / lag(price) over (partition by mint, minute, venue, quote_mint order by place) - 1 as change from trades
), sums as (
    select mint, minute, venue, quote_mint, count(*) as trades, count(*) filter (is_buy) as buys,
           count(*) filter (not is_buy) as sells, count(distinct signer) as uniq_signers,
           count(distinct wallet) as holders_touched, sum(quote) filter (is_buy) as vol_in,
           sum(quote) filter (not is_buy) as vol_out, sum(base) as base_volume,
           arg_min(price, place) filter (price is not null) as open,
           arg_max(price, place) filter (price is not null) as close,
           sqrt(sum(change * change)) as realised_volatility, max(base_decimals) - max(quote_decimals) as places,
           sum(quote) filter (quote >= large_from) / sum(quote) as large_trade_share
    from returns left join (select unnest($quotes) as quote_mint, unnest($large) as large_from) using (quote_mint)
    group by all
), whales as (
    select mint, minute, venue, quote_mint, list_sum(list_sort(list(quote), 'desc')[:5]) / sum(quote) as whale_share_top5
    from (select mint, minute, venue, quote_mint, wallet, sum(quote) as quote from trades group by all) group by all
)
select *, open * pow(10.0, places) as open_price, close * pow(10.0, places) as close_price, close / open - 1 as price_change,
       minute + interval '1 minute' as available_at
from sums join whales using (mint, minute, venue, quote_mint) order by mint, minute, venue, quote_mint
"""


def _duckdb(store: ParquetStore, day: date) -> Measured:
    began_at_s = time.perf_counter()
    with duckdb.connect() as connection:
        connection.execute(
            _DUCKDB,
            {
                "file": str(store.path("market_events", day)),
                "fewest": LEAST_PRICED_RAW,
                "quotes": list(LARGE_TRADE_RAW),
                "large": [float(amount) for amount in LARGE_TRADE_RAW.values()],
            },
        )
        seconds = time.perf_counter() - began_at_s
        [(rows, trades)] = connection.execute("select count(*), sum(trades)::bigint from features").fetchall()
    return Measured(seconds, None, rows, trades)


METHODS: dict[str, Callable[[ParquetStore, date], Measured]] = {
    "ours": _ours,
    "polars": _polars,
    "duckdb": _duckdb,
    "step": _step,
}


def main(method: str, folder: str, day: str) -> None:
    """Measure once."""
    measured = METHODS[method](ParquetStore(Path(folder)), date.fromisoformat(day))
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.buffer.write(msgspec.json.encode(msgspec.structs.replace(measured, peak_kib=peak_kib)) + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])

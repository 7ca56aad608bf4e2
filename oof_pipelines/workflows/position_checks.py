"""What must hold of a bucket's positions before they are published: counted from the events, by no code of the engine.

What is held follows from the events alone: the running sum of what came in and left, put back to 0 where more left than had
ever come (history that is not stored). Pools are counted the same way, each by itself.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl
from pandera.errors import SchemaErrors

from oof_pipelines.positions.events import BUY, CLAIM, COST, LP_ADD, LP_REMOVE, RECEIVE, SELL, SEND, SIGNS
from oof_pipelines.positions.valued import PositionRules
from oof_pipelines.storage.parquet.position_schemas import EPISODES, LOTS, POSITION_DATASETS, REALIZED_TRADES
from oof_pipelines.storage.parquet.schemas import DATASETS
from oof_pipelines.workflows.decoded_checks import schema_failures
from oof_pipelines.workflows.partition_checks import CheckResult

_EXAMPLES = 3
_HOLDING = ["wallet", "mint"]
_BURN = "burn"
_EXCHANGE_TRANSFER = "exchange_transfer"

POSITION_CHECKS = {
    **{
        f"{name}_schema": (name, f"Columns, types and ranges (so no quantity is negative); one row a {dataset.key[0]}.")
        for name, dataset in POSITION_DATASETS.items()
    },
    "lots_whole": (LOTS.name, "Of every lot, what came in is what remains, was sold, moved out and is in pools."),
    "bought_is_sold_held_moved": (
        LOTS.name,
        "Of every wallet and mint, lots hold what the events bring in less what they take out; none is negative.",
    ),
    "exits_are_events": (
        REALIZED_TRADES.name,
        "Of every wallet and mint, what was realised is what its sells, burns and exchange transfers gave, to the unit.",
    ),
    "episodes_add_up": (
        EPISODES.name,
        "Of every wallet and mint, episodes hold what its lots hold; they are numbered from 1, and one at most is open.",
    ),
    "balances_replay": (
        LOTS.name,
        "What wallets hold by their events is what their token accounts hold by the chain's own last word; where the store "
        "has gaps that is counted, not compared. Only watched.",
    ),
}
"""Check → dataset, what it says. All are made before any file is replaced, and blocking but for those of `WATCHED`."""

WATCHED = frozenset({"balances_replay"})
"""Of what is missing in the store nothing here is wrong, and nothing here could mend it."""


class ChainBalances(Protocol):
    """Who knows what the chain says wallets hold."""

    def balances(self, wallets: Collection[str], days: Collection[date]) -> pl.DataFrame:
        """wallet, mint, opening_raw, closing_raw, gaps: a row a wallet and mint whose token accounts moved on these days."""
        ...


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Rows that break a rule, of how many looked at."""

    wrong: pl.DataFrame
    looked_at: int

    def result(self, name: str, shown: list[str]) -> CheckResult:
        if self.wrong.is_empty():
            return CheckResult(name, True, f"{self.looked_at} looked at")
        rows = self.wrong.select(shown).unique().sort(shown).head(_EXAMPLES).rows()
        examples = ", ".join(" ".join(map(str, row)) for row in rows)
        return CheckResult(name, False, f"{self.wrong.height} of {self.looked_at} differ, e.g. {examples}")


def check_positions(
    events: pl.DataFrame, frames: dict[str, pl.DataFrame], rules: PositionRules
) -> tuple[CheckResult, ...]:
    """`events` are the bucket's wallet_events in their order, `frames` what became of them, by dataset."""
    schemas = tuple(check_rows(name, frames[name]) for name in POSITION_DATASETS)
    if not all(check.has_passed for check in schemas):
        unmade = (name for name in POSITION_CHECKS if not name.endswith("_schema") and name not in WATCHED)
        return (*schemas, *(CheckResult(name, False, "not made: a schema failed") for name in unmade))
    lots, realized, episodes = (frames[name] for name in (LOTS.name, REALIZED_TRADES.name, EPISODES.name))
    return (
        *schemas,
        _lots_whole(lots).result("lots_whole", ["lot_id"]),
        _held(events, lots, rules).result("bought_is_sold_held_moved", _HOLDING),
        _exits(events, realized, rules).result("exits_are_events", _HOLDING),
        _episodes(lots, episodes).result("episodes_add_up", _HOLDING),
    )


def check_balances(events: pl.DataFrame, balances: ChainBalances) -> CheckResult:
    """Whether opening balance + events = closing balance, wherever no gap lies in between.

    An opening that is not 0 is history from before the store: units that no event brought in.
    """
    name = "balances_replay"
    days = set(events["block_time"].dt.date())
    known = balances.balances(events["wallet"].unique().sort().to_list(), days)
    sign = pl.col("kind").replace_strict(SIGNS, return_dtype=pl.Int128)
    told = (
        events.lazy()
        .filter(pl.col("kind") != COST)
        .group_by(_HOLDING)
        .agg((sign * _wide("qty_raw")).sum().alias("told"))
        .collect()
    )
    joined = known.join(told, on=_HOLDING, how="left").with_columns(pl.col("told").fill_null(0))
    whole = joined.filter(pl.col("gaps") == 0)
    wrong = whole.filter(pl.col("opening_raw") + pl.col("told") != pl.col("closing_raw"))
    found = _Verdict(wrong, whole.height).result(name, _HOLDING)
    opened = joined.filter(pl.col("opening_raw") != 0).height
    unseen = told.join(known, on=_HOLDING, how="anti").height
    more = f"; {opened} began before the store; not compared: {joined.height - whole.height} with gaps, {unseen} unseen"
    return CheckResult(name, found.has_passed, found.detail + more, is_blocking=False)


def check_rows(dataset: str, rows: pl.DataFrame) -> CheckResult:
    """The dataset's schema and key."""
    name = f"{dataset}_schema"
    try:
        DATASETS[dataset].schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return CheckResult(name, False, schema_failures(errors))
    doubled = rows.filter(pl.struct(DATASETS[dataset].key).is_duplicated()).height
    return CheckResult(name, not doubled, f"{doubled} rows share a key" if doubled else f"{rows.height} rows")


def _lots_whole(lots: pl.DataFrame) -> _Verdict:
    parts = ("qty_remaining_raw", "qty_sold_raw", "qty_moved_raw", "qty_in_pool_raw")
    total = sum((_wide(name) for name in parts), pl.lit(0, pl.Int128))
    return _Verdict(lots.filter(_wide("qty_initial_raw") != total), lots.height)


def _held(events: pl.DataFrame, lots: pl.DataFrame, rules: PositionRules) -> _Verdict:
    """What is held, put aside, and came in by way of lots that no pool gave. An exchange puts nothing aside."""
    sign = pl.col("kind").replace_strict(SIGNS, return_dtype=pl.Int128)
    is_escrow = pl.col("is_escrow") & ~pl.col("counterparty").is_in(sorted(rules.exchanges))
    moving = events.filter(pl.col("kind") != COST).with_columns(change=sign * _wide("qty_raw"), is_escrow=is_escrow)
    held = _never_below_zero(moving, _HOLDING).rename({"level": "held"}).drop("more")
    is_parked = pl.col("kind").is_in([LP_ADD, LP_REMOVE]) | pl.col("is_escrow")
    parked = moving.filter(is_parked).with_columns(change=pl.lit(-1, pl.Int128) * pl.col("change"))
    pockets = _never_below_zero(parked, [*_HOLDING, "counterparty"])
    pooled = pockets.lazy().group_by(_HOLDING).agg(pl.col("level").sum().alias("pooled")).collect()
    # What an order, a stake or a vault gave back beyond what was put aside there came in as anything does.
    escrows = parked.select(*_HOLDING, "counterparty", "is_escrow").unique()
    given = pockets.join(escrows.filter("is_escrow"), on=[*_HOLDING, "counterparty"]).rename({"more": "change"})
    received = moving.filter(pl.col("kind").is_in([BUY, RECEIVE, CLAIM]) & ~pl.col("is_escrow"))
    columns = [*_HOLDING, "change"]
    came = (
        pl.concat([received.select(columns), given.select(columns)])
        .lazy()
        .group_by(_HOLDING)
        .agg(pl.col("change").sum().alias("came"))
        .collect()
    )
    # One address that is a pool and keeps things besides: its excess is of either, and not compared.
    mixed = escrows.group_by([*_HOLDING, "counterparty"]).len().filter(pl.col("len") > 1).select(_HOLDING)
    told = (
        lots.lazy()
        .group_by(_HOLDING)
        .agg(
            _wide("qty_remaining_raw").sum().alias("held_told"),
            _wide("qty_in_pool_raw").sum().alias("pooled_told"),
            _wide("qty_initial_raw").filter(pl.col("origin") != "lp").sum().alias("came_told"),
        )
        .collect()
    )
    joined = told
    for part in (held, pooled, came):
        joined = joined.join(part, on=_HOLDING, how="full", coalesce=True)
    numbers = joined.with_columns(pl.all().exclude(_HOLDING).fill_null(0))
    is_mixed = pl.struct(_HOLDING).is_in(mixed.select(pl.struct(_HOLDING)).to_series().implode())
    differs = (
        (pl.col("held") != pl.col("held_told"))
        | (pl.col("pooled") != pl.col("pooled_told"))
        | ((pl.col("came") != pl.col("came_told")) & ~is_mixed)
    )
    return _Verdict(numbers.filter(differs), numbers.height)


def _never_below_zero(changes: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """`by`, `level` and `more`: the sum of `change` in the order given, put back to 0 whenever it falls below.

    Such a sum ends at its plain sum less the lowest point that ever reached below 0; `more` is how far that was.
    """
    running = changes.with_columns(pl.col("change").cum_sum().over(by).alias("running"))
    return (
        running.lazy()
        .group_by(by)
        .agg(
            pl.col("running").last().alias("end"),
            pl.col("running").min().alias("lowest"),
        )
        .with_columns(more=pl.lit(0, pl.Int128) - pl.min_horizontal("lowest", pl.lit(0, pl.Int128)))
        .select(*by, "more", level=pl.col("end") + pl.col("more"))
        .collect()
    )


def _exits(events: pl.DataFrame, realized: pl.DataFrame, rules: PositionRules) -> _Verdict:
    by = [*_HOLDING, "exit"]
    is_to_exchange = (pl.col("kind") == SEND) & pl.col("counterparty").is_in(sorted(rules.exchanges))
    exits = (
        pl.when(pl.col("kind").is_in([SELL, _BURN]))
        .then("kind")
        .when(is_to_exchange & pl.lit(rules.is_exchange_transfer_realized))
        .then(pl.lit(_EXCHANGE_TRANSFER))
    )
    gave = _totals(events.with_columns(exit=exits).filter(pl.col("exit").is_not_null()), by, "gave")
    told = _totals(realized.rename({"kind": "exit"}), by, "told")
    joined = gave.join(told, on=by, how="full", coalesce=True).with_columns(pl.col("gave", "told").fill_null(0))
    return _Verdict(joined.filter(pl.col("gave") != pl.col("told")), joined.height)


def _totals(rows: pl.DataFrame, by: list[str], name: str) -> pl.DataFrame:
    return rows.lazy().group_by(by).agg(_wide("qty_raw").sum().alias(name)).collect()


def _episodes(lots: pl.DataFrame, episodes: pl.DataFrame) -> _Verdict:
    held = (
        lots.lazy().group_by(_HOLDING).agg(_wide("qty_remaining_raw").sum(), _wide("qty_in_pool_raw").sum()).collect()
    )
    told = (
        episodes.lazy()
        .group_by(_HOLDING)
        .agg(
            _wide("held_raw").sum(),
            _wide("in_pool_raw").sum(),
            pl.col("number").sort().alias("numbers"),
            pl.col("is_open").sum().alias("open"),
            pl.len().alias("episodes"),
        )
        .collect()
    )
    joined = told.join(held, on=_HOLDING, how="full", coalesce=True).with_columns(
        pl.col("qty_remaining_raw", "qty_in_pool_raw").fill_null(0)
    )
    numbered = pl.col("numbers").list.eval(pl.element() == pl.int_range(1, pl.len() + 1)).list.all()
    is_right = (
        (pl.col("held_raw") == pl.col("qty_remaining_raw"))
        & (pl.col("in_pool_raw") == pl.col("qty_in_pool_raw"))
        & numbered
        & (pl.col("open") <= 1)
        & ((pl.col("open") == 1) == (pl.col("held_raw") + pl.col("in_pool_raw") > 0))
    )
    return _Verdict(joined.filter(~is_right.fill_null(False)), joined.height)


def _wide(name: str) -> pl.Expr:
    """Sums of u64 amounts fit 128 bits."""
    return pl.col(name).cast(pl.Int128)

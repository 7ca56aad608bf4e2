"""`oof events`: the stored market stream, event by event, as a table or as a line of JSON each."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import click
import msgspec
import polars as pl

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.commands.errors import plain_errors
from oof_pipelines.commands.other_homes import hint_at_other_homes
from oof_pipelines.commands.sql_output import print_table
from oof_pipelines.market.events import STORED_KINDS, MarketEvent
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.replay import stored_events

EPILOG = """\b
Examples:
  oof events --since 2026-04-28 --limit 20
  oof events --mint 6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P --kind trade --kind risk_flag
  oof events --since 2026-04-28T12:00 --until 2026-04-28T13:00 --json | jq -r .kind | sort | uniq -c
"""
_INSTANTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_TABLE_COLUMNS = ["block_time", "slot", "kind", "venue", "mint", "quote_mint", "what", "wallet", "signature"]
# Integers that a double holds exactly; larger ones are text, as in `oof sql`.
_EXACT_IN_JSON = 2**53


@click.command(epilog=EPILOG)
@click.option("--since", type=click.DateTime(_INSTANTS), help="First instant, UTC.")
@click.option("--until", type=click.DateTime(_INSTANTS), help="Instant before which it ends, UTC.")
@click.option("--mint", help="Only events of this coin.")
@click.option(
    "--kind", "kinds", type=click.Choice(STORED_KINDS), multiple=True, help="Only this kind; may be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many events.")
@click.option("--json", "is_json", is_flag=True, help="A line of JSON an event, as long as there are any.")
@plain_errors
def events(
    since: datetime | None,
    until: datetime | None,
    mint: str | None,
    kinds: tuple[str, ...],
    limit: int | None,
    is_json: bool,
) -> None:
    """Replay the market: trades, pool states, launches, mints, changed liquidity, migrations and risk flags, in their order.

    Only files are read: what the feed heard and no file holds yet comes with the next fold (`oof sql "from market_events"`
    has it already). Amounts are base units; in JSON those over 2^53 are strings.
    """
    if mint is not None and not is_pubkey(mint):
        raise click.BadParameter(f"{mint!r} is no address", param_hint="--mint")
    first, last = _utc(since), _utc(until)
    if first is not None and last is not None and first >= last:
        raise click.BadParameter("it ends before it begins", param_hint="--until")
    settings = load_settings()
    hint_at_other_homes(settings)
    found = stored_events(
        ParquetStore(settings.store),
        first.date() if first else date.min,
        last.date() if last else date.max,
        where=_condition(first, last, mint, kinds),
    )
    chosen = found if limit is None else islice(found, limit)
    if is_json:
        for event in chosen:
            click.echo(json.dumps(_plain(event), ensure_ascii=False))
    else:
        print_table(_TABLE_COLUMNS, _table_rows(chosen))


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=UTC)


def _condition(first: datetime | None, last: datetime | None, mint: str | None, kinds: Iterable[str]) -> pl.Expr | None:
    wanted = []
    if first is not None:
        wanted.append(pl.col("block_time") >= first)
    if last is not None:
        wanted.append(pl.col("block_time") < last)
    if mint is not None:
        wanted.append(pl.col("mint") == mint)
    if kinds:
        wanted.append(pl.col("kind").is_in(list(kinds)))
    return pl.all_horizontal(wanted) if wanted else None


def _plain(event: MarketEvent) -> dict[str, Any]:
    """`kind`, the place's fields with the block time as an instant, and the event's own."""
    place = event.place
    told = {"kind": event.KIND, **msgspec.structs.asdict(place), "block_time": _instant(place.block_time_s)}
    del told["block_time_s"]
    told.update((name, value) for name, value in msgspec.structs.asdict(event).items() if name != "place")
    return {name: _exact(value) for name, value in told.items()}


def _exact(value: Any) -> Any:
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT_IN_JSON
    return str(value) if is_large else value


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _table_rows(found: Iterable[MarketEvent]) -> Iterator[tuple[Any, ...]]:
    for event in found:
        told = msgspec.structs.asdict(event)
        wallet = told.get("trader") or told.get("wallet") or told.get("creator")
        yield (
            _instant(event.place.block_time_s),
            event.place.slot,
            event.KIND,
            told.get("venue"),
            told.get("mint"),
            told.get("quote_mint"),
            _what(told),
            wallet,
            event.place.signature,
        )


def _what(told: dict[str, Any]) -> str:
    """The event in a few words, amounts in base units."""
    if "is_buy" in told:
        return f"{'buys' if told['is_buy'] else 'sells'} {told['base_raw']} for {told['quote_raw']}"
    if "is_add" in told:
        return f"{'adds' if told['is_add'] else 'removes'} {told['base_raw']} and {told['quote_raw']}"
    if "flag" in told:
        share_bps = told["share_bps"]
        return told["flag"] if share_bps is None else f"{told['flag']} {share_bps} bps"
    if "reserve_kind" in told:
        return f"{told['reserve_kind']} reserves {told['base_reserve_raw']} and {told['quote_reserve_raw']}"
    if "mint_authority" in told:
        shown = {None: "untold", "": "none"}
        return " ".join(
            f"{name} {shown.get(told[f'{name}_authority'], told[f'{name}_authority'])}" for name in ("mint", "freeze")
        )
    return str(told.get("symbol") or told.get("pool") or "")

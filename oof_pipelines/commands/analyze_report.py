"""An analysis for reading and as the one JSON object."""

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from oof_pipelines.analysis_work import AnalysisOutcome
from oof_pipelines.commands.analyze_json import dollars, instant, told
from oof_pipelines.detectors.extremes import NAMES, RealizedSale, WalletExtremes
from oof_pipelines.detectors.moment import Moment
from oof_pipelines.workflows.certificate import Certificate
from oof_pipelines.workflows.wallet_coverage import Coverage
from oof_pipelines.workflows.wallet_summary import Holding, WalletSummary

_WIDTH_OF_A_FILE = 200
_CENT = Decimal("0.01")
_PERCENT = Decimal("0.1")


def story_of(outcome: AnalysisOutcome) -> dict[str, Any]:
    """The object that --json prints, of JSON's own types; `wallets` only where there are several."""
    analysis = outcome.analysis
    wallets = {"wallets": list(analysis.wallets)} if len(analysis.wallets) > 1 else {}
    return {
        "wallet": analysis.wallets[0],
        **wallets,
        "as_of": instant(analysis.as_of),
        "summary": told(analysis.summary),
        "episodes": told(analysis.episodes),
        "moments": told(analysis.moments),
        "extremes": {name: _extreme(value) for name, value in _named(analysis.extremes)},
        "coverage": told(outcome.coverage),
        "certificates": told(outcome.certificates),
        "is_partial": outcome.is_partial,
        "ceilings_hit": list(outcome.ceilings_hit),
    }


def _named(extremes: WalletExtremes) -> Iterable[tuple[str, RealizedSale | Moment | None]]:
    values = (getattr(extremes, field) for field in WalletExtremes.__struct_fields__)
    return zip(NAMES, values, strict=True)


def _extreme(value: RealizedSale | Moment | None) -> Any:
    """A moment's explanation stands with the moment itself."""
    shown = told(value)
    return {name: inner for name, inner in shown.items() if name != "explain"} if isinstance(value, Moment) else shown


def print_report(outcome: AnalysisOutcome) -> None:
    """Summary, extremes, moments, what is held, and what all of it rests on."""
    analysis = outcome.analysis
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE, highlight=False)
    since = "" if analysis.since is None else f", from {_time(analysis.since)} on"
    console.print(Text(f"{' + '.join(analysis.wallets)}  as of {_time(analysis.as_of)}{since}", style="bold"))
    _print_summary(console, analysis.summary)
    _print_extremes(console, analysis.extremes)
    _print_moments(console, analysis.moments)
    _print_holdings(console, analysis.summary.holdings)
    _print_coverage(console, outcome.coverage)
    for certificate in outcome.certificates:
        _print_certificate(console, certificate)


def _print_summary(console: Console, summary: WalletSummary) -> None:
    rate = "no sale with a known basis" if summary.win_rate is None else _share(summary.win_rate)
    rows = {
        "realised PnL": f"{_usd(summary.realized_pnl_usd_e18)} first in, first out; "
        f"{_usd(summary.average_pnl_usd_e18)} by average cost",
        "unrealised PnL": f"{_usd(summary.unrealized_pnl_usd_e18)} of {_usd(summary.held_value_usd_e18)} held",
        "of unknown basis": f"{_usd(summary.unknown_proceeds_usd_e18)} proceeds, in no PnL",
        "fees and tips": f"{_usd(summary.fees_usd_e18)} ({summary.network_fee_lamports + summary.tip_lamports:,} lamports)",
        "win rate": f"{rate} ({summary.wins} won, {summary.losses} lost, of {summary.sales} sales)",
        "trades": f"{summary.trades:,} in {summary.episodes:,} episodes, {summary.open_episodes:,} of them open",
        "moments": ", ".join(f"{kind} {count}" for kind, count in summary.moments.items()),
        "active": f"{_second(summary.first_activity_at_s)} to {_second(summary.last_activity_at_s)}",
    }
    if summary.unpriced_exits:
        rows["without a price"] = f"{summary.unpriced_exits:,} exits, in no figure in dollars"
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, text in rows.items():
        table.add_row(Text(name, style="dim"), Text(text))
    console.print(table)
    console.print()


def _print_extremes(console: Console, extremes: WalletExtremes) -> None:
    table = _table("Extremes", ("what", "mint", "when", ">figure", ">share", "signature"))
    for name, value in _named(extremes):
        if isinstance(value, RealizedSale):
            table.add_row(
                name, value.mint, _second(value.t_event_s), _usd(value.realized_pnl_usd_e18), "", value.signature
            )
        elif value is not None:
            missed = "" if value.missed_usd_e18 is None else _usd(value.missed_usd_e18)
            table.add_row(name, value.mint, _second(value.t_event_s), missed, _share(value.pct), value.signature)
        else:
            table.add_row(name, "none", "", "", "", "")
    console.print(table)
    console.print()


def _print_moments(console: Console, moments: list[Moment]) -> None:
    if not moments:
        return
    columns = ("when", "kind", "mint", ">share", ">missed", ">reachable", ">severity", "status")
    table = _table(f"Moments ({len(moments):,})", columns)
    for moment in moments:
        table.add_row(
            _second(moment.t_event_s),
            moment.kind,
            moment.mint,
            _share(moment.pct),
            "?" if moment.missed_usd_e18 is None else _usd(moment.missed_usd_e18),
            "?" if moment.reachable_usd_e18 is None else _usd(moment.reachable_usd_e18),
            f"{moment.severity:.2f}",
            moment.status,
        )
    console.print(table)
    console.print()


def _print_holdings(console: Console, holdings: list[Holding]) -> None:
    columns = ("mint", ">held", ">in pools", ">cost", ">price", ">value", ">unrealised", "price from")
    table = _table("Open positions", columns)
    for one in holdings:
        table.add_row(
            one.mint,
            _units(one.held_raw, one.decimals),
            _units(one.in_pool_raw, one.decimals),
            _usd(one.cost_usd_e18),
            "?" if one.price_usd_e18 is None else f"{Decimal(dollars(one.price_usd_e18)).normalize():f}",
            "?" if one.value_usd_e18 is None else _usd(one.value_usd_e18),
            "?" if one.unrealized_pnl_usd_e18 is None else _usd(one.unrealized_pnl_usd_e18),
            one.price_source or "none",
        )
    if holdings:
        console.print(table)
        console.print()


def _print_coverage(console: Console, coverage: Coverage) -> None:
    span = "nothing" if coverage.first_at is None else f"{_time(coverage.first_at)} to {_time(coverage.last_at)}"
    lines = [
        f"stored: {coverage.transactions:,} transactions, {span}, slots {coverage.first_slot} to {coverage.last_slot}",
        f"residual {_of(coverage.residual_share)}, undecoded {_of(coverage.undecoded_share)} of those days, "
        f"unknown basis {_of(coverage.unknown_basis_share)} of proceeds",
        coverage.note,
    ]
    for line in lines:
        console.print(Text(line, style="dim"))


def _print_certificate(console: Console, one: Certificate) -> None:
    value = one.value
    lines = [
        f"certificate of {one.wallet}: {'complete' if one.is_complete else 'not proven complete'}, "
        f"{one.listed_transactions:,} listed, {one.accounts_proven:,} of {one.accounts_enumerated:,} token accounts proven "
        f"({one.accounts_found_by_balances:,} known by balances, {one.accounts_left_out:,} left out)",
        f"  by value moved: residual {_of(value.residual_share_of_usd)} of dollars, "
        f"{_of(value.residual_share_of_lamports)} of lamports; by programs not decoded at most "
        f"{_of(value.undecoded_share_of_usd)} and {_of(value.undecoded_share_of_lamports)}",
    ]
    for line in lines:
        console.print(Text(line, style="dim"))


def _table(title: str, columns: Iterable[str]) -> Table:
    """Columns whose name begins with > are to the right."""
    told_columns = (
        Column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
        for name in columns
    )
    return Table(*told_columns, title=Text(title, style="bold"), title_justify="left", box=None, padding=(0, 2, 0, 0))


def _usd(value_e18: int) -> str:
    return f"{Decimal(dollars(value_e18)).quantize(_CENT):,} $"


def _share(share: Decimal) -> str:
    return f"{(share * 100).quantize(_PERCENT):,} %"


def _of(share: Decimal | None) -> str:
    return "unknown" if share is None else f"{share * 100:.2f} %"


def _units(raw: int, decimals: int | None) -> str:
    """Whole coins without trailing zeros; base units where nobody knows the decimals."""
    if decimals is None:
        return f"{raw:,} base units"
    whole, part = divmod(raw, 10**decimals)
    fraction = f"{part:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole:,}.{fraction}" if fraction else f"{whole:,}"


def _second(at_s: int | None) -> str:
    return "never" if at_s is None else _time(datetime.fromtimestamp(at_s, UTC))


def _time(at: datetime | None) -> str:
    return "never" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"

"""What `oof bench decode --peer` prints: speeds, counts by verdict, then every difference on a line; or JSON lines."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.commands.bench_peer_compare import VERDICTS, Comparison, Difference
from oof_pipelines.commands.bench_peer_statements import PeerAnswer, Statement

WIDTH = 120
_SHOWN = 6
_OURS = "ours: bytes → moves, routes, actions"
_PEER_BYTES = "peer: bytes → parseAll"
_PEER_OBJECTS = "peer: objects → parseTrades"


@dataclass(slots=True)
class Speeds:
    """Processor seconds a transaction, an entry a round; `is_pinned` where all ran on one and the same core.

    `build` says which of ours was measured: pure Python or compiled.
    """

    transactions: int
    is_pinned: bool
    build: str = "pure Python"
    ours_seconds: list[float] = field(default_factory=list)
    from_bytes_seconds: list[float] = field(default_factory=list)
    from_objects_seconds: list[float] = field(default_factory=list)

    def add(self, ours_seconds: float, from_bytes_seconds: float, from_objects_seconds: float) -> None:
        """The seconds a transaction of one round."""
        self.ours_seconds.append(ours_seconds)
        self.from_bytes_seconds.append(from_bytes_seconds)
        self.from_objects_seconds.append(from_objects_seconds)

    @property
    def rows(self) -> list[tuple[str, list[float]]]:
        return [
            (_OURS, self.ours_seconds),
            (_PEER_BYTES, self.from_bytes_seconds),
            (_PEER_OBJECTS, self.from_objects_seconds),
        ]

    def ratios(self, seconds: list[float]) -> list[float]:
        """How many times as long as ours it took, round by round."""
        return [its / ours for its, ours in zip(seconds, self.ours_seconds, strict=True)]


def show(note: str, speeds: Speeds, answers: Sequence[PeerAnswer], compared: Comparison) -> None:
    """Print the tables, then the differences."""
    console = Console(width=WIDTH)
    for table in (_speeds(speeds), _agreements(compared), _verdicts(compared)):
        console.print(table)
    pinned = "one core" if speeds.is_pinned else "not held on one core: this system cannot"
    rounds = f"medians of {len(speeds.ours_seconds)} rounds in turn (least–most); ratios within a round"
    click.echo(f"{rounds}; processor time of all threads, {pinned}; ours is {speeds.build}")
    click.echo(f"{note}; the peer refused {sum(bool(answer.error) for answer in answers)}")
    for difference in compared.differences:
        click.echo(difference_line(difference))


def show_json(note: str, speeds: Speeds, answers: Sequence[PeerAnswer], compared: Comparison) -> None:
    """The same as JSON lines, told apart by `record`: speed, agreement, verdict, difference."""
    for name, seconds in speeds.rows:
        micros = {"median_us": _micros(median(seconds)), "rounds_us": [_micros(one) for one in seconds]}
        ratio = round(median(speeds.ratios(seconds)), 2)
        _print(
            {
                "record": "speed",
                "what": name,
                **micros,
                "to_ours": ratio,
                "is_pinned": speeds.is_pinned,
                "our_build": speeds.build,
            }
        )
    for way, count in sorted(compared.agreed.items()):
        _print({"record": "agreement", "with": way, "count": count})
    for (kind, verdict), count in sorted(_counts(compared).items()):
        _print({"record": "verdict", "kind": kind, "verdict": verdict, "count": count})
    _print({"record": "note", "note": note, "refused_by_peer": sum(bool(answer.error) for answer in answers)})
    for difference in compared.differences:
        _print({"record": "difference", **difference_json(difference)})


def difference_line(difference: Difference) -> str:
    """Signature, kind, who is right, ours and the peer's with what bears them out, what the accounts in question gained."""
    parts = [
        difference.signature,
        difference.kind,
        f"right: {difference.verdict}",
        f"ours {_shown(difference.ours)} [{difference.ours_evidence or 'not borne out'}]",
        f"peer {_shown(difference.peer)} [{difference.peer_evidence or 'not borne out'}]",
        f"accounts {difference.net_sold_raw:+} {difference.net_bought_raw:+}",
    ]
    return "  ".join(parts)


def difference_json(difference: Difference) -> dict[str, Any]:
    """The same with whole addresses; amounts are texts of base units."""
    return {
        "signature": difference.signature,
        "kind": difference.kind,
        "verdict": difference.verdict,
        "ours": _statement(difference.ours),
        "ours_evidence": difference.ours_evidence,
        "peer": _statement(difference.peer),
        "peer_evidence": difference.peer_evidence,
        "net_sold_raw": str(difference.net_sold_raw),
        "net_bought_raw": str(difference.net_bought_raw),
    }


def _statement(one: Statement | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "path": one.path,
        "program": one.program_id,
        "trader": one.trader,
        "sold_mint": one.sold_mint,
        "sold_raw": str(one.sold_raw),
        "bought_mint": one.bought_mint,
        "bought_raw": str(one.bought_raw),
        "cost_fees_raw": [str(raw) for raw in one.cost_fees_raw],
        "proceeds_fees_raw": [str(raw) for raw in one.proceeds_fees_raw],
        "beside_cost_raw": str(one.beside_cost_raw),
        "beside_proceeds_raw": str(one.beside_proceeds_raw),
        "is_hop": one.is_hop,
    }


def _shown(one: Statement | None) -> str:
    if one is None:
        return "nothing"
    cost = [raw for raw in (*one.cost_fees_raw, one.beside_cost_raw) if raw]
    proceeds = [raw for raw in (*one.proceeds_fees_raw, one.beside_proceeds_raw) if raw]
    sold = f"{one.sold_raw}{''.join(f'{raw:+}' for raw in cost)} {_mint(one.sold_mint)}"
    bought = f"{one.bought_raw}{''.join(f'{-raw:+}' for raw in proceeds)} {_mint(one.bought_mint)}"
    return f"{one.path} {one.program_id[:_SHOWN]} {one.trader[:_SHOWN]}: {sold} → {bought}"


def _mint(mint: str) -> str:
    return "SOL" if mint == NATIVE_MINT else mint[:_SHOWN]


def _speeds(speeds: Speeds) -> Table:
    title = f"{speeds.transactions:,} transactions"
    table = Table("one core", "transactions/s", "µs a transaction", "ours is … times as fast", title=title)
    for name, seconds in speeds.rows:
        table.add_row(
            name,
            _spread([1 / one for one in seconds], ",.0f"),
            _spread([_micros(one) for one in seconds], ",.0f"),
            "" if name == _OURS else _spread(speeds.ratios(seconds), ".2f"),
        )
    return _right(table)


def _agreements(compared: Comparison) -> Table:
    table = Table("what the peer says that agrees", "count")
    for way, count in sorted(compared.agreed.items(), key=lambda item: -item[1]):
        table.add_row(f"with {way}", f"{count:,}")
    return _right(table)


def _verdicts(compared: Comparison) -> Table:
    """Differences by kind, and whom the balances bear out."""
    counts = _counts(compared)
    table = Table("differences", *VERDICTS, "together")
    for kind in sorted({kind for kind, _ in counts}):
        row = [counts[kind, verdict] for verdict in VERDICTS]
        table.add_row(kind, *map(str, row), str(sum(row)))
    sums = [sum(counts[key] for key in counts if key[1] == verdict) for verdict in VERDICTS]
    table.add_row("together", *map(str, sums), str(sum(sums)), style="bold")
    return _right(table)


def _counts(compared: Comparison) -> Counter[tuple[str, str]]:
    return Counter((one.kind, one.verdict) for one in compared.differences)


def _micros(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def _spread(values: Sequence[float], form: str) -> str:
    middle = format(median(values), form)
    return middle if len(values) == 1 else f"{middle} ({format(min(values), form)}–{format(max(values), form)})"


def _right(table: Table) -> Table:
    for column in table.columns[1:]:
        column.justify = "right"
        column.no_wrap = True
    return table


def _print(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))

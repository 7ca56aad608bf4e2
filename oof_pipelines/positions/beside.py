"""What a wallet's tokens did beside its trades, pools and claims: what came from somebody, went to somebody, was burned.

What a route moves is the route's: of it counts only what a wallet has more or less of in the end, not the mints that it
passed through. A move is beside where it is no route's and no told deed of its wallet and mint accounts for its path. What
moved beside is told apart by who is on the other side; where it is but a part of what was told (a router took what was sold
by a transfer of its own), what is left on the whole is told as one.
"""

from collections.abc import Iterable, Iterator, Mapping

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINTS, RESIDUAL_PATH, Move, log_idx
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.positions.deeds import FIRST, IN_PLACE, LAST, Deed, Holding
from oof_pipelines.positions.events import BURN, RECEIVE, SEND


def beside(moves: Iterable[Move], told: Mapping[Holding, list[Deed]], routed: frozenset[str]) -> Iterator[Deed]:
    """The deeds that lead from those told to what the moves change, holding by holding, of wallets that may sign.

    `routed` are the paths of all moves of the transaction's routes.
    """
    book = _Book(moves, routed)
    for holding in dict.fromkeys((*told, *book.by_holding)):
        if not is_off_curve(holding[0]):
            yield from _of_holding(book, holding, told.get(holding, []))


class _Book:
    """The moves of tokens of one transaction: those of each holding, and by path and mint what each owner's changed by."""

    def __init__(self, moves: Iterable[Move], routed: frozenset[str]) -> None:
        self.routed = routed
        self.by_holding: dict[Holding, list[Move]] = {}
        self._by_path: dict[tuple[str, str], dict[str, int]] = {}
        for move in moves:
            if move.is_virtual or move.asset == LAMPORTS_ASSET or move.asset in NATIVE_MINTS:
                continue
            self.by_holding.setdefault((move.owner, move.asset), []).append(move)
            owners = self._by_path.setdefault((move.path, move.asset), {})
            owners[move.owner] = owners.get(move.owner, 0) + move.delta_raw

    def other_side(self, holding: Holding, path: str, change_raw: int) -> str:
        """Who gave what the wallet got at a path, or got what it gave; '' where that is nobody, or more than one."""
        wallet, mint = holding
        owners = self._by_path[path, mint]
        others = [owner for owner, raw in owners.items() if owner != wallet and raw * change_raw < 0]
        return others[0] if len(others) == 1 else ""

    def giver_of(self, mint: str, qty_raw: int) -> str:
        """The one owner who has just so much less of the mint afterwards; '' where that is nobody, or more than one."""
        nets = {owner: _net_raw(moves) for (owner, asset), moves in self.by_holding.items() if asset == mint}
        givers = [owner for owner, net_raw in nets.items() if net_raw == -qty_raw]
        return givers[0] if len(givers) == 1 else ""


def _by_path(moves: Iterable[Move]) -> dict[str, int]:
    """Path → what the moves change there, in the order of the moves."""
    changes: dict[str, int] = {}
    for move in moves:
        changes[move.path] = changes.get(move.path, 0) + move.delta_raw
    return changes


def _net_raw(moves: Iterable[Move]) -> int:
    return sum(move.delta_raw for move in moves)


def _of_holding(book: _Book, holding: Holding, told: list[Deed]) -> Iterator[Deed]:
    moves = book.by_holding.get(holding, [])
    accounted = book.routed.union(*(deed.paths for deed in told))
    within = [move for move in moves if move.path in accounted]
    outside = [move for move in moves if move.path not in accounted]
    unexplained_raw = _net_raw(within) - sum(deed.change_raw for deed in told)
    outside_raw = _net_raw(outside)
    if told and unexplained_raw * outside_raw < 0:
        yield from _left(book, holding, unexplained_raw + outside_raw, moves, told)
        return
    yield from _burned(holding, outside)
    yield from _by_counterparty(book, holding, [move for move in outside if move.kind != "burn"])
    yield from _left(book, holding, unexplained_raw, within, told)


def _burned(holding: Holding, moves: list[Move]) -> Iterator[Deed]:
    wallet, mint = holding
    for move in moves:
        if move.kind == "burn":
            yield Deed(wallet, BURN, mint, -move.delta_raw, move.path)


def _by_counterparty(book: _Book, holding: Holding, moves: list[Move]) -> Iterator[Deed]:
    """One deed an other side, at the first path where anything moved between the two."""
    wallet, mint = holding
    nets: dict[str, int] = {}
    first_path: dict[str, str] = {}
    for path, change_raw in _by_path(moves).items():
        other = book.other_side(holding, path, change_raw)
        nets[other] = nets.get(other, 0) + change_raw
        first_path.setdefault(other, path)
    for other, net_raw in nets.items():
        if net_raw:
            kind = RECEIVE if net_raw > 0 else SEND
            yield Deed(wallet, kind, mint, abs(net_raw), first_path[other], counterparty=other)


def _left(book: _Book, holding: Holding, left_raw: int, moves: list[Move], told: list[Deed]) -> Iterator[Deed]:
    """What is left on the whole, with whoever is alone on the other side of it.

    What came in beside trades comes before them, as they may have sold it, and what went out goes behind them.
    """
    if not left_raw:
        return
    wallet, mint = holding
    its_paths = {path: raw for path, raw in _by_path(moves).items() if raw * left_raw > 0}
    if its_paths:
        others = {book.other_side(holding, path, raw) for path, raw in its_paths.items()}
        other = others.pop() if len(others) == 1 else ""
    else:
        # An order is filled with what its maker put aside earlier, and not with anything of his own.
        other = book.giver_of(mint, left_raw) if left_raw > 0 else ""
    path = min((*its_paths, *(deed.path for deed in told)) or (RESIDUAL_PATH,), key=log_idx)
    kind, standing = (RECEIVE, FIRST) if left_raw > 0 else (SEND, LAST)
    yield Deed(wallet, kind, mint, abs(left_raw), path, counterparty=other, standing=standing if told else IN_PLACE)

"""What a wallet has staked, as its own movements show it.

A stake is what went from a wallet to an account that only a program signs for, in a transaction that calls the staking
program; what comes back from that account in such a transaction is no longer staked. Counted account by account and never
below nothing, since a program may pay rewards out of another account, or more than was put in: so the figure may be too
low where stakes and rewards share an account, and never too high.
"""

from collections.abc import Iterable

import msgspec

from oof_pipelines.positions.events import RECEIVE, SEND


class StakeMove(msgspec.Struct, frozen=True):
    """A send or receive of the token by the wallet, in a transaction that calls the staking program. In chain order."""

    kind: str
    counterparty: str
    qty_raw: int


def staked_raw(moves: Iterable[StakeMove]) -> int:
    """Base units that are staked after these moves, which are in the order of the chain."""
    staked: dict[str, int] = {}
    for move in moves:
        if move.kind == SEND:
            staked[move.counterparty] = staked.get(move.counterparty, 0) + move.qty_raw
        elif move.kind == RECEIVE:
            staked[move.counterparty] = max(0, staked.get(move.counterparty, 0) - move.qty_raw)
    return sum(staked.values())

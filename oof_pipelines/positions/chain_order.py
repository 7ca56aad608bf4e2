"""The order of several wallets' events: that of the chain, and within a transaction that in which units went on.

`seq` counts a wallet's own events of a transaction, so between wallets it says nothing; where in the transaction they
happened does. A wallet's events do not always ascend by path (what it sent on the whole is told behind its trades, wherever
that began), so each is taken to be as far on as the farthest before it.
"""

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import TypeVar

from oof_pipelines.positions.events import PositionEvent

Row = TypeVar("Row")

_Transaction = tuple[int, bool, int, str]
_Place = tuple[_Transaction, int, int, str]


def in_chain_order(rows: Iterable[Row], event_of: Callable[[Row], PositionEvent]) -> list[Row]:
    """The rows in the order of their events: slot, position in the block (unknown ones behind the known), signature.

    Within a transaction by how far on in it the wallet was (the highest `log_idx` among this and its earlier events), then
    `seq` and wallet: a wallet's events keep their order, and what one wallet passes on comes before what the next does with
    it. Of one wallet's rows the order is that of `PositionEvent.order_key`.
    """
    told = [(event.order_key, event.wallet, event.log_idx, row) for row in rows for event in (event_of(row),)]
    told.sort(key=itemgetter(0, 1))
    if len({wallet for _, wallet, _, _ in told}) < 2:
        return [row for _, _, _, row in told]
    reached: dict[str, int] = {}
    transaction: _Transaction | None = None
    placed: list[tuple[_Place, Row]] = []
    for (slot, is_unplaced, tx_index, signature, seq), wallet, log_idx, row in told:
        its_transaction = (slot, is_unplaced, tx_index, signature)
        if its_transaction != transaction:
            transaction = its_transaction
            reached.clear()
        log_idx = reached[wallet] = max(log_idx, reached.get(wallet, log_idx))
        placed.append(((its_transaction, log_idx, seq, wallet), row))
    placed.sort(key=itemgetter(0))
    return [row for _, row in placed]

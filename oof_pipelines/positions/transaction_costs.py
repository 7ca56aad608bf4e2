"""What a transaction cost each wallet beside what it traded: the network's fee, tips, and deposits for accounts."""

from collections.abc import Iterable

import msgspec

from oof_pipelines.chain.actions import Action
from oof_pipelines.chain.moves import FEE_PATH, LAMPORTS_ASSET, Move


class Costs(msgspec.Struct, frozen=True, gc=False):
    """Lamports of one wallet in one transaction. Rent is what it paid into accounts less what it got back from them."""

    network_fee_lamports: int = 0
    tip_lamports: int = 0
    rent_lamports: int = 0


def costs_by_wallet(moves: Iterable[Move], actions: Iterable[Action]) -> dict[str, Costs]:
    """Wallet → its costs, of those that have any.

    Fees and tips are what left its own lamports for them. A deposit is of who paid it in and of who got it back, whoever
    owned the account: the lamports of a token account belong to its owner, so by the moves nothing would have been paid.
    """
    found: dict[str, list[int]] = {}

    def add(wallet: str, column: int, lamports: int) -> None:
        found.setdefault(wallet, [0, 0, 0])[column] += lamports

    for move in moves:
        if move.asset == LAMPORTS_ASSET and not move.is_virtual and move.account == move.owner:
            if move.path == FEE_PATH:
                add(move.owner, 0, -move.delta_raw)
            elif move.kind == "tip" and move.delta_raw < 0:
                add(move.owner, 1, -move.delta_raw)
    for action in actions:
        if action.kind == "account_open":
            add(action.wallet, 2, action.amount_raw)
        elif action.kind == "account_close":
            add(action.counterparty, 2, -action.amount_raw)
    return {wallet: Costs(*lamports) for wallet, lamports in found.items() if any(lamports)}

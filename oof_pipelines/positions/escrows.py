"""What a program keeps for a wallet: tokens put aside for an order, a stake, a vault, which come back or are sold for it.

A transaction does not say that something will come back. Tokens that go to an account which only a program signs for count
as put aside where nothing else changed hands: who got something for what he gave has sold it, to whomever. What comes from
such an account is what it kept, as far as it kept any, by the same rule, and where it fills the wallet's order.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.facts import OrderFill
from oof_pipelines.positions.deeds import Deed
from oof_pipelines.positions.events import RECEIVE, SEND
from oof_pipelines.positions.transaction_costs import Costs

# More than the deposits for the accounts that an order or a stake needs; less than anybody trades for.
_MOST_DEPOSITED_LAMPORTS = 10_000_000


def marked_escrows(decoded: Decoded, told: list[Deed], others: Iterable[Deed], costs: dict[str, Costs]) -> list[Deed]:
    """`others`, what wallets did beside what is `told`, with `is_escrow` where a program keeps it for the wallet."""
    beside = list(others)
    if not any(_is_with_program(deed) for deed in beside):
        return beside
    makers = {fact.maker for fact in decoded.facts if isinstance(fact, OrderFill)}
    done_by: dict[str, set[tuple[str, str]]] = {}
    for deed in (*told, *beside):
        done_by.setdefault(deed.wallet, set()).add((deed.mint, deed.kind))

    def is_kept(deed: Deed) -> bool:
        if not _is_with_program(deed):
            return False
        if deed.kind == RECEIVE and deed.wallet in makers:
            return True
        return len(done_by[deed.wallet]) == 1 and not _is_paid(decoded, deed.wallet, costs)

    return [deed.marked_escrow() if is_kept(deed) else deed for deed in beside]


def _is_with_program(deed: Deed) -> bool:
    return deed.kind in (SEND, RECEIVE) and deed.counterparty != "" and is_off_curve(deed.counterparty)


def _is_paid(decoded: Decoded, wallet: str, costs: dict[str, Costs]) -> bool:
    """Whether the wallet gave or got SOL beside the network's fee, tips and deposits."""
    paid = costs.get(wallet, Costs())
    lamports = sum(
        move.delta_raw
        for move in decoded.moves
        if move.owner == wallet and move.asset == LAMPORTS_ASSET and not move.is_virtual
    )
    return abs(lamports + paid.network_fee_lamports + paid.tip_lamports) > _MOST_DEPOSITED_LAMPORTS

"""Whatever routes and facts say, the events of a holding add up to what its moves change, and bought units come first."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from told_transactions import COIN, OTHER, address, sent, supplied

from oof_pipelines.chain.moves import Move
from oof_pipelines.positions.beside import beside
from oof_pipelines.positions.deeds import Deed, Holding
from oof_pipelines.positions.events import BUY, CLAIM, LP_ADD, SELL

_WALLETS = ("anna", "bert", "carl", "x-pool")
_POOL = address("x-pool")
_PATHS = st.sampled_from(["0", "1", "2", "2.0", "2.1", "3"])
_AMOUNTS = st.integers(0, 2**64 - 1)
_MINTS = st.sampled_from([COIN, OTHER])
_TRANSFERS = st.builds(sent, _PATHS, st.sampled_from(_WALLETS), st.sampled_from(_WALLETS), _MINTS, _AMOUNTS)
_SUPPLIES = st.builds(supplied, _PATHS, st.sampled_from(_WALLETS), _MINTS, st.integers(-(2**64), 2**64))
_TOLD = st.builds(
    Deed,
    wallet=st.sampled_from([address(name) for name in _WALLETS]),
    kind=st.sampled_from([BUY, SELL, CLAIM, LP_ADD]),
    mint=_MINTS,
    qty_raw=_AMOUNTS,
    path=_PATHS,
    paths=st.lists(_PATHS, max_size=3).map(tuple),
)


def by_holding(deeds: list[Deed]) -> dict[Holding, list[Deed]]:
    found: dict[Holding, list[Deed]] = {}
    for deed in deeds:
        found.setdefault((deed.wallet, deed.mint), []).append(deed)
    return found


@given(
    st.lists(st.one_of(_TRANSFERS, _SUPPLIES), max_size=8),
    st.lists(_TOLD, max_size=5),
    st.frozensets(_PATHS, max_size=3),
)
def test_told_and_beside_add_up_to_the_moves(parts: list[list[Move]], told: list[Deed], routed: frozenset[str]) -> None:
    moves = [move for part in parts for move in part]
    deeds = [*told, *beside(moves, by_holding(told), routed)]
    booked: Counter[Holding] = Counter()
    for move in moves:
        if not move.is_virtual and move.owner != _POOL:
            booked[move.owner, move.asset] += move.delta_raw
    found: Counter[Holding] = Counter()
    for deed in deeds:
        assert deed.qty_raw >= 0
        if deed.wallet != _POOL:
            found[deed.wallet, deed.mint] += deed.change_raw
    assert all(deed.wallet != _POOL for deed in deeds[len(told) :]), "nobody signs for a pool"
    assert {key: raw for key, raw in found.items() if raw} == {key: raw for key, raw in booked.items() if raw}


@given(st.lists(st.one_of(_TRANSFERS, _SUPPLIES), max_size=8))
def test_without_trades_every_transfer_has_both_its_sides(parts: list[list[Move]]) -> None:
    """Each send to a wallet is its receive from the sender, of the same amount in all."""
    # One transfer a path, so that nobody is one of several on the other side.
    moves = [
        Move(f"{number}", one.account, one.owner, one.asset, one.delta_raw, one.kind, one.is_virtual)
        for number, part in enumerate(parts)
        for one in part
    ]
    between: Counter[tuple[str, str, str]] = Counter()
    for deed in beside(moves, {}, frozenset()):
        if deed.counterparty not in ("", _POOL):
            between[deed.wallet, deed.counterparty, deed.mint] += deed.change_raw
    for (wallet, other, mint), raw in between.items():
        assert between[other, wallet, mint] == -raw

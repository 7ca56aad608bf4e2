"""Events of every recorded transaction: they add up to the book, cost what was paid, and are the golden ones."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from positions.recorded_position_events import CHOSEN, GOLDEN, decoded_recordings, events_of_decoded, golden_text

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.positions import journal
from oof_pipelines.positions.events import BUY, COST, KINDS, SELL, TRADES, PositionEvent

_decoded = cache(decoded_recordings)
# Of 153 wallets that traded in the recordings, those whose SOL is explained to the lamport. The others sent SOL beside (to a
# bot, to a service that we do not know for tips), which is money and no event.
_FEWEST_EXPLAINED = 126


@pytest.fixture(scope="module")
def recorded(fixtures_dir: Path) -> list[tuple[Decoded, list[PositionEvent]]]:
    found = [(decoded, events_of_decoded(decoded)) for decoded in _decoded(fixtures_dir)]
    assert len(found) > 200
    return found


def test_the_chosen_transactions_are_what_a_person_reviewed(fixtures_dir: Path) -> None:
    assert golden_text(fixtures_dir) == GOLDEN.read_text(encoding="utf-8")
    assert len(CHOSEN) == len(set(CHOSEN.values())) > 15


def test_the_golden_file_shows_every_kind() -> None:
    words = {line.split()[3] for line in GOLDEN.read_text(encoding="utf-8").splitlines() if len(line.split()) > 4}
    assert set(KINDS) <= words


def test_events_add_up_to_the_moves_of_each_wallet_token_and_transaction(
    recorded: list[tuple[Decoded, list[PositionEvent]]],
) -> None:
    holdings = 0
    for decoded, events in recorded:
        booked: Counter[tuple[str, str]] = Counter()
        for move in decoded.moves:
            is_token = move.asset != LAMPORTS_ASSET and move.asset not in NATIVE_MINTS
            if is_token and not move.is_virtual and not is_off_curve(move.owner):
                booked[move.owner, move.asset] += move.delta_raw
        told: Counter[tuple[str, str]] = Counter()
        for event in events:
            if event.kind != COST:
                told[event.wallet, event.mint] += event.change_raw
        assert {key: raw for key, raw in told.items() if raw} == {key: raw for key, raw in booked.items() if raw}
        holdings += len(told)
    assert holdings > 250


def test_nothing_is_negative_and_each_wallet_is_numbered_from_zero(
    recorded: list[tuple[Decoded, list[PositionEvent]]],
) -> None:
    for _, events in recorded:
        seqs: dict[str, list[int]] = {}
        for event in events:
            seqs.setdefault(event.wallet, []).append(event.seq)
            assert event.qty_raw >= 0
            assert event.other_raw is None or event.other_raw >= 0
            assert (event.kind in TRADES) == (event.other_mint != "") == (event.other_raw is not None)
            assert (event.mint == NATIVE_MINT) == (event.kind == COST) == (event.path == "fee")
            assert event.kind == COST or event.mint not in NATIVE_MINTS
        assert all(found == list(range(len(found))) for found in seqs.values())


def test_the_network_fee_stands_once_at_who_paid_it(recorded: list[tuple[Decoded, list[PositionEvent]]]) -> None:
    for decoded, events in recorded:
        bearing = [(e.wallet, e.network_fee_lamports) for e in events if e.network_fee_lamports]
        assert bearing == [(decoded.transaction.fee_payer, decoded.transaction.fee_lamports)]
        borne = [e.wallet for e in events if e.network_fee_lamports or e.tip_lamports or e.rent_lamports]
        assert len(borne) == len(set(borne))


def test_failed_ones_cost_their_fee_and_nothing_else(recorded: list[tuple[Decoded, list[PositionEvent]]]) -> None:
    failed = [events for decoded, events in recorded if decoded.transaction.is_failed]
    assert len(failed) > 15
    assert all([event.kind for event in events] == [COST] for events in failed)


def test_what_trades_and_costs_say_explains_the_traders_sol(
    recorded: list[tuple[Decoded, list[PositionEvent]]],
) -> None:
    """A wallet's own lamports and its wrapped SOL change by its proceeds less its costs, by the balances of the chain."""
    explained = 0
    for decoded, events in recorded:
        for wallet in {event.wallet for event in events if event.kind in TRADES}:
            its = [event for event in events if event.wallet == wallet]
            signs = {SELL: 1, BUY: -1}
            for_sol = [e for e in its if e.kind in TRADES and e.other_mint == NATIVE_MINT]
            traded = sum(signs[e.kind] * (e.other_raw or 0) for e in for_sol)
            paid = sum(e.network_fee_lamports + e.tip_lamports + e.rent_lamports for e in its)
            explained += _sol_change(decoded, wallet) == traded - paid
    assert explained >= _FEWEST_EXPLAINED


def test_trades_are_those_that_the_routes_alone_give(recorded: list[tuple[Decoded, list[PositionEvent]]]) -> None:
    """`oof positions` reads lines of routes with code of its own; what was bought for another it calls received."""
    compared = 0
    for decoded, events in recorded:
        trades = tuple(
            journal.Trade(
                *(route.path, route.trader, route.sold_mint, route.sold_raw, route.bought_mint, route.bought_raw, ""),
                tuple(journal.TradeFee(fee.mint, fee.amount_raw, fee.side) for fee in route.fees),
            )
            for route in decoded.routes
        )
        entry = journal.JournalEntry(decoded.transaction.signature, 0, None, trades)
        wanted = Counter(_trade(event) for event in journal.events_of(entry) if not is_off_curve(event.wallet))
        assert Counter(_trade(event) for event in events if event.kind in TRADES) == wanted
        compared += len(wanted)
    assert compared > 200


def _trade(event: PositionEvent) -> tuple[object, ...]:
    return (event.path, event.wallet, event.kind, event.mint, event.qty_raw, event.other_mint, event.other_raw)


def _sol_change(decoded: Decoded, wallet: str) -> int:
    """By the recorded balances, not by the moves."""
    transaction = decoded.transaction
    lamports = zip(transaction.keys, transaction.pre_lamports, transaction.post_lamports, strict=False)
    change = sum(after - before for key, before, after in lamports if key == wallet)
    for held, sign in ((transaction.pre_tokens, -1), (transaction.post_tokens, 1)):
        change += sign * sum(one.amount_raw for one in held if one.owner == wallet and one.mint in NATIVE_MINTS)
    return change

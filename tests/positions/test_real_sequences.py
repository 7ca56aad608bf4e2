"""Recorded trades of thirteen coins, and every recorded transaction: engine, rationals and a count of its own agree."""

import json
from collections import defaultdict, deque
from pathlib import Path
from typing import Any

import msgspec
import pytest
from positions.recorded_position_events import decoded_recordings, events_of_decoded

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import BUY, SELL, SEND, PositionEvent
from oof_pipelines.positions.rational import RationalBook
from oof_pipelines.positions.results import EXIT_KINDS
from oof_pipelines.positions.valued import PositionRules, ValuedEvent

FILES = 13
LAMPORTS, UNITS = 10**9, 10**6


def recorded(folder: Path) -> list[tuple[str, list[dict[str, Any]]]]:
    """(mint, its swaps in the order in which they were recorded)."""
    files = sorted((folder / "swaps_by_mint").glob("*.json"))
    return [(file.stem, json.loads(file.read_text())["swaps"]) for file in files]


def event_of(mint: str, number: int, swap: dict[str, Any]) -> ValuedEvent:
    """Rows often lack a signature: their place in the file stands for it. A SOL is taken at 150 dollars."""
    lamports = round(swap["sol"] * LAMPORTS)
    event = PositionEvent(
        signature=swap.get("sig") or f"row {number}",
        slot=number,
        tx_index=None,
        block_time_s=int(swap["ts"]),
        log_idx=1,
        path="0",
        seq=number,
        wallet=swap["trader"],
        kind=BUY if swap["side"] == "buy" else SELL,
        mint=mint,
        decimals=6,
        qty_raw=round(swap["tokens"] * UNITS),
        other_mint=NATIVE_MINT,
        other_decimals=9,
        other_raw=lamports,
        counterparty="",
        venue="pumpswap",
        network_fee_lamports=5_000,
        tip_lamports=0,
        rent_lamports=0,
    )
    return ValuedEvent(event, lamports * 150 * 10**9, "klines", 10**18, 5_000 * 150 * 10**9)


@pytest.fixture(scope="module")
def sequences(request: pytest.FixtureRequest) -> list[list[ValuedEvent]]:
    folder = request.getfixturevalue("fixtures_dir")
    found = [[event_of(mint, number, swap) for number, swap in enumerate(swaps)] for mint, swaps in recorded(folder)]
    assert len(found) == FILES
    return found


def counted(events: list[ValuedEvent]) -> dict[str, tuple[int, int, int, int, int]]:
    """By trader: (units sold out of what was bought, units held, lamports of cost of each, units sold beyond it).

    Unit by unit, lot by lot, with what is left of a lot's cost going with its last unit: for whole lots and sums of lots
    that is the same as any rule that adds up.
    """
    lots: dict[str, deque[list[int]]] = defaultdict(deque)
    whole: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for valued in events:
        event = valued.event
        if event.kind == BUY:
            lots[event.wallet].append([event.qty_raw, event.other_raw or 0, 0])
            continue
        missing = event.qty_raw
        queue, sums = lots[event.wallet], whole[event.wallet]
        while missing and queue:
            qty, cost, gone = queue[0]
            units = min(missing, qty - gone)
            sums[1] += cost * (gone + units) // qty - cost * gone // qty
            sums[0] += units
            missing -= units
            queue[0][2] += units
            if queue[0][2] == qty:
                queue.popleft()
        sums[2] += missing
    return {
        wallet: (
            whole[wallet][0],
            sum(qty - gone for qty, _, gone in queue),
            whole[wallet][1],
            sum(cost - cost * gone // qty for qty, cost, gone in queue),
            whole[wallet][2],
        )
        for wallet, queue in list(lots.items()) + [(one, deque()) for one in whole if one not in lots]
    }


def test_quantities_and_costs_match_a_count_of_their_own(sequences: list[list[ValuedEvent]]) -> None:
    pairs = 0
    for events in sequences:
        book = Book(PositionRules())
        told: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
        for valued in events:
            for row in book.step(valued):
                is_known = row.basis_status == "known"
                told[row.wallet][0 if is_known else 4] += row.qty_raw
                told[row.wallet][2] += row.cost_raw or 0
        for lot in book.lots():
            told[lot.wallet][1] += lot.qty_remaining_raw
            told[lot.wallet][3] += lot.cost_remaining_raw or 0
        expected = counted(events)
        assert {wallet: tuple(sums) for wallet, sums in told.items()} == expected
        bought, paid, sold = defaultdict(int), defaultdict(int), defaultdict(int)
        for valued in events:
            event = valued.event
            if event.kind == BUY:
                bought[event.wallet] += event.qty_raw
                paid[event.wallet] += event.other_raw or 0
            else:
                sold[event.wallet] += event.qty_raw
        for wallet, (out, held, cost_out, cost_held, beyond) in expected.items():
            assert out + held == bought[wallet]
            assert cost_out + cost_held == paid[wallet]
            assert out + beyond == sold[wallet]
            pairs += bool(bought[wallet] and sold[wallet])
    assert pairs > 1_000


def test_the_reference_says_the_same(sequences: list[list[ValuedEvent]]) -> None:
    for events in sequences:
        book, reference = Book(PositionRules()), RationalBook(PositionRules())
        for valued in events:
            assert book.step(valued) == reference.step(valued)
        for ours, theirs in ((book.lots(), reference.lots()), (book.episodes(), reference.episodes())):
            assert [msgspec.structs.asdict(one) for one in ours] == [msgspec.structs.asdict(one) for one in theirs]


def test_every_recorded_transaction_is_booked_as_the_reference_does(fixtures_dir: Path) -> None:
    """By all the rules there are: wallets alone, half of who was sent to an exchange, and all wallets one owner's."""
    events = [event for decoded in decoded_recordings(fixtures_dir) for event in events_of_decoded(decoded)]
    events.sort(key=lambda event: (event.order_key, event.wallet))
    valued = [
        ValuedEvent(event, event.qty_raw * 10**9 + number, "klines", 10**18, 10**15)
        for number, event in enumerate(events)
    ]
    sent_to = sorted({event.counterparty for event in events if event.kind == SEND and event.counterparty})
    kinds: set[str] = set()
    for rules in (
        PositionRules(),
        PositionRules(exchanges=frozenset(sent_to[::2])),
        PositionRules(owner_set=frozenset(event.wallet for event in events)),
    ):
        book, reference = Book(rules), RationalBook(rules)
        rows = [row for one in valued for row in book.step(one)]
        assert rows == [row for one in valued for row in reference.step(one)]
        assert (book.lots(), book.episodes()) == (reference.lots(), reference.episodes())
        assert (book.moved(), book.in_pools()) == (reference.moved(), reference.in_pools())
        for ids in ([row.exit_id for row in rows], [lot.lot_id for lot in book.lots()]):
            assert len(set(ids)) == len(ids)
        kinds |= {row.kind for row in rows}
    assert kinds == set(EXIT_KINDS)

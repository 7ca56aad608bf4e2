"""First in, first out, as a ledger: what was bought, what was sold, and what each sale realised of which cost."""

from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.positions.lots import (
    Acquired,
    MovedOut,
    OpenLot,
    Position,
    PositionEvent,
    RealizedTrade,
    Sold,
    share,
)

SOL, USDC = "SOL", "USDC"


def played(events: list[PositionEvent]) -> tuple[list[str], list[str]]:
    """(realised rows, open lots) as lines: what units, for what, at what cost."""
    position = Position()
    realized = [row for event in events for row in position.step(event)]
    return [_sold(row) for row in realized], [_held(lot) for lot in position.open_lots()]


def _sold(row: RealizedTrade) -> str:
    cost = f"cost {row.cost_raw} {row.cost_mint}" if row.basis_status == "known" else "cost unknown"
    return f"{row.path}: {row.qty_raw} for {row.proceeds_raw} {row.proceeds_mint}, {cost}"


def _held(lot: OpenLot) -> str:
    return f"{lot.path}: {lot.qty_raw} " + (
        "cost unknown" if lot.cost_raw is None else f"cost {lot.cost_raw} {lot.cost_mint}"
    )


def bought(path: str, qty_raw: int, cost_raw: int, mint: str = SOL) -> Acquired:
    return Acquired("s", path, qty_raw, mint, cost_raw)


def sold(path: str, qty_raw: int, proceeds_raw: int) -> Sold:
    return Sold("s", path, qty_raw, SOL, proceeds_raw)


def test_a_sale_uses_the_oldest_lot_first() -> None:
    realized, held = played([bought("1", 10, 100), bought("2", 10, 300), sold("3", 15, 600)])
    assert realized == ["3: 15 for 600 SOL, cost 250 SOL"]
    assert held == ["2: 5 cost 150 SOL"]


def test_the_parts_of_a_lot_add_up_to_what_was_paid() -> None:
    realized, held = played([bought("1", 3, 100), sold("2", 1, 7), sold("3", 1, 7), sold("4", 1, 7)])
    assert realized == ["2: 1 for 7 SOL, cost 33 SOL", "3: 1 for 7 SOL, cost 33 SOL", "4: 1 for 7 SOL, cost 34 SOL"]
    assert held == []


def test_a_sale_over_lots_paid_in_different_mints_is_split() -> None:
    realized, held = played([bought("1", 4, 40), bought("2", 4, 9, USDC), bought("3", 4, 44), sold("4", 12, 100)])
    assert realized == ["4: 8 for 67 SOL, cost 84 SOL", "4: 4 for 33 SOL, cost 9 USDC"]
    assert held == []


def test_what_no_lot_stands_for_is_a_row_of_its_own() -> None:
    realized, held = played([bought("1", 6, 60), sold("2", 10, 101), sold("3", 5, 1)])
    assert realized == ["2: 6 for 60 SOL, cost 60 SOL", "2: 4 for 41 SOL, cost unknown", "3: 5 for 1 SOL, cost unknown"]
    assert held == []


def test_what_came_in_unpaid_has_an_unknown_cost() -> None:
    realized, held = played([Acquired("s", "1", 5), bought("2", 5, 50), sold("3", 7, 70)])
    assert realized == ["3: 5 for 50 SOL, cost unknown", "3: 2 for 20 SOL, cost 20 SOL"]
    assert held == ["2: 3 cost 30 SOL"]


def test_what_moves_out_takes_its_lots_along_and_realises_nothing() -> None:
    realized, held = played([bought("1", 10, 100), MovedOut("s", "2", 4), sold("3", 3, 90)])
    assert realized == ["3: 3 for 90 SOL, cost 30 SOL"]
    assert held == ["1: 3 cost 30 SOL"]


def test_money_paid_for_nothing_goes_with_the_next_sale() -> None:
    realized, held = played([bought("1", 0, 8), bought("2", 2, 20), sold("3", 1, 30)])
    assert realized == ["3: 1 for 30 SOL, cost 18 SOL"]
    assert held == ["2: 1 cost 10 SOL"]


def test_a_sale_of_nothing_keeps_its_proceeds() -> None:
    assert played([bought("1", 2, 20), sold("2", 0, 5)]) == (
        ["2: 0 for 5 SOL, cost unknown"],
        ["1: 2 cost 20 SOL"],
    )


AMOUNTS = st.integers(0, 2**64 - 1)
EVENTS = st.lists(
    st.one_of(
        st.builds(Acquired, st.just("s"), st.just("1"), AMOUNTS, st.sampled_from([SOL, USDC]), AMOUNTS),
        st.builds(Acquired, st.just("s"), st.just("2"), AMOUNTS),
        st.builds(Sold, st.just("s"), st.just("3"), AMOUNTS, st.just(SOL), AMOUNTS),
    ),
    max_size=30,
)


@given(EVENTS)
def test_units_costs_and_proceeds_add_up_to_the_unit(events: list[PositionEvent]) -> None:
    position = Position()
    realized = [row for event in events for row in position.step(event)]
    held = position.open_lots()
    acquired = [event for event in events if isinstance(event, Acquired)]
    sales = [event for event in events if isinstance(event, Sold)]
    for mint in (SOL, USDC):
        paid = sum(event.cost_raw for event in acquired if event.cost_raw is not None and event.cost_mint == mint)
        rows = [*realized, *held]
        assert sum(row.cost_raw for row in rows if row.cost_raw is not None and row.cost_mint == mint) == paid
    assert sum(row.proceeds_raw for row in realized) == sum(event.proceeds_raw for event in sales)
    assert sum(row.qty_raw for row in realized) == sum(event.qty_raw for event in sales)
    short = sum(event.qty_raw for event in sales) - sum(event.qty_raw for event in acquired)
    assert sum(lot.qty_raw for lot in held) >= -short
    assert all(row.qty_raw >= 0 and (row.cost_raw or 0) >= 0 and row.proceeds_raw >= 0 for row in realized)
    assert all(lot.qty_raw >= 0 for lot in held)


@given(AMOUNTS, st.lists(st.integers(1, 2**40), min_size=1, max_size=9))
def test_shares_add_up_however_a_lot_is_cut(amount_raw: int, parts: list[int]) -> None:
    ends = [sum(parts[: index + 1]) for index in range(len(parts))]
    shares = [share(amount_raw, ends[-1], end - part, end) for end, part in zip(ends, parts, strict=True)]
    assert sum(shares) == amount_raw
    assert all(one >= 0 for one in shares)

"""The same positions once more, with rational numbers and without haste: what the book's results are measured against.

Nothing of the engine is used, only the shapes of what goes in and comes out. Every lot knows where each of its units is, as
spans of rational numbers; every sum is made anew from what it is a sum of when it is asked for. Amounts are exact until a row
is made, and rounded there by the one rule: what the units from `first` to `end` of a lot cost is the floor of the cost up to
`end` less the floor of the cost up to `first`, so that spans add up. Average cost is rounded down whenever units leave.
"""

from fractions import Fraction
from math import floor

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.rational_rows import is_free, lot_name, lot_row, story_row
from oof_pipelines.positions.rational_units import (
    HELD,
    MOVED,
    POOL,
    SOLD,
    Holding,
    Share,
    Span,
    Story,
    Units,
    name_of,
    shares_of,
    take,
    total,
    whole,
)
from oof_pipelines.positions.results import Episode, InPool, Lot, MovedOut, RealizedTrade
from oof_pipelines.positions.valued import PositionRules, ValuedEvent


class RationalBook:
    """Events in, rows out, as `oof_pipelines.positions.book.Book`, slowly. Nothing is ever forgotten."""

    def __init__(self, rules: PositionRules) -> None:
        self.rules = rules
        self.holdings: dict[tuple[str, str], Holding] = {}
        self.done: list[Units] = []
        self.ended: list[Story] = []
        self.moved_rows: list[MovedOut] = []

    def step(self, valued: ValuedEvent) -> list[RealizedTrade]:
        """Apply one event; what it realised."""
        event = valued.event
        if event.kind == "cost":
            return []
        is_member = event.wallet in self.rules.owner_set
        holding = self.holdings.setdefault(("" if is_member else event.wallet, event.mint), Holding())
        if holding.within and holding.within[0][0].event.signature != event.signature:
            self._settle(holding)
        if event.kind in ("send", "receive") and is_member and event.counterparty in self.rules.owner_set:
            holding.within.append((valued, event.qty_raw if event.kind == "send" else -event.qty_raw))
            return []
        rows = self._apply(holding, valued)
        if event.kind not in ("buy", "receive", "claim") or self._is_with_escrow(event):
            self._end_if_nothing(holding, event)
        return rows

    def _apply(self, holding: Holding, valued: ValuedEvent) -> list[RealizedTrade]:
        event, value = valued.event, valued.value_usd_e18
        is_exchange = event.counterparty in self.rules.exchanges
        story = self._story(holding, event)
        if event.kind in ("buy", "sell"):
            story.trades.append(valued)
        if event.kind == "sell":
            return self._realize(holding, valued, "sell", event.other_mint, event.other_raw or 0, value)
        if event.kind == "burn":
            return self._realize(holding, valued, "burn", "", 0, 0)
        if event.kind == "send" and is_exchange and self.rules.is_exchange_transfer_realized:
            return self._realize(holding, valued, "exchange_transfer", "", 0, value)
        if event.kind == "lp_add" or (event.kind == "send" and self._is_with_escrow(event)):
            self._park(holding, valued)
        elif event.kind == "send":
            self._move(holding, valued, event.qty_raw)
        elif event.kind == "lp_remove":
            self._unpark(holding, valued)
        elif event.kind == "buy" and event.other_raw is not None:
            dollars = value if event.other_raw > 0 else 0
            self._enter(holding, valued, "buy", event.qty_raw, (event.other_mint, event.other_raw), dollars, "known")
        elif event.kind == "claim":
            self._enter_at_market(holding, valued, "claim", event.qty_raw, value)
        elif event.kind == "receive" and is_exchange:
            self._enter_at_market(holding, valued, "exchange", event.qty_raw, value)
        elif event.kind == "receive" and event.is_escrow:
            _, missing = self._taken(holding, POOL + event.counterparty, Fraction(event.qty_raw), HELD)
            if missing > 0:
                self._enter(holding, valued, "receive", whole(missing), None, None, "unknown")
        else:
            self._enter(holding, valued, event.kind, event.qty_raw, None, None, "unknown")
        return []

    def _enter(
        self,
        holding: Holding,
        valued: ValuedEvent,
        origin: str,
        qty_raw: int,
        cost: tuple[str, int] | None,
        dollars: int | None,
        status: str,
    ) -> None:
        story, quantity = self._story(holding, valued.event), Fraction(qty_raw)
        mint, amount = (None, None) if cost is None else cost
        lot = Units(valued, story, origin, quantity, mint, amount, dollars, status)
        lot.spans.append(Span(lot, Fraction(0), quantity, HELD))
        holding.lots.append(lot)
        story.lots.append(lot)
        if dollars is not None:
            holding.average_units += quantity
            holding.average_dollars += dollars

    def _enter_at_market(
        self, holding: Holding, valued: ValuedEvent, origin: str, qty_raw: int, dollars: int | None
    ) -> None:
        status = "unknown" if dollars is None else "market"
        self._enter(holding, valued, origin, qty_raw, None, dollars, status)

    def _taken(self, holding: Holding, place: str, quantity: Fraction, to: str) -> tuple[list[Span], Fraction]:
        """(the oldest units at a place, put elsewhere; how many are missing)."""
        taken, missing, over = take(holding, place, quantity, to)
        self.done += over
        return taken, missing

    def _realize(
        self,
        holding: Holding,
        valued: ValuedEvent,
        kind: str,
        proceeds_mint: str,
        proceeds: int,
        dollars: int | None,
    ) -> list[RealizedTrade]:
        event, story = valued.event, self._story(holding, valued.event)
        if kind == "sell" and proceeds == 0:
            dollars = None if event.other_raw is None else 0
        spans, missing = self._taken(holding, HELD, Fraction(event.qty_raw), SOLD)
        shares = shares_of(spans, missing, proceeds, dollars)
        rows: list[RealizedTrade] = []
        for (cost_mint, status), group in shares.items():
            cost_dollars, average = self._cost_of(holding, group)
            got = total(part.dollars for part in group)
            first = group[0].span
            row = RealizedTrade(
                exit_id=name_of(
                    f"{event.wallet}|{event.mint}|{event.signature}|{event.path}|{event.seq}"
                    f"|{kind}|{cost_mint or ''}|{status}"
                ),
                wallet=event.wallet,
                mint=event.mint,
                episode_id=story.name,
                kind=kind,
                signature=event.signature,
                path=event.path,
                slot=event.slot,
                tx_index=event.tx_index,
                sold_at_s=event.block_time_s,
                qty_raw=whole(sum((part.quantity for part in group), Fraction(0))),
                decimals=event.decimals,
                proceeds_mint=proceeds_mint,
                proceeds_raw=sum(part.proceeds for part in group),
                proceeds_usd_e18=got,
                cost_mint=cost_mint,
                cost_raw=total(None if part.span is None else part.span.of(part.span.lot.cost) for part in group),
                cost_usd_e18=cost_dollars,
                basis_status=status,
                realized_pnl_usd_e18=None if got is None or cost_dollars is None else got - cost_dollars,
                average_cost_usd_e18=average,
                average_pnl_usd_e18=None if got is None or average is None else got - average,
                entry_at_s=None if first is None else first.lot.valued.event.block_time_s,
                network_fee_lamports=0 if rows else event.network_fee_lamports,
                tip_lamports=0 if rows else event.tip_lamports,
                rent_lamports=0 if rows else event.rent_lamports,
                fees_usd_e18=0 if rows or is_free(event) else valued.fees_usd_e18,
                price_source=valued.value_source,
                price_confidence_e18=valued.value_confidence_e18,
            )
            rows.append(row)
        story.rows += rows
        return rows

    def _cost_of(self, holding: Holding, group: "list[Share]") -> tuple[int | None, int | None]:
        """(the group's cost in dollars, its average cost), each None where some of it is unknown."""
        dollars = total(None if part.span is None else part.span.of(part.span.lot.dollars) for part in group)
        priced = sum(
            (part.quantity for part in group if part.span is not None and part.span.lot.dollars is not None),
            Fraction(0),
        )
        if dollars is None and not priced:
            return None, None
        if priced == holding.average_units:
            average = holding.average_dollars
        else:
            average = Fraction(floor(holding.average_dollars / holding.average_units * priced))
        holding.average_units -= priced
        holding.average_dollars -= average
        return dollars, None if dollars is None else whole(average)

    def _move(self, holding: Holding, valued: ValuedEvent, qty_raw: int) -> None:
        event, story = valued.event, self._story(holding, valued.event)
        story.moved += qty_raw
        spans, missing = self._taken(holding, HELD, Fraction(qty_raw), MOVED)
        for (cost_mint, status), group in shares_of(spans, missing, 0, None).items():
            dollars, _ = self._cost_of(holding, group)
            self.moved_rows.append(
                MovedOut(
                    wallet=event.wallet,
                    mint=event.mint,
                    episode_id=story.name,
                    signature=event.signature,
                    path=event.path,
                    slot=event.slot,
                    moved_at_s=event.block_time_s,
                    counterparty=event.counterparty,
                    qty_raw=whole(sum((part.quantity for part in group), Fraction(0))),
                    cost_mint=cost_mint,
                    cost_raw=total(None if part.span is None else part.span.of(part.span.lot.cost) for part in group),
                    cost_usd_e18=dollars,
                    basis_status=status,
                    status="pending",
                )
            )

    def _is_with_escrow(self, event: PositionEvent) -> bool:
        return event.is_escrow and event.counterparty not in self.rules.exchanges

    def _park(self, holding: Holding, valued: ValuedEvent) -> None:
        event, quantity = valued.event, Fraction(valued.event.qty_raw)
        missing = quantity - holding.units_at(_is_held)
        if missing > 0:
            self._enter(holding, valued, "lp", whole(missing), None, None, "unknown")
        self._taken(holding, HELD, quantity, POOL + event.counterparty)

    def _unpark(self, holding: Holding, valued: ValuedEvent) -> None:
        event, value = valued.event, valued.value_usd_e18
        _, missing = self._taken(holding, POOL + event.counterparty, Fraction(event.qty_raw), HELD)
        if missing > 0:
            parked = event.qty_raw - missing
            dollars = None if value is None else value - floor(Fraction(value) / event.qty_raw * parked)
            self._enter_at_market(holding, valued, "lp", whole(missing), dollars)

    def _settle(self, holding: Holding) -> None:
        """A transaction is over: what its transfers within the set lost left, what they gained came in."""
        within, holding.within = holding.within, []
        lost, last = sum(units for _, units in within), within[-1][0]
        if lost > 0:
            self._story(holding, last.event)
            self._move(holding, last, lost)
            self._end_if_nothing(holding, last.event)
        elif lost < 0:
            self._enter(holding, last, "receive", -lost, None, None, "unknown")

    def _story(self, holding: Holding, event: PositionEvent) -> Story:
        if not holding.stories or holding.stories[-1].last is not None:
            holding.stories.append(Story(len(holding.stories) + 1, event))
        return holding.stories[-1]

    def _end_if_nothing(self, holding: Holding, event: PositionEvent) -> None:
        if not any(span.quantity for lot in holding.lots for span in lot.spans):
            holding.stories[-1].last = event
            self.ended.append(holding.stories[-1])

    def lots(self) -> list[Lot]:
        """What is over, as it was over, then what is left by owner, mint and entry."""
        self._settle_all()
        left = [lot for _, holding in sorted(self.holdings.items(), key=_key) for lot in holding.lots]
        return [lot_row(lot) for lot in (*self.done, *left)]

    def episodes(self) -> list[Episode]:
        """What is over, as it was over, then what is open by owner and mint."""
        self._settle_all()
        rows = [story_row(story, Fraction(0), Fraction(0)) for story in self.ended]
        for _, holding in sorted(self.holdings.items(), key=_key):
            if holding.stories and holding.stories[-1].last is None:
                held = holding.units_at(_is_held)
                rows.append(story_row(holding.stories[-1], held, holding.units_at(_is_anywhere) - held))
        return rows

    def moved(self) -> list[MovedOut]:
        """What left with its basis."""
        self._settle_all()
        return list(self.moved_rows)

    def in_pools(self) -> list[InPool]:
        """What is in pools, by owner, mint, pool and entry."""
        return [
            InPool(
                pool=span.place.removeprefix(POOL),
                wallet=lot.valued.event.wallet,
                mint=lot.valued.event.mint,
                lot_id=lot_name(lot),
                qty_raw=whole(span.quantity),
                cost_mint=lot.cost_mint,
                cost_raw=span.of(lot.cost),
                cost_usd_e18=span.of(lot.dollars),
                basis_status=lot.status,
            )
            for _, holding in sorted(self.holdings.items(), key=_key)
            for place in sorted({span.place for lot in holding.lots for span in lot.spans if span.place != HELD})
            for lot in holding.lots
            for span in sorted(lot.at(place), key=lambda one: one.first)
        ]

    def _settle_all(self) -> None:
        for _, holding in sorted(self.holdings.items(), key=_key):
            if holding.within:
                self._settle(holding)


def _is_held(place: str) -> bool:
    return place == HELD


def _is_anywhere(place: str) -> bool:
    return True


def _key(item: tuple[tuple[str, str], Holding]) -> tuple[str, str]:
    return item[0]

"""Of the reference with rationals: its lots and episodes as the rows that the engine gives."""

from decimal import Decimal
from fractions import Fraction

from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.rational_units import HELD, MOVED, SOLD, Story, Units, name_of, total, total_known, whole
from oof_pipelines.positions.results import Episode, Lot


def lot_row(lot: Units) -> Lot:
    event = lot.valued.event
    held = lot.at(HELD)
    in_pools = sum((span.quantity for span in lot.spans if span.place != HELD), Fraction(0))
    return Lot(
        lot_id=lot_name(lot),
        wallet=event.wallet,
        mint=event.mint,
        episode_id=lot.episode.name,
        origin=lot.origin,
        signature=event.signature,
        path=event.path,
        slot=event.slot,
        tx_index=event.tx_index,
        entry_at_s=event.block_time_s,
        decimals=event.decimals,
        qty_initial_raw=whole(lot.quantity),
        qty_remaining_raw=whole(sum((span.quantity for span in held), Fraction(0))),
        qty_sold_raw=whole(lot.gone[SOLD]),
        qty_moved_raw=whole(lot.gone[MOVED]),
        qty_in_pool_raw=whole(in_pools),
        cost_mint=lot.cost_mint,
        cost_raw=lot.cost,
        cost_remaining_raw=None if lot.cost is None else total(span.of(lot.cost) for span in held),
        cost_usd_e18=lot.dollars,
        cost_remaining_usd_e18=None if lot.dollars is None else total(span.of(lot.dollars) for span in held),
        basis_status=lot.status,
    )


def story_row(story: Story, held: Fraction, in_pool: Fraction) -> Episode:
    first, last = story.first, story.last
    basis = total_known(lot.dollars for lot in story.lots if lot.status != "unknown")
    with_basis = [row for row in story.rows if row.basis_status != "unknown"]
    without = [row for row in story.rows if row.basis_status == "unknown"]
    realized = total_known(row.realized_pnl_usd_e18 for row in with_basis)
    return Episode(
        episode_id=story.name,
        wallet=first.wallet,
        mint=first.mint,
        number=story.number,
        start_at_s=first.block_time_s,
        end_at_s=None if last is None else last.block_time_s,
        start_signature=first.signature,
        end_signature="" if last is None else last.signature,
        bought_raw=whole(sum((lot.quantity for lot in story.lots if lot.origin == "buy"), Fraction(0))),
        sold_raw=sum(row.qty_raw for row in story.rows),
        received_raw=whole(sum((lot.quantity for lot in story.lots if lot.origin != "buy"), Fraction(0))),
        moved_out_raw=whole(story.moved),
        held_raw=whole(held),
        in_pool_raw=whole(in_pool),
        basis_usd_e18=basis,
        proceeds_usd_e18=total_known(row.proceeds_usd_e18 for row in with_basis),
        unknown_proceeds_usd_e18=total_known(row.proceeds_usd_e18 for row in without),
        realized_pnl_usd_e18=realized,
        roi_pct=_ratio(realized, basis),
        average_pnl_usd_e18=total_known(row.average_pnl_usd_e18 for row in with_basis),
        fees_usd_e18=total_known(one.fees_usd_e18 for one in story.trades if not is_free(one.event)),
        trades=len(story.trades),
        is_open=last is None,
    )


def _ratio(realized: int | None, basis: int | None) -> Decimal | None:
    if realized is None or not basis:
        return None
    places = round(Fraction(realized, basis) * 10**18)
    return None if abs(places) >= 10**38 else Decimal(f"{places}e-18")


def lot_name(lot: Units) -> str:
    event = lot.valued.event
    return name_of(f"{event.wallet}|{event.mint}|{event.signature}|{event.path}|{event.seq}")


def is_free(event: PositionEvent) -> bool:
    return event.network_fee_lamports == 0 and event.tip_lamports == 0

"""Whole transactions of swaps: token accounts opened, SOL wrapped and unwrapped around the pool's call, tips, failures."""

from dataclasses import dataclass

from oof_pipelines.testing.synthetic_pools import Fill, Pool
from oof_pipelines.testing.synthetic_world import JITO_TIP_ACCOUNTS, Actor
from oof_pipelines.testing.synthetic_written_calls import (
    close_account,
    open_associated,
    send_lamports,
    unwrap_sol,
    wrap_sol,
)
from oof_pipelines.testing.synthetic_written_transaction import TransactionWriter


@dataclass(frozen=True, slots=True)
class Costs:
    """What a transaction pays to land beside its signatures. A tip goes to one of Jito's accounts, by `tip_seat`."""

    unit_limit: int = 0
    price_micro_lamports: int = 0
    tip_lamports: int = 0
    tip_seat: int = 0


FREE = Costs()


def write_buy(
    writer: TransactionWriter, trader: Actor, pool: Pool, spend_raw: int, now_s: int, costs: Costs = FREE
) -> Fill:
    """A purchase for at most `spend_raw`, fees included; what was wrapped and not spent comes back."""
    open_associated(writer, trader.address, pool.base)
    if pool.takes_wrapped_sol:
        wrap_sol(writer, trader, spend_raw)
    fill = pool.buy(writer, trader, spend_raw, now_s)
    if pool.takes_wrapped_sol:
        unwrap_sol(writer, trader)
    _tip(writer, trader, costs)
    return fill


def write_sell(
    writer: TransactionWriter,
    trader: Actor,
    pool: Pool,
    base_raw: int,
    now_s: int,
    costs: Costs = FREE,
    *,
    is_closing: bool = False,
) -> Fill:
    """A sale of exactly `base_raw`; `is_closing` closes the emptied token account, whose rent comes back."""
    if pool.takes_wrapped_sol:
        wrap_sol(writer, trader, 0)
    elif pool.venue != "pumpfun":
        open_associated(writer, trader.address, pool.quote)
    fill = pool.sell(writer, trader, base_raw, now_s)
    if pool.takes_wrapped_sol:
        unwrap_sol(writer, trader)
    if is_closing:
        account = writer.ledger.associated(trader.address, pool.base)
        close_account(writer, account, trader.address, pool.base.token_program)
    _tip(writer, trader, costs)
    return fill


def _tip(writer: TransactionWriter, trader: Actor, costs: Costs) -> None:
    if costs.tip_lamports:
        account = JITO_TIP_ACCOUNTS[costs.tip_seat % len(JITO_TIP_ACCOUNTS)]
        send_lamports(writer, trader.address, account, costs.tip_lamports)

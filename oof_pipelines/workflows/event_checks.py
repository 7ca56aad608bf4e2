"""What must hold between the events of wallets and the book they are read off."""

import polars as pl

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINTS
from oof_pipelines.positions.events import SIGNS
from oof_pipelines.workflows.trade_checks import Outcome

_EXAMPLES = 3
_HOLDING = ["signature", "wallet", "mint"]
_PROGRAM_ACCOUNT = "program_account"


def events_add_up(position_events: pl.DataFrame, moves: pl.DataFrame, participants: pl.DataFrame) -> Outcome:
    """The events of each wallet and token of a transaction add up to its net change by the moves; a program's account has
    none. The frames have passed their schemas.
    """
    has_part = pl.col("roles").list.contains(_PROGRAM_ACCOUNT)
    programs = participants.filter(has_part).select("signature", "wallet")
    is_token = ~pl.col("asset").is_in([LAMPORTS_ASSET, *NATIVE_MINTS])
    booked = (
        moves.filter(is_token & ~pl.col("is_virtual"))
        .select("signature", wallet="owner", mint="asset", change_raw=pl.col("delta_raw"))
        .join(programs, on=["signature", "wallet"], how="anti")
    )
    sign = pl.col("kind").replace_strict(SIGNS, return_dtype=pl.Int128)
    # 128-bit integers hold any sum of a transaction's amounts, which are u64.
    told = position_events.select(*_HOLDING, change_raw=sign * pl.col("qty_raw").cast(pl.Int128))
    differing = (
        pl.concat([told, booked.with_columns(change_raw=pl.lit(-1, pl.Int128) * pl.col("change_raw").cast(pl.Int128))])
        .lazy()
        .group_by(_HOLDING)
        .agg(pl.col("change_raw").sum())
        .filter(pl.col("change_raw") != 0)
        .collect()
    )
    detail = f"{told.height} events, {booked.height} moves of tokens"
    if differing.is_empty():
        return True, detail
    examples = differing.select(_HOLDING).sort(_HOLDING).head(_EXAMPLES).rows()
    named = ", ".join(" ".join(row) for row in examples)
    return False, f"{differing.height} holdings of {detail} do not add up, e.g. {named}"

"""A position event in the making: what happened to a wallet's holding, before it has its number and its costs."""

import msgspec

from oof_pipelines.chain.moves import log_idx
from oof_pipelines.positions.events import BUY, CLAIM, LP_REMOVE, RECEIVE, SELL, SIGNS

Holding = tuple[str, str]
"""(wallet, mint)"""

# At one path, what comes in is there to be sold, and what is bought to be put in, burned or sent.
_RANKS = {kind: rank for rank, kind in enumerate((RECEIVE, LP_REMOVE, CLAIM, SELL, BUY))}
_LAST_RANK = len(_RANKS)

FIRST, IN_PLACE, LAST = -1, 0, 1
"""Where a deed stands among those of its wallet: before all, by its path, or behind all."""


class Deed(msgspec.Struct, frozen=True, gc=False):
    """The fields of `PositionEvent` that say what happened. `paths` are those of the moves that it accounts for."""

    wallet: str
    kind: str
    mint: str
    qty_raw: int
    path: str
    paths: tuple[str, ...] = ()
    other_mint: str = ""
    other_raw: int | None = None
    counterparty: str = ""
    venue: str = ""
    standing: int = IN_PLACE
    is_escrow: bool = False

    def marked_escrow(self) -> "Deed":
        """The same deed, with a program that keeps it for the wallet."""
        return msgspec.structs.replace(self, is_escrow=True)

    @property
    def change_raw(self) -> int:
        """What it did to the wallet's balance of the mint."""
        return SIGNS[self.kind] * self.qty_raw

    @property
    def order_key(self) -> tuple[int, int, int, str, str, str]:
        """Order within the wallet's transaction; total but for two of one kind, mint and other side at one path."""
        rank = _RANKS.get(self.kind, _LAST_RANK)
        return (self.standing, log_idx(self.path), rank, self.kind, self.mint, self.counterparty)

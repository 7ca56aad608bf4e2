"""Single transfers within a pool's call, for what sums of an account hide: a route's hops, a claim beside a withdrawal.

A token account may give in one transfer what it got in another of the same call; its sum is then nothing. Told apart by
the pair of accounts, both stay visible.
"""

import msgspec

from oof_pipelines.chain.moves import path_text
from oof_pipelines.chain.replaced import replaced
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, FeePart, Leg
from oof_pipelines.decode.layout import LayoutError


class Transfer(msgspec.Struct, frozen=True, gc=False):
    """What went straight from one token account to another within a call: `path` of the first time, base units.

    What left and what arrived differ by the fee that the token itself withheld.
    """

    path: str
    mint: str
    left_raw: int
    arrived_raw: int

    @property
    def withheld(self) -> tuple[FeePart, ...]:
        """The token's own fee, which both amounts of a swap contain."""
        fee_raw = self.left_raw - self.arrived_raw
        return (FeePart("transfer", self.mint, fee_raw, INSIDE),) if fee_raw else ()

    def handed_on(self) -> "Transfer":
        """The same seen by whom it reached, when he hands it on without another transfer."""
        return replaced(self, left_raw=self.arrived_raw)


def transferred(call: Call, source: str, destination: str) -> Transfer | None:
    """All transfers from one token account to another within a call as one; None where there was none."""
    mint = call.scene.mint_of(source)
    path, left_raw, arrived_raw = "", 0, 0
    for one in call.called:
        one_path = path_text(one.path)
        order = call.scene.order_of(one_path)
        gave_raw = -call.scene.moved(source, order, order + 1, mint)
        got_raw = call.scene.moved(destination, order, order + 1, mint)
        if gave_raw > 0 and got_raw > 0:
            path = path or one_path
            left_raw += gave_raw
            arrived_raw += got_raw
    return Transfer(path, mint, left_raw, arrived_raw) if path else None


def needed_transfer(call: Call, source: str, destination: str) -> Transfer:
    """`transferred` for what a hop cannot do without; LayoutError where the call made none."""
    found = transferred(call, source, destination)
    if found is None:
        raise LayoutError(f"{call.layout.name} moved nothing from {source} to {destination}")
    return found


def hop(
    call: Call,
    *,
    pool: str,
    trader: str,
    taken: Transfer,
    given: Transfer,
    vaults: tuple[str, ...],
    fees: tuple[FeePart, ...] = (),
    is_first: bool,
) -> Leg:
    """The leg of one pool of a route that a single instruction runs: `taken` into the pool and `given` out of it.

    A path stands for one leg only: the first hop has the instruction's, each later one that of the transfer into its pool.
    """
    return Leg(
        call.path if is_first else taken.path,
        call.instruction.program_id,
        call.program.name,
        pool,
        trader,
        taken.mint,
        taken.left_raw,
        given.mint,
        given.arrived_raw,
        call.vault_reserves(*vaults),
        (*fees, *taken.withheld, *given.withheld),
    )

"""Pockets: the parts of lots that are in pools and escrows.

Putting liquidity in, or tokens aside for an order, is no sale, and what comes out has its entry still. An escrow's pocket
goes by its address as a pool's does.
"""

from collections.abc import Iterator, Sequence

from oof_pipelines.positions.lots import LotQueue, Part


class Pockets:
    """Of one position, one pocket a pool; `units_raw` is what they hold together."""

    __slots__ = ("by_pool", "units_raw")

    def __init__(self) -> None:
        self.by_pool: dict[str, LotQueue] = {}
        self.units_raw = 0

    def put(self, pool: str, parts: Sequence[Part]) -> None:
        """Parts go into a pool's pocket, in the order of their lots."""
        pocket = self.by_pool.setdefault(pool, LotQueue())
        pocket.put_back(parts)
        for part in parts:
            units_raw = part.end_raw - part.first_raw
            part.lot.in_pool_raw += units_raw
            self.units_raw += units_raw

    def take(self, pool: str, qty_raw: int) -> tuple[list[Part], int]:
        """(the oldest units of the pool's pocket, how many units it does not have)."""
        pocket = self.by_pool.get(pool)
        if pocket is None:
            return [], qty_raw
        parts, missing_raw = pocket.take(qty_raw)
        if not pocket.parts:
            del self.by_pool[pool]
        for part in parts:
            part.lot.in_pool_raw -= part.end_raw - part.first_raw
        self.units_raw -= qty_raw - missing_raw
        return parts, missing_raw

    def parts(self) -> Iterator[tuple[str, Part]]:
        """(pool, part), pools by their address, the oldest part first."""
        for pool in sorted(self.by_pool):
            for part in self.by_pool[pool].parts:
                yield pool, part

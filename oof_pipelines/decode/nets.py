"""What owners gained and lost over all their accounts, read off the book."""

from collections.abc import Iterable

import msgspec

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS, Move


class Flow(msgspec.Struct, frozen=True, gc=False):
    """What came in and what went out of one asset, in base units, both positive."""

    in_raw: int
    out_raw: int

    @property
    def net_raw(self) -> int:
        return self.in_raw - self.out_raw


Flows = dict[str, dict[str, Flow]]
"""Owner → asset → flow."""


def net_by_owner(moves: Iterable[Move]) -> dict[str, dict[str, int]]:
    """Owner → asset → net change over all accounts he owns, zeros left out; SOL and wrapped SOL are wrapped SOL's mint.

    A wrapped SOL account's amount is money that is among its lamports already, so native money is counted in lamports
    alone, whatever moved, wrapped or synchronised it, and at whatever path.
    """
    nets: dict[str, dict[str, int]] = {}
    for move in moves:
        if asset := counted_asset(move):
            its_assets = nets.setdefault(move.owner, {})
            its_assets[asset] = its_assets.get(asset, 0) + move.delta_raw
    return {owner: {asset: raw for asset, raw in assets.items() if raw} for owner, assets in nets.items()}


def flows_by_owner(moves: Iterable[Move]) -> Flows:
    """The same with in and out apart. What an instruction moves between two accounts of one owner is no flow."""
    at_paths: dict[tuple[str, str, str], int] = {}
    for move in moves:
        if asset := counted_asset(move):
            at_path = move.owner, asset, move.path
            at_paths[at_path] = at_paths.get(at_path, 0) + move.delta_raw
    sums: dict[str, dict[str, tuple[int, int]]] = {}
    for (owner, asset, _), delta_raw in at_paths.items():
        its_assets = sums.setdefault(owner, {})
        in_raw, out_raw = its_assets.get(asset, (0, 0))
        its_assets[asset] = (in_raw + delta_raw, out_raw) if delta_raw > 0 else (in_raw, out_raw - delta_raw)
    return {
        owner: {asset: Flow(in_raw, out_raw) for asset, (in_raw, out_raw) in assets.items()}
        for owner, assets in sums.items()
    }


def counted_asset(move: Move) -> str:
    """The asset a move counts for; '' where it counts for none: a counter-account's, or an amount of wrapped SOL."""
    asset = move.asset
    if move.is_virtual or asset in NATIVE_MINTS:
        return ""
    return NATIVE_MINT if asset == LAMPORTS_ASSET else asset

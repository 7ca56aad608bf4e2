"""Token-2022 transfer fees, which a plain transfer does not state: found from the balances they leave.

A mint's fee is ceil(amount × basis points / 10,000), at most a maximum (token-2022's TransferFee). The rate is one for a
whole transaction, so the one that makes every destination's balance come out is the right one; where none does, no fee
is assumed and the difference stays residual.
"""

import msgspec

from oof_pipelines.decode.operations import MoveTokens

_BASIS_POINTS = 10_000


class FeeRate(msgspec.Struct, frozen=True, gc=False):
    """A transfer fee: basis points, at most `maximum_raw`."""

    basis_points: int
    maximum_raw: int

    def fee_raw(self, amount_raw: int) -> int:
        return min(self.maximum_raw, -(-amount_raw * self.basis_points // _BASIS_POINTS))


FeeRates = dict[str, FeeRate]
_NO_MAXIMUM = 2**64 - 1
# Three destinations give 9 basis points × 3 maxima; more than a few hundred are no real transaction.
_MOST_CANDIDATES = 400


def solve_fee_rates(transfers: list[tuple[MoveTokens, str]], missing: dict[tuple[str, str], int]) -> FeeRates:
    """Mint → rate, for mints whose destinations lack what a fee would have taken. `missing` is (account, mint) → raw."""
    rates: FeeRates = {}
    if not missing or not transfers:
        return rates
    for mint in sorted({mint for _, mint in transfers}):
        moved = [transfer for transfer, its_mint in transfers if its_mint == mint and transfer.amount_raw]
        lacking = {account: -raw for (account, its_mint), raw in missing.items() if its_mint == mint}
        if not lacking or not moved:
            continue
        for rate in _candidates(moved, lacking):
            if _explains(rate, moved, lacking):
                rates[mint] = rate
                break
    return rates


def _candidates(moved: list[MoveTokens], lacking: dict[str, int]) -> list[FeeRate]:
    """Rates that the lacks suggest: the basis points around one destination's, with no maximum or another's as it."""
    points: set[int] = set()
    maxima: set[int] = set()
    for account, lack_raw in lacking.items():
        amounts = [transfer.amount_raw for transfer in moved if transfer.destination == account]
        if lack_raw <= 0 or not amounts:
            continue
        estimate = min(lack_raw * _BASIS_POINTS // sum(amounts), _BASIS_POINTS)
        points |= set(range(max(1, estimate - 1), min(estimate + 1, _BASIS_POINTS) + 1))
        if lack_raw % len(amounts) == 0:
            maxima.add(lack_raw // len(amounts))
    uncapped = [FeeRate(rate, _NO_MAXIMUM) for rate in sorted(points)]
    capped = [FeeRate(rate, maximum) for maximum in sorted(maxima) for rate in (*sorted(points), _BASIS_POINTS)]
    return (uncapped + capped)[:_MOST_CANDIDATES]


def _explains(rate: FeeRate, moved: list[MoveTokens], lacking: dict[str, int]) -> bool:
    """Whether with this rate every destination of the mint has what it has."""
    fees: dict[str, int] = {}
    for transfer in moved:
        if transfer.source != transfer.destination:
            fees[transfer.destination] = fees.get(transfer.destination, 0) + rate.fee_raw(transfer.amount_raw)
    return {account: raw for account, raw in fees.items() if raw} == {a: raw for a, raw in lacking.items() if raw}

"""How much of what moved on a wallet's accounts is explained, by value.

Moved is what came in and what went out of the wallet's accounts, added up, of every asset and transaction: lamports for
themselves, and everything in dollars of the time, as events are valued (USDC and USDT at par, SOL by its reference price,
other coins by the newest minute candle). Residual is what of that no instruction explains. Undecoded is what of it moved in
transactions that call, at any depth, a program we do not decode: at most so much was done by rules we do not know, though the
moves themselves are all in the book.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Context, Decimal

import msgspec
import polars as pl

from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.program_names import PROGRAM_NAMES
from oof_pipelines.decode.registry import owns
from oof_pipelines.positions.valuing import CoinPrices, SolPrices
from oof_pipelines.pricing.exact import half_even

_ONE_E18 = 10**18
_PAR_MINTS = (USDC_MINT, USDT_MINT)
_PAR_DECIMALS = 6
_LAMPORTS_A_SOL = 10**9
# A million million dollars: no move is worth that, and the price that says so is wrong.
_MOST_VALUE_E18 = 10**12 * _ONE_E18
_SHARE_CONTEXT = Context(prec=60)
_SHARE_PLACES = Decimal("0.000001")


class ValueShares(msgspec.Struct, frozen=True):
    """What moved on the accounts of one wallet, in lamports and in dollars of everything that has a price.

    `unvalued_moves` counts the (transaction, coin) pairs that have none. Shares are None where nothing moved.
    """

    residual_transactions: int = 0
    undecoded_program_transactions: int = 0
    moved_lamports: int = 0
    residual_lamports: int = 0
    undecoded_lamports: int = 0
    moved_usd_e18: int = 0
    residual_usd_e18: int = 0
    undecoded_usd_e18: int = 0
    unvalued_moves: int = 0
    residual_share_of_lamports: Decimal | None = None
    residual_share_of_usd: Decimal | None = None
    undecoded_share_of_lamports: Decimal | None = None
    undecoded_share_of_usd: Decimal | None = None


class _Sum:
    """Lamports and dollars added up."""

    def __init__(self) -> None:
        self.lamports = 0
        self.usd_e18 = 0

    def add(self, asset: str, raw: int, usd_e18: int | None) -> None:
        if asset == LAMPORTS_ASSET:
            self.lamports += raw
        self.usd_e18 += usd_e18 or 0


def value_shares(
    moved: pl.DataFrame,
    programs: Mapping[str, Collection[str]],
    sol: SolPrices,
    coins: CoinPrices,
    decimals: Mapping[str, int],
) -> ValueShares:
    """The shares of one wallet. `moved` has signature, asset, at_s, moved_raw, residual_raw: a transaction and asset a row.

    `programs` names what each transaction calls, `decimals` those of coins; a coin that is not in it has no value here.
    """
    whole, residual, undecoded = _Sum(), _Sum(), _Sum()
    residual_signatures, undecoded_signatures = set(), set()
    unvalued = 0
    rows = (moved[name].to_list() for name in ("signature", "asset", "at_s", "moved_raw", "residual_raw"))
    for signature, asset, at_s, moved_decimal, residual_decimal in zip(*rows, strict=True):
        moved_raw, residual_raw = int(moved_decimal), int(residual_decimal)
        if not moved_raw:
            continue
        price_e18, unit = _price(asset, at_s, sol, coins, decimals)
        value = None if price_e18 is None else _value(moved_raw, unit, price_e18)
        unvalued += value is None
        whole.add(asset, moved_raw, value)
        if residual_raw:
            residual_signatures.add(signature)
            part = None if price_e18 is None or value is None else _value(residual_raw, unit, price_e18)
            residual.add(asset, residual_raw, part)
        if calls_undecoded(programs.get(signature, ())):
            undecoded_signatures.add(signature)
            undecoded.add(asset, moved_raw, value)
    return ValueShares(
        residual_transactions=len(residual_signatures),
        undecoded_program_transactions=len(undecoded_signatures),
        moved_lamports=whole.lamports,
        residual_lamports=residual.lamports,
        undecoded_lamports=undecoded.lamports,
        moved_usd_e18=whole.usd_e18,
        residual_usd_e18=residual.usd_e18,
        undecoded_usd_e18=undecoded.usd_e18,
        unvalued_moves=unvalued,
        residual_share_of_lamports=share(residual.lamports, whole.lamports),
        residual_share_of_usd=share(residual.usd_e18, whole.usd_e18),
        undecoded_share_of_lamports=share(undecoded.lamports, whole.lamports),
        undecoded_share_of_usd=share(undecoded.usd_e18, whole.usd_e18),
    )


def calls_undecoded(programs: Iterable[str]) -> bool:
    """Whether any of these programs is one of which no decoder tells what it does."""
    return any(program not in PROGRAM_NAMES and not owns(program) for program in programs)


def share(part: int, whole: int) -> Decimal | None:
    """part ÷ whole at six places, half to even; None of nothing."""
    if not whole:
        return None
    return _SHARE_CONTEXT.divide(Decimal(part), Decimal(whole)).quantize(_SHARE_PLACES, context=_SHARE_CONTEXT)


def _price(
    asset: str, at_s: int, sol: SolPrices, coins: CoinPrices, decimals: Mapping[str, int]
) -> tuple[int | None, int]:
    """(dollars of a whole coin in 1e-18, base units of one); None without a price."""
    if asset == LAMPORTS_ASSET:
        found = sol.at(at_s)
        return (None if found is None else found.usd_e18), _LAMPORTS_A_SOL
    if asset in _PAR_MINTS:
        return _ONE_E18, 10**_PAR_DECIMALS
    if asset not in decimals:
        return None, 1
    found = coins.at(asset, at_s)
    return (None if found is None else found.usd_e18), 10 ** decimals[asset]


def _value(units_raw: int, unit: int, price_e18: int) -> int | None:
    value = half_even(units_raw * price_e18, unit)
    return value if value < _MOST_VALUE_E18 else None

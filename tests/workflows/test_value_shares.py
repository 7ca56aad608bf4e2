"""How much of what moved is explained, by value: lamports for themselves, everything in dollars of the time."""

from collections.abc import Mapping
from decimal import Decimal

import polars as pl
import pytest

from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.positions.valuing import UnitPrice
from oof_pipelines.workflows.value_shares import ValueShares, calls_undecoded, share, value_shares

E18 = 10**18
COIN, STRANGE = "coin", "coin without a price"
SYSTEM = "11111111111111111111111111111111"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
VENUE = next(iter(BY_ID))
UNKNOWN_PROGRAM = "UnknownProgram11111111111111111111111111111"


class Sol:
    """A SOL is a hundred dollars until second 100, and nobody knows after."""

    def at(self, at_s: int) -> UnitPrice | None:
        return UnitPrice(100 * E18, "klines", E18) if at_s < 100 else None


class Coins:
    """The coin is two dollars."""

    def at(self, mint: str, at_s: int) -> UnitPrice | None:
        return UnitPrice(2 * E18, "candle", E18) if mint == COIN else None


def shares(*rows: tuple[str, str, int, int, int], programs: Mapping[str, list[str]] | None = None) -> ValueShares:
    moved = pl.DataFrame(rows, schema=["signature", "asset", "at_s", "moved_raw", "residual_raw"], orient="row")
    return value_shares(moved, programs or {}, Sol(), Coins(), {COIN: 6, STRANGE: 6})


def test_of_nothing_there_is_no_share() -> None:
    assert shares() == ValueShares()
    assert shares(("a", LAMPORTS_ASSET, 1, 0, 0)).residual_share_of_usd is None


def test_lamports_and_dollars_are_added_up_and_residuals_are_a_share_of_them() -> None:
    told = shares(
        ("a", LAMPORTS_ASSET, 1, 3 * 10**9, 0),
        ("a", COIN, 1, 50 * 10**6, 10 * 10**6),
        ("b", LAMPORTS_ASSET, 2, 10**9, 10**9),
        ("b", USDC_MINT, 2, 300 * 10**6, 0),
    )
    assert (told.moved_lamports, told.residual_lamports) == (4 * 10**9, 10**9)
    assert told.moved_usd_e18 == (300 + 100 + 100 + 300) * E18
    assert told.residual_usd_e18 == (20 + 100) * E18
    assert (told.residual_share_of_lamports, told.residual_share_of_usd) == (Decimal("0.250000"), Decimal("0.150000"))
    assert (told.residual_transactions, told.unvalued_moves) == (2, 0)


def test_what_has_no_price_is_counted_and_in_no_sum_of_dollars() -> None:
    told = shares(("a", STRANGE, 1, 5, 5), ("b", LAMPORTS_ASSET, 200, 7, 0), ("c", "mint of no decimals", 1, 5, 0))
    assert (told.unvalued_moves, told.moved_usd_e18, told.residual_share_of_usd) == (3, 0, None)
    assert (told.moved_lamports, told.residual_transactions) == (7, 1)


def test_undecoded_is_what_moved_where_a_program_is_called_that_nobody_decodes() -> None:
    rows = (("a", LAMPORTS_ASSET, 1, 10**9, 0), ("b", LAMPORTS_ASSET, 1, 3 * 10**9, 0))
    told = shares(*rows, programs={"a": [SYSTEM, UNKNOWN_PROGRAM], "b": [SYSTEM, TOKEN, VENUE]})
    assert (told.undecoded_lamports, told.undecoded_usd_e18) == (10**9, 100 * E18)
    assert (told.undecoded_share_of_lamports, told.undecoded_share_of_usd) == (Decimal("0.250000"),) * 2
    assert told.undecoded_program_transactions == 1


def test_a_price_beyond_belief_is_none() -> None:
    assert shares(("a", USDC_MINT, 1, 10**30, 0)).unvalued_moves == 1


def test_programs_of_the_chain_itself_are_known() -> None:
    assert not calls_undecoded([SYSTEM, TOKEN, VENUE, "ComputeBudget111111111111111111111111111111"])
    assert calls_undecoded([SYSTEM, UNKNOWN_PROGRAM])
    assert not calls_undecoded([])


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(0, 0, None), (1, 3, "0.333333"), (2, 3, "0.666667"), (10**40, 10**40, "1.000000"), (0, 5, "0.000000")],
)
def test_shares_have_six_places(part: int, whole: int, told: str | None) -> None:
    assert share(part, whole) == (None if told is None else Decimal(told))

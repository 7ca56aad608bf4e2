"""Chapters about plain trading: where the money comes from, lots, a bonding curve, failures, and what most days are."""

from collections.abc import Iterator
from fractions import Fraction

from oof_pipelines.testing.golden_cast import PUMPSWAP, RAYDIUM_CPMM, RAYDIUM_V4, SOL, USDC
from oof_pipelines.testing.golden_moments import S2E
from oof_pipelines.testing.golden_tale import Tale
from oof_pipelines.testing.synthetic_world import LAMPORTS_A_SOL

VENUES = (RAYDIUM_V4, RAYDIUM_CPMM, PUMPSWAP)
"""Where round trips are made, in the order in which these programs came to be."""


def pay_day(tale: Tale) -> Iterator[int]:
    """Where the money comes from: SOL of an employer, USDC of an exchange; a little SOL for the second wallet."""
    stage = tale.stage
    yield tale.day(0)
    yield from tale.paying(stage.cast.employer, tale.owner, 260 * LAMPORTS_A_SOL)
    yield from tale.withdrawing(tale.usd(30_000))
    yield from tale.paying(tale.owner, stage.cast.second, 2 * LAMPORTS_A_SOL)
    yield tale.day(500)
    yield from tale.withdrawing(tale.usd(25_000))
    yield tale.day(900)
    yield from tale.paying(stage.cast.employer, tale.owner, 120 * LAMPORTS_A_SOL)
    yield from tale.withdrawing(tale.usd(30_000))


def on_the_curve(tale: Tale) -> Iterator[int]:
    """A coin on its bonding curve, sold in three slices, the first of them too early."""
    stage = tale.stage
    coin = stage.cast.coin("on the curve")
    curve = stage.add_pool(stage.cast.curve(coin, 4 * LAMPORTS_A_SOL))
    yield tale.day(0)
    yield from tale.calm(curve)
    bought = yield from tale.buying(curve, tale.usd(520), stage.hurry(5_000_000))
    yield from tale.calm(curve)
    yield from tale.moved(curve, bought.price * Fraction(2))
    first = yield from tale.selling(curve, bought.qty_raw // 3, stage.hurry(1_000_000))
    tale.plan.expect(S2E, first.signature)
    yield from tale.moved(curve, bought.price * Fraction(31, 10))
    yield from tale.selling(curve, bought.qty_raw // 3)
    yield tale.day(1)
    yield from tale.moved(curve, bought.price * Fraction(26, 10))
    yield from tale.selling(curve, tale.held_raw(coin), is_closing=True)
    yield from tale.calm(curve)


def many_lots(tale: Tale) -> Iterator[int]:
    """Five purchases at five prices and six sales across their borders: whichever lot goes first changes every one.

    The rest is held to the end, so that the sum of all sales depends on it too.
    """
    stage = tale.stage
    coin = stage.cast.coin("many lots", 9)
    pool = stage.open_pool(coin, RAYDIUM_CPMM, SOL, Fraction(9, 10), tale.usd(470_000), tale.begin_s)
    yield tale.day(0)
    first_price = stage.price_usd(pool)
    bought_raw = 0
    for day, percent in ((0, 100), (2, 90), (4, 108), (9, 96), (13, 115)):
        yield tale.day(day)
        yield from tale.moved(pool, first_price * Fraction(percent, 100))
        bought = yield from tale.buying(pool, tale.usd(600, 20))
        bought_raw += bought.qty_raw
    for day, percent, share in ((14, 117, 11), (15, 110, 7), (17, 112, 23), (21, 106, 5), (24, 120, 29)):
        yield tale.day(day)
        yield from tale.moved(pool, first_price * Fraction(percent, 100))
        yield from tale.selling(pool, bought_raw * share // 100)
    yield tale.day(30)
    yield from tale.moved(pool, first_price * Fraction(113, 100))
    yield from tale.selling(pool, tale.held_raw(coin) // 3, stage.hurry(700_000))
    yield from tale.calm(pool)
    stage.kept.append(pool)


def bad_luck(tale: Tale) -> Iterator[int]:
    """Transactions that fail: each costs its fee and does nothing."""
    stage = tale.stage
    coin = stage.cast.coin("bad luck")
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(19, 100), tale.usd(400_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    for _ in range(3):
        yield from tale.failing(pool, tale.usd(900))
    bought = yield from tale.buying(pool, tale.usd(900), stage.hurry(2_500_000))
    yield from tale.calm(pool)
    yield tale.day(1)
    for _ in range(2):
        yield from tale.failing(pool, tale.usd(400))
    yield from tale.moved(pool, bought.price * Fraction(107, 100))
    yield from tale.selling(pool, bought.qty_raw)
    yield from tale.calm(pool)


def round_trip(tale: Tale, number: int, venue: str) -> Iterator[int]:
    """What most days are: bought, held a day or two, sold a little higher or lower."""
    stage = tale.stage
    dice = stage.dice
    coin = stage.cast.coin(f"round trip {number}", dice.choice((6, 9)))
    quote = dice.choice((SOL, USDC))
    price = Fraction(dice.randrange(20, 3_000), 1_000)
    pool = stage.open_pool(coin, venue, quote, price, tale.usd(420_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(400, 40), stage.hurry() if number % 3 == 0 else None)
    yield tale.day(1 + number % 2)
    yield from tale.moved(pool, bought.price * Fraction(dice.randrange(88, 116), 100))
    part = 3 if number % 4 == 0 else 1
    yield from tale.selling(pool, bought.qty_raw // part)
    if part > 1:
        yield from tale.selling(pool, tale.held_raw(coin), is_closing=number % 8 == 0)
    yield from tale.calm(pool)


def farewell(tale: Tale) -> Iterator[int]:
    """When every window is over: what the coins that are still held cost now, and the last transaction of all."""
    yield tale.day(0)
    for pool in tale.stage.kept:
        yield from tale.calm(pool)
    yield from tale.paying(tale.owner, tale.stage.cast.second, LAMPORTS_A_SOL // 10)

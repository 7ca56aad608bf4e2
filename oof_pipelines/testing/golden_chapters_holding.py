"""Chapters about holding and selling: wins, losses, coming back, selling too early, bags, rugs, and what is nearly that."""

from collections.abc import Iterator
from fractions import Fraction

from oof_pipelines.testing.golden_cast import PUMPSWAP, RAYDIUM_CPMM, RAYDIUM_V4, SOL, USDC
from oof_pipelines.testing.golden_market import ONE_E18
from oof_pipelines.testing.golden_moments import BHD, BHD_SHARE, RUG, RUG_SHARE, S2E, S2E_SHARE, S2E_USD
from oof_pipelines.testing.golden_tale import Tale


def first_win(tale: Tale) -> Iterator[int]:
    """A dip that is nearly a bag, a good sale, and a rise afterwards that is nearly too early."""
    stage = tale.stage
    coin = stage.cast.coin("first win")
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(1, 2), tale.usd(450_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(4_000), stage.hurry())
    yield from tale.calm(pool)
    yield tale.day(3)
    yield from tale.moved(pool, bought.price * Fraction(712, 1_000))
    tale.near(BHD, bought, coin.address, "share", 1 - tale.last_minute_usd(coin) / bought.price, BHD_SHARE)
    yield tale.day(6)
    yield from tale.moved(pool, bought.price * Fraction(16, 10))
    yield tale.day(20)
    yield from tale.moved(pool, bought.price * Fraction(185, 100))
    sold = yield from tale.selling(pool, bought.qty_raw, stage.hurry(1_500_000))
    yield from tale.calm(pool)
    yield tale.day(23)
    yield from tale.moved(pool, sold.price * Fraction(1_236, 1_000))
    tale.near(S2E, sold, coin.address, "share", tale.last_minute_usd(coin) / sold.price - 1, S2E_SHARE)


def coming_back(tale: Tale) -> Iterator[int]:
    """Three episodes of one coin: sold too early, bought back dearer and lost on, then a small one in two sales."""
    stage = tale.stage
    coin = stage.cast.coin("coming back", 9)
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(8, 100), tale.usd(400_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    first = yield from tale.buying(pool, tale.usd(2_000))
    yield tale.day(5)
    yield from tale.moved(pool, first.price * Fraction(14, 10))
    sold = yield from tale.selling(pool, first.qty_raw)
    tale.plan.expect(S2E, sold.signature)
    yield tale.day(8)
    yield from tale.moved(pool, sold.price * Fraction(17, 10))
    yield tale.day(9)
    yield from tale.calm(pool)
    second = yield from tale.buying(pool, tale.usd(3_000), stage.hurry(1_000_000))
    yield tale.day(14)
    yield from tale.moved(pool, second.price * Fraction(78, 100))
    yield tale.day(30)
    yield from tale.moved(pool, second.price * Fraction(80, 100))
    yield from tale.selling(pool, second.qty_raw, is_closing=True)
    yield from tale.calm(pool)
    yield tale.day(100)
    yield from tale.calm(pool)
    third = yield from tale.buying(pool, tale.usd(500))
    yield tale.day(101)
    yield from tale.moved(pool, third.price * Fraction(110, 100))
    yield from tale.selling(pool, third.qty_raw // 2)
    yield tale.day(102)
    yield from tale.moved(pool, third.price * Fraction(105, 100))
    yield from tale.selling(pool, tale.held_raw(coin), is_closing=True)


def the_bag(tale: Tale) -> Iterator[int]:
    """Held all the way down."""
    stage = tale.stage
    coin = stage.cast.coin("the bag")
    pool = stage.open_pool(coin, RAYDIUM_V4, SOL, Fraction(3, 100), tale.usd(420_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(3_200), stage.hurry())
    tale.plan.expect(BHD, bought.signature)
    yield from tale.calm(pool)
    yield tale.day(2)
    yield from tale.moved(pool, bought.price * Fraction(65, 100))
    yield tale.day(5)
    yield from tale.moved(pool, bought.price * Fraction(36, 100))
    yield tale.day(30)
    yield from tale.moved(pool, bought.price * Fraction(27, 100))
    yield from tale.selling(pool, bought.qty_raw)
    yield from tale.calm(pool)


def out_in_time(tale: Tale) -> Iterator[int]:
    """Sold before the coin fell: no bag, however deep the fall."""
    stage = tale.stage
    coin = stage.cast.coin("out in time")
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(13, 10), tale.usd(380_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(1_500))
    yield tale.day(2)
    yield from tale.moved(pool, bought.price * Fraction(82, 100))
    yield from tale.selling(pool, bought.qty_raw)
    yield tale.day(5)
    yield from tale.moved(pool, bought.price * Fraction(45, 100))


def small_change(tale: Tale) -> Iterator[int]:
    """A sale so small that half as much again is nearly, and not quite, worth a word."""
    stage = tale.stage
    coin = stage.cast.coin("small change")
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(21, 100), tale.usd(400_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(700))
    yield tale.day(4)
    yield from tale.moved(pool, bought.price * Fraction(104, 100))
    slice_raw = int(Fraction(485, 10) / bought.price * 10**6)
    sold = yield from tale.selling(pool, slice_raw)
    yield tale.day(7)
    yield from tale.moved(pool, sold.price * (1 + Fraction(243, 10) / sold.usd))
    missed = (tale.last_minute_usd(coin) / sold.price - 1) * sold.usd
    tale.near(S2E, sold, coin.address, "missed_usd", missed, Fraction(S2E_USD))
    yield from tale.selling(pool, tale.held_raw(coin))
    yield from tale.calm(pool)


def the_moonshot(tale: Tale) -> Iterator[int]:
    """The best trade of the four years, half of it sold too early; a fifth is held to the end."""
    stage = tale.stage
    coin = stage.cast.coin("moonshot")
    pool = stage.open_pool(coin, RAYDIUM_CPMM, USDC, Fraction(12, 1_000), tale.usd(500_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(3_000), stage.hurry())
    yield tale.day(5)
    yield from tale.moved(pool, bought.price * Fraction(2))
    yield tale.day(30)
    yield from tale.moved(pool, bought.price * Fraction(8))
    half = yield from tale.selling(pool, bought.qty_raw // 2, stage.hurry(2_000_000))
    tale.plan.expect(S2E, half.signature)
    yield tale.day(33)
    yield from tale.moved(pool, half.price * Fraction(16, 10))
    yield tale.day(41)
    yield from tale.moved(pool, bought.price * Fraction(7))
    yield from tale.selling(pool, bought.qty_raw * 3 // 10)
    yield from tale.calm(pool)
    stage.kept.append(pool)


def first_rug(tale: Tale) -> Iterator[int]:
    """Tripled, then taken down to nearly nothing after the week was over; what was left is burned months later."""
    stage = tale.stage
    coin = stage.cast.coin("first rug")
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(6, 1_000), tale.usd(400_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(2_500))
    tale.plan.expect(RUG, coin.address)
    yield tale.day(4)
    yield from tale.moved(pool, bought.price * Fraction(3))
    yield tale.day(10)
    yield from tale.calm(pool)
    yield from tale.moved(pool, bought.price * Fraction(75, 1_000))
    yield tale.day(10, 12)
    yield from tale.moved(pool, bought.price * Fraction(70, 1_000))
    yield tale.day(12)
    yield from tale.calm(pool)
    yield tale.day(60)
    yield from tale.burning(coin, bought.qty_raw)


def second_rug(tale: Tale) -> Iterator[int]:
    """The worst trade of the four years: bought high, worth a hundredth three days later, sold for what was left."""
    stage = tale.stage
    coin = stage.cast.coin("second rug")
    pool = stage.open_pool(coin, PUMPSWAP, SOL, Fraction(2, 1_000), tale.usd(450_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(6_000), stage.hurry(3_000_000))
    tale.plan.expect(BHD, bought.signature)
    tale.plan.expect(RUG, coin.address)
    yield tale.day(1)
    yield from tale.moved(pool, bought.price * Fraction(13, 10))
    yield tale.day(3)
    yield from tale.calm(pool)
    yield from tale.moved(pool, bought.price * Fraction(18, 1_000))
    yield tale.day(3, 12)
    yield from tale.moved(pool, bought.price * Fraction(17, 1_000))
    yield tale.day(5)
    yield from tale.calm(pool)
    yield tale.day(21)
    yield from tale.moved(pool, bought.price * Fraction(15, 1_000))
    yield from tale.selling(pool, bought.qty_raw, is_closing=True)
    yield from tale.calm(pool)


def nearly_a_rug(tale: Tale) -> Iterator[int]:
    """Down to a little more than a twentieth, and never below."""
    stage = tale.stage
    coin = stage.cast.coin("nearly a rug")
    pool = stage.open_pool(coin, RAYDIUM_V4, SOL, Fraction(9, 100), tale.usd(430_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(1_200))
    yield tale.day(3)
    yield from tale.moved(pool, bought.price * Fraction(11, 10))
    yield tale.day(9)
    yield from tale.calm(pool)
    highest = tale.highest_usd(coin)
    yield from tale.moved(pool, highest * Fraction(521, 10_000))
    yield tale.day(9, 13)
    yield from tale.moved(pool, highest * Fraction(521, 10_000))
    close = Fraction(stage.market.minutes[coin.address][-1].close_usd_e18, ONE_E18)
    tale.near(RUG, bought, coin.address, "close_share", close / highest, RUG_SHARE)
    yield tale.day(11)
    yield from tale.moved(pool, highest * Fraction(523, 10_000))
    yield tale.day(40)
    yield from tale.moved(pool, highest * Fraction(525, 10_000))
    yield from tale.selling(pool, bought.qty_raw)
    yield from tale.calm(pool)


def back_from_the_dead(tale: Tale) -> Iterator[int]:
    """As deep as a rug, and up again two hours before it would be one."""
    stage = tale.stage
    coin = stage.cast.coin("back from the dead")
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(4, 10), tale.usd(410_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(1_000))
    yield tale.day(8)
    yield from tale.calm(pool)
    yield from tale.moved(pool, bought.price * Fraction(4, 100))
    fell_hour = stage.now_s // 3_600
    yield tale.day(8, 12)
    yield from tale.moved(pool, bought.price * Fraction(4, 100))
    yield tale.day(8, 23)
    yield from tale.moved(pool, bought.price * Fraction(11, 100))
    hours = Fraction(stage.now_s // 3_600 - fell_hour - 1)
    tale.near(RUG, bought, coin.address, "hours", hours, Fraction(24))
    yield tale.day(30)
    yield from tale.moved(pool, bought.price * Fraction(12, 100))
    yield from tale.selling(pool, bought.qty_raw)
    yield from tale.calm(pool)

"""Chapters about what is no plain trade: airdrops, exchanges, a second wallet, pools, staking, routes, coins for coins."""

from collections.abc import Iterator
from fractions import Fraction

from solders.instruction import AccountMeta, Instruction

from oof_pipelines.testing.golden_cast import EXCHANGE, RAYDIUM_CPMM, RAYDIUM_V4, USDC, Coin
from oof_pipelines.testing.golden_diary import LP_ADD, LP_REMOVE, RECEIVE, SEND, STAKE
from oof_pipelines.testing.golden_market import DAY_S, HOUR_S
from oof_pipelines.testing.golden_moments import (
    BAD_ROUTE,
    BAD_ROUTE_SHARE,
    IDLE,
    IDLE_APR,
    IDLE_USD,
)
from oof_pipelines.testing.golden_tale import Tale, Traded
from oof_pipelines.testing.synthetic_pools import Pool
from oof_pipelines.testing.synthetic_raydium_cpmm import CpmmPool, LiquidityFill
from oof_pipelines.testing.synthetic_written_calls import open_associated, send_tokens


def airdrop(tale: Tale) -> Iterator[int]:
    """Coins for nothing: some are sold, of which nobody knows the cost, and some spam stays where it fell."""
    stage = tale.stage
    coin, spam = stage.cast.coin("airdrop"), stage.cast.coin("spam", 2)
    pool = stage.open_pool(coin, RAYDIUM_V4, USDC, Fraction(7, 1_000), tale.usd(420_000), tale.begin_s)
    given_raw = tale.usd(250_000) * 10**6
    stage.cast.give(stage.cast.airdropper, coin, given_raw * 5)
    stage.cast.give(stage.cast.airdropper, spam, 10**12)
    yield tale.day(0)
    yield from tale.calm(pool)
    yield from tale.sending(coin, tale.owner.address, given_raw, stage.cast.airdropper)
    yield from tale.sending(spam, tale.owner.address, 777_700, stage.cast.airdropper)
    yield tale.day(2)
    yield from tale.calm(pool)
    yield from tale.selling(pool, given_raw * 6 // 10)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(300))
    yield tale.day(4)
    yield from tale.moved(pool, bought.price * Fraction(108, 100))
    # The rest of what was given, and a part of what was bought.
    yield from tale.selling(pool, given_raw * 4 // 10 + bought.qty_raw // 3)
    yield from tale.calm(pool)
    yield from tale.selling(pool, tale.held_raw(coin), is_closing=True)


def to_the_exchange(tale: Tale) -> Iterator[int]:
    """Most of a coin goes to an exchange at what it was worth, the rest is sold."""
    stage = tale.stage
    coin = stage.cast.coin("exchange", 8)
    pool = stage.open_pool(coin, RAYDIUM_CPMM, USDC, Fraction(25, 10), tale.usd(480_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(3_000), stage.hurry())
    yield tale.day(6)
    yield from tale.moved(pool, bought.price * Fraction(145, 100))
    yield from tale.sending(coin, EXCHANGE, bought.qty_raw * 6 // 10)
    yield tale.day(7)
    yield from tale.calm(pool)
    yield from tale.selling(pool, tale.held_raw(coin))
    yield from tale.calm(pool)


def two_wallets(tale: Tale) -> Iterator[int]:
    """Coins go to the owner's second wallet, which sells some and sends some back: known to both, unknown to one."""
    stage = tale.stage
    second = stage.cast.second
    coin = stage.cast.coin("two wallets")
    pool = stage.open_pool(coin, RAYDIUM_CPMM, USDC, Fraction(15, 100), tale.usd(460_000), tale.begin_s)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(2_400))
    yield tale.day(2)
    yield from tale.sending(coin, second.address, bought.qty_raw * 7 // 10)
    yield tale.day(10)
    yield from tale.calm(pool)
    yield from tale.sending(coin, tale.owner.address, bought.qty_raw * 35 // 100, second)
    yield tale.day(12)
    yield from tale.moved(pool, bought.price * Fraction(12, 10))
    yield from tale.selling(pool, tale.held_raw(coin, second), actor=second)
    yield tale.day(15)
    yield from tale.moved(pool, bought.price * Fraction(125, 100))
    yield from tale.selling(pool, tale.held_raw(coin), stage.hurry())
    yield from tale.calm(pool)


def bad_routes(tale: Tale) -> Iterator[int]:
    """Two pools of one pair: twice the worse one is taken, once one that is nearly as good, once the better one."""
    stage = tale.stage
    coin = stage.cast.coin("bad routes")
    price, depth_usd = Fraction(33, 100), tale.usd(500_000)
    good = stage.open_pool(coin, RAYDIUM_V4, USDC, price, depth_usd, tale.begin_s)
    dear = stage.open_pool(coin, RAYDIUM_CPMM, USDC, price, depth_usd, tale.begin_s)
    yield tale.day(0)
    yield from tale.moved(dear, stage.price_usd(good) * Fraction(104, 100))
    yield from tale.calm(good)
    first = yield from tale.buying(dear, tale.usd(2_000))
    tale.plan.expect(BAD_ROUTE, first.signature)
    yield from tale.calm(good)
    yield from tale.calm(dear)
    yield tale.day(3)
    yield from tale.moved(dear, stage.price_usd(good) * Fraction(975, 1_000))
    yield from tale.calm(good)
    second = yield from tale.selling(dear, first.qty_raw // 2)
    tale.plan.expect(BAD_ROUTE, second.signature)
    yield from tale.calm(good)
    yield from tale.calm(dear)
    yield tale.day(6)
    yield from tale.calm(good)
    yield from tale.moved(dear, stage.price_usd(good) * Fraction(11, 10), minutes=0)
    yield from stage.level(dear, good, Fraction(9_908, 10_000))
    third = yield from tale.selling(dear, first.qty_raw // 4)
    _near_route(tale, coin, third)
    yield from tale.calm(dear)
    yield from tale.calm(good)
    yield from tale.selling(good, tale.held_raw(coin))
    yield from tale.calm(good)
    yield from tale.calm(dear)


def _near_route(tale: Tale, coin: Coin, traded: Traded) -> None:
    swap = tale.stage.diary.swaps[-1]
    best_raw = max(raw for _, raw in swap.offers)
    worse = Fraction(best_raw - swap.got_raw, best_raw)
    tale.near(BAD_ROUTE, traded, coin.address, "share", worse, BAD_ROUTE_SHARE)


def token_for_token(tale: Tale) -> Iterator[int]:
    """One coin is swapped for another in a pool of the two, and that one sold for money."""
    stage = tale.stage
    one, other = stage.cast.coin("one"), stage.cast.coin("other", 9)
    one_pool = stage.open_pool(one, RAYDIUM_CPMM, USDC, Fraction(22, 100), tale.usd(440_000), tale.begin_s)
    other_pool = stage.open_pool(other, RAYDIUM_CPMM, USDC, Fraction(17, 10), tale.usd(440_000), tale.begin_s)
    both = stage.add_pool(_pool_of_two(tale, one, other))
    yield tale.day(0)
    yield from tale.calm(one_pool)
    bought = yield from tale.buying(one_pool, tale.usd(1_500))
    yield tale.day(3)
    yield from tale.moved(one_pool, bought.price * Fraction(115, 100))
    yield from tale.calm(other_pool)
    # The pool of the two follows what they cost elsewhere.
    target = stage.price_usd(one_pool) / stage.price_usd(other_pool)
    yield from stage.follow(both, target)
    yield from tale.selling(both, bought.qty_raw)
    yield from tale.calm(one_pool)
    yield tale.day(6)
    yield from tale.moved(other_pool, stage.price_usd(other_pool) * Fraction(106, 100))
    yield from tale.selling(other_pool, tale.held_raw(other))
    yield from tale.calm(other_pool)


def _pool_of_two(tale: Tale, one: Coin, other: Coin) -> Pool:
    """A pool whose money is the coin that sorts last, at what both cost when they opened."""
    stage = tale.stage
    name = f"{stage.seed}/{one.name}/{other.name}"
    return CpmmPool.made(stage.ledger, name, one.mint, other.mint, 2_000_000 * 10**6, 2_000_000 * 22 * 10**9 // 170)


def in_the_pool(tale: Tale) -> Iterator[int]:
    """Liquidity in and out again, the price lower meanwhile: more coins come back than went in, and fewer dollars.

    Coins bought meanwhile are younger than those that come back; a part of them is held to the end.
    """
    stage = tale.stage
    coin = stage.cast.coin("in the pool")
    pool = stage.open_pool(coin, RAYDIUM_CPMM, USDC, Fraction(5, 10), tale.usd(450_000), tale.begin_s)
    assert isinstance(pool, CpmmPool)
    yield tale.day(0)
    yield from tale.calm(pool)
    bought = yield from tale.buying(pool, tale.usd(2_000))
    yield from tale.calm(pool)
    yield from _adding(tale, coin, pool, tale.usd(1_500))
    yield from tale.calm(pool)
    yield tale.day(5)
    yield from tale.moved(pool, bought.price * Fraction(93, 100))
    yield from tale.buying(pool, tale.usd(900))
    yield tale.day(12)
    yield from tale.moved(pool, bought.price * Fraction(88, 100), minutes=2)
    yield from _removing(tale, coin, pool)
    yield tale.day(20)
    yield from tale.moved(pool, bought.price * Fraction(97, 100))
    yield from tale.selling(pool, tale.held_raw(coin) // 2)
    yield from tale.calm(pool)
    yield tale.day(26)
    yield from tale.moved(pool, bought.price * Fraction(103, 100))
    yield from tale.selling(pool, tale.held_raw(coin) * 2 // 3)
    yield from tale.calm(pool)
    stage.kept.append(pool)


def _adding(tale: Tale, coin: Coin, pool: CpmmPool, dollars: int) -> Iterator[int]:
    yield tale.stage.next_minute()
    writer = tale.stage.write(tale.owner, tale.stage.hurry())
    open_associated(writer, tale.owner.address, pool.lp_mint)
    fill = pool.add(writer, tale.owner, dollars * 10**6)
    _note_liquidity(tale, coin, pool, fill, tale.stage.land(writer), is_add=True)


def _removing(tale: Tale, coin: Coin, pool: CpmmPool) -> Iterator[int]:
    yield tale.stage.next_minute()
    stage = tale.stage
    lp_raw = stage.ledger.tokens_raw(stage.ledger.associated(tale.owner.address, pool.lp_mint))
    writer = stage.write(tale.owner, stage.hurry())
    fill = pool.remove(writer, tale.owner, lp_raw)
    _note_liquidity(tale, coin, pool, fill, stage.land(writer), is_add=False)


def _note_liquidity(
    tale: Tale, coin: Coin, pool: CpmmPool, fill: LiquidityFill, signature: str, *, is_add: bool
) -> None:
    """Both sides go into the pool or come out of it; the pool's own token goes the other way."""
    owner, address = str(tale.owner.address), str(pool.address)
    kind = LP_ADD if is_add else LP_REMOVE
    for mint, raw in ((coin.mint, fill.base_raw), (USDC, fill.quote_raw)):
        tale.note(kind, signature, owner, mint, raw, tale.value(mint, raw), address)
    tale.note(RECEIVE if is_add else SEND, signature, owner, pool.lp_mint, fill.lp_raw, None, address)


def idle_and_staked(tale: Tale) -> Iterator[int]:
    """The platform's token: two months unstaked, then nearly long enough to count, then staked within the day."""
    stage = tale.stage
    coin = stage.cast.oof_coin()
    pool = stage.open_pool(coin, RAYDIUM_CPMM, USDC, Fraction(4, 10), tale.usd(500_000), tale.begin_s)
    stage.cast.ledger.endow(stage.cast.staking_vault_owner, coin.mint, 10**12)
    yield tale.day(0)
    yield from tale.calm(pool)
    first = yield from tale.buying(pool, tale.usd(6_000), stage.hurry())
    tale.plan.expect(IDLE, first.signature)
    yield from tale.calm(pool)
    yield tale.day(30)
    yield from tale.calm(pool)
    yield tale.day(60)
    yield from _staking(tale, coin)
    yield tale.day(90)
    yield from tale.calm(pool)
    second = yield from tale.buying(pool, tale.usd(2_000))
    began_s = stage.now_s
    # As long as it takes for nearly enough to be missed.
    seconds = int(IDLE_USD * Fraction(965, 1_000) * 365 * DAY_S / (IDLE_APR * second.usd))
    yield max(began_s + seconds // HOUR_S * HOUR_S, stage.next_minute())
    yield from _staking(tale, coin)
    missed = second.usd * IDLE_APR / 365 * Fraction(stage.now_s - began_s, DAY_S)
    tale.near(IDLE, second, coin.address, "missed_usd", missed, Fraction(IDLE_USD))
    yield tale.day(180)
    yield from tale.calm(pool)
    third = yield from tale.buying(pool, tale.usd(4_000))
    began_s = stage.now_s
    yield tale.day(180, 23)
    yield from _staking(tale, coin)
    tale.near(IDLE, third, coin.address, "seconds", Fraction(stage.now_s - began_s), Fraction(DAY_S))


def _staking(tale: Tale, coin: Coin) -> Iterator[int]:
    """Everything goes into the staking program's vault, which its own address owns."""
    yield tale.stage.next_minute()
    stage, cast = tale.stage, tale.stage.cast
    raw = tale.held_raw(coin)
    source = stage.ledger.associated(tale.owner.address, coin.mint)
    vault = stage.ledger.associated(cast.staking_vault_owner, coin.mint)
    accounts = [
        AccountMeta(tale.owner.address, True, True),
        AccountMeta(source, False, True),
        AccountMeta(vault, False, True),
        AccountMeta(coin.mint.address, False, False),
        AccountMeta(cast.staking_vault_owner, False, False),
        AccountMeta(coin.mint.token_program, False, False),
    ]
    writer = stage.write(tale.owner)
    stake = Instruction(cast.staking_program, b"\x01" + raw.to_bytes(8, "little"), accounts)
    with writer.call(stake, "Instruction: Stake", units=20_000):
        send_tokens(writer, source, vault, tale.owner.address, coin.mint, raw)
    signature = stage.land(writer)
    tale.note(STAKE, signature, str(tale.owner.address), coin.mint, raw, None, str(cast.staking_vault_owner))

"""Swaps written by hand, venue by venue: what the decoder reads is what was written, to the unit, with nothing left over."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import Liquidity
from oof_pipelines.testing.synthetic_chain import DEFAULT_START_SLOT, DEFAULT_START_TIME_S, SyntheticTransaction
from oof_pipelines.testing.synthetic_instructions import TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_pools import Fill, Pool, made_up_address, spot_price
from oof_pipelines.testing.synthetic_pumpfun import PumpCurve
from oof_pipelines.testing.synthetic_pumpswap import PumpSwapPool
from oof_pipelines.testing.synthetic_raydium_cpmm import CpmmPool
from oof_pipelines.testing.synthetic_raydium_v4 import RaydiumV4Pool
from oof_pipelines.testing.synthetic_trades import Costs, write_buy, write_sell
from oof_pipelines.testing.synthetic_trading import USDC
from oof_pipelines.testing.synthetic_world import JITO_TIP_ACCOUNTS, LAMPORTS_A_SOL, Actor, Mint
from oof_pipelines.testing.synthetic_written_calls import open_associated, send_lamports, send_tokens, wrap_sol
from oof_pipelines.testing.synthetic_written_ledger import WRAPPED_SOL, WrittenLedger, WrittenLedgerError
from oof_pipelines.testing.synthetic_written_transaction import Place, TransactionWriter

PLACE = Place(DEFAULT_START_SLOT, DEFAULT_START_TIME_S, 0)
COSTS = Costs(unit_limit=200_000, price_micro_lamports=50_000, tip_lamports=1_234_567, tip_seat=3)
BASE_RAW = 8_000_000 * 10**6


def actor(name: str) -> Actor:
    keypair = Keypair.from_seed(hashlib.sha256(name.encode()).digest())
    return Actor(keypair.pubkey(), keypair)


class Bench:
    """A ledger, a trader with money, and one pool."""

    def __init__(self, venue: str, quote: Mint, token_program: Pubkey = TOKEN_PROGRAM) -> None:
        self.ledger = WrittenLedger()
        self.trader = actor("trader")
        self.ledger.fund(self.trader.address, 1_000 * LAMPORTS_A_SOL)
        self.ledger.endow(self.trader.address, USDC, 10**12)
        for account in JITO_TIP_ACCOUNTS:
            self.ledger.fund(account, LAMPORTS_A_SOL)
        coin = Mint(made_up_address("coin"), None, 6, token_program)
        quote_raw = 3_000 * LAMPORTS_A_SOL if quote is WRAPPED_SOL else 400_000 * 10**6
        self.pool: Pool
        if venue == "pumpfun":
            self.pool = PumpCurve.made(self.ledger, "coin", coin, 5 * LAMPORTS_A_SOL)
        else:
            made: Callable[..., Pool] = {
                "raydium_amm_v4": RaydiumV4Pool.made,
                "raydium_cpmm": CpmmPool.made,
                "pumpswap": PumpSwapPool.made,
            }[venue]
            self.pool = made(self.ledger, "coin", coin, quote, BASE_RAW, quote_raw)

    def writer(self, costs: Costs = COSTS) -> TransactionWriter:
        return TransactionWriter(
            self.ledger, self.trader, unit_limit=costs.unit_limit, price_micro_lamports=costs.price_micro_lamports
        )

    def buy(self, spend_raw: int, *, is_v0: bool) -> tuple[Fill, SyntheticTransaction]:
        writer = self.writer()
        fill = write_buy(writer, self.trader, self.pool, spend_raw, DEFAULT_START_TIME_S, COSTS)
        return fill, self.land(writer, is_v0=is_v0)

    def sell(self, base_raw: int, *, is_v0: bool) -> tuple[Fill, SyntheticTransaction]:
        writer = self.writer()
        fill = write_sell(
            writer, self.trader, self.pool, base_raw, DEFAULT_START_TIME_S, COSTS, is_closing=base_raw == self.held_raw
        )
        return fill, self.land(writer, is_v0=is_v0)

    def land(self, writer: TransactionWriter, *, is_v0: bool = False) -> SyntheticTransaction:
        addresses = list(dict.fromkeys(self.pool.static_accounts))
        table = AddressLookupTableAccount(made_up_address("table"), addresses)
        return writer.land(PLACE, 1, tables=[table] if is_v0 else None)

    @property
    def held_raw(self) -> int:
        return self.ledger.tokens_raw(self.ledger.associated(self.trader.address, self.pool.base))


def decoded_whole(landed: SyntheticTransaction) -> Decoded:
    """Decoded, conserved and without a rest; its signatures are true."""
    wire = base64.b64decode(landed.result["transaction"][0])
    assert all(VersionedTransaction.from_bytes(wire).verify_with_results())
    one = decode_transaction(parse_transaction(landed.to_json_bytes("json")))
    assert conservation_faults(one.transaction, one.moves) == []
    assert (one.has_residual, one.unread, one.unknown) == (False, [], [])
    return one


CASES = [
    ("raydium_amm_v4", USDC, TOKEN_PROGRAM),
    ("raydium_amm_v4", WRAPPED_SOL, TOKEN_PROGRAM),
    ("raydium_cpmm", USDC, TOKEN_PROGRAM),
    ("raydium_cpmm", WRAPPED_SOL, TOKEN_2022_PROGRAM),
    ("pumpswap", USDC, TOKEN_2022_PROGRAM),
    ("pumpswap", WRAPPED_SOL, TOKEN_PROGRAM),
    ("pumpfun", WRAPPED_SOL, TOKEN_PROGRAM),
]
cases = pytest.mark.parametrize(("venue", "quote", "token_program"), CASES)


@cases
@pytest.mark.parametrize("is_v0", [False, True])
def test_a_purchase_and_a_sale_are_read_as_written(venue: str, quote: Mint, token_program: Pubkey, is_v0: bool) -> None:
    bench = Bench(venue, quote, token_program)
    best_raw = bench.pool.best_buy_raw(10**9)
    bought, landed = bench.buy(10**9, is_v0=is_v0)
    assert bought.got_raw == best_raw == bench.held_raw
    assert 0 <= 10**9 - bought.paid_raw < 10, "spends what it was given"
    _check(bench, bought, decoded_whole(landed), is_buy=True)
    part_raw = bought.got_raw // 3
    best_raw = bench.pool.best_sell_raw(part_raw)
    sold, landed = bench.sell(part_raw, is_v0=is_v0)
    assert sold.got_raw == best_raw
    _check(bench, sold, decoded_whole(landed), is_buy=False)
    rest, landed = bench.sell(bench.held_raw, is_v0=is_v0)
    _check(bench, rest, decoded_whole(landed), is_buy=False)
    account = bench.ledger.associated(bench.trader.address, bench.pool.base)
    assert bench.ledger.holding(account) is None


def _check(bench: Bench, fill: Fill, decoded: Decoded, *, is_buy: bool) -> None:
    (route,) = decoded.routes
    (leg,) = route.legs
    pool = bench.pool
    assert (route.venue, leg.pool, route.trader) == (pool.venue, str(pool.address), str(bench.trader.address))
    mints = (str(pool.quote.address), str(pool.base.address))
    assert (route.sold_mint, route.bought_mint) == (mints if is_buy else mints[::-1])
    on_top = {
        mint: sum(one.amount_raw for one in route.fees if (one.mint, one.side) == (mint, "on_top")) for mint in mints
    }
    assert route.sold_raw + on_top[route.sold_mint] == fill.paid_raw
    assert route.bought_raw - on_top[route.bought_mint] == fill.got_raw
    amounts = (fill.quote_raw, fill.base_raw)
    assert (leg.sold_raw, leg.bought_raw) == (amounts if is_buy else amounts[::-1])
    after = {one.mint: one.after_raw for one in leg.reserves}
    base_raw, quote_raw = pool.reserves_raw()
    assert after == {str(pool.base.address): base_raw, str(pool.quote.address): quote_raw}
    assert sum(one.delta_raw for one in decoded.moves if one.kind == "tip" and one.delta_raw > 0) == COSTS.tip_lamports


@cases
def test_a_refused_purchase_costs_its_fee_and_no_more(venue: str, quote: Mint, token_program: Pubkey) -> None:
    bench = Bench(venue, quote, token_program)
    lamports, price = bench.ledger.lamports(bench.trader.address), spot_price(bench.pool)
    writer = bench.writer()
    open_associated(writer, bench.trader.address, bench.pool.base)
    if bench.pool.takes_wrapped_sol:
        wrap_sol(writer, bench.trader, 10**9)
    writer.doom(6_004, "Error: slippage")
    bench.pool.buy(writer, bench.trader, 10**9, DEFAULT_START_TIME_S)
    decoded = decoded_whole(bench.land(writer))
    assert decoded.transaction.is_failed
    assert decoded.routes == []
    assert bench.ledger.lamports(bench.trader.address) == lamports - 5_000 - 10_000
    assert (bench.held_raw, spot_price(bench.pool)) == (0, price)


def test_liquidity_goes_in_and_comes_out_by_the_pools_share() -> None:
    bench = Bench("raydium_cpmm", USDC)
    pool = bench.pool
    assert isinstance(pool, CpmmPool)
    bench.buy(10**9, is_v0=False)
    writer = bench.writer()
    open_associated(writer, bench.trader.address, pool.lp_mint)
    added = pool.add(writer, bench.trader, 500 * 10**6)
    put_in = decoded_whole(bench.land(writer))
    writer = bench.writer()
    removed = pool.remove(writer, bench.trader, added.lp_raw)
    taken_out = decoded_whole(bench.land(writer))
    told = [fact for one in (put_in, taken_out) for fact in one.facts if isinstance(fact, Liquidity)]
    meant = [("liquidity_add", added), ("liquidity_remove", removed)]
    for fact, (kind, fill) in zip(told, meant, strict=True):
        both = {str(pool.base.address): fill.base_raw, str(pool.quote.address): fill.quote_raw}
        assert (fact.kind, dict(fact.amounts), fact.share_raw) == (kind, both, fill.lp_raw)
    assert 0 <= added.base_raw - removed.base_raw <= 1
    assert 0 <= added.quote_raw - removed.quote_raw <= 1


def test_a_ledger_refuses_what_nobody_has() -> None:
    bench = Bench("raydium_amm_v4", USDC)
    pool, stranger = bench.pool, actor("stranger")
    with pytest.raises(WrittenLedgerError, match="is no token account"):
        pool.sell(bench.writer(), bench.trader, 10**6, 0)
    with pytest.raises(WrittenLedgerError, match="and was to give"):
        pool.buy(bench.writer(), bench.trader, 10**13, 0)
    with pytest.raises(WrittenLedgerError, match="0 lamports"):
        send_lamports(bench.writer(), stranger.address, bench.trader.address, 1)
    account = bench.ledger.associated(bench.trader.address, USDC)
    with pytest.raises(WrittenLedgerError, match="different mints"):
        send_tokens(bench.writer(), account, pool.static_accounts[5], bench.trader.address, USDC, 1)


def test_what_does_not_fit_a_packet_cannot_land() -> None:
    bench = Bench("raydium_amm_v4", USDC)
    writer = bench.writer()
    for number in range(40):
        send_lamports(writer, bench.trader.address, made_up_address(str(number)), 1)
    with pytest.raises(WrittenLedgerError, match="fits no packet"):
        bench.land(writer)


@given(spends=st.lists(st.integers(min_value=10**6, max_value=5 * 10**10), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_a_pool_never_gives_more_than_its_product_allows(spends: list[int]) -> None:
    for venue, quote in (("raydium_amm_v4", USDC), ("pumpswap", WRAPPED_SOL), ("pumpfun", WRAPPED_SOL)):
        bench = Bench(venue, quote)
        for spend_raw in spends:
            if venue == "pumpfun" and bench.pool.reserves_raw()[1] > 80 * LAMPORTS_A_SOL:
                break
            before = bench.pool.reserves_raw()
            bought, _ = bench.buy(spend_raw, is_v0=False)
            after = bench.pool.reserves_raw()
            assert bought.paid_raw <= spend_raw
            assert after[0] * after[1] >= before[0] * before[1]
            assert before[0] - after[0] == bought.got_raw

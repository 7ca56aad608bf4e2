"""The golden wallet's answers: the story's arithmetic worked by hand, and the engine, prices and detectors held against it.

Both sides of the comparison start from the same transactions and share no code behind them: the story counts what it wrote,
the project what it reads back.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from golden_market_day import DecodedChain, decode_chain

from oof_pipelines.chain.exchanges import read_exchanges
from oof_pipelines.chain.native import BUILD
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.detectors.extremes import extremes_of
from oof_pipelines.detectors.moment import Moment
from oof_pipelines.detectors.registry import detect_moments
from oof_pipelines.detectors.thresholds import read_thresholds
from oof_pipelines.detectors.wallet_input import detector_input
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import PositionEvent
from oof_pipelines.positions.lots import LotQueue, OpenLot, Part
from oof_pipelines.positions.position import Position
from oof_pipelines.positions.results import RealizedTrade
from oof_pipelines.positions.valued import PositionRules, ValuedEvent
from oof_pipelines.positions.valuing import UnitPrice, value_event
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.pricing.windows import PriceWindows
from oof_pipelines.storage.kline_files import KlineFiles
from oof_pipelines.testing.golden_chain import GoldenWallet, tell
from oof_pipelines.testing.golden_diary import BURN, BUY, LP_ADD, LP_REMOVE, RECEIVE, SELL, SEND, Entry
from oof_pipelines.testing.golden_lots import StoryBook
from oof_pipelines.testing.golden_market import ONE_E18, StoryError, dollars_text, half_even, rounded_e18
from oof_pipelines.workflows.minute_candles import CandlePrices, candles_by_mint
from oof_pipelines.workflows.wallet_summary import holdings_of

EXCHANGE = "exchange"


@pytest.fixture(scope="module")
def golden() -> GoldenWallet:
    return tell(1)


@pytest.fixture(scope="module")
def prices(golden: GoldenWallet, tmp_path_factory: pytest.TempPathFactory) -> ReferencePrices:
    path: Path = tmp_path_factory.mktemp("klines") / "SOLUSDT_1m.csv"
    path.write_text("\n".join(golden.klines) + "\n", encoding="utf-8")
    return ReferencePrices(KlineFiles(str(path)).prices(0, 2**40))


@pytest.fixture(scope="module")
def chain(golden: GoldenWallet, prices: ReferencePrices) -> DecodedChain:
    return decode_chain(golden.transactions, prices)


# --- the story's own lots, by hand ---


def book_of(*told: tuple[str, int, int | None, str]) -> StoryBook:
    """Entries as (kind, units, dollars, other), one a second."""
    entries = [
        Entry(kind, "owner", f"tx {number}", number, "coin", units, None if usd is None else usd * ONE_E18, other)
        for number, (kind, units, usd, other) in enumerate(told)
    ]
    return StoryBook.of(entries, frozenset({EXCHANGE}))


def dollars(book: StoryBook) -> list[tuple[str, int, int]]:
    """(kind, realised, unknown) of each exit, in whole dollars."""
    exits = book.holdings["coin"].exits
    return [(one.kind, one.pnl_usd_e18 // ONE_E18, one.unknown_proceeds_usd_e18 // ONE_E18) for one in exits]


def test_the_oldest_units_go_first() -> None:
    book = book_of((BUY, 10, 10, ""), (BUY, 10, 40, ""), (SELL, 15, 60, ""), (SELL, 5, 5, ""))
    # 15 units cost 10 + half of 40; the last 5 cost the other half.
    assert dollars(book) == [(SELL, 30, 0), (SELL, -15, 0)]
    assert book.holdings["coin"].episodes == 1
    assert not book.holdings["coin"].is_open


def test_parts_of_a_lot_add_up_to_what_it_cost() -> None:
    book = book_of((BUY, 3, 1, ""), (SELL, 1, 0, ""), (SELL, 1, 0, ""), (SELL, 1, 0, ""))
    costs = [-one.pnl_usd_e18 for one in book.holdings["coin"].exits]
    assert costs == [333333333333333333, 333333333333333333, 333333333333333334]


def test_gifts_have_no_cost_and_exchanges_sell_at_what_it_was_worth() -> None:
    book = book_of((RECEIVE, 4, 9, "friend"), (RECEIVE, 4, 8, EXCHANGE), (SELL, 6, 12, ""), (SEND, 2, 7, EXCHANGE))
    # Of 12 dollars 8 are of the gift; the other two units stood at 2 dollars each.
    assert dollars(book) == [(SELL, 0, 8), ("exchange_transfer", 3, 0)]


def test_what_is_sent_takes_its_cost_along_and_what_is_burnt_loses_it() -> None:
    book = book_of((BUY, 10, 100, ""), (SEND, 4, 70, "friend"), (BURN, 3, None, ""), (RECEIVE, 4, 80, "friend"))
    assert dollars(book) == [(BURN, -30, 0)]
    assert [lot.cost_usd_e18 for lot in book.holdings["coin"].lots] == [100 * ONE_E18, None]


def test_a_pool_gives_back_the_same_lots_and_the_rest_at_market() -> None:
    book = book_of(
        (BUY, 10, 10, ""),
        (BUY, 10, 20, ""),
        (LP_ADD, 8, 12, "pool"),
        (LP_REMOVE, 10, 50, "pool"),
        (SELL, 20, 60, ""),
        (SELL, 2, 9, ""),
    )
    # Eight come back as they went, two are worth 10 dollars; then 20 units cost 10 + 20, and the two are sold for 9.
    assert dollars(book) == [(SELL, 30, 0), (SELL, -1, 0)]
    parked = book_of((BUY, 10, 10, ""), (LP_ADD, 8, 12, "pool"), (LP_REMOVE, 5, 50, "pool")).holdings["coin"]
    assert (parked.held_raw, parked.in_pools_raw, parked.is_open) == (7, 3, True)


def test_nobody_sells_what_he_has_not() -> None:
    with pytest.raises(StoryError, match="more than is held"):
        book_of((BUY, 1, 1, ""), (SELL, 2, 1, ""))


def test_rounding_and_text() -> None:
    assert [half_even(number, 2) for number in (1, 3, 5, 7)] == [0, 2, 2, 4]
    assert rounded_e18(Fraction(-1, 3)) == -333333333333333333
    assert dollars_text(-5 * ONE_E18 // 100) == "-0.050000000000000000"


# --- the project against the story ---


def test_minutes_cost_what_the_story_says_and_every_trade_is_believed(
    golden: GoldenWallet, chain: DecodedChain
) -> None:
    assert chain.candles["excluded_trades"].sum() == 0
    primary = chain.candles.filter(pl.col("is_primary") & pl.col("vwap_usd").is_not_null())
    found = {
        (row["mint"], int(row["bucket_start"].timestamp())): (row["vwap_usd"], row["close_usd"], row["volume_usd"])
        for row in primary.iter_rows(named=True)
    }
    meant = {
        (mint, minute.start_s): (
            Decimal(dollars_text(minute.vwap_usd_e18)),
            Decimal(dollars_text(minute.close_usd_e18)),
            Decimal(dollars_text(minute.volume_usd_e18)),
        )
        for mint, minutes in golden.market.minutes.items()
        for minute in minutes
    }
    assert found == meant


class SolPrices:
    """The reference price at the start of a second's minute."""

    def __init__(self, prices: ReferencePrices) -> None:
        self._prices = prices

    def at(self, at_s: int) -> UnitPrice | None:
        price = self._prices.at(at_s - at_s % 60)
        return None if price is None else UnitPrice(int(price.price_usd.scaleb(18)), price.source, ONE_E18)


class Analysed:
    """One owner by the engine and the detectors."""

    def __init__(self, answers: dict[str, Any], golden: GoldenWallet, chain: DecodedChain, sol: SolPrices) -> None:
        wallets = frozenset(answers["wallets"])
        priced = chain.candles.filter(pl.col("is_primary") & pl.col("vwap_usd").is_not_null())
        self.windows = windows = PriceWindows(candles_by_mint(priced.sort("mint", "bucket_start")))
        exchanges = frozenset(read_exchanges(read_config("exchanges.yaml")))
        rules = PositionRules(exchanges=exchanges, owner_set=wallets)
        own = sorted((one for one in chain.events if one.wallet in wallets), key=_order)
        valued = [_valued(one, sol, windows) for one in own]
        self.book = Book(rules)
        self.rows: list[RealizedTrade] = [row for one in valued for row in self.book.step(one)]
        as_of_s = int(datetime.fromisoformat(golden.answers["as_of"]).timestamp())
        seen = detector_input(
            valued,
            self.rows,
            windows,
            read_thresholds(read_config("detectors.yaml")),
            as_of_s,
            rules=rules,
            idle_mint=golden.answers["environment"]["OOF_TOKEN_MINT"],
            pool_states=chain.pool_states,
        )
        self.moments: list[Moment] = detect_moments(seen)
        self.events = own


def _order(event: PositionEvent) -> tuple[Any, ...]:
    return (*event.order_key, event.wallet)


def _valued(event: PositionEvent, sol: SolPrices, windows: PriceWindows) -> ValuedEvent:
    return value_event(event, sol, CandlePrices(windows))


@pytest.fixture(scope="module", params=["alone", "owner_set"])
def both(
    request: pytest.FixtureRequest, golden: GoldenWallet, chain: DecodedChain, prices: ReferencePrices
) -> tuple[dict[str, Any], Analysed]:
    answers = golden.answers if request.param == "alone" else golden.answers["owner_set"]
    return answers, Analysed(answers, golden, chain, SolPrices(prices))


def test_realised_dollars_are_the_storys(both: tuple[dict[str, Any], Analysed]) -> None:
    answers, found = both
    by_mint: dict[str, int] = {}
    for row in found.rows:
        by_mint[row.mint] = by_mint.get(row.mint, 0) + (row.realized_pnl_usd_e18 or 0)
    # USDC is bought and sold at par all the time, and so realises nothing.
    assert by_mint[USDC_MINT] == 0
    told = {mint: dollars_text(pnl) for mint, pnl in sorted(by_mint.items()) if pnl}
    assert told == answers["realized_pnl_usd_by_mint"]
    assert dollars_text(sum(by_mint.values())) == answers["realized_pnl_usd"]
    unknown = sum(row.proceeds_usd_e18 or 0 for row in found.rows if row.basis_status == "unknown")
    assert dollars_text(unknown) == answers["unknown_basis_proceeds_usd"]


def test_every_single_sale_realises_what_the_story_says(both: tuple[dict[str, Any], Analysed]) -> None:
    answers, found = both
    told: dict[tuple[str, str, str], int] = {}
    for row in found.rows:
        key = (row.signature, row.mint, row.kind)
        told[key] = told.get(key, 0) + (row.realized_pnl_usd_e18 or 0)
    meant = {
        (one["signature"], one["mint"], one["kind"]): one["realized_pnl_usd"] for one in answers["realized_by_exit"]
    }
    assert {key: dollars_text(pnl) for key, pnl in told.items() if key in meant} == meant
    assert not any(pnl for key, pnl in told.items() if key not in meant)


def test_what_is_left_and_its_episodes_are_the_storys(both: tuple[dict[str, Any], Analysed]) -> None:
    answers, found = both
    episodes: dict[str, int] = {}
    for episode in found.book.episodes():
        episodes[episode.mint] = episodes.get(episode.mint, 0) + 1
    assert episodes == answers["episodes_by_mint"]
    left: dict[str, list[int]] = {}
    for lot in found.book.lots():
        units = left.setdefault(lot.mint, [0, 0])
        units[0] += lot.qty_remaining_raw
        units[1] += lot.qty_in_pool_raw
    told = {mint: {"held": str(held), "in_pools": str(pools)} for mint, (held, pools) in left.items() if held + pools}
    assert told == answers["open_raw"]


def test_what_is_held_is_worth_what_the_story_says(both: tuple[dict[str, Any], Analysed], golden: GoldenWallet) -> None:
    answers, found = both
    as_of_s = int(datetime.fromisoformat(golden.answers["as_of"]).timestamp())
    holdings = holdings_of(found.book.lots(), found.windows, as_of_s)
    told = {one.mint: one.unrealized_pnl_usd_e18 for one in holdings if one.mint != USDC_MINT}
    priced = {mint: dollars_text(pnl) for mint, pnl in sorted(told.items()) if pnl is not None}
    assert priced == answers["unrealized_pnl_usd_by_mint"]
    assert len(priced) == 3


def test_moments_are_the_storys(both: tuple[dict[str, Any], Analysed]) -> None:
    answers, found = both
    for kind, signatures in answers["moment_signatures"].items():
        assert sorted(one.signature for one in found.moments if one.kind == kind) == sorted(signatures), kind
    assert {one.status for one in found.moments} == {"final"}


def test_extremes_are_the_storys_to_the_last_place(both: tuple[dict[str, Any], Analysed]) -> None:
    answers, found = both
    told = extremes_of(found.rows, found.moments).told()
    for name, meant in answers["extremes"].items():
        extreme = told[name]
        assert extreme is not None, name
        assert {key: extreme[key] for key in meant} == meant


def test_costs_are_the_storys(both: tuple[dict[str, Any], Analysed]) -> None:
    answers, found = both
    assert str(sum(one.network_fee_lamports for one in found.events)) == answers["costs"]["network_fee_lamports"]
    assert str(sum(one.tip_lamports for one in found.events)) == answers["costs"]["tip_lamports"]


def _newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    add = LotQueue.add

    def changed(queue: LotQueue, lot: OpenLot) -> None:
        add(queue, lot)
        queue.parts.rotate(1)

    monkeypatch.setattr(LotQueue, "add", changed)


def _gifts_at_market(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Position.receive
    monkeypatch.setattr(Position, "receive", lambda own, valued, _: receive(own, valued, True))


def _returned_go_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(queue: LotQueue, returned: Iterable[Part]) -> None:
        for part in returned:
            queue.parts.append(part)
            queue.units_raw += part.end_raw - part.first_raw

    monkeypatch.setattr(LotQueue, "put_back", changed)


@pytest.mark.skipif(BUILD == "compiled", reason="COMPILED: make native-clean first, compiled rules cannot be changed")
@pytest.mark.parametrize("change", [_newest_first, _gifts_at_market, _returned_go_last])
def test_a_changed_lot_rule_is_noticed(
    change: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    golden: GoldenWallet,
    chain: DecodedChain,
    prices: ReferencePrices,
) -> None:
    change(monkeypatch)
    found = Analysed(golden.answers, golden, chain, SolPrices(prices))
    realized = sum(row.realized_pnl_usd_e18 or 0 for row in found.rows)
    assert dollars_text(realized) != golden.answers["realized_pnl_usd"]

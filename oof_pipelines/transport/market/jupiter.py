"""Jupiter: spot prices (Price API v3) and quotes (Swap API v1, whose answer is that of the older v6).

Both are under one root, by default https://api.jup.ag, and take a key in the header x-api-key. A price names the slot of
its state and no instant, so its age is told from the newest slot seen. History there is none.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from oof_pipelines.market_interfaces import LastGood
from oof_pipelines.pricing.readings import (
    JUPITER,
    PriceBatch,
    PriceTick,
    Quote,
    QuoteHop,
    ReadingRefusedError,
    RefusedReading,
)
from oof_pipelines.transport.market.freshness import Freshness
from oof_pipelines.transport.market.last_good import LastGoodValues
from oof_pipelines.transport.market.plausibility import check_fraction, check_price, check_volume
from oof_pipelines.transport.market.service import (
    Answer,
    MarketService,
    ServiceClient,
    ServicePolicy,
    ServiceRefusedError,
)
from oof_pipelines.transport.market.slot_age import SlotAges
from oof_pipelines.transport.market.wire import Decimals, Slot, UnsignedText, chunks, raw_amount, read_entry

JUPITER_KEY_HEADER = "x-api-key"
JUPITER_POLICY = ServicePolicy(requests=1)
"""The budget of the smallest plan, a request a second."""
MOST_IDS = 50

_PRICE_PATH = "/price/v3"
_QUOTE_PATH = "/swap/v1/quote"
# What the quote API says where there is nothing to sell or no way to; any other 4xx is an error.
_NO_ROUTE_CODES = frozenset({"COULD_NOT_FIND_ANY_ROUTE", "NO_ROUTES_FOUND", "TOKEN_NOT_TRADABLE"})
_MOST_HOPS = 64

Prices = dict[str, msgspec.Raw]
ValueT = TypeVar("ValueT")


class _Price(msgspec.Struct, rename="camel"):
    usd_price: Decimal
    block_id: Slot | None = None
    decimals: Decimals | None = None


class _SwapInfo(msgspec.Struct, rename="camel"):
    amm_key: str
    input_mint: str
    output_mint: str
    in_amount: UnsignedText
    out_amount: UnsignedText
    label: str = ""


class _RouteStep(msgspec.Struct, rename="camel"):
    swap_info: _SwapInfo
    percent: int | None = None
    bps: int | None = None


class _Quoted(msgspec.Struct, rename="camel"):
    input_mint: str
    in_amount: UnsignedText
    output_mint: str
    out_amount: UnsignedText
    other_amount_threshold: UnsignedText
    slippage_bps: int
    route_plan: list[_RouteStep]
    price_impact_pct: Decimal | None = None
    context_slot: Slot | None = None
    swap_usd_value: Decimal | None = None


class _Refusal(msgspec.Struct, rename="camel"):
    error_code: str | None = None


_decode_prices = msgspec.json.Decoder(Prices).decode
_decode_quote = msgspec.json.Decoder(_Quoted).decode


class JupiterClient(ServiceClient):
    """`SpotPrices` and `QuoteSource` over one `MarketService` of the source `jupiter`."""

    def __init__(self, service: MarketService, freshness: Freshness) -> None:
        super().__init__(service)
        self._freshness = freshness
        self._slots = SlotAges()
        self._last_good: LastGoodValues[PriceTick] = LastGoodValues(service.clock)

    async def prices(self, mints: Sequence[str]) -> PriceBatch:
        """Prices of `mints`, asked for in requests of at most 50; a mint the answer lacks is `missing`."""
        ticks: list[PriceTick] = []
        missing: list[str] = []
        refused: list[RefusedReading] = []
        for chunk in chunks(list(dict.fromkeys(mints)), MOST_IDS):
            answer = await self.service.get(_PRICE_PATH, _decode_prices, [("ids", ",".join(chunk))])
            entries = self._entries(chunk, answer, missing, refused)
            self._slots.see([entry.block_id for _, entry in entries if entry.block_id is not None], answer.came_at)
            for mint, entry in entries:
                try:
                    ticks.append(self._tick(mint, entry, answer))
                except ReadingRefusedError as error:
                    refused.append(RefusedReading(error.source, error.subject, error.reason, answer.came_at))
        for tick in ticks:
            self._last_good.remember(tick.mint, tick)
        return PriceBatch(tuple(ticks), tuple(missing), tuple(refused))

    def last_good_price(self, mint: str) -> LastGood[PriceTick] | None:
        """The newest believed price of `mint`, with its age."""
        return self._last_good.of(mint)

    async def quote(self, sold_mint: str, bought_mint: str, sold_raw: int, slippage_bps: int) -> Quote | None:
        """What `sold_raw` base units would bring now; None where there is no route."""
        asked_at = self.service.clock.now()
        parameters = [
            ("inputMint", sold_mint),
            ("outputMint", bought_mint),
            ("amount", str(sold_raw)),
            ("slippageBps", str(slippage_bps)),
            ("swapMode", "ExactIn"),
        ]
        try:
            answer = await self.service.get(_QUOTE_PATH, _decode_quote, parameters)
        except ServiceRefusedError as error:
            if _refusal_code(error.body) in _NO_ROUTE_CODES:
                return None
            raise
        quote = _quote(answer.value, asked_at)
        subject = f"{sold_mint} to {bought_mint}"
        if (quote.sold_mint, quote.bought_mint, quote.sold_raw) != (sold_mint, bought_mint, sold_raw):
            raise ReadingRefusedError(JUPITER, subject, "the quote answers another question")
        if quote.slot is not None:
            self._slots.see([quote.slot], answer.came_at)
        published_at = self._published_at(subject, quote.slot, answer)
        self._freshness.check(JUPITER, subject, published_at, answer.came_at)
        return quote

    def _entries(
        self, chunk: list[str], answer: Answer[Prices], missing: list[str], refused: list[RefusedReading]
    ) -> list[tuple[str, _Price]]:
        """The readable entries of the mints asked for; others go to `missing` and `refused`."""
        entries: list[tuple[str, _Price]] = []
        for mint in chunk:
            entry = answer.value.get(mint)
            if entry is None or bytes(entry) == b"null":
                missing.append(mint)
                continue
            try:
                entries.append((mint, read_entry(JUPITER, mint, entry, _Price)))
            except ReadingRefusedError as error:
                refused.append(RefusedReading(error.source, error.subject, error.reason, answer.came_at))
        return entries

    def _published_at(self, subject: str, slot: int | None, answer: Answer[ValueT]) -> datetime:
        """By its slot, but no later than its Date header says: an old one came out of some cache."""
        at = min(answer.served_at or answer.came_at, answer.came_at)
        if slot is None:
            return at
        if not self._slots.is_believed(slot, answer.came_at):
            raise ReadingRefusedError(JUPITER, subject, f"slot {slot} is far ahead of the chain")
        return min(at, self._slots.published_at(slot, answer.came_at))

    def _tick(self, mint: str, price: _Price, answer: Answer[Prices]) -> PriceTick:
        check_price(JUPITER, mint, "usdPrice", price.usd_price)
        came_at, slot = answer.came_at, price.block_id
        published_at = self._published_at(mint, slot, answer)
        return PriceTick(
            source=JUPITER,
            mint=mint,
            price_usd=price.usd_price,
            confidence_usd=None,
            published_at=published_at,
            received_at=came_at,
            slot=slot,
            decimals=price.decimals,
            is_stale=self._freshness.check(JUPITER, mint, published_at, came_at),
        )


def _quote(quoted: _Quoted, asked_at: datetime) -> Quote:
    subject = f"{quoted.input_mint} to {quoted.output_mint}"
    bought_raw = raw_amount(JUPITER, subject, "outAmount", quoted.out_amount)
    threshold_raw = raw_amount(JUPITER, subject, "otherAmountThreshold", quoted.other_amount_threshold, least=0)
    if threshold_raw > bought_raw:
        raise ReadingRefusedError(JUPITER, subject, "the threshold is above the amount")
    if not 1 <= len(quoted.route_plan) <= _MOST_HOPS:
        raise ReadingRefusedError(JUPITER, subject, f"a route of {len(quoted.route_plan)} hops")
    if quoted.price_impact_pct is not None:
        check_fraction(JUPITER, subject, "priceImpactPct", quoted.price_impact_pct)
    if quoted.swap_usd_value is not None:
        check_volume(JUPITER, subject, "swapUsdValue", quoted.swap_usd_value)
    return Quote(
        source=JUPITER,
        sold_mint=quoted.input_mint,
        sold_raw=raw_amount(JUPITER, subject, "inAmount", quoted.in_amount),
        bought_mint=quoted.output_mint,
        bought_raw=bought_raw,
        other_amount_threshold_raw=threshold_raw,
        slippage_bps=quoted.slippage_bps,
        price_impact=quoted.price_impact_pct,
        usd_value=quoted.swap_usd_value,
        hops=tuple(_hop(subject, step) for step in quoted.route_plan),
        slot=quoted.context_slot,
        asked_at=asked_at,
    )


def _hop(subject: str, step: _RouteStep) -> QuoteHop:
    share_bps = step.bps if step.bps is not None else 100 * (step.percent or 0)
    if not 0 < share_bps <= 10_000:
        raise ReadingRefusedError(JUPITER, subject, f"a hop with a share of {share_bps} basis points")
    info = step.swap_info
    return QuoteHop(
        label=info.label,
        pool=info.amm_key,
        sold_mint=info.input_mint,
        sold_raw=raw_amount(JUPITER, subject, "a hop's inAmount", info.in_amount),
        bought_mint=info.output_mint,
        bought_raw=raw_amount(JUPITER, subject, "a hop's outAmount", info.out_amount),
        share_bps=share_bps,
    )


def _refusal_code(body: bytes) -> str | None:
    try:
        return msgspec.json.decode(body, type=_Refusal).error_code
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""A wallet's story in a few words, made into what detectors see, by way of the real position engine."""

from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.config_files import read_config
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.detectors.input import DetectorInput, PoolState, SeenQuote
from oof_pipelines.detectors.thresholds import Thresholds, read_thresholds
from oof_pipelines.detectors.wallet_input import detector_input
from oof_pipelines.positions.book import Book
from oof_pipelines.positions.events import BURN, BUY, LP_ADD, LP_REMOVE, RECEIVE, SELL, SEND, PositionEvent
from oof_pipelines.positions.valued import PositionRules, ValuedEvent
from oof_pipelines.pricing.windows import MinuteCandle, PriceWindows

WALLET = "Wa11et"
MINT = "Co1n"
ONE = 10**18
MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400
# A whole hour, so that minutes and hours of a story begin where they are said to.
T0 = 1_700_000_000 // HOUR_S * HOUR_S
CONFIDENCE = 600_000_000_000_000_000
THRESHOLDS = read_thresholds(read_config("detectors.yaml"))


def usd(text: str) -> int:
    """Dollars as whole 10^-18."""
    return int(Decimal(text).scaleb(18))


def candle(
    at_s: int,
    price: str,
    *,
    mint: str = MINT,
    volume: str = "1000",
    signers: int = 3,
    close: str | None = None,
    reserve: str | None = "10000",
    confidence_e18: int = CONFIDENCE,
) -> MinuteCandle:
    """The candle of the minute that `at_s` lies in."""
    start_s = at_s // MINUTE_S * MINUTE_S
    return MinuteCandle(
        mint=mint,
        start_s=start_s,
        end_s=start_s + MINUTE_S,
        vwap_usd_e18=usd(price),
        close_usd_e18=usd(close or price),
        volume_usd_e18=usd(volume),
        trades=5,
        signers=signers,
        quote_reserve_usd_e18=None if reserve is None else usd(reserve),
        source="swaps",
        usd_source="par",
        confidence_e18=confidence_e18,
    )


@dataclass
class Story:
    """Events in the order in which they are told, each a slot later than the one before. Units have six decimals."""

    wallet: str = WALLET
    valued: list[ValuedEvent] = field(default_factory=list)

    def buy(self, at_s: int, units_raw: int, dollars: str | None, *, mint: str = MINT, pool: str = "") -> str:
        paid_raw = 0 if dollars is None else int(Decimal(dollars) * 10**6)
        return self._tell(BUY, at_s, mint, units_raw, dollars, USDC_MINT, paid_raw, pool)

    def sell(self, at_s: int, units_raw: int, dollars: str | None, *, mint: str = MINT, pool: str = "") -> str:
        got_raw = 1 if dollars is None else int(Decimal(dollars) * 10**6)
        return self._tell(SELL, at_s, mint, units_raw, dollars, USDC_MINT, got_raw, pool)

    def receive(self, at_s: int, units_raw: int, *, mint: str = MINT, sender: str = "") -> str:
        return self._tell(RECEIVE, at_s, mint, units_raw, None, "", None, sender)

    def send(self, at_s: int, units_raw: int, *, mint: str = MINT, recipient: str = "") -> str:
        return self._tell(SEND, at_s, mint, units_raw, None, "", None, recipient)

    def pass_on(self, at_s: int, sent_raw: int, received_raw: int, recipient: str, *, mint: str = MINT) -> str:
        """Send to another wallet in one transaction, both ends of it; less may arrive than was sent."""
        signature = self.send(at_s, sent_raw, mint=mint, recipient=recipient)
        self.receive(at_s, received_raw, mint=mint, sender=self.wallet)
        sent, received = self.valued[-2].event, self.valued[-1].event
        arrival = replace(received, signature=signature, slot=sent.slot, wallet=recipient)
        self.valued[-1] = replace(self.valued[-1], event=arrival)
        return signature

    def burn(self, at_s: int, units_raw: int, *, mint: str = MINT) -> str:
        return self._tell(BURN, at_s, mint, units_raw, None, "", None, "")

    def lp_add(self, at_s: int, units_raw: int, pool: str, *, mint: str = MINT) -> str:
        return self._tell(LP_ADD, at_s, mint, units_raw, None, "", None, pool)

    def lp_remove(self, at_s: int, units_raw: int, pool: str, *, mint: str = MINT) -> str:
        return self._tell(LP_REMOVE, at_s, mint, units_raw, None, "", None, pool)

    def swap_for_sol(
        self, at_s: int, units_raw: int, lamports: int, dollars: str | None, *, mint: str = MINT, slot: int = 0
    ) -> str:
        """Sell a coin for SOL."""
        return self._tell(SELL, at_s, mint, units_raw, dollars, NATIVE_MINT, lamports, "", slot)

    def swap_sol(self, at_s: int, lamports: int, units_raw: int, dollars: str | None, *, slot: int = 0) -> str:
        """Buy the coin for SOL."""
        return self._tell(BUY, at_s, MINT, units_raw, dollars, NATIVE_MINT, lamports, "", slot)

    def _tell(
        self,
        kind: str,
        at_s: int,
        mint: str,
        units_raw: int,
        dollars: str | None,
        other_mint: str,
        other_raw: int | None,
        counterparty: str,
        slot: int = 0,
    ) -> str:
        number = len(self.valued)
        signature = f"sig{number}"
        event = PositionEvent(
            signature=signature,
            slot=slot or 1_000 + number,
            tx_index=0,
            block_time_s=at_s,
            log_idx=3 * 65_536,
            path="3",
            seq=0,
            wallet=self.wallet,
            kind=kind,
            mint=mint,
            decimals=6,
            qty_raw=units_raw,
            other_mint=other_mint,
            other_decimals=6 if other_mint == USDC_MINT else 9 if other_mint else None,
            other_raw=other_raw,
            counterparty=counterparty,
            venue="",
            network_fee_lamports=5_000,
            tip_lamports=0,
            rent_lamports=0,
        )
        is_valued = dollars is not None
        self.valued.append(
            ValuedEvent(
                event, usd(dollars) if dollars else None, "par" if is_valued else "", ONE if is_valued else None
            )
        )
        return signature

    def seen(
        self,
        candles: list[MinuteCandle],
        as_of_s: int,
        *,
        thresholds: Thresholds = THRESHOLDS,
        idle_mint: str = "",
        pool_states: list[PoolState] | None = None,
        quotes: list[SeenQuote] | None = None,
        rules: PositionRules | None = None,
    ) -> DetectorInput:
        """What detectors see of it at `as_of_s`."""
        rules = rules or PositionRules()
        book = Book(rules)
        realized = [row for one in self.valued for row in book.step(one)]
        return detector_input(
            self.valued,
            realized,
            PriceWindows.of(candles),
            thresholds,
            as_of_s,
            rules=rules,
            idle_mint=idle_mint,
            pool_states=pool_states or (),
            quotes=quotes or (),
        )

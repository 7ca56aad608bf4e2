"""What a market service said, as plain frozen values: prices, quotes, volumes, klines, order books, token metadata.

Amounts of tokens are integers in base units (`_raw`), prices and money are exact decimals of the text that was sent,
instants are in UTC. A value here has passed the plausibility checks; what did not is a `RefusedReading` with its reason.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

PYTH = "pyth"
JUPITER = "jupiter"
DEFILLAMA = "defillama"
PUMP_FUN = "pump_fun"
BINANCE = "binance"
HELIUS_DAS = "helius_das"
RPC_MINT = "rpc_mint"
"""Names of sources, as they stand in stored rows."""


class ReadingRefusedError(ValueError):
    """An answer that is not believed: malformed, absurd or too old. `source` said it of `subject`; `reason` is one line."""

    def __init__(self, source: str, subject: str, reason: str) -> None:
        super().__init__(f"{source}: {subject}: {reason}")
        self.source = source
        self.subject = subject
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RefusedReading:
    """One reading of an answer that was refused, for the quarantine: who said it, about what (a mint, a feed), and why."""

    source: str
    subject: str
    reason: str
    refused_at: datetime


@dataclass(frozen=True, slots=True)
class PriceTick:
    """The price of one whole token of `mint` in dollars at an instant.

    `confidence_usd` is the half width of the source's own band, None where it states none. `published_at` is what the
    source states, else when the answer came. `is_stale` marks one older than the configured age (only where such ones are
    marked and not refused).
    """

    source: str
    mint: str
    price_usd: Decimal
    confidence_usd: Decimal | None
    published_at: datetime
    received_at: datetime
    slot: int | None = None
    decimals: int | None = None
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class PriceBatch:
    """Prices of several mints. Every mint asked for is in exactly one part; `missing` ones the source does not price."""

    ticks: tuple[PriceTick, ...]
    missing: tuple[str, ...]
    refused: tuple[RefusedReading, ...]


@dataclass(frozen=True, slots=True)
class QuoteHop:
    """One pool of a quoted route. `share_bps` is the part of the hop's input that goes through it, in basis points."""

    label: str
    pool: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    share_bps: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What a router would give for `sold_raw`, before the transaction's own cost; never less than the threshold.

    `price_impact` is a fraction (0.01 is one per cent). `slot` is the state it was computed on. `usd_value` is what the
    router states the trade to be worth.
    """

    source: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    other_amount_threshold_raw: int
    slippage_bps: int
    price_impact: Decimal | None
    usd_value: Decimal | None
    hops: tuple[QuoteHop, ...]
    slot: int | None
    asked_at: datetime

    @property
    def labels(self) -> tuple[str, ...]:
        """The venues of the route in order."""
        return tuple(hop.label for hop in self.hops)


@dataclass(frozen=True, slots=True)
class VolumeReading:
    """Volume in dollars that `name` (a venue, a chain's total) had over the `window_hours` before `at`."""

    source: str
    name: str
    window_hours: int
    volume_usd: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class VolumeBatch:
    """Volumes of one answer, with those that were refused; `missing` are names asked for that the source has none of."""

    readings: tuple[VolumeReading, ...]
    refused: tuple[RefusedReading, ...]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kline:
    """One bar of an exchange, [open_at, close_at). `is_closed` is False for a bar that had not ended when it was read."""

    source: str
    symbol: str
    interval: str
    open_at: datetime
    close_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    base_volume: Decimal
    quote_volume: Decimal
    trades: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class DepthLevel:
    """What is offered at one price, in units of the base asset."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class DepthSnapshot:
    """An order book: bids from the best (highest) down, asks from the best (lowest) up, the best bid below the best ask.

    `at` is when the answer came: the exchange states no instant. `last_update_id` orders snapshots of a symbol.
    """

    source: str
    symbol: str
    bids: tuple[DepthLevel, ...]
    asks: tuple[DepthLevel, ...]
    last_update_id: int
    at: datetime

    @property
    def mid_price(self) -> Decimal:
        """Half-way between the best bid and the best ask."""
        return (self.bids[0].price + self.asks[0].price) / 2


@dataclass(frozen=True, slots=True)
class TokenMetadata:
    """What a token calls itself. Whoever makes a token chooses these words: they are shown, never trusted or followed.

    `name`, `symbol` are '' and `logo_url` is None where the source has none. `decimals` are those of the mint.
    """

    mint: str
    name: str
    symbol: str
    logo_url: str | None
    decimals: int | None
    token_program: str | None
    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MetadataBatch:
    """Metadata of several mints. Every mint asked for is in exactly one part; `missing` ones the source does not know."""

    tokens: tuple[TokenMetadata, ...]
    missing: tuple[str, ...]
    refused: tuple[RefusedReading, ...]

"""The market as one typed stream: trades, pool states, launches, migrations, mints, balances and risk flags, in one order.

Everything that watches the market (prices, features, strategies) folds over these events and nothing else, so that stored
days and the live feed go through the same code. Amounts are base units; SOL is the wrapped mint's address. Where a
transaction stands (`EventPlace`) is the same for all its events. Order: `order_key`; block time has one-second grain and
never orders.
"""

from typing import ClassVar

import msgspec

TRADE = "trade"
POOL_STATE = "pool_state"
TOKEN_LAUNCHED = "token_launched"  # noqa: S105 - no password
POOL_CREATED = "pool_created"
TOKEN_MINT_INFO = "token_mint_info"  # noqa: S105
GRADUATION = "graduation"
MIGRATION = "migration"
LIQUIDITY_CHANGED = "liquidity_changed"
RISK_FLAG = "risk_flag"
WALLET_BALANCE = "wallet_balance"

KINDS = (
    TOKEN_MINT_INFO,
    TOKEN_LAUNCHED,
    POOL_CREATED,
    TRADE,
    POOL_STATE,
    LIQUIDITY_CHANGED,
    GRADUATION,
    MIGRATION,
    RISK_FLAG,
    WALLET_BALANCE,
)
"""In the order in which events of one path come: a mint is made before it is launched, a trade leaves a pool's state."""

STORED_KINDS = tuple(kind for kind in KINDS if kind != WALLET_BALANCE)
"""Those that transactions make, and so files hold; accounts alone tell balances."""

# A position in the block that nobody told comes behind those that are known, as in the files (nulls last).
_UNKNOWN_TX_INDEX = 2**31 - 1

OrderKey = tuple[int, int, str, int, int, int]


class EventPlace(msgspec.Struct, frozen=True):
    """Where an event stands. `log_idx` is its path as a number (chain/moves.py), `ordinal` counts events of a kind there.

    `block_time_s` is in whole seconds since 1970, UTC.
    """

    signature: str
    slot: int
    tx_index: int | None
    block_time_s: int
    log_idx: int
    ordinal: int


class _Event(msgspec.Struct, frozen=True):
    KIND: ClassVar[str]

    place: EventPlace

    @property
    def order_key(self) -> OrderKey:
        """Total order over all events: (slot, tx_index, signature, log_idx, rank of the kind, ordinal)."""
        place = self.place
        tx_index = _UNKNOWN_TX_INDEX if place.tx_index is None else place.tx_index
        return (place.slot, tx_index, place.signature, place.log_idx, KINDS.index(self.KIND), place.ordinal)


class Trade(_Event, frozen=True, tag=TRADE):
    """One swap in one pool, seen from the coin: `mint` is bought (`is_buy`) or sold for `quote_mint`.

    The quote is the money of the pair: USDC before USDT before SOL; of two coins the one that sorts last. Amounts are the
    venue's own, without fees on top; one of them may be 0 where dust was traded. `trader` is whose trade it is (of a
    route through several pools its trader, the same for all hops), `signer` pays the transaction's fee. Decimals are None
    where the transaction shows none. Reserves are those after the trade, None where the program shows none;
    `reserve_kind` is vault, virtual or ''. `trader_balance_raw` is what the trader holds of `mint` after the transaction
    in the token accounts it shows; None where it shows none, and for SOL, which wallets hold unwrapped. `creator` is the
    account that is paid the creator's fee (a vault of the creator's on pump.fun and PumpSwap), '' where none is.
    """

    KIND: ClassVar[str] = TRADE

    program_id: str
    venue: str
    pool: str
    mint: str
    quote_mint: str
    is_buy: bool
    base_raw: int
    quote_raw: int
    base_decimals: int | None
    quote_decimals: int | None
    trader: str
    signer: str
    creator: str = ""
    trader_balance_raw: int | None = None
    reserve_kind: str = ""
    base_reserve_raw: int | None = None
    quote_reserve_raw: int | None = None


class PoolState(_Event, frozen=True, tag=POOL_STATE):
    """What a pool holds after a trade, as far as its program shows; `kind` as in decode/facts.py: vault or virtual."""

    KIND: ClassVar[str] = POOL_STATE

    program_id: str
    venue: str
    pool: str
    mint: str
    quote_mint: str
    reserve_kind: str
    base_reserve_raw: int | None
    quote_reserve_raw: int | None


class TokenMintInfo(_Event, frozen=True, tag=TOKEN_MINT_INFO):
    """A mint was initialised or its authorities changed. Authorities are '' where there is none, None where not told.

    `supply_raw` is what exists after the transaction where it made all of it, else None.
    """

    KIND: ClassVar[str] = TOKEN_MINT_INFO

    mint: str
    token_program: str
    decimals: int | None
    mint_authority: str | None
    freeze_authority: str | None
    supply_raw: int | None


class TokenLaunched(_Event, frozen=True, tag=TOKEN_LAUNCHED):
    """A launchpad made a token; `pool` is its curve."""

    KIND: ClassVar[str] = TOKEN_LAUNCHED

    program_id: str
    venue: str
    mint: str
    quote_mint: str
    pool: str
    creator: str
    token_program: str
    name: str
    symbol: str
    uri: str


class PoolCreated(_Event, frozen=True, tag=POOL_CREATED):
    """A pool was made."""

    KIND: ClassVar[str] = POOL_CREATED

    program_id: str
    venue: str
    pool: str
    mint: str
    quote_mint: str
    creator: str


class Graduation(_Event, frozen=True, tag=GRADUATION):
    """A token's curve is full."""

    KIND: ClassVar[str] = GRADUATION

    program_id: str
    venue: str
    mint: str
    quote_mint: str
    pool: str


class Migration(_Event, frozen=True, tag=MIGRATION):
    """A graduated token's liquidity went to `pool`."""

    KIND: ClassVar[str] = MIGRATION

    program_id: str
    venue: str
    mint: str
    quote_mint: str
    pool: str


class LiquidityChanged(_Event, frozen=True, tag=LIQUIDITY_CHANGED):
    """A wallet put tokens into a pool (`is_add`) or took them out. Amounts are the wallet's, 0 where a side was untouched.

    `mint` or `quote_mint` is '' where only one side moved and nothing in the call tells the other. Reserves are what the
    pool's token account held right after; None where no single account is seen to have taken or given the amount.
    """

    KIND: ClassVar[str] = LIQUIDITY_CHANGED

    program_id: str
    venue: str
    pool: str
    mint: str
    quote_mint: str
    wallet: str
    is_add: bool
    base_raw: int
    quote_raw: int
    base_reserve_raw: int | None
    quote_reserve_raw: int | None


class RiskFlag(_Event, frozen=True, tag=RISK_FLAG):
    """Something a buyer of `mint` should know, derived from the events before it.

    `flag`: mint_authority_live, freeze_authority_live, liquidity_pulled, creator_dumping, top_holder_share.
    `share_bps` is the share the flag is about (of the supply, the pool or the creator's holding) in basis points, None
    where it has none. `wallet` is whose doing it is.
    """

    KIND: ClassVar[str] = RISK_FLAG

    flag: str
    mint: str
    wallet: str
    pool: str
    share_bps: int | None


class WalletBalance(_Event, frozen=True, tag=WALLET_BALANCE):
    """What a watched account holds, as the account itself says: SOL of a wallet, or the tokens of one of its accounts."""

    KIND: ClassVar[str] = WALLET_BALANCE

    mint: str
    wallet: str
    balance_raw: int


MarketEvent = (
    Trade
    | PoolState
    | TokenMintInfo
    | TokenLaunched
    | PoolCreated
    | LiquidityChanged
    | Graduation
    | Migration
    | RiskFlag
    | WalletBalance
)

"""What happened to the owner's holdings in the golden story, as the story meant it: entries in the order of the chain."""

from collections.abc import Iterator
from dataclasses import dataclass, field

BUY = "buy"
SELL = "sell"
RECEIVE = "receive"
SEND = "send"
BURN = "burn"
LP_ADD = "lp_add"
LP_REMOVE = "lp_remove"
STAKE = "stake"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to one wallet's holding of `mint`, in base units.

    `value_usd_e18` is what it was worth: of a trade what was paid or got, else the units at their price then; None where
    the story knows no price. `other` is the other wallet, the pool of liquidity, or whoever keeps a stake.
    """

    kind: str
    wallet: str
    signature: str
    at_s: int
    mint: str
    qty_raw: int
    value_usd_e18: int | None
    other: str = ""


@dataclass(frozen=True, slots=True)
class Swap:
    """One trade of a wallet with one pool, all fees included. `offers` are what each pool of the pair would have left him."""

    wallet: str
    signature: str
    at_s: int
    coin: str
    pool: str
    paid_raw: int
    got_raw: int
    value_usd_e18: int
    offers: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Costs:
    """What a wallet's transactions cost beside their trades, in lamports; `failed` of the transactions did nothing else."""

    network_fee_lamports: int = 0
    tip_lamports: int = 0
    transactions: int = 0
    failed: int = 0


@dataclass(slots=True)
class Diary:
    """Everything of both wallets. `decimals` are by mint."""

    entries: list[Entry] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)
    costs: dict[str, Costs] = field(default_factory=dict)
    decimals: dict[str, int] = field(default_factory=dict)

    def of(self, wallets: frozenset[str]) -> Iterator[Entry]:
        """The entries of an owner set; what passes between its wallets is none."""
        for entry in self.entries:
            if entry.wallet in wallets and entry.other not in wallets:
                yield entry

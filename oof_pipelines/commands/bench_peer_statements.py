"""Trades as they are stated, ours and those of solana-dex-parser, in the same words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations

import msgspec

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.decode.facts import ON_TOP, FeePart, Leg
from oof_pipelines.decode.routes import Route

# What a bot takes, it takes by an instruction of its own.
_BESIDE = "bot"
NO_NUMBER = -1
"""The amount of a peer's trade that is no whole number."""
_WHOLE = re.compile(r"-?[0-9]{1,40}")
_MOST_FEES = 6


@dataclass(frozen=True, slots=True)
class Statement:
    """Somebody says that `trader` gave `sold_raw` and got `bought_raw`, in base units; SOL is the wrapped mint's address.

    `cost_fees_raw` are fees stated in what was sold, `proceeds_fees_raw` in what was bought; `beside_cost_raw` and
    `beside_proceeds_raw` are such fees that another instruction paid. `is_exact`: all fees are on top of the amounts, by
    definition; else nobody says which of them the amounts contain. `is_hop` marks a part of a longer route, which the
    trader's accounts need not show. `recipient` is who was given what was bought, '' where the trader kept it. `path` is
    'outer' or 'outer.inner'.
    """

    path: str
    program_id: str
    trader: str
    sold_mint: str
    sold_raw: int
    bought_mint: str
    bought_raw: int
    cost_fees_raw: tuple[int, ...] = ()
    proceeds_fees_raw: tuple[int, ...] = ()
    beside_cost_raw: int = 0
    beside_proceeds_raw: int = 0
    recipient: str = ""
    is_exact: bool = False
    is_hop: bool = False

    @property
    def outer(self) -> str:
        return self.path.partition(".")[0]

    @property
    def mints(self) -> tuple[str, str]:
        return self.sold_mint, self.bought_mint

    @property
    def amounts(self) -> tuple[str, int, str, int]:
        return self.sold_mint, self.sold_raw, self.bought_mint, self.bought_raw

    @property
    def cost_raw(self) -> int:
        """What the trade took from the trader within its instruction, its fees with it."""
        return self.sold_raw + sum(self.cost_fees_raw)

    @property
    def proceeds_raw(self) -> int:
        """What the trade left him there, its fees taken off."""
        return self.bought_raw - sum(self.proceeds_fees_raw)

    @property
    def costs_raw(self) -> set[int]:
        """What may be meant by sold: the amount as it is or with any of the stated fees."""
        return {self.sold_raw + fees for fees in _sums(self.cost_fees_raw)}

    @property
    def proceeds_amounts_raw(self) -> set[int]:
        """What may be meant by bought: the amount as it is or less any of the stated fees."""
        return {self.bought_raw - fees for fees in _sums(self.proceeds_fees_raw)}


def _sums(parts: tuple[int, ...]) -> set[int]:
    few = parts[:_MOST_FEES]
    return {sum(chosen) for size in range(len(few) + 1) for chosen in combinations(few, size)} | {sum(parts)}


def one_mint(mint: str) -> str:
    """The mint, SOL's for every wrapped form of it."""
    return NATIVE_MINT if mint in NATIVE_MINTS or mint == LAMPORTS_ASSET else mint


class PeerFee(msgspec.Struct, frozen=True):
    """A fee as the peer states it."""

    mint: str
    amount_raw: str


class PeerTrade(msgspec.Struct, frozen=True):
    """A swap as the peer states it; `path` is 'outer-inner', amounts are texts of base units."""

    path: str
    user: str
    program_id: str
    amm: str
    sold_mint: str
    sold_raw: str
    bought_mint: str
    bought_raw: str
    fees: tuple[PeerFee, ...] = ()


class PeerAnswer(msgspec.Struct, frozen=True):
    """All that the peer says of one body; `liquidity` are kinds of pool events, `error` why it says no more."""

    trades: tuple[PeerTrade, ...]
    aggregate: PeerTrade | None
    liquidity: tuple[str, ...] = ()
    error: str = ""


def statement_of_peer(trade: PeerTrade) -> Statement:
    """A trade of the peer's in our words."""
    sold_mint, bought_mint = one_mint(trade.sold_mint), one_mint(trade.bought_mint)
    fees = [(one_mint(fee.mint), _whole(fee.amount_raw)) for fee in trade.fees]
    return Statement(
        trade.path.replace("-", "."),
        trade.program_id,
        trade.user,
        sold_mint,
        _whole(trade.sold_raw),
        bought_mint,
        _whole(trade.bought_raw),
        tuple(raw for mint, raw in fees if mint == sold_mint and raw > 0),
        tuple(raw for mint, raw in fees if mint == bought_mint and raw > 0),
    )


def _whole(text: str) -> int:
    return int(text) if _WHOLE.fullmatch(text) else NO_NUMBER


def statement_of_leg(leg: Leg, route: Route) -> Statement:
    """A leg; its trader is the route's where the leg names none."""
    is_hop = len(route.legs) > 1 or leg.trader not in ("", route.trader)
    return _statement(leg, leg.trader or route.trader, leg.fees, is_hop)


def statement_of_route(route: Route) -> Statement:
    """A route: fees of its legs are in its amounts already where those are what its trader's accounts lost and gained."""
    is_direct = any(leg.path == route.path for leg in route.legs)
    of_legs = [fee for leg in route.legs for fee in leg.fees]
    fees = route.fees if is_direct else tuple(fee for fee in route.fees if fee not in of_legs)
    return _statement(route, route.trader, fees, False)


def _statement(one: Leg | Route, trader: str, fees: Iterable[FeePart], is_hop: bool) -> Statement:
    sold_mint, bought_mint = one_mint(one.sold_mint), one_mint(one.bought_mint)
    on_top = [fee for fee in fees if fee.side == ON_TOP]
    of_cost = [fee for fee in on_top if one_mint(fee.mint) == sold_mint]
    # A circle's fee counts once.
    of_proceeds = [fee for fee in on_top if one_mint(fee.mint) == bought_mint != sold_mint]
    return Statement(
        one.path,
        one.program_id,
        trader,
        sold_mint,
        one.sold_raw,
        bought_mint,
        one.bought_raw,
        tuple(fee.amount_raw for fee in of_cost if fee.kind != _BESIDE),
        tuple(fee.amount_raw for fee in of_proceeds if fee.kind != _BESIDE),
        sum(fee.amount_raw for fee in of_cost if fee.kind == _BESIDE),
        sum(fee.amount_raw for fee in of_proceeds if fee.kind == _BESIDE),
        recipient=one.recipient if isinstance(one, Route) else "",
        is_exact=True,
        is_hop=is_hop,
    )


def total_of(statements: list[Statement]) -> Statement:
    """Statements of one pair of mints as one, in the place of the first."""
    return replace(
        statements[0],
        sold_raw=sum(one.sold_raw for one in statements),
        bought_raw=sum(one.bought_raw for one in statements),
        cost_fees_raw=tuple(raw for one in statements for raw in one.cost_fees_raw),
        proceeds_fees_raw=tuple(raw for one in statements for raw in one.proceeds_fees_raw),
    )


def are_same(one: Statement, other: Statement) -> bool:
    """Whether two statements are of the same mints and amounts, as they are or with fees that either states."""
    if one.mints != other.mints:
        return False
    has_cost = one.sold_raw in other.costs_raw or other.sold_raw in one.costs_raw
    return has_cost and (one.bought_raw in other.proceeds_amounts_raw or other.bought_raw in one.proceeds_amounts_raw)

"""Transactions told by hand for the tests of events: moves, routes and facts of named wallets, without any bytes.

Wallets whose names end in '-pool' are program accounts: addresses off the curve.
"""

from functools import cache
from typing import Any

from solders.hash import Hash
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from oof_pipelines.chain.actions import Action
from oof_pipelines.chain.moves import FEE_PATH, LAMPORTS_ASSET, NATIVE_MINT, SUPPLY_ACCOUNT, VALIDATOR_ACCOUNT, Move
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.facts import Fact, FeePart, Leg
from oof_pipelines.decode.routes import Route
from oof_pipelines.positions.from_decoded import position_events_of

COIN, OTHER, SOL = "Coin", "Other", NATIVE_MINT
_DECIMALS = {COIN: 6, OTHER: 5, "Mangled": 256}


@cache
def address(name: str) -> str:
    """The address of a wallet by its name."""
    seed = bytes(Hash.hash(name.encode()))
    if name.endswith("-pool"):
        return str(Pubkey.find_program_address([seed], Pubkey.default())[0])
    return str(Keypair.from_seed(seed).pubkey())


def sent(path: str, giver: str, taker: str, mint: str, raw: int, kind: str = "transfer") -> list[Move]:
    """Moves of a transfer between the token accounts of two owners."""
    ends = ((giver, -raw), (taker, raw))
    return [Move(path, f"{who} {mint}", address(who), mint, delta_raw, kind) for who, delta_raw in ends]


def supplied(path: str, wallet: str, mint: str, delta_raw: int) -> list[Move]:
    """Moves of a mint (more) or a burn (less)."""
    kind = "mint" if delta_raw > 0 else "burn"
    return [
        Move(path, f"{wallet} {mint}", address(wallet), mint, delta_raw, kind),
        Move(path, SUPPLY_ACCOUNT, SUPPLY_ACCOUNT, mint, -delta_raw, kind, is_virtual=True),
    ]


def paid_fee(wallet: str, lamports: int) -> list[Move]:
    """Moves of the network's fee."""
    return [
        Move(FEE_PATH, address(wallet), address(wallet), LAMPORTS_ASSET, -lamports, "fee_base"),
        Move(FEE_PATH, VALIDATOR_ACCOUNT, VALIDATOR_ACCOUNT, LAMPORTS_ASSET, lamports, "fee_base", is_virtual=True),
    ]


def tipped(path: str, wallet: str, lamports: int) -> list[Move]:
    """Moves of a tip."""
    ends = ((wallet, -lamports), ("tip account", lamports))
    return [Move(path, address(who), address(who), LAMPORTS_ASSET, raw, "tip") for who, raw in ends]


def deposit(path: str, wallet: str, lamports: int, *, is_back: bool = False) -> Action:
    """The action of an account opened by a wallet, or closed and paid back to it."""
    kind = "account_close" if is_back else "account_open"
    giver, taker = ("somebody", wallet) if is_back else (wallet, "its account")
    return Action(
        f"{path}{kind}", path, "", "", kind, address(giver), address(taker), LAMPORTS_ASSET, lamports, "", 0, (path,)
    )


def route(
    trader: str,
    sold: tuple[int, str],
    bought: tuple[int, str],
    *,
    path: str = "2",
    paths: tuple[str, ...] = (),
    recipient: str = "",
    fees: tuple[FeePart, ...] = (),
    pools: tuple[str, ...] = ("x-pool",),
) -> Route:
    """A route over these pools."""
    (sold_raw, sold_mint), (bought_raw, bought_mint) = sold, bought
    amounts = (sold_mint, sold_raw, bought_mint, bought_raw)
    legs = tuple(Leg(path, "program", "venue", address(pool), address(trader), *amounts) for pool in pools)
    to = address(recipient) if recipient else ""
    return Route(path, "program", "venue", address(trader), *amounts, to, legs, fees, (path, *paths))


def told(
    *moves: list[Move],
    routes: tuple[Route, ...] = (),
    facts: tuple[Fact, ...] = (),
    actions: tuple[Action, ...] = (),
    error: Any = None,
) -> Decoded:
    """The transaction of these parts."""
    transaction = ParsedTransaction(
        "signature", 7, 3, 1_700_000_000, "0", error, 0, 1, [address("payer")], [], [], [], [], [], [], None
    )
    every = [move for part in moves for move in part]
    return Decoded(transaction, every, list(routes), list(facts), list(actions), [], _DECIMALS, [], [])


def lines_of(decoded: Decoded) -> list[str]:
    """'wallet seq@path kind units mint for units mint with whom, costs' of each event, wallets by name."""
    names = {address(name): name for name in _NAMES}
    found = []
    for event in position_events_of("signature", 7, 3, 1_700_000_000, decoded):
        line = f"{names[event.wallet]} {event.seq}@{event.path} {event.kind} {event.qty_raw} {_short(event.mint)}"
        if event.other_mint:
            line += f" for {event.other_raw} {_short(event.other_mint)}"
        if event.counterparty:
            line += f" with {names[event.counterparty]}"
        if event.is_escrow:
            line += ", who keeps it"
        costs = (event.network_fee_lamports, event.tip_lamports, event.rent_lamports)
        if any(costs):
            line += " costs {} {} {}".format(*costs)
        found.append(line)
    return sorted(found)


_NAMES = ("anna", "bert", "carl", "payer", "x-pool", "y-pool", "somebody", "tip account")


def _short(mint: str) -> str:
    return "SOL" if mint == SOL else mint

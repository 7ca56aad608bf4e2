"""Synthetic transactions of which programs tell trades, liquidity and launches: for storage, which asks not who decoded them.

No synthetic transaction calls a venue, so the words are put in the decoder's mouth; actions are made of them as ever.
"""

import functools
from dataclasses import replace

import pytest
from crafted_bodies import LARGEST_U64, address
from decoded_home import synthetic_rows

from oof_pipelines.chain.moves import NATIVE_MINT, path_text
from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.actions import actions_of
from oof_pipelines.decode.anchor_events import LOG, AnchorEvent
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import INSIDE, ON_TOP, Fact, FeePart, Leg, Liquidity, Reserve, TokenEvent
from oof_pipelines.decode.reading import UnknownCall
from oof_pipelines.decode.routes import Route
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.workflows import prepare as prepare_module

PROGRAM, ROUTER = address("venue program"), address("router program")
COIN, DOLLAR, SHARE = address("coin"), address("dollar"), address("share")
OWN_FEE = FeePart("platform", NATIVE_MINT, 7, ON_TOP, address("platform"))
LEG_FEES = (
    FeePart("creator", NATIVE_MINT, 5, ON_TOP, address("creator")),
    FeePart("cashback", NATIVE_MINT, -2, ON_TOP),
    FeePart("lp", COIN, 30, INSIDE),
)


def legs_of(path: str, trader: str) -> tuple[Leg, Leg]:
    """SOL to the coin on its curve, then the coin to dollars: two legs at one path."""
    curve = (
        Reserve(NATIVE_MINT, 900, 950),
        Reserve(NATIVE_MINT, 30_000, 31_000, "virtual"),
        Reserve(COIN, None, LARGEST_U64, "virtual"),
    )
    first = Leg(
        path, PROGRAM, "curve", address("curve"), trader, NATIVE_MINT, 1_000, COIN, LARGEST_U64, curve, LEG_FEES
    )
    vaults = (Reserve(DOLLAR, 10, 3), Reserve(COIN, 1, LARGEST_U64))
    return first, Leg(path, PROGRAM, "pool", address("pool"), trader, COIN, LARGEST_U64, DOLLAR, 7, vaults)


def routes_told(path: str, trader: str) -> list[Route]:
    """A route of two legs, and beside it, at the same path, a swap of one leg that goes to somebody else."""
    legs = legs_of(path, trader)
    fees = (*LEG_FEES, OWN_FEE)
    routed = Route(path, ROUTER, "router", trader, NATIVE_MINT, 1_000, DOLLAR, 7, "", legs, fees, (path,))
    alone = Route(
        path, PROGRAM, "curve", trader, NATIVE_MINT, 1_000, COIN, LARGEST_U64, address("friend"), legs[:1], LEG_FEES, (path,)
    )  # fmt: skip
    return [routed, alone]


def facts_told(path: str, wallet: str, mint: str) -> list[Fact]:
    """Liquidity of two mints put in twice, and a whole life of a token, with a name that no column takes as it is."""
    added = Liquidity(
        path, PROGRAM, "pool", "liquidity_add", address("pool"), wallet, ((COIN, 5), (DOLLAR, 6)), SHARE, 11
    )
    told = functools.partial(TokenEvent, path, PROGRAM, "curve")
    return [
        added,
        added,
        told("launch", mint, wallet, address("curve"), NATIVE_MINT, address("creator"), "na\0me ☃", "SYM\udc80", "u"),
        told("graduation", mint, wallet),
        told("migration", mint, wallet, address("pool")),
        told("pool_created", mint, wallet, address("pool"), NATIVE_MINT),
    ]


def with_told(decoded: Decoded) -> Decoded:
    """The transaction with trades, liquidity, a launch and an event told by its first instruction; a failed one has none."""
    transaction = decoded.transaction
    if transaction.is_failed or not transaction.instructions:
        return decoded
    path, wallet = path_text(transaction.instructions[0].path), transaction.fee_payer
    routes, facts = routes_told(path, wallet), facts_told(path, wallet, address(f"token {transaction.signature}"))
    emitted = (AnchorEvent(path, 0, PROGRAM, wallet, LOG, b"an event" + bytes(5)),)
    return replaced(
        decoded,
        routes=routes,
        facts=facts,
        actions=actions_of(transaction, decoded.moves, Scene(transaction, decoded.moves), routes, facts, emitted),
        anchor_events=emitted,
        unknown=[UnknownCall(path, PROGRAM, "00ff00ff00ff00ff")],
    )


def telling_decoder(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
    return with_told(decode_transaction(parsed))


def decode_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let days be decoded as `told_rows` are."""
    monkeypatch.setattr(prepare_module, "decode_transaction", telling_decoder)


@functools.cache
def told_rows() -> tuple[StoredTransaction, ...]:
    """A synthetic chain as the feed would store it, with what its programs tell."""
    return tuple(replace(row, decoded=with_told(row.decoded)) for row in synthetic_rows() if row.decoded is not None)

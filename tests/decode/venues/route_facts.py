"""What routers and orders say of a recorded transaction, alone and beside what the book says of their accounts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from recorded_bodies import Recorded
from venue_facts import read

from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Fact, OrderFill, RouterCall, RouterHop
from oof_pipelines.decode.program import Program


def said(recording: Recorded, programs: Sequence[Program]) -> list[Fact]:
    """Calls, hops and fills of routers and orders; none of their calls may be unread."""
    found = read(recording)
    scene = found.scene
    ids = {program_id for program in programs for program_id in program.program_ids}
    assert not [path for path in found.reading.unread if scene.instructions[scene.order_of(path)].program_id in ids]
    spans = [(order, scene.end_of(order)) for order, one in enumerate(scene.instructions) if one.program_id in ids]
    return [
        fact
        for fact in found.reading.facts
        if isinstance(fact, RouterCall | RouterHop | OrderFill)
        and any(start <= scene.order_of(fact.path) < end for start, end in spans)
    ]


@dataclass(frozen=True, slots=True)
class Measured:
    """A route with what the book says of its accounts and its hops and fees in all, by mint.

    `bought_raw` is by how much the destination grew, `reached_raw` all that came in, tokens or a wallet's lamports.
    """

    signature: str
    call: RouterCall
    sold_raw: int
    bought_raw: int
    reached_raw: int
    hops: list[RouterHop]
    told: Counter[str]
    fees: Counter[str]


def measured_routes(recorded: Sequence[Recorded], program: Program) -> list[Measured]:
    """Every recorded route of a router that succeeded, each transaction once."""
    found, seen = [], set()
    for one in recorded:
        if not any(program_id.encode() in one.body for program_id in program.program_ids):
            continue
        transaction = parse_transaction(one.body)
        if transaction.signature in seen or transaction.is_failed:
            continue
        seen.add(transaction.signature)
        told = read(transaction)
        facts = told.reading.facts
        calls = [fact for fact in facts if isinstance(fact, RouterCall) and fact.router == program.name]
        found += [_measured(told.scene, call, facts) for call in calls]
    return found


def _measured(scene: Scene, call: RouterCall, facts: list[Fact]) -> Measured:
    start = scene.order_of(call.path)
    end = scene.end_of(start)
    hops = [fact for fact in facts if isinstance(fact, RouterHop) and start <= scene.order_of(fact.path) < end]
    told: Counter[str] = Counter()
    for hop in hops:
        told[hop.sold_mint] -= hop.sold_raw
        told[hop.bought_mint] += hop.bought_raw
    fees: Counter[str] = Counter()
    for part in call.fees:
        fees[part.mint] += part.amount_raw
    sold_raw = -scene.moved(call.source_account, start, end, call.sold_mint)
    bought_raw = scene.moved(call.destination_account, start, end, call.bought_mint)
    asset = call.bought_mint if scene.is_token_account(call.destination_account) else LAMPORTS_ASSET
    reached_raw = sum(
        max(move.delta_raw, 0)
        for move in scene.moves_within(start)
        if move.account == call.destination_account and move.asset == asset
    )
    return Measured(scene.transaction.signature, call, sold_raw, bought_raw, reached_raw, hops, told, fees)

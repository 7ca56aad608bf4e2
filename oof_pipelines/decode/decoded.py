"""A transaction decoded whole: moves, routes, facts, actions, who took part, and what it shows of tokens."""

from collections.abc import Collection

import msgspec

from oof_pipelines.chain.actions import Action
from oof_pipelines.chain.moves import Move
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.actions import actions_of
from oof_pipelines.decode.anchor_events import AnchorEvent, anchor_events_of, calls_any, is_log_cut
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.bot_fees import with_bot_fees
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.caller_fees import with_caller_fees
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.logged_data import LoggedData
from oof_pipelines.decode.missing_owners import with_owners
from oof_pipelines.decode.reading import Reading, UnknownCall, has_known_program, read_facts
from oof_pipelines.decode.routes import Route, routes_of


class Participant(msgspec.Struct, frozen=True, gc=False):
    """A wallet and its part: fee_payer, signer, owner (of anything that changed), trader or program_account.

    A program account is one that gave or took and that no key can sign for, so that a program must: a pool, a vault's
    authority, an escrow.
    """

    wallet: str
    role: str


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """Everything read off one transaction.

    `decimals` is by mint; `unread` are paths whose data or accounts fitted no layout of their program, `unknown` calls
    whose discriminator none of its layouts has. `anchor_events` are those of the programs that decoding was told of;
    `is_anchor_log_cut` says that one of them ran and the node cut the log short, so that events of it may be missing.
    """

    transaction: ParsedTransaction
    moves: list[Move]
    routes: list[Route]
    facts: list[Fact]
    actions: list[Action]
    participants: list[Participant]
    decimals: dict[str, int]
    unread: list[str]
    unknown: list[UnknownCall]
    anchor_events: tuple[AnchorEvent, ...] = ()
    is_anchor_log_cut: bool = False

    @property
    def has_residual(self) -> bool:
        return any(action.kind == "residual" for action in self.actions)


def decode_transaction(transaction: ParsedTransaction, anchor_programs: Collection[str] = ()) -> Decoded:
    """Decode one parsed transaction. Deterministic; raises nothing for what a readable transaction holds.

    Of `anchor_programs` the events are told as they were emitted, whatever they say.
    """
    transaction = with_owners(transaction)
    logs = LoggedData(transaction)
    booked = book_transaction(transaction, logs)
    reading, routes = Reading([], [], []), []
    scene = Scene(transaction, booked.moves, logs) if has_known_program(transaction) else None
    if scene is not None:
        reading = read_facts(scene)
        routes = with_caller_fees(scene, routes_of(scene, reading.facts))
        routes = with_bot_fees(scene, routes, reading.facts)
    is_anchor = bool(anchor_programs) and calls_any(transaction, anchor_programs)
    emitted = anchor_events_of(transaction, logs, anchor_programs) if is_anchor else ()
    actions = actions_of(transaction, booked.moves, scene, routes, reading.facts, emitted)
    return Decoded(
        transaction,
        booked.moves,
        routes,
        reading.facts,
        actions,
        _participants(transaction, booked.moves, routes),
        booked.decimals,
        [*booked.unread, *reading.unread],
        reading.unknown,
        emitted,
        is_anchor and not transaction.is_failed and is_log_cut(transaction),
    )


def _participants(transaction: ParsedTransaction, moves: list[Move], routes: list[Route]) -> list[Participant]:
    found = [Participant(transaction.fee_payer, "fee_payer")]
    found += [Participant(signer, "signer") for signer in transaction.signers]
    owners = dict.fromkeys([move.owner for move in moves if not move.is_virtual])
    found += [Participant(owner, "owner") for owner in owners]
    found += [Participant(trader, "trader") for trader in dict.fromkeys([route.trader for route in routes])]
    found += [Participant(owner, "program_account") for owner in owners if is_off_curve(owner)]
    return found

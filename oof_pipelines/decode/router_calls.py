"""What routers' decoders share: whose accounts a route names, which programs it called, what it paid out by itself."""

from collections.abc import Iterable

from oof_pipelines.chain.moves import LAMPORTS_ASSET, Move, path_text
from oof_pipelines.chain.transaction import Instruction
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, FeePart, RouterCall
from oof_pipelines.decode.system import PROGRAM_IDS as SYSTEM_PROGRAM_IDS
from oof_pipelines.decode.token import PROGRAM_IDS as TOKEN_PROGRAM_IDS

_ASSOCIATED_TOKEN_PROGRAM_ID = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"  # noqa: S105 - a program's address
_NO_VENUES = frozenset({*TOKEN_PROGRAM_IDS, *SYSTEM_PROGRAM_IDS, _ASSOCIATED_TOKEN_PROGRAM_ID})


def router_call(
    call: Call,
    *,
    source: str,
    destination: str,
    authority: str = "",
    sold_mint: str = "",
    bought_mint: str = "",
    fees: Iterable[FeePart] = (),
) -> RouterCall:
    """The route of a call. `source` and `destination` are token accounts by address.

    Mints are those of the accounts: what a caller states of them (a bot may state anything, for nothing checks a mint that
    the route does not use) counts only where nothing else tells.

    The trader is the owner of the source; `authority`, who signs for it, stands in where nothing tells the owner.
    """
    owner = call.owner_of(source) if source else ""
    return RouterCall(
        call.path,
        call.instruction.program_id,
        call.program.name,
        owner if owner and owner != source else authority,
        source,
        destination,
        call.scene.mint_of(source) or sold_mint,
        call.scene.mint_of(destination) or bought_mint,
        tuple(fees),
    )


def direct_calls(call: Call) -> list[Instruction]:
    """What the call itself called, not what those called in their turn."""
    height = call.instruction.stack_height + 1
    return [one for one in call.called if one.stack_height == height]


def venue_calls(call: Call) -> list[Instruction]:
    """Direct calls of programs that may hold pools: neither token programs nor System nor the router's own events."""
    own = call.instruction.program_id
    return [one for one in direct_calls(call) if one.program_id not in _NO_VENUES and one.program_id != own]


def last_path(call: Call, venue: Instruction) -> str:
    """Where a call that this one made ended: the path of the last it called in its turn, else its own.

    A router's word for a hop stands there where the router has no word just after the hop, as an event of its own is.
    """
    return call.scene.path_of(call.scene.end_of(call.scene.order_of(path_text(venue.path))) - 1)


def direct_payments(
    call: Call, kind: str, *, payers: Iterable[str] | None = None, but: Iterable[str] = (), after_path: str = ""
) -> tuple[FeePart, ...]:
    """What the router itself, by token transfers of its own, paid to accounts other than those in `but`.

    Out of any account where `payers` are not given; after the call at `after_path` only, where one is.
    """
    start = call.scene.order_of(after_path) if after_path else -1
    paths = {
        path
        for one in direct_calls(call)
        if one.program_id in TOKEN_PROGRAM_IDS and call.scene.order_of(path := path_text(one.path)) > start
    }
    by_path: dict[str, list[Move]] = {}
    for move in call.scene.moves:
        if move.path in paths and move.asset != LAMPORTS_ASSET and not move.is_virtual and move.kind == "transfer":
            by_path.setdefault(move.path, []).append(move)
    paying, known = None if payers is None else set(payers), set(but)
    parts = []
    for moves in by_path.values():
        if paying is None or any(move.account in paying and move.delta_raw < 0 for move in moves):
            parts += [
                FeePart(kind, move.asset, move.delta_raw, INSIDE, move.account)
                for move in moves
                if move.delta_raw > 0 and move.account not in known
            ]
    return tuple(parts)


def account_that_moved(call: Call, owner: str, mint: str, sign: int) -> str:
    """The first token account of an owner that gave (`sign` -1) or got (+1) a mint within the call; '' where none did."""
    moves = call.scene.moves_within(call.scene.order_of(call.path))
    return next(
        (
            move.account
            for move in moves
            if move.owner == owner and move.asset == mint and move.delta_raw * sign > 0 and not move.is_virtual
        ),
        "",
    )

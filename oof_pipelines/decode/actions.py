"""From moves, routes and facts to actions: transfers, mints, wraps, fees as booked; trades, liquidity, launches as told."""

from collections import defaultdict
from collections.abc import Iterator

from oof_pipelines.chain.actions import Action, action_id
from oof_pipelines.chain.moves import (
    FEE_PATH,
    LAMPORTS_ASSET,
    NATIVE_MINTS,
    RESIDUAL_PATH,
    WITHHELD_ACCOUNT,
    Move,
    path_text,
)
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.anchor_events import ANCHOR_EVENT, AnchorEvent
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Claim, Fact, Leg, Liquidity, TokenEvent
from oof_pipelines.decode.routes import Route
from oof_pipelines.decode.system import PROGRAM_IDS as SYSTEM_PROGRAM_IDS
from oof_pipelines.decode.system import is_nonce_withdrawal

# Kinds of moves → kinds of actions; several kinds of moves at one path may make one action each.
_ACTION_KINDS = {
    "transfer": "transfer",
    "tip": "tip",
    "stake": "stake",
    "mint": "mint",
    "burn": "burn",
    "wrap": "wrap",
    "unwrap": "unwrap",
    "owner_change": "owner_change",
    "excess": "transfer",
}


def actions_of(
    transaction: ParsedTransaction,
    moves: list[Move],
    scene: Scene | None,
    routes: list[Route],
    facts: list[Fact],
    emitted: tuple[AnchorEvent, ...] = (),
) -> list[Action]:
    """Fee first, then what the book shows, path by path, then trades with their legs, other facts, events, residual last.

    `scene` is the transaction's where it calls a program that makes routes or facts.
    """
    instructions = {path_text(one.path): one for one in transaction.instructions}
    by_path: dict[str, list[Move]] = {}
    for move in moves:
        by_path.setdefault(move.path, []).append(move)
    made = _Maker(transaction, moves, instructions, scene)
    if FEE_PATH in by_path:
        made.fee(transaction, by_path.pop(FEE_PATH))
    residual = by_path.pop(RESIDUAL_PATH, [])
    for path, its_moves in by_path.items():
        made.simple(path, its_moves)
    for route in routes:
        made.route(route)
    for fact in facts:
        made.fact(fact)
    for event in emitted:
        made.anchor_event(event)
    made.residual(transaction, residual)
    return made.actions


class _Maker:
    """Collects the actions of one transaction."""

    def __init__(
        self,
        transaction: ParsedTransaction,
        moves: list[Move],
        instructions: dict[str, Instruction],
        scene: Scene | None,
    ) -> None:
        self.actions: list[Action] = []
        self._scene = scene
        self._transaction = transaction
        self._moves = moves
        self._signature = transaction.signature
        self._instructions = instructions
        self._ordinals: dict[tuple[str, str], int] = {}

    def _add(
        self,
        path: str,
        kind: str,
        wallet: str,
        asset: str,
        amount_raw: int,
        *,
        counterparty: str = "",
        venue: str = "",
        bought: tuple[str, int] = ("", 0),
        paths: tuple[str, ...] = (),
    ) -> None:
        ordinal = self._ordinals.get((path, kind), 0)
        self._ordinals[path, kind] = ordinal + 1
        identifier = action_id(self._signature, path, kind, ordinal)
        instruction = self._instructions.get(path)
        program_id = instruction.program_id if instruction is not None else ""
        self.actions.append(
            Action(
                identifier,
                path,
                program_id,
                venue,
                kind,
                wallet,
                counterparty,
                asset,
                amount_raw,
                bought[0],
                bought[1],
                paths or (path,),
            )
        )

    def fee(self, transaction: ParsedTransaction, moves: list[Move]) -> None:
        paid = sum(move.delta_raw for move in moves if move.is_virtual)
        self._add(FEE_PATH, "fee", transaction.fee_payer, LAMPORTS_ASSET, paid)

    def simple(self, path: str, moves: list[Move]) -> None:
        """What the book shows at a path, kind by kind; nearly always it is one kind."""
        kind = moves[0].kind
        if all(move.kind == kind for move in moves):
            self._entries(path, kind, moves)
            return
        for kind in dict.fromkeys(move.kind for move in moves):
            self._entries(path, kind, [move for move in moves if move.kind == kind])

    def _entries(self, path: str, kind: str, moves: list[Move]) -> None:
        if kind == "rent":
            self._rent(path, moves)
            return
        if len(moves) > 2:
            # Wrapped SOL moves in both ledgers; the token side names it, the lamports go with it.
            moves = [move for move in moves if move.asset != LAMPORTS_ASSET] or moves
        for giver, taker in _pairs(moves):
            self._pair(path, _ACTION_KINDS.get(kind, kind), giver, taker)

    def _pair(self, path: str, kind: str, giver: Move, taker: Move) -> None:
        if giver.is_virtual and giver.account == WITHHELD_ACCOUNT:
            # Fees that were withheld come back to who may collect them; nobody sent anything.
            self._add(path, "withheld_collect", taker.owner, taker.asset, taker.delta_raw)
        elif giver.is_virtual:
            self._add(path, kind, taker.owner, taker.asset, taker.delta_raw)
        elif kind == "transfer" and giver.owner == taker.owner and not taker.is_virtual:
            # Lamports put where they get wrapped are told of by the wrap.
            if giver.asset != LAMPORTS_ASSET or not self._is_wrapped(taker.account):
                self._add(path, "self_transfer", giver.owner, giver.asset, -giver.delta_raw, counterparty=taker.owner)
        else:
            other = "" if taker.is_virtual else taker.owner
            self._add(path, kind, giver.owner, giver.asset, -giver.delta_raw, counterparty=other)

    def _is_wrapped(self, account: str) -> bool:
        """Whether the account holds wrapped SOL before, during or after the transaction."""
        balances = (*self._transaction.pre_tokens, *self._transaction.post_tokens)
        return any(held.account == account and held.mint in NATIVE_MINTS for held in balances) or any(
            move.account == account and move.asset in NATIVE_MINTS and not move.is_virtual for move in self._moves
        )

    def _rent(self, path: str, moves: list[Move]) -> None:
        """Rent goes into an account that opens, by System, and comes out of one that closes, by anything else or a nonce."""
        by = self._instructions[path]
        is_closing = by.program_id not in SYSTEM_PROGRAM_IDS or is_nonce_withdrawal(by)
        for giver, taker in _pairs(moves):
            if is_closing:
                self._add(path, "account_close", giver.owner, LAMPORTS_ASSET, taker.delta_raw, counterparty=taker.owner)
            else:
                self._add(
                    path, "account_open", giver.owner, LAMPORTS_ASSET, taker.delta_raw, counterparty=taker.account
                )

    def route(self, route: Route) -> None:
        """A swap for the route, and one of its parts for each leg, unless it is one leg and nothing else."""
        sold, bought = (route.sold_mint, route.sold_raw), (route.bought_mint, route.bought_raw)
        self._add(
            route.path,
            "swap",
            route.trader,
            *sold,
            counterparty=route.recipient,
            venue=route.venue,
            bought=bought,
            paths=route.paths,
        )
        for leg in route.legs:
            if leg.path != route.path or len(route.legs) > 1:
                self._leg(leg, route)

    def _leg(self, leg: Leg, route: Route) -> None:
        sold, bought = (leg.sold_mint, leg.sold_raw), (leg.bought_mint, leg.bought_raw)
        # A router may tell of a hop at a place where nothing moved.
        paths = self._paths(leg.path) or route.paths
        self._add(leg.path, "swap_leg", leg.trader, *sold, venue=leg.venue, bought=bought, paths=paths)

    def fact(self, fact: Fact) -> None:
        """Liquidity mint by mint, claims, and the steps of a token's life; trades are the routes' matter."""
        if isinstance(fact, Liquidity):
            told = fact.amounts
        elif isinstance(fact, Claim):
            told = ((fact.mint, fact.amount_raw),)
        elif isinstance(fact, TokenEvent):
            told = ((fact.mint, 0),)
        else:
            return
        for mint, amount_raw in told:
            self._add(
                fact.path, fact.kind, fact.wallet, mint, amount_raw, venue=fact.venue, paths=self._paths(fact.path)
            )

    def anchor_event(self, event: AnchorEvent) -> None:
        """An event of a program of ours: it moves nothing, and is whose transaction it is. What it says is kept beside."""
        self._add(event.path, ANCHOR_EVENT, event.wallet, "", 0)

    def _paths(self, path: str) -> tuple[str, ...]:
        """The paths of what moved in a call."""
        return () if self._scene is None else self._scene.move_paths(self._scene.order_of(path))

    def residual(self, transaction: ParsedTransaction, moves: list[Move]) -> None:
        for asset in dict.fromkeys(move.asset for move in moves):
            unexplained = sum(move.delta_raw for move in moves if move.asset == asset and move.delta_raw > 0)
            self._add(RESIDUAL_PATH, "residual", transaction.fee_payer, asset, unexplained)


def _pairs(moves: list[Move]) -> Iterator[tuple[Move, Move]]:
    """Givers with their takers, asset by asset, in the order they were booked; a withheld fee is no taker of its own."""
    if len(moves) == 2:
        first, second = moves
        if first.asset == second.asset:
            yield (first, second) if first.delta_raw < 0 else (second, first)
        return
    takers: dict[str, list[Move]] = defaultdict(list)
    for move in moves:
        if move.delta_raw > 0:
            takers[move.asset].append(move)
    given: dict[str, int] = defaultdict(int)
    for giver in moves:
        if giver.delta_raw < 0 and giver.asset in takers:
            of_asset = takers[giver.asset]
            real = [move for move in of_asset if not move.is_virtual] or of_asset
            yield giver, real[min(given[giver.asset], len(real) - 1)]
            given[giver.asset] += 1

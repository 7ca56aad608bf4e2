"""One call of a program as its decoder sees it: arguments, accounts, events, and what the book says moved within it."""

import msgspec

from oof_pipelines.chain.moves import LAMPORTS_ASSET, WITHHELD_ACCOUNT, Move, path_text
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.facts import Reserve
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.logged_data import LoggedData
from oof_pipelines.decode.program import Arguments, Program, is_event_call
from oof_pipelines.decode.records import Record


class ToldEvent(msgspec.Struct, frozen=True, gc=False):
    """An event and where it was told; '' where it was only logged."""

    name: str
    record: Record
    path: str


class Scene:
    """A transaction with its moves, indexed once for all calls: who calls whom, what moved where and in which order."""

    def __init__(self, transaction: ParsedTransaction, moves: list[Move], logs: LoggedData | None = None) -> None:
        self.transaction = transaction
        self.moves = moves
        self.instructions = transaction.instructions
        self._ends = _subtree_ends(self.instructions)
        self._orders = {path_text(one.path): order for order, one in enumerate(self.instructions)}
        self.by_account: dict[str, list[tuple[int, Move]]] = {}
        self.withheld: list[tuple[int, Move]] = []
        self._by_order: dict[int, list[Move]] = {}
        for move in moves:
            order = self._orders.get(move.path)
            if order is None:
                continue
            self._by_order.setdefault(order, []).append(move)
            if not move.is_virtual:
                self.by_account.setdefault(move.account, []).append((order, move))
            elif move.account == WITHHELD_ACCOUNT and move.kind == "transfer":
                self.withheld.append((order, move))
        self._before = {one.account: one for one in transaction.pre_tokens}
        self._after = {one.account: one for one in transaction.post_tokens}
        self.logs = logs or LoggedData(transaction)

    def end_of(self, order: int) -> int:
        """One past the last instruction called, at any depth, by the one at `order`."""
        return self._ends[order]

    def order_of(self, path: str) -> int:
        """Where the instruction of a path stands in the order of calls."""
        return self._orders[path]

    def path_of(self, order: int) -> str:
        return path_text(self.instructions[order].path)

    def moves_within(self, order: int) -> list[Move]:
        """The moves of an instruction and of everything it called."""
        return [move for one in range(order, self._ends[order]) for move in self._by_order.get(one, ())]

    def move_paths(self, order: int) -> tuple[str, ...]:
        """The paths of those moves, each once."""
        return tuple(self._by_order[one][0].path for one in range(order, self._ends[order]) if one in self._by_order)

    def is_token_account(self, account: str) -> bool:
        """Whether anything shows the account holding tokens."""
        return bool(self.mint_of(account))

    def mint_of(self, account: str) -> str:
        """The mint of a token account; '' for what is none, or none that anything tells of."""
        for _, move in self.by_account.get(account, ()):
            if move.asset != LAMPORTS_ASSET:
                return move.asset
        balance = self._before.get(account) or self._after.get(account)
        return balance.mint if balance is not None else ""

    def owner_of(self, account: str) -> str:
        """Who owned a token account when it first moved; the account itself for any other."""
        for _, move in self.by_account.get(account, ()):
            if move.owner != account:
                return move.owner
        balance = self._before.get(account) or self._after.get(account)
        return (balance.owner or account) if balance is not None else account

    def moved(self, account: str, start: int, end: int, asset: str) -> int:
        """By how much an account's balance of an asset changed from one instruction up to another, exclusively."""
        moved_raw = 0
        for order, move in self.by_account.get(account, ()):
            if start <= order < end and move.asset == asset:
                moved_raw += move.delta_raw
        return moved_raw

    def before_raw(self, account: str, mint: str, order: int) -> int:
        """What a token account held when the instruction at `order` began."""
        held = self._before.get(account)
        held_raw = held.amount_raw if held is not None and held.mint == mint else 0
        return held_raw + self.moved(account, 0, order, mint)


class Call:
    """An instruction of a program we decode, with all that is needed to say what it did."""

    def __init__(self, scene: Scene, order: int, program: Program, arguments: Arguments) -> None:
        self.scene = scene
        self.program = program
        self.layout = arguments.layout
        self.args = arguments.args
        self.instruction = scene.instructions[order]
        self.path = path_text(self.instruction.path)
        self._arguments = arguments
        self._order = order
        self._end = scene.end_of(order)
        self._events: list[ToldEvent] | None = None

    @property
    def slot(self) -> int | None:
        return self.scene.transaction.slot

    @property
    def called(self) -> list[Instruction]:
        """Every instruction called from here, at any depth."""
        return self.scene.instructions[self._order + 1 : self._end]

    def account(self, name: str) -> str:
        """The account of the layout's name; LayoutError where it is missing."""
        return self._arguments.account(name)

    def has(self, name: str) -> bool:
        """Whether the call has the account; the program's own address stands where Anchor leaves an optional one out."""
        try:
            return self.account(name) != self.instruction.program_id
        except LayoutError:
            return False

    # --- events ---

    @property
    def events(self) -> list[ToldEvent]:
        """What the program told by calling itself, directly from here; else what it logged here.

        Some programs tell the same thing both ways.
        """
        if self._events is None:
            self._events = self._called_events() or self._logged_events()
        return self._events

    def event(self, name: str) -> Record | None:
        """The first event of a name; None where there is none."""
        return next((one.record for one in self.events if one.name == name), None)

    def _called_events(self) -> list[ToldEvent]:
        height = self.instruction.stack_height + 1
        told = []
        for one in self.called:
            if one.program_id == self.instruction.program_id and one.stack_height == height and is_event_call(one.data):
                found = self.program.event_of(one.data)
                if found is not None:
                    told.append(ToldEvent(found[0].name, found[1], path_text(one.path)))
        return told

    def _logged_events(self) -> list[ToldEvent]:
        found = (self.program.logged_event_of(data) for data in self.scene.logs.of(self._order))
        return [ToldEvent(one[0].name, one[1], "") for one in found if one is not None]

    # --- what moved ---

    @property
    def moves(self) -> list[Move]:
        """The moves made here and in everything called from here."""
        return self.scene.moves_within(self._order)

    def mint_of(self, account: str) -> str:
        """The mint of a token account; LayoutError where nothing tells it."""
        mint = self.scene.mint_of(account)
        if not mint:
            raise LayoutError(f"the mint of {account} is not recorded")
        return mint

    def owner_of(self, account: str) -> str:
        return self.scene.owner_of(account)

    def moved(self, account: str, mint: str | None = None) -> int:
        """By how much a token account's amount changed within this call, in base units."""
        asset = mint or self.scene.mint_of(account)
        return self.scene.moved(account, self._order, self._end, asset) if asset else 0

    def moved_lamports(self, account: str) -> int:
        """By how many lamports an account changed within this call."""
        return self.scene.moved(account, self._order, self._end, LAMPORTS_ASSET)

    def vault_reserves(self, *vaults: str) -> tuple[Reserve, ...]:
        """What token accounts of a pool held before and after this call, by the recorded balances."""
        return tuple(
            Reserve(mint, before_raw, before_raw + self.moved(vault, mint))
            for vault in vaults
            if (mint := self.scene.mint_of(vault))
            for before_raw in (self.scene.before_raw(vault, mint, self._order),)
        )

    def withheld_raw(self, mint: str) -> int:
        """What a token's own transfer fee withheld within this call."""
        return sum(
            move.delta_raw
            for order, move in self.scene.withheld
            if move.asset == mint and self._order <= order < self._end
        )


def _subtree_ends(instructions: list[Instruction]) -> list[int]:
    """For each instruction in call order, one past the last it called at any depth."""
    ends = [len(instructions)] * len(instructions)
    open_orders: list[int] = []
    for order, one in enumerate(instructions):
        while open_orders and instructions[open_orders[-1]].stack_height >= one.stack_height:
            ends[open_orders.pop()] = order
        open_orders.append(order)
    return ends

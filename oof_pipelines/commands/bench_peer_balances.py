"""What a transaction's own balances say of a stated trade.

A statement holds where the trader's accounts lost and gained its amounts: `net` over the whole transaction, `call` within
its outer instruction, or `escrow`, where he gained and what was sold left an account that others keep for him. One hop of a
route also holds where, within the venue's own call, pools took and gave them (`vaults` by the balances of those accounts,
`transfers` by what moved there), or where they left and reached the trader's accounts (`own`).

A trader's SOL is the lamports of his account and of his token accounts, so rent he keeps in them and wrapping change
nothing; the network fee, tips and rent paid for others are put back first. Rent that went to a router may have come back with
the proceeds: then the accounts bear the trade out without it put back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from oof_pipelines.chain.moves import NATIVE_MINT, RESIDUAL_PATH, Move, path_text
from oof_pipelines.chain.transaction import ParsedTransaction, TokenBalance
from oof_pipelines.commands.bench_peer_statements import Statement, one_mint
from oof_pipelines.decode.book_trades import tradeable
from oof_pipelines.decode.nets import net_by_owner

NET, CALL, ESCROW, VAULTS, TRANSFERS, OWN = "net", "call", "escrow", "vaults", "transfers", "own"
SIGNS = "signs"
"""The accounts lost of the one mint and gained of the other, but other amounts."""
_OF_HOPS = frozenset({VAULTS, TRANSFERS, OWN})
_SUPPLY = frozenset({"mint", "burn"})


class Ledger:
    """Balances of one transaction: by owner, by account, and the moves within each outer instruction."""

    def __init__(self, transaction: ParsedTransaction, moves: list[Move], traders: Iterable[str]) -> None:
        """`traders` are all that anybody names as such: with the signers they are who is no pool."""
        self.is_failed = transaction.is_failed
        self._instructions = transaction.instructions
        self._traders = {*traders, *transaction.signers}
        self._moves = list(tradeable(moves))
        self._owners = _owners(transaction, moves)
        self._changes = _account_changes(transaction)
        self._closed = {
            key for key, after in zip(transaction.keys, transaction.post_lamports, strict=False) if not after
        }
        self._nets = self._net_changes(transaction, moves)
        self._nets_less_rent = self._net_changes(transaction, [move for move in moves if move.kind != "rent"])
        self._calls: dict[str, dict[str, dict[str, int]]] = {}

    def call_raw(self, owner: str, mint: str, outer: str) -> int:
        """What all accounts of an owner gained within one outer instruction, by its moves (which add up to the balances)."""
        if outer not in self._calls:
            self._calls[outer] = net_by_owner(move for move in self._moves if move.path.partition(".")[0] == outer)
        return self._calls[outer].get(owner, {}).get(mint, 0)

    def evidence(self, stated: Statement) -> str:
        """The best evidence for a statement, in this module's words; '' where the balances do not bear it out."""
        if self.is_failed or stated.sold_raw <= 0 or stated.bought_raw <= 0:
            return ""
        net, call = self._net_pair(stated), self._call_pair(stated)
        nets = net, self._net_pair(stated, self._nets_less_rent)
        if any(_is_borne_out(stated, pair, stated.beside_cost_raw, stated.beside_proceeds_raw) for pair in nets):
            return NET
        # A bot may be paid by the same call or by another instruction.
        if _is_borne_out(stated, call, 0, 0) or (
            _is_borne_out(stated, call, stated.beside_cost_raw, stated.beside_proceeds_raw)
        ):
            return CALL
        moves = self._within(stated)
        told = [(move.owner, one_mint(move.asset), move.delta_raw) for move in moves if move.kind not in _SUPPLY]
        touched = {move.account for move in moves}
        of_accounts = [
            (self._owners.get(account, account), mint, raw)
            for (account, mint), raw in self._changes.items()
            if account in touched
        ]
        if not stated.is_hop and self._is_from_escrow(stated, net, call):
            return ESCROW
        for name, changes in ((VAULTS, of_accounts), (TRANSFERS, told)):
            if _has_both(stated, [(mint, raw) for owner, mint, raw in changes if owner not in self._traders]):
                return name
        his = net_by_owner(moves).get(stated.trader, {})
        is_own = -his.get(stated.sold_mint, 0) in stated.costs_raw
        return OWN if is_own and his.get(stated.bought_mint, 0) in stated.proceeds_amounts_raw else ""

    def _within(self, stated: Statement) -> list[Move]:
        """The moves of the stated program's call: its innermost one around the path, else the whole outer instruction."""
        orders = {path_text(one.path): order for order, one in enumerate(self._instructions)}
        at = orders.get(stated.path, orders.get(stated.outer, 0))
        paths: set[str] = set()
        for start, one in enumerate(self._instructions):
            end = start + 1
            while end < len(orders) and self._instructions[end].stack_height > one.stack_height:
                end += 1
            is_outer = path_text(one.path) == stated.outer
            if start <= at < end and (is_outer or one.program_id == stated.program_id):
                # Later ones that hold the path lie within earlier ones.
                paths = {path_text(inner.path) for inner in self._instructions[start:end]}
        return [move for move in self._moves if move.path in paths and not move.is_virtual]

    def _is_from_escrow(self, stated: Statement, net: tuple[int, int], call: tuple[int, int]) -> bool:
        """Whether the trader lost nothing, gained what was bought, and another's account lost what was sold."""
        if net[0] or call[0] or stated.proceeds_raw not in (net[1], call[1]):
            return False
        # What a closed account gave back was its rent.
        lost = {(mint, raw) for (account, mint), raw in self._changes.items() if account not in self._closed}
        lost |= {(one_mint(move.asset), move.delta_raw) for move in self._moves}
        return (stated.sold_mint, -stated.cost_raw) in lost

    def is_pool_share(self, stated: Statement) -> bool:
        """Whether what was bought was minted to the trader for two things or more: he put them into a pool."""
        moves = self._within(stated)
        his = net_by_owner(moves).get(stated.trader, {})
        minted = {move.asset for move in moves if move.kind == "mint" and move.owner == stated.trader}
        return stated.bought_mint in minted and sum(raw < 0 for raw in his.values()) > 1

    def contradicts(self, stated: Statement) -> bool:
        """Whether the trader's accounts did not lose of the one mint, or did not gain of the other."""
        pairs = self._net_pair(stated), self._call_pair(stated)
        return all(sold_raw >= 0 or bought_raw <= 0 for sold_raw, bought_raw in pairs)

    def shows_no_trade(self, stated: Statement, others: Iterable[Statement]) -> bool:
        """Whether the other trades alone explain what the stated trader's accounts lost and gained of both mints.

        Over the whole transaction, or within the outer instruction of the statement, by the trades of that one.
        """
        if self.is_failed:
            return True
        his = [one for one in others if one.trader == stated.trader]
        here = [one for one in his if one.outer == stated.outer]
        return _is_explained(stated, self._net_pair(stated), [_effects(one, is_beside=True) for one in his]) or (
            _is_explained(stated, self._call_pair(stated), [_effects(one, is_beside=False) for one in here])
        )

    def described(self, stated: Statement) -> tuple[int, int]:
        """What the stated trader's accounts gained of the sold and of the bought mint."""
        return self._net_pair(stated)

    def is_seller(self, stated: Statement) -> bool:
        """Whether the trader's accounts at least lost the one mint and gained the other."""
        sold_raw, bought_raw = self._net_pair(stated)
        return sold_raw < 0 < bought_raw

    def _net_pair(self, stated: Statement, nets: dict[str, dict[str, int]] | None = None) -> tuple[int, int]:
        nets = self._nets if nets is None else nets
        receiver = stated.recipient or stated.trader
        sold_raw = nets.get(stated.trader, {}).get(stated.sold_mint, 0)
        return sold_raw, nets.get(receiver, {}).get(stated.bought_mint, 0)

    def _call_pair(self, stated: Statement) -> tuple[int, int]:
        outer, receiver = stated.outer, stated.recipient or stated.trader
        return (
            self.call_raw(stated.trader, stated.sold_mint, outer),
            self.call_raw(receiver, stated.bought_mint, outer),
        )

    def _net_changes(self, transaction: ParsedTransaction, moves: list[Move]) -> dict[str, dict[str, int]]:
        nets: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for key, before, after in zip(
            transaction.keys, transaction.pre_lamports, transaction.post_lamports, strict=False
        ):
            nets[self._owners.get(key, key)][NATIVE_MINT] += after - before
        for (account, mint), raw in self._changes.items():
            # A wrapped SOL account's amount is among its lamports.
            if mint != NATIVE_MINT:
                nets[self._owners.get(account, account)][mint] += raw
        traded = {id(move) for move in self._moves}
        beside = (move for move in moves if id(move) not in traded and not move.is_virtual)
        for owner, assets in net_by_owner(beside).items():
            for mint, raw in assets.items():
                nets[owner][mint] -= raw
        return nets


def strength(evidence: str, is_hop: bool) -> int:
    """0 for none; 2 for what settles a statement; 1 for a whole trade of which only a part is borne out, as of a hop."""
    if not evidence:
        return 0
    return 1 if evidence == SIGNS or (evidence in _OF_HOPS and not is_hop) else 2


def _is_borne_out(stated: Statement, pair: tuple[int, int], beside_cost_raw: int, beside_proceeds_raw: int) -> bool:
    """Whether a trader's gains of the two mints are those stated, with fees paid beside the trade."""
    costs = {stated.cost_raw} if stated.is_exact else stated.costs_raw
    proceeds = {stated.proceeds_raw} if stated.is_exact else stated.proceeds_amounts_raw
    if stated.sold_mint == stated.bought_mint:
        # A circle shows its gain or loss alone.
        gained = pair[0] + beside_cost_raw + beside_proceeds_raw
        return gained != 0 and gained in {got - gave for gave in costs for got in proceeds}
    return -pair[0] - beside_cost_raw in costs and pair[1] + beside_proceeds_raw in proceeds


def _is_explained(stated: Statement, pair: tuple[int, int], effects: list[dict[str, int]]) -> bool:
    """Whether the effects of trades leave nothing of what was lost and gained of the two mints stated."""
    gained = dict(zip(stated.mints, pair, strict=True))
    return all(raw == sum(effect.get(mint, 0) for effect in effects) for mint, raw in gained.items())


def _effects(stated: Statement, is_beside: bool) -> dict[str, int]:
    """Mint → what the trade does to the trader's accounts; with the fees paid beside it, or without."""
    effects = defaultdict(int, {stated.sold_mint: -stated.cost_raw})
    if not stated.recipient:
        effects[stated.bought_mint] += stated.proceeds_raw
    if is_beside:
        effects[stated.sold_mint] -= stated.beside_cost_raw
        effects[stated.bought_mint] -= stated.beside_proceeds_raw
    return effects


def _has_both(stated: Statement, changes: list[tuple[str, int]]) -> bool:
    """Whether one (mint, change) is what was sold, taken by somebody, and another what was bought, given by somebody."""
    taken = {(stated.sold_mint, raw) for raw in stated.costs_raw if raw > 0}
    given = {(stated.bought_mint, -raw) for raw in stated.proceeds_amounts_raw if raw > 0}
    return not taken.isdisjoint(changes) and not given.isdisjoint(changes)


def _owners(transaction: ParsedTransaction, moves: list[Move]) -> dict[str, str]:
    """Account → owner: as the balances name him, else as the moves found him."""
    owners = {move.account: move.owner for move in moves if move.path != RESIDUAL_PATH and not move.is_virtual}
    balances: list[TokenBalance] = [*transaction.post_tokens, *transaction.pre_tokens]
    owners.update({one.account: one.owner for one in balances if one.owner})
    return owners


def _account_changes(transaction: ParsedTransaction) -> Mapping[tuple[str, str], int]:
    """(account, mint) → post − pre: tokens of token accounts (wrapped SOL too), lamports of all others as SOL."""
    changes: dict[tuple[str, str], int] = defaultdict(int)
    for sign, balances in ((-1, transaction.pre_tokens), (1, transaction.post_tokens)):
        for one in balances:
            changes[one.account, one_mint(one.mint)] += sign * one.amount_raw
    tokens = {account for account, _ in changes}
    for key, before, after in zip(transaction.keys, transaction.pre_lamports, transaction.post_lamports, strict=False):
        if key not in tokens:
            changes[key, NATIVE_MINT] += after - before
    return changes

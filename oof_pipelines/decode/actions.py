"""From moves to actions: transfers, mints, wraps, fees and the like read off the book, swaps inferred where a venue ran.

A swap is of the first storey here: within a known venue's or router's outer instruction, an owner whose own accounts gave
one asset and got another has traded, SOL and wrapped SOL being one asset. Rent, tips and fees are no part of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from oof_pipelines.chain.actions import Action, action_id
from oof_pipelines.chain.moves import (
    FEE_PATH,
    LAMPORTS_ASSET,
    NATIVE_MINT,
    NATIVE_MINTS,
    RESIDUAL_PATH,
    Move,
    path_text,
)
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.system import PROGRAM_IDS as SYSTEM_PROGRAM_IDS
from oof_pipelines.decode.system import is_nonce_withdrawal
from oof_pipelines.decode.venues import ROUTERS, VENUES

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
_NO_PART_OF_A_SWAP = frozenset(
    {
        "rent",
        "tip",
        "fee_base",
        "fee_priority",
        "wrap",
        "unwrap",
        "owner_change",
        "confidential_deposit",
        "confidential_withdraw",
    }
)


def actions_of(transaction: ParsedTransaction, moves: list[Move]) -> list[Action]:
    """The actions of a transaction, in the order of their paths, each kind of a path together; fee first, residual last."""
    instructions = {path_text(one.path): one for one in transaction.instructions}
    by_path: dict[str, list[Move]] = defaultdict(list)
    for move in moves:
        by_path[move.path].append(move)
    made = _Maker(transaction.signature, instructions)
    if FEE_PATH in by_path:
        made.fee(transaction, by_path.pop(FEE_PATH))
    residual = by_path.pop(RESIDUAL_PATH, [])
    for path, its_moves in by_path.items():
        made.simple(path, its_moves)
    made.swaps(transaction, moves)
    made.residual(transaction, residual)
    return made.actions


class _Maker:
    """Collects the actions of one transaction."""

    def __init__(self, signature: str, instructions: dict[str, Instruction]) -> None:
        self.actions: list[Action] = []
        self._signature = signature
        self._instructions = instructions
        self._ordinals: dict[tuple[str, str], int] = defaultdict(int)

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
        ordinal = self._ordinals[path, kind]
        self._ordinals[path, kind] += 1
        identifier = action_id(self._signature, path, kind, ordinal)
        program_id = self._instructions[path].program_id if path in self._instructions else ""
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
        for kind in dict.fromkeys(move.kind for move in moves):
            its_moves = [move for move in moves if move.kind == kind]
            if kind == "rent":
                self._rent(path, its_moves)
                continue
            # Wrapped SOL moves in both ledgers; the token side names it, the lamports go with it.
            has_tokens = any(move.asset != LAMPORTS_ASSET for move in its_moves)
            told = [move for move in its_moves if not has_tokens or move.asset != LAMPORTS_ASSET]
            for giver, taker in _pairs(told):
                self._pair(path, _ACTION_KINDS.get(kind, kind), giver, taker)

    def _pair(self, path: str, kind: str, giver: Move, taker: Move) -> None:
        if giver.is_virtual:
            self._add(path, kind, taker.owner, taker.asset, taker.delta_raw)
        else:
            other = "" if taker.is_virtual else taker.owner
            self._add(path, kind, giver.owner, giver.asset, -giver.delta_raw, counterparty=other)

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

    def swaps(self, transaction: ParsedTransaction, moves: list[Move]) -> None:
        if transaction.is_failed:
            return
        outers: dict[int, tuple[Instruction, str]] = {}
        for instruction in transaction.instructions:
            name = ROUTERS.get(instruction.program_id) or VENUES.get(instruction.program_id)
            if name is not None:
                outers.setdefault(instruction.path[0], (instruction, name))
        for outer, (instruction, name) in outers.items():
            paths = tuple(p for p in dict.fromkeys(m.path for m in moves) if p.partition(".")[0] == str(outer))
            relevant = [move for move in moves if move.path in paths]
            if len(outers) == 1:
                # A venue that pays out of its own account does so by no instruction: with one venue call it was that one.
                relevant += [move for move in moves if move.path == RESIDUAL_PATH]
            self._swap(transaction, instruction, name, relevant, paths)

    def _swap(
        self, transaction: ParsedTransaction, at: Instruction, venue: str, moves: list[Move], paths: tuple[str, ...]
    ) -> None:
        nets = net_by_owner(move for move in moves if move.kind not in _NO_PART_OF_A_SWAP)
        for owner in _possible_traders(transaction, nets):
            sold = [(asset, raw) for asset, raw in nets.get(owner, {}).items() if raw < 0]
            bought = [(asset, raw) for asset, raw in nets.get(owner, {}).items() if raw > 0]
            if len(sold) == 1 and len(bought) == 1:
                asset, raw = sold[0]
                if any(move.path == RESIDUAL_PATH and move.owner == owner for move in moves):
                    paths = (*paths, RESIDUAL_PATH)
                self._add(path_text(at.path), "swap", owner, asset, -raw, venue=venue, bought=bought[0], paths=paths)
                return

    def residual(self, transaction: ParsedTransaction, moves: list[Move]) -> None:
        for asset in dict.fromkeys(move.asset for move in moves):
            unexplained = sum(move.delta_raw for move in moves if move.asset == asset and move.delta_raw > 0)
            self._add(RESIDUAL_PATH, "residual", transaction.fee_payer, asset, unexplained)


def _possible_traders(transaction: ParsedTransaction, nets: dict[str, dict[str, int]]) -> list[str]:
    """The signers where one of them gave or took; else it is somebody for whom they act: wallets before program accounts.

    A pool is on the other side of every trade, so where a signer took part it is never asked.
    """
    signers = [signer for signer in transaction.signers if nets.get(signer)]
    return signers or sorted((owner for owner in nets if nets[owner]), key=is_off_curve)


def net_by_owner(moves: Iterable[Move]) -> dict[str, dict[str, int]]:
    """Owner → asset → net change over all accounts he owns; SOL and wrapped SOL are one asset, wrapped SOL's mint.

    A wrapped SOL account's amount is money that is among its lamports already, so native money is counted in lamports
    alone, whatever moved, wrapped or synchronised it, and at whatever path.
    """
    nets: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for move in moves:
        if move.is_virtual or move.asset in NATIVE_MINTS:
            continue
        nets[move.owner][NATIVE_MINT if move.asset == LAMPORTS_ASSET else move.asset] += move.delta_raw
    return {owner: {asset: raw for asset, raw in assets.items() if raw} for owner, assets in nets.items()}


def _pairs(moves: list[Move]) -> Iterator[tuple[Move, Move]]:
    """Givers with their takers, asset by asset, in the order they were booked; a withheld fee is no taker of its own."""
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

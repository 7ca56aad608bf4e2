"""Trades read off the book alone: within an outer instruction, who gave one asset and got another.

For route instructions no layout was read for, and for swaps that are but hops of a trade by a program nobody decodes. SOL
and wrapped SOL are one asset. Rent, tips and fees are no part of a trade, nor is a transfer between a trader's own accounts.
What passes through on the way (the middle asset of a route) leaves dust that is no third side. No trade is made out of
liquidity, nor out of a circle that ends in the asset it began with.
"""

from collections.abc import Iterable

import msgspec

from oof_pipelines.chain.moves import FEE_PATH, NATIVE_MINT, RESIDUAL_PATH, Move, path_text
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.decode.nets import Flow, counted_asset, flows_by_owner, net_by_owner
from oof_pipelines.decode.programs import VENUES

_NO_PART_OF_A_SWAP = frozenset(
    {
        "rent",
        "tip",
        "fee_base",
        "fee_priority",
        "owner_change",
        "confidential_deposit",
        "confidential_withdraw",
    }
)
_DUST_PARTS = 100
"""A leftover below one part in so many of what passed through is dust."""
_SMALL_LAMPORTS = 10_000_000
"""What a route may cost or leave in SOL beside other assets: its fee, an unwrapped rest, rent that is handed through."""

Amount = tuple[str, int]


class BookTrade(msgspec.Struct, frozen=True, gc=False):
    """`wallet` sold one amount and bought another; amounts are (asset, base units).

    `recipient` is who was given what was bought, '' where the wallet kept it.
    """

    wallet: str
    sold: Amount
    bought: Amount
    recipient: str
    paths: tuple[str, ...]


def trade_at(
    transaction: ParsedTransaction,
    moves: list[Move],
    path: str,
    *,
    traders: frozenset[str] = frozenset(),
    trading: frozenset[int] = frozenset(),
) -> BookTrade | None:
    """The trade of the outer instruction of a path. `traders` are whom the venues called there name as trading, `trading`
    the outer instructions that trade too: what one got there he bought, nobody handed it to him.
    """
    return _Route(transaction, moves, path, traders, trading).trade()


def circle_at(transaction: ParsedTransaction, moves: list[Move], path: str, trader: str) -> tuple[str, int, int] | None:
    """(asset, given, got back) of a trader who ended an outer instruction with gain or loss of what he began with."""
    return _Route(transaction, moves, path, frozenset(), frozenset()).circle_of(trader)


def principal_at(
    transaction: ParsedTransaction, moves: list[Move], path: str, giver: str, sold: Amount, trading: frozenset[int]
) -> tuple[str, list[str]]:
    """Whose money a giver traded with at a path, and the paths it was handed to him on; himself where it was his own,
    '' where nobody's net says so. `trading` as above.
    """
    return _Route(transaction, moves, path, frozenset(), trading).principal(giver, sold)


def tradeable(moves: Iterable[Move]) -> Iterable[Move]:
    """Moves that can be part of a trade: rent, tips and network fees never are."""
    return (move for move in moves if move.kind not in _NO_PART_OF_A_SWAP)


def _unexplained_by_call(transaction: ParsedTransaction, moves: list[Move], outers: set[int]) -> dict[int, list[Move]]:
    """Outer index → residual moves that were its doing.

    A venue that pays out of its own account does so by no instruction. What moved so belongs to a call where none but
    that call was given the accounts, and where it comes to nothing in all: who gave and who got are both there.
    """
    residual = [move for move in moves if move.path == RESIDUAL_PATH]
    if not residual:
        return {}
    callers: dict[str, set[int]] = {}
    for instruction in transaction.instructions:
        if instruction.path[0] in outers:
            for account in instruction.accounts:
                callers.setdefault(account, set()).add(instruction.path[0])
    by_call: dict[int, list[Move]] = {}
    for move in residual:
        its_callers = callers.get(move.account, set())
        if len(its_callers) == 1:
            by_call.setdefault(next(iter(its_callers)), []).append(move)
    for outer, its_moves in by_call.items():
        off: dict[str, int] = {}
        for move in its_moves:
            off[move.asset] = off.get(move.asset, 0) + move.delta_raw
        by_call[outer] = [move for move in its_moves if not off[move.asset]]
    return by_call


def _outer(move: Move) -> int:
    return int(move.path.partition(".")[0])


class _Route:
    """One outer instruction with the moves it made, all moves, and those of outer instructions that do not trade."""

    def __init__(
        self,
        transaction: ParsedTransaction,
        moves: list[Move],
        path: str,
        traders: frozenset[str],
        trading: frozenset[int],
    ) -> None:
        outer = int(path.partition(".")[0])
        explained = [move for move in moves if move.path not in (FEE_PATH, RESIDUAL_PATH)]
        within = [move for move in explained if _outer(move) == outer]
        within += _unexplained_by_call(transaction, moves, {outer}).get(outer, [])
        self._signers = transaction.signers
        self._instructions = [one for one in transaction.instructions if one.path[0] == outer]
        self._within = [move for move in within if move.kind not in _NO_PART_OF_A_SWAP]
        self._paths = tuple(dict.fromkeys(move.path for move in within if move.path != RESIDUAL_PATH))
        self._moves = explained
        self._elsewhere = [move for move in explained if _outer(move) not in {outer, *trading}]
        self._flows = flows_by_owner(self._within)
        self._seated = traders
        self._of_venues = self._passed_to_venues() - self._seated

    def trade(self) -> BookTrade | None:
        """The trade of the first who traded: signers before wallets before program accounts, pools never."""
        taking_part = [signer for signer in self._signers if signer in self._flows]
        for signer in taking_part:
            pair = self._pair(signer)
            if pair is not None:
                # A keeper signs and trades, with what a maker's escrow handed him: the trader is whose money it was.
                # Who keeps what was bought has bought it, wherever his money came from.
                bought, bought_raw = pair[1]
                has_kept = net_by_owner(tradeable(self._moves)).get(signer, {}).get(bought, 0) * 2 >= bought_raw
                principal, handed_over = (signer, []) if has_kept else self.principal(signer, pair[0])
                return self._made(principal or signer, *pair, more=handed_over)
        if any(_is_circle(self._flows[signer]) for signer in taking_part):
            return None
        pairs = {owner: pair for owner in self._flows if (pair := self._pair(owner)) is not None}
        wallet = next((owner for owner in pairs if not is_off_curve(owner)), "")
        if wallet:
            return self._made(wallet, *pairs[wallet])
        givers = [signer for signer in taking_part if _sides(self._flows[signer]) != ([], [])]
        if not givers:
            wallet = self._program_wallet(list(pairs))
            if wallet:
                return self._made(wallet, *pairs[wallet])
            givers = [owner for owner in self._flows if owner not in self._of_venues]
        return next((trade for giver in givers if (trade := self._trade_of_a_giver(giver)) is not None), None)

    def circle_of(self, trader: str) -> tuple[str, int, int] | None:
        """The circle of a trader: what he gave first, and got back, where nothing else is left but dust."""
        flows = self._flows.get(trader, {})
        if not _is_circle(flows):
            return None
        given = (counted_asset(move) for move in self._within if move.owner == trader and move.delta_raw < 0)
        began = next((asset for asset in given if asset), "")
        flow = flows.get(began)
        return (began, flow.out_raw, flow.in_raw) if flow is not None and flow.in_raw and flow.out_raw else None

    def _made(
        self, wallet: str, sold: Amount, bought: Amount, recipient: str = "", more: Iterable[str] = ()
    ) -> BookTrade:
        paths = tuple(dict.fromkeys((*more, *self._paths)))
        if any(move.path == RESIDUAL_PATH and move.owner == wallet for move in self._within):
            paths = (*paths, RESIDUAL_PATH)
        return BookTrade(wallet, sold, bought, recipient, paths)

    def _pair(self, owner: str) -> tuple[Amount, Amount] | None:
        """(sold, bought) of an owner who gave one asset and got another."""
        flows = self._flows.get(owner, {})
        sold, bought = _sides(flows)
        if len(sold) != 1 or len(bought) != 1:
            return None
        assets = sold[0][0], bought[0][0]
        if any(goes_round(flows[asset]) for asset in assets) or self._is_liquidity(owner, *assets):
            return None
        return sold[0], bought[0]

    def _program_wallet(self, owners: list[str]) -> str:
        """Of owners without a key the one who traded: who sits in the trader's seat, else the only one who is no pool."""
        in_seat = [owner for owner in owners if owner in self._seated]
        if len(in_seat) == 1:
            return in_seat[0]
        outsiders = [owner for owner in owners if owner not in self._of_venues]
        return outsiders[0] if len(outsiders) == 1 else ""

    def _passed_to_venues(self) -> set[str]:
        """Whoever a venue was called with, by name or by an account of his: its pools and vault owners among them."""
        named = {
            account
            for instruction in self._instructions
            if instruction.program_id in VENUES
            for account in instruction.accounts
        }
        return named | {move.owner for move in self._within if move.account in named}

    def _is_liquidity(self, owner: str, sold: str, bought: str) -> bool:
        """Whether a venue itself minted what was bought or burned what was sold: a share of a pool."""
        made = [
            move
            for move in self._within
            if move.owner == owner and (move.kind, move.asset) in (("mint", bought), ("burn", sold))
        ]
        return any(self._caller(move.path) in VENUES for move in made)

    def _caller(self, path: str) -> str:
        """The program that called the instruction at `path`; '' for an outer one."""
        programs: list[str] = []
        for instruction in self._instructions:
            del programs[instruction.stack_height - 1 :]
            if path_text(instruction.path) == path:
                return programs[-1] if programs else ""
            programs.append(instruction.program_id)
        return ""

    # --- somebody who gave and got nothing ---

    def _trade_of_a_giver(self, giver: str) -> BookTrade | None:
        """He acts for another, whose money it was, or has what he bought sent to another, or both."""
        gave, got = _sides(self._flows[giver])
        if len(gave) != 1 or got:
            return None
        sold = gave[0]
        principal, handed_over = self.principal(giver, sold)
        if not principal:
            return None
        gave, got = _sides(self._flows.get(principal, {}))
        if principal != giver and not gave and len(got) == 1 and got[0][0] != sold[0]:
            if self._is_liquidity(principal, sold[0], got[0][0]):
                return None
            return self._made(principal, sold, got[0], more=handed_over)
        delivered = self._delivered(giver, sold[0])
        if delivered is None:
            return None
        recipient, bought = delivered
        return self._made(principal, sold, bought, recipient if recipient != principal else "", handed_over)

    def principal(self, giver: str, sold: Amount) -> tuple[str, list[str]]:
        """Whose money it was, and the paths on which it was handed to the giver; '' where nobody's net says so."""
        asset, amount_raw = sold
        nets = net_by_owner(move for move in self._moves if move.kind not in _NO_PART_OF_A_SWAP)
        if nets.get(giver, {}).get(asset, 0) < 0:
            return giver, []
        of_asset = [move for move in self._elsewhere if counted_asset(move) == asset and not move.is_virtual]
        received = {move.path for move in of_asset if move.owner == giver and move.delta_raw > 0}
        if not received:
            # What came in at another venue's call he bought there.
            return giver, []
        gave: dict[str, list[Move]] = {}
        for move in of_asset:
            if move.path in received and move.owner != giver and move.delta_raw < 0:
                gave.setdefault(move.owner, []).append(move)
        owners = [
            owner
            for owner, its_moves in gave.items()
            if -sum(move.delta_raw for move in its_moves) >= amount_raw
            and nets.get(owner, {}).get(asset, 0) < 0
            and not is_off_curve(owner)
        ]
        if len(owners) != 1:
            return "", []
        return owners[0], [move.path for move in gave[owners[0]]]

    def _delivered(self, giver: str, sold: str) -> tuple[str, Amount] | None:
        """Who was sent what the giver bought, and how much; the largest share where a fee was split off.

        It came into the giver's accounts and left them again for wallets that gave nothing.
        """
        passed = {asset for asset, flow in self._flows[giver].items() if flow.in_raw and flow.out_raw} - {sold}
        sent = {
            (move.path, asset)
            for move in self._within
            if move.owner == giver and move.delta_raw < 0 and (asset := counted_asset(move)) in passed
        }
        shares: dict[str, Amount] = {}
        for move in self._within:
            owner = move.owner
            if move.delta_raw > 0 and (move.path, counted_asset(move)) in sent and owner not in self._signers:
                gave, got = _sides(self._flows[owner])
                if not gave and len(got) == 1:
                    shares[owner] = got[0]
        # An account of a program may be the vault of a venue that is not known here, so wallets come first.
        wallets = {owner: share for owner, share in shares.items() if not is_off_curve(owner)}
        shares = wallets or {owner: share for owner, share in shares.items() if owner not in self._of_venues}
        if len({asset for asset, _ in shares.values()}) != 1:
            return None
        recipient = max(shares, key=lambda owner: shares[owner][1])
        return recipient, shares[recipient]


def _sides(flows: dict[str, Flow]) -> tuple[list[Amount], list[Amount]]:
    """What an owner sold and what he bought, without the dust of a route and without small change beside a pair."""
    nets = {asset: flow.net_raw for asset, flow in flows.items() if flow.net_raw and not is_dust(asset, flow)}
    if len(nets) > 2 and abs(nets.get(NATIVE_MINT, _SMALL_LAMPORTS + 1)) <= _SMALL_LAMPORTS:
        del nets[NATIVE_MINT]
    sold = [(asset, -raw) for asset, raw in nets.items() if raw < 0]
    bought = [(asset, raw) for asset, raw in nets.items() if raw > 0]
    return sold, bought


def is_dust(asset: str, flow: Flow) -> bool:
    """Whether the net is what was left over of an asset that passed through."""
    if asset == NATIVE_MINT and goes_round(flow) and abs(flow.net_raw) <= _SMALL_LAMPORTS:
        return True
    return _passed_raw(flow) > 0 and abs(flow.net_raw) * _DUST_PARTS < max(flow.in_raw, flow.out_raw)


def goes_round(flow: Flow) -> bool:
    """Whether an asset was given and got alike: half of the larger at least, so that its net is gain or loss."""
    return _passed_raw(flow) * 2 >= max(flow.in_raw, flow.out_raw)


def _is_circle(flows: dict[str, Flow]) -> bool:
    """Whether an owner ended with gain or loss of what he began with, and with nothing else but dust."""
    left = {asset: flow for asset, flow in flows.items() if flow.net_raw}
    return bool(left) and all(goes_round(flow) or is_dust(asset, flow) for asset, flow in left.items())


def _passed_raw(flow: Flow) -> int:
    return min(flow.in_raw, flow.out_raw)

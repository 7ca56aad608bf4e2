"""The book: applies a transaction's operations to its balances and writes every change as a pair of moves.

Two ledgers are kept: lamports of every account, and the token amount of every token account; wrapped SOL is in both. Every
entry sums to zero per asset, with virtual counter-accounts for supply, wrapping, withheld fees and the validator. What
the operations do not explain is found by holding the balances they lead to against those the chain reports; it becomes
the residual, so that the moves of every account add up to post − pre exactly.
"""

from dataclasses import dataclass, field

from oof_pipelines.chain.moves import (
    FEE_PATH,
    LAMPORTS_ASSET,
    NATIVE_MINT,
    RESIDUAL_PATH,
    SUPPLY_ACCOUNT,
    UNEXPLAINED_ACCOUNT,
    VALIDATOR_ACCOUNT,
    WITHHELD_ACCOUNT,
    WRAP_ACCOUNT,
    Move,
    path_text,
)
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.fees import TIP_ACCOUNTS, network_fee
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.operations import (
    BurnTokens,
    ChangeOwner,
    CloseAccount,
    CollectWithheld,
    GiveToProgram,
    MintTokens,
    MoveLamports,
    MoveTokens,
    OpenMint,
    OpenTokenAccount,
    Operation,
    SyncNative,
    UnwrapLamports,
)
from oof_pipelines.decode.registry import operations_of
from oof_pipelines.decode.transfer_fees import FeeRates, solve_fee_rates

TOKEN_ACCOUNT_RENT_LAMPORTS = 2_039_280
"""Rent exemption of 165 bytes, (165 + 128) × 3,480 × 2: what a wrapped SOL account holds beside its amount."""


@dataclass(slots=True)
class TokenState:
    """A token account as the transaction runs."""

    mint: str
    owner: str
    amount_raw: int


@dataclass(slots=True)
class Step:
    """An operation and the path of the instruction that made it."""

    path: str
    operation: Operation


@dataclass(slots=True)
class Booked:
    """All moves of a transaction. `unread` are paths of instructions whose data were not of their program's layout."""

    moves: list[Move]
    decimals: dict[str, int]
    unread: list[str] = field(default_factory=list)

    @property
    def has_residual(self) -> bool:
        return any(move.path == RESIDUAL_PATH for move in self.moves)


def book_transaction(transaction: ParsedTransaction) -> Booked:
    """The moves of a transaction, residual included. A failed one moves nothing but its fee."""
    steps: list[Step] = []
    unread: list[str] = []
    if not transaction.is_failed:
        for instruction in transaction.instructions:
            path = path_text(instruction.path)
            try:
                steps += [Step(path, operation) for operation in operations_of(instruction)]
            except LayoutError:
                unread.append(path)
    decimals = {balance.mint: balance.decimals for balance in transaction.pre_tokens + transaction.post_tokens}
    decimals |= {s.operation.mint: s.operation.decimals for s in steps if isinstance(s.operation, OpenMint)}
    book = _Book(transaction, {})
    book.run(steps)
    rates = solve_fee_rates(book.transfers, book.missing_tokens()) if steps else {}
    if rates:
        # Only with the fees known do the amounts that pass through several accounts come out right.
        book = _Book(transaction, rates)
        book.run(steps)
    book.write_residual()
    return Booked(book.moves, decimals, unread)


class _Book:
    """Balances of one transaction while its operations are applied."""

    def __init__(self, transaction: ParsedTransaction, rates: FeeRates) -> None:
        self.moves: list[Move] = []
        self.transfers: list[tuple[MoveTokens, str]] = []
        self._transaction = transaction
        self._rates = rates
        self._lamports = dict(zip(transaction.keys, transaction.pre_lamports, strict=False))
        self._tokens = {
            balance.account: TokenState(balance.mint, balance.owner or balance.account, balance.amount_raw)
            for balance in transaction.pre_tokens
            if balance.account
        }
        self._post_tokens = {balance.account: balance for balance in transaction.post_tokens if balance.account}
        self._reserves = self._find_reserves()
        self._collects: dict[tuple[str, str], str] = {}
        self._given: dict[str, str] = {}
        self._opened_native: set[str] = set()

    def run(self, steps: list[Step]) -> None:
        """Charge the fee, then apply every operation in call order."""
        self._charge_fee()
        for step in steps:
            operation = step.operation
            if isinstance(operation, OpenTokenAccount) and operation.mint == NATIVE_MINT:
                self._opened_native.add(operation.account)
            elif isinstance(operation, GiveToProgram):
                self._given[operation.account] = step.path.partition(".")[0]
        for step in steps:
            self._apply(step.path, step.operation)

    # --- writing ---

    def _write(self, path: str, account: str, asset: str, delta_raw: int, kind: str) -> None:
        if delta_raw:
            self.moves.append(Move(path, account, self._owner(account), asset, delta_raw, kind))

    def _write_virtual(self, path: str, account: str, asset: str, delta_raw: int, kind: str) -> None:
        if delta_raw:
            self.moves.append(Move(path, account, account, asset, delta_raw, kind, is_virtual=True))

    def _owner(self, account: str) -> str:
        state = self._tokens.get(account)
        return state.owner if state else account

    def _shift_lamports(self, path: str, source: str, destination: str, lamports: int, kind: str) -> None:
        if source == destination:
            return
        self._lamports[source] = self._lamports.get(source, 0) - lamports
        self._lamports[destination] = self._lamports.get(destination, 0) + lamports
        self._write(path, source, LAMPORTS_ASSET, -lamports, kind)
        self._write(path, destination, LAMPORTS_ASSET, lamports, kind)

    def _shift_tokens(self, path: str, account: str, delta_raw: int, kind: str) -> None:
        state = self._tokens[account]
        state.amount_raw += delta_raw
        self._write(path, account, state.mint, delta_raw, kind)

    # --- applying ---

    def _apply(self, path: str, operation: Operation) -> None:
        match operation:
            case MoveTokens():
                self._move_tokens(path, operation)
            case MoveLamports():
                self._move_lamports(path, operation)
            case OpenTokenAccount():
                self._open(path, operation)
            case CloseAccount():
                self._close(path, operation)
            case SyncNative():
                self._sync(path, operation.account)
            case MintTokens():
                self._make(path, operation.account, operation.mint, operation.amount_raw, "mint")
            case BurnTokens():
                self._make(path, operation.account, operation.mint, -operation.amount_raw, "burn")
            case UnwrapLamports():
                self._unwrap(path, operation)
            case ChangeOwner():
                self._change_owner(path, operation)
            case CollectWithheld():
                self._collects[operation.destination, operation.mint] = path
            case GiveToProgram() | OpenMint():
                pass

    def _charge_fee(self) -> None:
        payer = self._transaction.fee_payer
        base_lamports, priority_lamports = network_fee(self._transaction)
        self._lamports[payer] = self._lamports.get(payer, 0) - base_lamports - priority_lamports
        for lamports, kind in ((base_lamports, "fee_base"), (priority_lamports, "fee_priority")):
            self._write(FEE_PATH, payer, LAMPORTS_ASSET, -lamports, kind)
            self._write_virtual(FEE_PATH, VALIDATOR_ACCOUNT, LAMPORTS_ASSET, lamports, kind)

    def _move_lamports(self, path: str, operation: MoveLamports) -> None:
        source, destination, kind = operation.source, operation.destination, operation.kind
        lamports = operation.lamports
        if lamports is None:
            kept = self._post_lamports(source) if kind == "excess" else 0
            lamports = max(0, self._lamports.get(source, 0) - kept)
        if kind == "transfer" and destination in TIP_ACCOUNTS:
            kind = "tip"
        elif kind == "transfer" and self._given.get(destination) == path.partition(".")[0]:
            # Topped up so that a program can take it over in the same instruction: what ATA creation does.
            kind = "rent"
        if kind == "rent" and destination in self._opened_native and lamports > self._reserve(destination):
            # A wrapped SOL account is often created with the amount to wrap on top of its rent.
            reserve = self._reserve(destination)
            self._shift_lamports(path, source, destination, lamports - reserve, "transfer")
            lamports = reserve
        self._shift_lamports(path, source, destination, lamports, kind)

    def _open(self, path: str, operation: OpenTokenAccount) -> None:
        self._tokens[operation.account] = TokenState(operation.mint, operation.owner, 0)
        if operation.mint == NATIVE_MINT:
            self._sync(path, operation.account)

    def _sync(self, path: str, account: str) -> None:
        state = self._tokens.get(account)
        if state is None or state.mint != NATIVE_MINT:
            return
        wrapped = max(0, self._lamports.get(account, 0) - self._reserve(account))
        delta_raw = wrapped - state.amount_raw
        self._shift_tokens(path, account, delta_raw, "wrap")
        self._write_virtual(path, WRAP_ACCOUNT, NATIVE_MINT, -delta_raw, "wrap")

    def _close(self, path: str, operation: CloseAccount) -> None:
        account = operation.account
        lamports = self._lamports.get(account, 0)
        state = self._tokens.get(account)
        unwrapped = 0
        if state is not None and state.mint == NATIVE_MINT:
            unwrapped = min(state.amount_raw, lamports)
            self._write_virtual(path, WRAP_ACCOUNT, NATIVE_MINT, state.amount_raw, "unwrap")
            self._shift_tokens(path, account, -state.amount_raw, "unwrap")
        self._shift_lamports(path, account, operation.destination, unwrapped, "unwrap")
        self._shift_lamports(path, account, operation.destination, lamports - unwrapped, "rent")
        self._tokens.pop(account, None)

    def _unwrap(self, path: str, operation: UnwrapLamports) -> None:
        state = self._tokens.get(operation.account)
        if state is None:
            return
        amount_raw = state.amount_raw if operation.amount_raw is None else operation.amount_raw
        self._shift_tokens(path, operation.account, -amount_raw, "unwrap")
        self._write_virtual(path, WRAP_ACCOUNT, NATIVE_MINT, amount_raw, "unwrap")
        self._shift_lamports(path, operation.account, operation.destination, amount_raw, "unwrap")

    def _make(self, path: str, account: str, mint: str | None, delta_raw: int, kind: str) -> None:
        state = self._known(account, mint)
        if state is None:
            return
        self._shift_tokens(path, account, delta_raw, kind)
        self._write_virtual(path, SUPPLY_ACCOUNT, state.mint, -delta_raw, kind)

    def _move_tokens(self, path: str, operation: MoveTokens) -> None:
        source, destination = operation.source, operation.destination
        mint = operation.mint or self._mint_of(source) or self._mint_of(destination)
        if mint is None or source == destination:
            return
        if self._known(source, mint) is None or self._known(destination, mint) is None:
            return
        fee_raw = operation.fee_raw
        if fee_raw is None:
            self.transfers.append((operation, mint))
            fee_raw = self._rates[mint].fee_raw(operation.amount_raw) if mint in self._rates else 0
        self._shift_tokens(path, source, -operation.amount_raw, "transfer")
        self._shift_tokens(path, destination, operation.amount_raw - fee_raw, "transfer")
        self._write_virtual(path, WITHHELD_ACCOUNT, mint, fee_raw, "transfer")
        if mint == NATIVE_MINT:
            self._shift_lamports(path, source, destination, operation.amount_raw, "transfer")

    def _change_owner(self, path: str, operation: ChangeOwner) -> None:
        state = self._tokens.get(operation.account)
        if state is None or state.owner == operation.owner:
            return
        balances = ((state.mint, state.amount_raw), (LAMPORTS_ASSET, self._lamports.get(operation.account, 0)))
        for asset, amount_raw in balances:
            self._write(path, operation.account, asset, -amount_raw, "owner_change")
        state.owner = operation.owner
        for asset, amount_raw in balances:
            self._write(path, operation.account, asset, amount_raw, "owner_change")

    # --- what is known of an account ---

    def _mint_of(self, account: str) -> str | None:
        state = self._tokens.get(account)
        if state is not None:
            return state.mint
        after = self._post_tokens.get(account)
        return after.mint if after else None

    def _known(self, account: str, mint: str | None) -> TokenState | None:
        """The account's state; one that no balance and no initialisation told of is empty, of the mint that moves."""
        state = self._tokens.get(account)
        if state is None and mint is not None:
            after = self._post_tokens.get(account)
            owner = after.owner if after and after.owner else account
            state = self._tokens[account] = TokenState(mint, owner, 0)
        return state

    def _post_lamports(self, account: str) -> int:
        after = dict(zip(self._transaction.keys, self._transaction.post_lamports, strict=False))
        return after.get(account, 0)

    def _find_reserves(self) -> dict[str, int]:
        """Wrapped SOL account → lamports it keeps beside its amount, as its balances show them."""
        reserves: dict[str, int] = {}
        transaction = self._transaction
        sides = (
            (transaction.post_tokens, transaction.post_lamports),
            (transaction.pre_tokens, transaction.pre_lamports),
        )
        for balances, lamports in sides:
            by_account = dict(zip(transaction.keys, lamports, strict=False))
            for balance in balances:
                reserve = by_account.get(balance.account, 0) - balance.amount_raw
                # More than the rent is lamports that nobody has synchronised yet.
                if balance.mint == NATIVE_MINT and 0 < reserve <= TOKEN_ACCOUNT_RENT_LAMPORTS:
                    reserves[balance.account] = reserve
        return reserves

    def _reserve(self, account: str) -> int:
        return self._reserves.get(account, TOKEN_ACCOUNT_RENT_LAMPORTS)

    # --- the residual ---

    def missing_tokens(self) -> dict[tuple[str, str], int]:
        """(account, mint) → what the chain reports after the transaction less what the operations led to.

        A recording without any token balance reports nothing, so nothing can be missing from it.
        """
        missing: dict[tuple[str, str], int] = {}
        if not self._transaction.pre_tokens and not self._transaction.post_tokens:
            return missing
        for account in {**self._tokens, **self._post_tokens}:
            state, after = self._tokens.get(account), self._post_tokens.get(account)
            if after is not None:
                led_to = state.amount_raw if state and state.mint == after.mint else 0
                missing[account, after.mint] = after.amount_raw - led_to
            if state is not None and (after is None or after.mint != state.mint):
                missing[account, state.mint] = -state.amount_raw
        return {key: delta_raw for key, delta_raw in missing.items() if delta_raw}

    def write_residual(self) -> None:
        """Book what no operation explains; what a collection of withheld fees brought is explained by it."""
        sums: dict[str, int] = {}
        for (account, mint), delta_raw in sorted(self.missing_tokens().items()):
            collected_at = self._collects.get((account, mint))
            if collected_at is not None and delta_raw > 0:
                self._known(account, mint)
                self._shift_tokens(collected_at, account, delta_raw, "transfer")
                self._write_virtual(collected_at, WITHHELD_ACCOUNT, mint, -delta_raw, "transfer")
                continue
            after = self._post_tokens.get(account)
            if account not in self._tokens and after is not None:
                self._tokens[account] = TokenState(mint, after.owner or account, 0)
            self._write(RESIDUAL_PATH, account, mint, delta_raw, "residual")
            sums[mint] = sums.get(mint, 0) + delta_raw
        transaction = self._transaction
        for account, after_lamports in zip(transaction.keys, transaction.post_lamports, strict=False):
            delta_lamports = after_lamports - self._lamports.get(account, 0)
            self._write(RESIDUAL_PATH, account, LAMPORTS_ASSET, delta_lamports, "residual")
            sums[LAMPORTS_ASSET] = sums.get(LAMPORTS_ASSET, 0) + delta_lamports
        for asset, total in sorted(sums.items()):
            self._write_virtual(RESIDUAL_PATH, UNEXPLAINED_ACCOUNT, asset, -total, "residual")

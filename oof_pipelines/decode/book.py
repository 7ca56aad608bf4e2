"""The book: applies a transaction's operations to its balances and writes every change as a pair of moves.

Two ledgers are kept: lamports of every account, and the token amount of every token account; wrapped SOL is in both. Every
entry sums to zero per asset, with virtual counter-accounts for supply, wrapping, withheld fees, encrypted balances and the
validator. What the operations do not explain is found by holding the balances they lead to against those the chain
reports; it becomes the residual, so that the moves of every account add up to post − pre exactly.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from oof_pipelines.chain.moves import (
    CONFIDENTIAL_ACCOUNT,
    FEE_PATH,
    LAMPORTS_ASSET,
    NATIVE_MINTS,
    RESIDUAL_PATH,
    SUPPLY_ACCOUNT,
    UNEXPLAINED_ACCOUNT,
    VALIDATOR_ACCOUNT,
    WITHHELD_ACCOUNT,
    WRAP_ACCOUNT,
    Move,
)
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.balances import Balances
from oof_pipelines.decode.closings import closings_of
from oof_pipelines.decode.fees import TIP_ACCOUNTS, network_fee
from oof_pipelines.decode.logged_data import LoggedData
from oof_pipelines.decode.openings import Openings
from oof_pipelines.decode.operations import (
    BurnTokens,
    ChangeOwner,
    CloseAccount,
    CloseProgramAccount,
    CollectWithheld,
    GiveToProgram,
    MintTokens,
    MoveConfidential,
    MoveLamports,
    MoveTokens,
    OpenMint,
    OpenTokenAccount,
    Operation,
    SyncNative,
    UnwrapLamports,
)
from oof_pipelines.decode.passed_on import passed_on
from oof_pipelines.decode.stake import PROGRAM_IDS as STAKE_PROGRAM_IDS
from oof_pipelines.decode.stake import STAKE_ACCOUNT_RENT_LAMPORTS
from oof_pipelines.decode.steps import Step, steps_of
from oof_pipelines.decode.token import TOKEN_PROGRAM_ID
from oof_pipelines.decode.transfer_fees import FeeRates, solve_fee_rates


class Booked(msgspec.Struct, frozen=True, gc=False):
    """All moves of a transaction. `unread` are paths of instructions whose data were not of their program's layout."""

    moves: list[Move]
    decimals: dict[str, int]
    unread: list[str] = []

    @property
    def has_residual(self) -> bool:
        return any(move.path == RESIDUAL_PATH for move in self.moves)


def book_transaction(transaction: ParsedTransaction, logs: LoggedData | None = None) -> Booked:
    """The moves of a transaction, residual included. A failed one moves nothing but its fee."""
    steps, unread = steps_of(transaction, logs or LoggedData(transaction))
    book = _Book(transaction, {})
    book.run(steps)
    missing = book.missing_tokens()
    rates = solve_fee_rates(_may_withhold(transaction, book.transfers), missing) if missing else {}
    if rates:
        # Only with the fees known do the amounts that pass through several accounts come out right.
        book = _Book(transaction, rates)
        book.run(steps)
        missing = book.missing_tokens()
    book.write_residual(missing)
    return Booked(book.moves, book.decimals, unread)


def _may_withhold(
    transaction: ParsedTransaction, transfers: list[tuple[MoveTokens, str]]
) -> list[tuple[MoveTokens, str]]:
    """Transfers of mints that can have a fee: a recording that names the first token program rules it out."""
    balances = (*transaction.pre_tokens, *transaction.post_tokens)
    plain = {balance.mint for balance in balances if balance.program_id == TOKEN_PROGRAM_ID} | NATIVE_MINTS
    return [transfer for transfer in transfers if transfer[1] not in plain]


class _Book:
    """Writes the moves of one transaction while its operations are applied to its balances."""

    def __init__(self, transaction: ParsedTransaction, rates: FeeRates) -> None:
        self.moves: list[Move] = []
        self.transfers: list[tuple[MoveTokens, str]] = []
        self.decimals = {balance.mint: balance.decimals for balance in transaction.pre_tokens}
        for balance in transaction.post_tokens:
            self.decimals[balance.mint] = balance.decimals
        self._transaction = transaction
        self._rates = rates
        self._balances = Balances(transaction)
        self.missing_tokens = self._balances.missing_tokens
        self._collects: dict[tuple[str, str], str] = {}
        self._given: dict[str, tuple[str, str]] = {}
        self._openings = Openings()
        self._late: list[Move] = []

    def run(self, steps: list[Step]) -> None:
        """Charge the fee, then apply every operation in call order."""
        self._charge_fee()
        for step in steps:
            operation = step.operation
            if isinstance(operation, OpenTokenAccount):
                self._openings.expect(operation)
            elif isinstance(operation, GiveToProgram):
                self._given[operation.account] = (_outer(step.path), operation.program_id)
        for step in steps:
            _APPLY[type(step.operation)](self, step.path, step.operation)

    def write_residual(self, missing: dict[tuple[str, str], int]) -> None:
        """Book what no operation explains, `missing` of the tokens, except what a collection of withheld fees brought."""
        sums: dict[str, int] = {}
        for (account, mint), delta_raw in sorted(missing.items()):
            collected_at = self._collects.get((account, mint))
            if collected_at is not None and delta_raw > 0:
                self._shift_tokens(collected_at, account, mint, delta_raw, "transfer")
                self._write_virtual(collected_at, WITHHELD_ACCOUNT, mint, -delta_raw, "transfer")
                continue
            self._balances.accept(account, mint)
            self._write(RESIDUAL_PATH, account, mint, delta_raw, "residual")
            sums[mint] = sums.get(mint, 0) + delta_raw
        missing_lamports = self._balances.missing_lamports()
        if missing_lamports and not self._transaction.is_failed:
            for closing in closings_of(self._transaction, missing_lamports, self._balances.after_lamports):
                self._shift_lamports(closing.path, closing.account, closing.destination, closing.lamports, "rent")
            for one in passed_on(self._transaction, self._balances.missing_lamports()):
                kind = "tip" if one.destination in TIP_ACCOUNTS else "transfer"
                self._shift_lamports(one.path, one.account, one.destination, one.lamports, kind)
            missing_lamports = self._balances.missing_lamports()
        for account, delta_lamports in missing_lamports.items():
            self._write(RESIDUAL_PATH, account, LAMPORTS_ASSET, delta_lamports, "residual")
            sums[LAMPORTS_ASSET] = sums.get(LAMPORTS_ASSET, 0) + delta_lamports
        for move in self._late:
            self.moves.append(move)
            sums[LAMPORTS_ASSET] = sums.get(LAMPORTS_ASSET, 0) + move.delta_raw
        for asset, total in sorted(sums.items()):
            self._write_virtual(RESIDUAL_PATH, UNEXPLAINED_ACCOUNT, asset, -total, "residual")

    # --- writing ---

    def _write(self, path: str, account: str, asset: str, delta_raw: int, kind: str) -> None:
        if not delta_raw:
            return
        state = self._balances.token_accounts.get(account)
        if state is not None:
            owner = state.owner
        else:
            owner = self._openings.owner_of_lamports(account, delta_raw) if asset == LAMPORTS_ASSET else account
        self.moves.append(Move(path, account, owner, asset, delta_raw, kind))

    def _write_virtual(self, path: str, account: str, asset: str, delta_raw: int, kind: str) -> None:
        if delta_raw:
            self.moves.append(Move(path, account, account, asset, delta_raw, kind, is_virtual=True))

    def _shift_lamports(self, path: str, source: str, destination: str, lamports: int, kind: str) -> None:
        if source == destination:
            return
        held = self._balances.lamports
        held[source] = held.get(source, 0) - lamports
        held[destination] = held.get(destination, 0) + lamports
        self._write(path, source, LAMPORTS_ASSET, -lamports, kind)
        self._write(path, destination, LAMPORTS_ASSET, lamports, kind)

    def _shift_tokens(self, path: str, account: str, mint: str, delta_raw: int, kind: str) -> None:
        held, key = self._balances.tokens, (account, mint)
        held[key] = held.get(key, 0) + delta_raw
        self._write(path, account, mint, delta_raw, kind)

    # --- applying ---

    def _charge_fee(self) -> None:
        payer = self._transaction.fee_payer
        base_lamports, priority_lamports = network_fee(self._transaction)
        held = self._balances.lamports
        held[payer] = held.get(payer, 0) - base_lamports - priority_lamports
        for lamports, kind in ((base_lamports, "fee_base"), (priority_lamports, "fee_priority")):
            self._write(FEE_PATH, payer, LAMPORTS_ASSET, -lamports, kind)
            self._write_virtual(FEE_PATH, VALIDATOR_ACCOUNT, LAMPORTS_ASSET, lamports, kind)

    def _move_lamports(self, path: str, operation: MoveLamports) -> None:
        source, destination, kind = operation.source, operation.destination, operation.kind
        lamports = operation.lamports
        held_lamports = self._balances.lamports_of(source)
        if lamports is None:
            kept = self._balances.after_lamports.get(source, 0) if kind == "excess" else 0
            lamports = max(0, held_lamports - kept)
        _, given_to = self._given.get(destination, ("", ""))
        if kind == "nonce":
            kind = "rent" if lamports == held_lamports else "transfer"
        elif kind == "transfer" and destination in TIP_ACCOUNTS:
            kind = "tip"
        elif kind == "transfer" and self._is_paid_for(path, destination):
            kind = "rent"
        if kind == "rent":
            # Accounts for wrapped SOL and for stake are often created with what they are to hold on top of their rent.
            opening = self._openings.coming(destination)
            if opening is not None and opening.mint in NATIVE_MINTS:
                reserve_lamports = self._balances.reserve_lamports(destination, opening.mint)
                rent_lamports = max(0, reserve_lamports - self._balances.lamports_of(destination))
                rest_kind = "transfer"
            elif given_to in STAKE_PROGRAM_IDS:
                rent_lamports, rest_kind = STAKE_ACCOUNT_RENT_LAMPORTS, "stake"
            else:
                rent_lamports, rest_kind = lamports, ""
            self._shift_lamports(path, source, destination, max(0, lamports - rent_lamports), rest_kind)
            lamports = min(lamports, rent_lamports)
        self._shift_lamports(path, source, destination, lamports, kind)

    def _is_paid_for(self, path: str, account: str) -> bool:
        """Whether lamports sent there open an account: one that is yet to become a token account, or that a program takes
        over in the same instruction, as at the creation of an associated account that held lamports before.
        """
        is_open = account in self._balances.token_accounts
        if not is_open and self._openings.coming(account) is not None:
            return True
        # A reallocation tops up an account that is open, but what gets wrapped is no rent.
        is_wrapped = is_open and self._mint_of(account) in NATIVE_MINTS
        return not is_wrapped and self._given.get(account, ("", ""))[0] == _outer(path)

    def _open(self, path: str, operation: OpenTokenAccount) -> None:
        """Whatever the account held of its own passes to the owner it gets."""
        account = operation.account
        own_lamports = self._balances.lamports_of(account) - self._openings.open(account)
        former_owner = self._balances.owner(account)
        self._balances.open(account, operation.mint, operation.owner)
        if former_owner != operation.owner and own_lamports:
            for owner, delta_lamports in ((former_owner, -own_lamports), (operation.owner, own_lamports)):
                self.moves.append(Move(path, account, owner, LAMPORTS_ASSET, delta_lamports, "owner_change"))
        self._sync(path, account)

    def _sync(self, path: str, account: str) -> None:
        state = self._balances.token_account(account)
        if state is None or state.mint not in NATIVE_MINTS:
            return
        reserve_lamports = self._balances.reserve_lamports(account, state.mint)
        wrapped = max(0, self._balances.lamports_of(account) - reserve_lamports)
        delta_raw = wrapped - self._balances.amount_raw(account, state.mint)
        self._shift_tokens(path, account, state.mint, delta_raw, "wrap")
        self._write_virtual(path, WRAP_ACCOUNT, state.mint, -delta_raw, "wrap")

    def _sync_native(self, path: str, operation: SyncNative) -> None:
        self._sync(path, operation.account)

    def _close(self, path: str, operation: CloseAccount) -> None:
        account = operation.account
        lamports = self._balances.lamports_of(account)
        state = self._balances.token_account(account)
        unwrapped = 0
        if state is not None and state.mint in NATIVE_MINTS:
            amount_raw = self._balances.amount_raw(account, state.mint)
            unwrapped = min(amount_raw, lamports)
            self._write_virtual(path, WRAP_ACCOUNT, state.mint, amount_raw, "unwrap")
            self._shift_tokens(path, account, state.mint, -amount_raw, "unwrap")
        self._shift_lamports(path, account, operation.destination, unwrapped, "unwrap")
        self._shift_lamports(path, account, operation.destination, lamports - unwrapped, "rent")
        self._balances.close(account)

    def _close_program_account(self, path: str, operation: CloseProgramAccount) -> None:
        """Only where the chain says that the account is empty now: a layout may be mistaken about what it closes."""
        account = operation.account
        if not self._balances.after_lamports.get(account, 1):
            self._shift_lamports(path, account, operation.destination, self._balances.lamports_of(account), "rent")

    def _unwrap(self, path: str, operation: UnwrapLamports) -> None:
        account = operation.account
        state = self._balances.token_account(account)
        if state is None or state.mint not in NATIVE_MINTS:
            return
        amount_raw = operation.amount_raw
        if amount_raw is None:
            amount_raw = self._balances.amount_raw(account, state.mint)
        self._shift_tokens(path, account, state.mint, -amount_raw, "unwrap")
        self._write_virtual(path, WRAP_ACCOUNT, state.mint, amount_raw, "unwrap")
        self._shift_lamports(path, account, operation.destination, amount_raw, "unwrap")

    def _mint(self, path: str, operation: MintTokens) -> None:
        self._make(path, operation.account, operation.mint, operation.amount_raw, "mint", SUPPLY_ACCOUNT)

    def _burn(self, path: str, operation: BurnTokens) -> None:
        self._make(path, operation.account, operation.mint, -operation.amount_raw, "burn", SUPPLY_ACCOUNT)

    def _move_confidential(self, path: str, operation: MoveConfidential) -> None:
        kind = "confidential_withdraw" if operation.delta_raw > 0 else "confidential_deposit"
        self._make(path, operation.account, operation.mint, operation.delta_raw, kind, CONFIDENTIAL_ACCOUNT)

    def _make(self, path: str, account: str, mint: str | None, delta_raw: int, kind: str, counter_account: str) -> None:
        mint = mint or self._mint_of(account)
        if mint is not None and self._balances.accept(account, mint):
            self._shift_tokens(path, account, mint, delta_raw, kind)
            self._write_virtual(path, counter_account, mint, -delta_raw, kind)

    def _move_tokens(self, path: str, operation: MoveTokens) -> None:
        source, destination = operation.source, operation.destination
        mint = operation.mint or self._mint_of(source) or self._mint_of(destination)
        if mint is None or source == destination:
            return
        amount_raw, is_native = operation.amount_raw, mint in NATIVE_MINTS
        if is_native:
            self._cover(path, source, mint, amount_raw)
        if not (self._balances.accept(source, mint) and self._balances.accept(destination, mint)):
            return
        fee_raw = operation.fee_raw
        if fee_raw is None:
            self.transfers.append((operation, mint))
            fee_raw = self._rates[mint].fee_raw(amount_raw) if mint in self._rates else 0
        self._shift_tokens(path, source, mint, -amount_raw, "transfer")
        self._shift_tokens(path, destination, mint, amount_raw - fee_raw, "transfer")
        if fee_raw:
            self._write_virtual(path, WITHHELD_ACCOUNT, mint, fee_raw, "transfer")
        if is_native:
            self._shift_lamports(path, source, destination, amount_raw, "transfer")

    def _cover(self, path: str, account: str, mint: str, amount_raw: int) -> None:
        """What a wrapped SOL account sends without having it, a program had put there by no instruction, and wrapped it."""
        balances = self._balances
        if account not in balances.after_lamports or self._mint_of(account) != mint:
            return
        lacking = amount_raw + balances.reserve_lamports(account, mint) - balances.lamports_of(account)
        if lacking <= 0 or balances.amount_raw(account, mint) >= amount_raw:
            return
        balances.lamports[account] = balances.lamports_of(account) + lacking
        owner = balances.owner(account)
        self._late.append(Move(RESIDUAL_PATH, account, owner, LAMPORTS_ASSET, lacking, "residual"))
        self._sync(path, account)

    def _mint_of(self, account: str) -> str | None:
        state = self._balances.token_account(account)
        return state.mint if state else None

    def _change_owner(self, path: str, operation: ChangeOwner) -> None:
        account = operation.account
        state = self._balances.token_account(account)
        if state is None or state.owner == operation.owner:
            return
        balances = (
            (state.mint, self._balances.amount_raw(account, state.mint)),
            (LAMPORTS_ASSET, self._balances.lamports_of(account)),
        )
        for asset, amount_raw in balances:
            self._write(path, account, asset, -amount_raw, "owner_change")
        state.owner = operation.owner
        for asset, amount_raw in balances:
            self._write(path, account, asset, amount_raw, "owner_change")

    def _collect_withheld(self, path: str, operation: CollectWithheld) -> None:
        self._collects[operation.destination, operation.mint] = path

    def _open_mint(self, _path: str, operation: OpenMint) -> None:
        self.decimals[operation.mint] = operation.decimals

    def _pass_over(self, _path: str, _operation: GiveToProgram) -> None:
        """What it tells of other operations was noted before the first one."""


_APPLY: dict[type[Operation], Callable[[_Book, str, Any], None]] = {
    MoveTokens: _Book._move_tokens,
    MoveLamports: _Book._move_lamports,
    OpenTokenAccount: _Book._open,
    OpenMint: _Book._open_mint,
    CloseAccount: _Book._close,
    CloseProgramAccount: _Book._close_program_account,
    SyncNative: _Book._sync_native,
    MintTokens: _Book._mint,
    BurnTokens: _Book._burn,
    MoveConfidential: _Book._move_confidential,
    UnwrapLamports: _Book._unwrap,
    ChangeOwner: _Book._change_owner,
    CollectWithheld: _Book._collect_withheld,
    GiveToProgram: _Book._pass_over,
}


def _outer(path: str) -> str:
    return path.partition(".")[0]

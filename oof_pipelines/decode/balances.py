"""What every account holds while a transaction runs, and what the chain says it holds at the end.

Lamports are by account, token amounts by account and mint: an account that is closed and opened again for another mint
loses nothing of its past, so that what is left unexplained is always found.
"""

import msgspec

from oof_pipelines.chain.moves import NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.chain.transaction import ParsedTransaction, TokenBalance

_RENT_LAMPORTS = {NATIVE_MINT: 2_039_280}
"""Rent exemption of 165 bytes, (165 + 128) × 3,480 × 2: what a wrapped SOL account holds beside its amount."""
_RENT_LAMPORTS_2022 = 2_074_080
"""The same of the 170 bytes that an associated account of Token-2022 has."""


class TokenAccount(msgspec.Struct, gc=False):
    """Whose a token account is, and of which mint, at this point of the transaction."""

    mint: str
    owner: str


class Balances:
    """The two ledgers of one transaction.

    `lamports`, `tokens` and `token_accounts` (those known as such) are as the operations so far have left them.
    """

    def __init__(self, transaction: ParsedTransaction) -> None:
        self._keys = transaction.keys
        self.lamports = dict(zip(self._keys, transaction.pre_lamports, strict=False))
        self.after_lamports = dict(zip(self._keys, transaction.post_lamports, strict=False))
        self._reports_tokens = bool(transaction.pre_tokens or transaction.post_tokens)
        self._after_tokens: dict[str, TokenBalance] = {}
        self._reserves: dict[str, int] = {}
        self.tokens: dict[tuple[str, str], int] = {}
        self.token_accounts: dict[str, TokenAccount] = {}
        # An index beyond a shortened account list names no account.
        for balance in transaction.post_tokens:
            if account := balance.account:
                self._after_tokens[account] = balance
                if balance.mint in NATIVE_MINTS:
                    self._note_reserve(balance, self.after_lamports)
        for balance in transaction.pre_tokens:
            if account := balance.account:
                self.tokens[account, balance.mint] = balance.amount_raw
                self.token_accounts[account] = TokenAccount(balance.mint, balance.owner or account)
                if balance.mint in NATIVE_MINTS:
                    self._note_reserve(balance, self.lamports)

    # --- what is known of an account ---

    def lamports_of(self, account: str) -> int:
        return self.lamports.get(account, 0)

    def amount_raw(self, account: str, mint: str) -> int:
        return self.tokens.get((account, mint), 0)

    def owner(self, account: str) -> str:
        """Who owns an account: a token account's owner, else the account itself."""
        state = self.token_accounts.get(account)
        return state.owner if state else account

    def token_account(self, account: str) -> TokenAccount | None:
        """The account as a token account; one that only the balances after the transaction tell of counts too."""
        state = self.token_accounts.get(account)
        if state is None and (after := self._after_tokens.get(account)) is not None:
            state = self.token_accounts[account] = TokenAccount(after.mint, after.owner or account)
        return state

    def accept(self, account: str, mint: str) -> bool:
        """Whether the account can hold the mint; one that nothing has told of yet becomes an account of that mint."""
        state = self.token_accounts.get(account) or self.token_account(account)
        if state is None:
            self.open(account, mint, account)
            return True
        return state.mint == mint

    def open(self, account: str, mint: str, owner: str) -> None:
        self.token_accounts[account] = TokenAccount(mint, owner)

    def close(self, account: str) -> None:
        self.token_accounts.pop(account, None)

    def reserve_lamports(self, account: str, mint: str) -> int:
        """What a wrapped SOL account keeps beside its amount."""
        return self._reserves.get(account, _RENT_LAMPORTS.get(mint, _RENT_LAMPORTS_2022))

    def _note_reserve(self, balance: TokenBalance, lamports: dict[str, int]) -> None:
        """As one side of the transaction shows it; where both do, the one before it is noted last and wins."""
        reserve = lamports.get(balance.account, 0) - balance.amount_raw
        # More than the rent is lamports that nobody has synchronised yet.
        if 0 < reserve <= _RENT_LAMPORTS.get(balance.mint, _RENT_LAMPORTS_2022):
            self._reserves[balance.account] = reserve

    # --- what the chain says of the end ---

    def missing_lamports(self) -> dict[str, int]:
        """Account → lamports the chain reports after the transaction less what the operations led to, zeros left out.

        An account outside a shortened account list is not reported, so nothing can be missing from it.
        """
        held = self.lamports
        if held == self.after_lamports:
            return {}
        return {
            account: after - held.get(account, 0)
            for account, after in self.after_lamports.items()
            if after != held.get(account, 0)
        }

    def missing_tokens(self) -> dict[tuple[str, str], int]:
        """(account, mint) → raw units likewise. A recording without any token balance reports none at all."""
        if not self._reports_tokens:
            return {}
        missing: dict[tuple[str, str], int] = {}
        for key, amount_raw in self.tokens.items():
            after = self._after_tokens.get(key[0])
            after_raw = after.amount_raw if after is not None and after.mint == key[1] else 0
            if after_raw != amount_raw and key[0] in self._keys:
                missing[key] = after_raw - amount_raw
        for account, balance in self._after_tokens.items():
            if (account, balance.mint) not in self.tokens and balance.amount_raw:
                missing[account, balance.mint] = balance.amount_raw
        return missing

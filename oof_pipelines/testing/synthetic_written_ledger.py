"""A ledger written by hand: balances of wallets, pools and mints, for programs that no virtual machine here can run.

It keeps every lamport and every token exact, refuses what nobody could pay, and remembers what a transaction found, so that
the balances before and after it can be told, and a failed one leaves nothing behind. What the programs do to balances is
said by whoever writes the transaction (synthetic_written_transaction.py).
"""

from typing import NamedTuple

from solders.pubkey import Pubkey

from oof_pipelines.testing.synthetic_instructions import (
    NATIVE_MINT,
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    associated_token_address,
)
from oof_pipelines.testing.synthetic_world import Mint

TOKEN_ACCOUNT_RENT_LAMPORTS = 2_039_280
_RENT_LAMPORTS = {TOKEN_PROGRAM: TOKEN_ACCOUNT_RENT_LAMPORTS, TOKEN_2022_PROGRAM: 2_074_080}
"""By token program: an account of 165 bytes, and one of 170 that cannot change hands, as the associated ones are."""

WRAPPED_SOL = Mint(NATIVE_MINT, None, 9, TOKEN_PROGRAM)


class WrittenLedgerError(RuntimeError):
    """A transaction that the chain would have refused: somebody was to give what he does not have."""


class TokenHolding(NamedTuple):
    """A token account: whose, of which mint, how much (base units)."""

    mint: Pubkey
    owner: Pubkey
    amount_raw: int
    token_program: Pubkey


class WrittenLedger:
    """Lamports and token accounts by address. Between `begin` and `rollback` every first value is remembered."""

    def __init__(self) -> None:
        self._lamports: dict[Pubkey, int] = {}
        self._tokens: dict[Pubkey, TokenHolding] = {}
        self._lamports_before: dict[Pubkey, int] = {}
        self._tokens_before: dict[Pubkey, TokenHolding | None] = {}
        self._associated: dict[tuple[Pubkey, Pubkey], Pubkey] = {}
        self.decimals: dict[Pubkey, int] = {NATIVE_MINT: WRAPPED_SOL.decimals}

    # --- before the first transaction ---

    def fund(self, address: Pubkey, lamports: int) -> None:
        """Give an account its lamports before the chain begins."""
        self._lamports[address] = lamports

    def endow(self, owner: Pubkey, mint: Mint, amount_raw: int, account: Pubkey | None = None) -> Pubkey:
        """Give an owner a token account with a balance before the chain begins: the associated one, or the one named."""
        place = self.associated(owner, mint) if account is None else account
        self.decimals[mint.address] = mint.decimals
        self._tokens[place] = TokenHolding(mint.address, owner, amount_raw, mint.token_program)
        is_native = mint.address == NATIVE_MINT
        self._lamports[place] = _RENT_LAMPORTS[mint.token_program] + (amount_raw if is_native else 0)
        return place

    # --- asking ---

    def associated(self, owner: Pubkey, mint: Mint) -> Pubkey:
        """The associated token account; its derivation is slow, so it is kept."""
        key = (owner, mint.address)
        found = self._associated.get(key)
        if found is None:
            found = self._associated[key] = associated_token_address(owner, mint.address, mint.token_program)
        return found

    def lamports(self, address: Pubkey) -> int:
        return self._lamports.get(address, 0)

    def holding(self, account: Pubkey) -> TokenHolding | None:
        return self._tokens.get(account)

    def tokens_raw(self, account: Pubkey) -> int:
        """What a token account holds; 0 where there is none."""
        found = self._tokens.get(account)
        return 0 if found is None else found.amount_raw

    # --- a transaction's frame ---

    def begin(self) -> None:
        """From here on first values are remembered anew."""
        self._lamports_before.clear()
        self._tokens_before.clear()

    def rollback(self) -> None:
        """Undo everything since `begin`."""
        self._lamports.update(self._lamports_before)
        for account, holding in self._tokens_before.items():
            if holding is None:
                self._tokens.pop(account, None)
            else:
                self._tokens[account] = holding
        self.begin()

    def lamports_before(self, address: Pubkey) -> int:
        """Lamports at the last `begin`."""
        return self._lamports_before.get(address, self._lamports.get(address, 0))

    def holding_before(self, account: Pubkey) -> TokenHolding | None:
        """The token account at the last `begin`."""
        return self._tokens_before.get(account, self._tokens.get(account))

    def changed_accounts(self) -> list[Pubkey]:
        """Accounts that were written since the last `begin`, or since what was done was undone, in order."""
        return list(dict.fromkeys((*self._lamports_before, *self._tokens_before)))

    # --- what programs do ---

    def move_lamports(self, source: Pubkey, destination: Pubkey, lamports: int) -> None:
        self.add_lamports(source, -lamports)
        self.add_lamports(destination, lamports)

    def add_lamports(self, address: Pubkey, lamports: int) -> None:
        """Change one balance; the fee of a transaction has no other side."""
        before = self._lamports.get(address, 0)
        if before + lamports < 0:
            raise WrittenLedgerError(f"{address} has {before} lamports and was to give {-lamports}")
        self._lamports_before.setdefault(address, before)
        self._lamports[address] = before + lamports

    def open_account(self, payer: Pubkey, account: Pubkey, owner: Pubkey, mint: Mint) -> None:
        """A new token account, its rent paid by `payer`."""
        if account in self._tokens:
            raise WrittenLedgerError(f"{account} exists already")
        self.move_lamports(payer, account, _RENT_LAMPORTS[mint.token_program])
        self.decimals[mint.address] = mint.decimals
        self._set_tokens(account, TokenHolding(mint.address, owner, 0, mint.token_program))

    def rent_lamports(self, token_program: Pubkey) -> int:
        """The deposit of a token account under one of the token programs."""
        return _RENT_LAMPORTS[token_program]

    def move_tokens(self, source: Pubkey, destination: Pubkey, amount_raw: int) -> None:
        """A transfer; of wrapped SOL the lamports go along."""
        mint = self._needed(source).mint
        if self._needed(destination).mint != mint:
            raise WrittenLedgerError(f"{source} and {destination} are of different mints")
        self._add_tokens(source, -amount_raw)
        self._add_tokens(destination, amount_raw)
        if mint == NATIVE_MINT:
            self.move_lamports(source, destination, amount_raw)

    def mint_tokens(self, account: Pubkey, amount_raw: int) -> None:
        """New units; negative ones are burnt."""
        self._add_tokens(account, amount_raw)

    def sync_native(self, account: Pubkey) -> None:
        """The amount of a wrapped SOL account becomes its lamports above rent."""
        holding = self._needed(account)
        wrapped = self._lamports[account] - TOKEN_ACCOUNT_RENT_LAMPORTS
        self._set_tokens(account, holding._replace(amount_raw=wrapped))

    def close_account(self, account: Pubkey, destination: Pubkey) -> None:
        """All lamports go to `destination`; only wrapped SOL may be closed with a balance."""
        holding = self._needed(account)
        if holding.amount_raw and holding.mint != NATIVE_MINT:
            raise WrittenLedgerError(f"{account} holds {holding.amount_raw} units and cannot be closed")
        self.move_lamports(account, destination, self._lamports[account])
        self._tokens_before.setdefault(account, holding)
        del self._tokens[account]

    def _needed(self, account: Pubkey) -> TokenHolding:
        found = self._tokens.get(account)
        if found is None:
            raise WrittenLedgerError(f"{account} is no token account")
        return found

    def _add_tokens(self, account: Pubkey, amount_raw: int) -> None:
        holding = self._needed(account)
        after_raw = holding.amount_raw + amount_raw
        if after_raw < 0:
            raise WrittenLedgerError(f"{account} holds {holding.amount_raw} units and was to give {-amount_raw}")
        self._set_tokens(account, holding._replace(amount_raw=after_raw))

    def _set_tokens(self, account: Pubkey, holding: TokenHolding) -> None:
        self._tokens_before.setdefault(account, self._tokens.get(account))
        self._tokens[account] = holding

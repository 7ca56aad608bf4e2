"""Whose an account is before its token program says so: lamports reach a token account before it is initialised.

An account is paid for first and gets its owner afterwards, in a later instruction of the same transaction. Its rent, and
what it is to wrap, are the coming owner's from the moment they arrive; without that his sums would not close when the
account does. What it held before the transaction is its own until then.
"""

from collections import defaultdict, deque

from oof_pipelines.decode.operations import OpenTokenAccount


class Openings:
    """The token accounts that a transaction has yet to initialise, each with the lamports paid in for its coming owner."""

    def __init__(self) -> None:
        self._coming: dict[str, deque[OpenTokenAccount]] = defaultdict(deque)
        self._paid_lamports: dict[str, int] = defaultdict(int)

    def expect(self, opening: OpenTokenAccount) -> None:
        """The transaction will initialise this account, after those that are expected already."""
        self._coming[opening.account].append(opening)

    def coming(self, account: str) -> OpenTokenAccount | None:
        """The next initialisation of the account, if there is one."""
        openings = self._coming.get(account)
        return openings[0] if openings else None

    def owner_of_lamports(self, account: str, delta_lamports: int) -> str:
        """Whose lamports come into, or leave, an account that is no token account at this point; keeps count of them.

        What leaves is taken from what came in for the coming owner, as far as that covers it, else it is the account's own.
        """
        if account not in self._coming:
            return account
        opening = self.coming(account)
        if opening is None or self._paid_lamports[account] + delta_lamports < 0:
            return account
        self._paid_lamports[account] += delta_lamports
        return opening.owner

    def open(self, account: str) -> int:
        """The account is initialised: the lamports that its owner owns already, having been paid in for him."""
        self._coming[account].popleft()
        return self._paid_lamports.pop(account, 0)

"""Whether a book adds up: what the decoder wrote, held against the balances the chain reports and against itself.

Nothing here is taken from the book's own bookkeeping, so that a mistake in it cannot hide itself.
"""

from collections import defaultdict

from oof_pipelines.chain.moves import LAMPORTS_ASSET, Move
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.token_facts import named_accounts


def conservation_faults(transaction: ParsedTransaction, moves: list[Move]) -> list[str]:
    """Every account whose moves do not add up to post − pre, and every entry that does not sum to zero, in words.

    A recording without any token balance reports no token amounts, and one with a shortened account list nothing of the
    accounts it leaves out, so those moves cannot be held against it.
    """
    return [*_unbalanced_entries(moves), *_unexplained_changes(transaction, moves)]


def _unbalanced_entries(moves: list[Move]) -> list[str]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for move in moves:
        sums[move.path, move.asset] += move.delta_raw
    return [f"entry {path} is off by {total} of {asset}" for (path, asset), total in sorted(sums.items()) if total != 0]


def _unexplained_changes(transaction: ParsedTransaction, moves: list[Move]) -> list[str]:
    reports_tokens = bool(transaction.pre_tokens or transaction.post_tokens)
    left_out = _accounts_left_out(transaction)
    off: dict[tuple[str, str], int] = defaultdict(int)
    for move in moves:
        is_reported = move.account not in left_out and (reports_tokens or move.asset == LAMPORTS_ASSET)
        if is_reported and not move.is_virtual:
            off[move.account, move.asset] += move.delta_raw
    for sign, lamports, tokens in (
        (1, transaction.pre_lamports, transaction.pre_tokens),
        (-1, transaction.post_lamports, transaction.post_tokens),
    ):
        for account, amount in zip(transaction.keys, lamports, strict=False):
            off[account, LAMPORTS_ASSET] += sign * amount
        for balance in tokens:
            # An index beyond a trimmed list of accounts names nobody.
            if balance.account:
                off[balance.account, balance.mint] += sign * balance.amount_raw
    return [f"{account} is off by {total} of {asset}" for (account, asset), total in sorted(off.items()) if total != 0]


def _accounts_left_out(transaction: ParsedTransaction) -> set[str]:
    """Accounts that instructions name and a shortened account list does not hold; none for a whole recording."""
    named = {account for one in transaction.instructions for account in named_accounts(one)}
    return named.difference(transaction.keys[: len(transaction.post_lamports)])

"""Accounts that programs closed by themselves: emptied to nothing, while another account of the call gained just that.

An Anchor program's `close` is seen in no instruction. Where no layout tells of it, the balances do: an account that ends
with no lamports gave them to the one account that has as many more than anything explains, and a call had both.
"""

import msgspec

from oof_pipelines.chain.moves import path_text
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.registry import owns


class Closing(msgspec.Struct, frozen=True):
    """`lamports` of `account` went to `destination` in the call at `path`."""

    path: str
    account: str
    destination: str
    lamports: int


def closings_of(
    transaction: ParsedTransaction, missing_lamports: dict[str, int], after_lamports: dict[str, int]
) -> list[Closing]:
    """What of the unexplained lamports (account → how many more the chain reports) is accounts that were closed.

    Only whole and beyond doubt: one account emptied of as much as one other gained, or, of those that are left, accounts that
    shared a call with one receiver alone and make up all that it gained.
    """
    emptied = {one: -raw for one, raw in missing_lamports.items() if raw < 0 and not after_lamports[one]}
    gained = {one: raw for one, raw in missing_lamports.items() if raw > 0}
    if not emptied or not gained:
        return []
    shared = {
        (account, receiver): path
        for account in emptied
        for receiver in gained
        if (path := _last_call_with(transaction, account, receiver))
    }
    pairs = _of_one_amount(emptied, gained, shared)
    left = {account: raw for account, raw in emptied.items() if account not in dict(pairs)}
    open_receivers = {one: raw for one, raw in gained.items() if one not in dict(pairs).values()}
    for receiver, lamports in open_receivers.items():
        its_own = [account for account in left if (account, receiver) in shared]
        are_only_its = all(sum((account, other) in shared for other in open_receivers) == 1 for account in its_own)
        if are_only_its and sum(left[account] for account in its_own) == lamports:
            pairs += [(account, receiver) for account in its_own]
    return [Closing(shared[pair], *pair, emptied[pair[0]]) for pair in pairs]


def _of_one_amount(
    emptied: dict[str, int], gained: dict[str, int], shared: dict[tuple[str, str], str]
) -> list[tuple[str, str]]:
    """Pairs that shared a call, where no other account was emptied of as much and none other gained as much."""
    given, taken = list(emptied.values()), list(gained.values())
    return [
        (account, receiver)
        for account, receiver in shared
        if emptied[account] == gained[receiver] and given.count(emptied[account]) == 1 == taken.count(gained[receiver])
    ]


def _last_call_with(transaction: ParsedTransaction, first: str, second: str) -> str:
    """The path of the last call that was given both accounts, by a program that may have moved them by itself."""
    for one in reversed(transaction.instructions):
        if first in one.accounts and second in one.accounts and not owns(one.program_id):
            return path_text(one.path)
    return ""

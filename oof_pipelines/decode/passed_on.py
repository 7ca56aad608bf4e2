"""Lamports that a program nobody decodes passed on: out of an account of its own, to others of its call, by no instruction.

The runtime lets a program take lamports only out of accounts that it owns, and only in a call that was given them (Solana's
documentation, core/accounts/modification-rules). Where one outer call alone had an account that lost lamports and those that
got them, and no program in it was given the loser but ones nobody decodes, they moved in that call, whatever its layout says.
"""

import msgspec

from oof_pipelines.chain.moves import path_text
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.decode.registry import owns


class PassedOn(msgspec.Struct, frozen=True, gc=False):
    """`lamports` of `account` went to `destination` within the outer call at `path`."""

    path: str
    account: str
    destination: str
    lamports: int


def passed_on(transaction: ParsedTransaction, missing_lamports: dict[str, int]) -> list[PassedOn]:
    """What of the unexplained lamports (account → how many more the chain reports) an unknown program moved by itself.

    Only whole and beyond doubt: exactly one account gave, and the others of that call alone got all of it. Programs whose
    layouts are read here have to tell by them: theirs stay unexplained. Of a failed transaction nothing is to be asked.
    """
    found: list[PassedOn] = []
    for outer, accounts in _accounts_by_call(transaction, missing_lamports).items():
        givers = [account for account in accounts if missing_lamports[account] < 0]
        is_whole = len(givers) == 1 and not sum(missing_lamports[account] for account in accounts)
        # Out of a wallet that signed System alone can have taken it: an instruction that was not recorded.
        if is_whole and givers[0] not in transaction.signers and _may_have_passed_on(transaction, outer, givers[0]):
            path = path_text((outer, -1))
            takers = [account for account in accounts if account != givers[0]]
            found += [PassedOn(path, givers[0], taker, missing_lamports[taker]) for taker in takers]
    return found


def _accounts_by_call(transaction: ParsedTransaction, missing_lamports: dict[str, int]) -> dict[int, list[str]]:
    """Outer index → those of the accounts that no other outer instruction nor anything it called was given."""
    outers_by_account: dict[str, set[int]] = {}
    for one in transaction.instructions:
        for account in one.accounts:
            if account in missing_lamports:
                outers_by_account.setdefault(account, set()).add(one.path[0])
    by_call: dict[int, list[str]] = {}
    for account in missing_lamports:
        outers = outers_by_account.get(account, set())
        if len(outers) == 1:
            by_call.setdefault(min(outers), []).append(account)
    return by_call


def _may_have_passed_on(transaction: ParsedTransaction, outer: int, giver: str) -> bool:
    """Whether none but unknown programs can have moved the giver's lamports by themselves in an outer call.

    System, the token programs and their like do nothing to balances that their instructions do not say.
    """
    called = [one for one in transaction.instructions if one.path[0] == outer]
    outermost = [one for one in called if one.stack_height <= 1]
    had_it = [one for one in called if giver in one.accounts and not owns(one.program_id)]
    return bool(had_it) and all(_is_unknown(one) for one in (*outermost, *had_it))


def _is_unknown(one: Instruction) -> bool:
    return one.program_id not in BY_ID and not owns(one.program_id)

"""The token accounts of a wallet: open ones by the node's state, closed ones by the balances of its transactions.

Whoever sends a wallet a token, or takes one from an account it has approved, need not name the wallet: only the token
account is in the transaction. So each account is listed as well. Anyone can open accounts for a wallet, so there is an
order, and a limit.
"""

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace

from oof_pipelines.chain.body import BodyError
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.money import QUOTE_MINTS
from oof_pipelines.decode.token import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from oof_pipelines.interfaces import WalletSource
from oof_pipelines.storage.wallet_history import BY_BALANCES, BY_NODE, WalletAccount

MOST_TOKEN_ACCOUNTS = 2_000
"""How many token accounts of a wallet are listed, unless the caller says otherwise."""
TOKEN_PROGRAMS = (TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID)


async def open_accounts(source: WalletSource, wallet: str, min_slot: int) -> list[WalletAccount]:
    """The accounts that `wallet` holds by the node's finalised state. Raises what the source raises."""
    held = [row for program in TOKEN_PROGRAMS for row in await source.token_accounts_of(wallet, program, min_slot)]
    return [
        WalletAccount(wallet, row.account, row.mint, row.token_program, BY_NODE, is_signed=False, first_slot=None)
        for row in held
    ]


def accounts_in(body: bytes, wallets: Set[str]) -> list[WalletAccount]:
    """The token accounts that a recorded transaction's balances say are those of `wallets`, before or after it.

    A balance without an owner (recordings of before 2022) tells of nobody. A body that cannot be read tells nothing.
    """
    try:
        transaction = parse_transaction(body)
    except BodyError:
        return []
    return list(_owned(transaction, wallets))


def _owned(transaction: ParsedTransaction, wallets: Set[str]) -> Iterable[WalletAccount]:
    seen = set()
    signers = wallets & set(transaction.signers)
    for balance in (*transaction.pre_tokens, *transaction.post_tokens):
        owner = balance.owner
        if owner is None or owner not in wallets or not balance.account or (owner, balance.account) in seen:
            continue
        seen.add((owner, balance.account))
        yield WalletAccount(
            owner,
            balance.account,
            balance.mint,
            balance.program_id or TOKEN_PROGRAM_ID,
            BY_BALANCES,
            is_signed=owner in signers,
            first_slot=transaction.slot,
        )


def together(accounts: Iterable[WalletAccount]) -> list[WalletAccount]:
    """Each account once, with all that the given ones tell of it; found by the first that tells."""
    whole: dict[tuple[str, str], WalletAccount] = {}
    for one in accounts:
        known = whole.setdefault((one.wallet, one.account), one)
        if known is not one:
            slots = [slot for slot in (known.first_slot, one.first_slot) if slot is not None]
            is_signed = known.is_signed or one.is_signed
            whole[one.wallet, one.account] = replace(known, is_signed=is_signed, first_slot=min(slots, default=None))
    return list(whole.values())


def in_order(accounts: Iterable[WalletAccount], most: int) -> tuple[list[WalletAccount], int]:
    """(the accounts to list, how many are left out): first those the wallet signed with, then of money, then the rest.

    Spam is received and never signed for; money that somebody sent may be of an exchange. Within a rank the address decides,
    so that the same accounts are chosen whoever told of them, in whatever order.
    """
    ordered = sorted(accounts, key=_rank)
    return ordered[:most], max(0, len(ordered) - most)


def _rank(account: WalletAccount) -> tuple[int, str]:
    if account.is_signed:
        return 0, account.account
    return (1 if account.mint in QUOTE_MINTS else 2), account.account


def missing(chosen: Sequence[WalletAccount], covered: Set[str]) -> list[str]:
    """Addresses of `chosen` that are not in `covered`, in order."""
    return [one.account for one in chosen if one.account not in covered]

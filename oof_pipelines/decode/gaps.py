"""Gaps: where an account's balance after one recorded transaction is not its balance before the next one.

Between two such transactions lies another that was not recorded, or something that is no transaction (a reward, rent).
Where nothing lies between, the two balances are one number, so an unbroken account has all its transactions here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.chain.transaction import ParsedTransaction


@dataclass(frozen=True, slots=True)
class Gap:
    """`account` had `post_raw` of `asset` after one transaction and `pre_raw` before its next recorded one."""

    account: str
    asset: str
    signature_before: str
    slot_before: int
    post_raw: int
    signature_after: str
    slot_after: int
    pre_raw: int


@dataclass(slots=True)
class _Seen:
    """A balance and the transaction after which it was that."""

    signature: str
    slot: int
    asset: str
    amount_raw: int


def find_gaps(transactions: Iterable[ParsedTransaction]) -> Iterator[Gap]:
    """Yield the gaps of transactions given in the order of the chain: by slot, within a slot by `tx_index`.

    An account that is in several transactions of one slot of which one has no `tx_index` of its own went through them in
    an unknown order: nothing is said of it until it has been seen again. Transactions without a slot are passed over, a
    signature met again in its slot too. A token account that a transaction which reports token balances names without
    one is closed. Raises ValueError where the order is broken.
    """
    lamports: dict[str, _Seen] = {}
    tokens: dict[str, _Seen] = {}
    last_slot = -1
    for slot, in_slot in groupby((one for one in transactions if one.slot is not None), key=lambda one: one.slot or 0):
        if slot < last_slot:
            raise ValueError(f"slot {slot} comes after slot {last_slot}")
        last_slot = slot
        unique = list({one.signature: one for one in in_slot}.values())
        _check_order(slot, unique)
        unordered = _unordered_accounts(unique)
        for account in unordered:
            lamports.pop(account, None)
            tokens.pop(account, None)
        for transaction in unique:
            yield from _lamport_gaps(transaction, slot, lamports, unordered)
            yield from _token_gaps(transaction, slot, tokens, unordered)


def _check_order(slot: int, transactions: list[ParsedTransaction]) -> None:
    indexes = [one.tx_index for one in transactions if one.tx_index is not None]
    if any(later < earlier for earlier, later in pairwise(indexes)):
        raise ValueError(f"slot {slot}: transactions are not in the order of their index")


def _unordered_accounts(transactions: list[ParsedTransaction]) -> set[str]:
    places = Counter(one.tx_index for one in transactions)
    # Recordings of two forks, or of two chains, may claim the same place.
    without_place = [one for one in transactions if one.tx_index is None or places[one.tx_index] > 1]
    if not without_place:
        return set()
    appearances = Counter(account for one in transactions for account in one.keys)
    unplaced = {account for one in without_place for account in one.keys}
    return {account for account in unplaced if appearances[account] > 1}


def _lamport_gaps(
    transaction: ParsedTransaction, slot: int, lamports: dict[str, _Seen], unordered: set[str]
) -> Iterator[Gap]:
    balances = zip(transaction.keys, transaction.pre_lamports, transaction.post_lamports, strict=False)
    for account, pre_raw, post_raw in balances:
        if account in unordered:
            continue
        seen = lamports.get(account)
        if seen is not None and seen.amount_raw != pre_raw:
            yield _gap(account, seen, transaction, slot, pre_raw)
        lamports[account] = _Seen(transaction.signature, slot, LAMPORTS_ASSET, post_raw)


def _token_gaps(
    transaction: ParsedTransaction, slot: int, tokens: dict[str, _Seen], unordered: set[str]
) -> Iterator[Gap]:
    if not transaction.pre_tokens and not transaction.post_tokens:
        return  # a node gives no token balances where no token program was named, so this says nothing of them
    before = {balance.account: balance for balance in transaction.pre_tokens}
    after = {balance.account: balance for balance in transaction.post_tokens}
    for account in transaction.keys:
        if account in unordered:
            continue
        seen, pre, post = tokens.get(account), before.get(account), after.get(account)
        if seen is not None:
            pre_raw = pre.amount_raw if pre is not None and pre.mint == seen.asset else 0
            if pre_raw != seen.amount_raw:
                yield _gap(account, seen, transaction, slot, pre_raw)
            if pre is not None and pre.mint != seen.asset and pre.amount_raw:
                other = _Seen(seen.signature, seen.slot, pre.mint, 0)
                yield _gap(account, other, transaction, slot, pre.amount_raw)
        if post is not None:
            tokens[account] = _Seen(transaction.signature, slot, post.mint, post.amount_raw)
        elif pre is not None or seen is not None:
            asset = pre.mint if pre is not None else tokens[account].asset
            tokens[account] = _Seen(transaction.signature, slot, asset, 0)


def _gap(account: str, seen: _Seen, transaction: ParsedTransaction, slot: int, pre_raw: int) -> Gap:
    return Gap(account, seen.asset, seen.signature, seen.slot, seen.amount_raw, transaction.signature, slot, pre_raw)

"""The coverage certificate of one wallet: what is proven to be here, what is not, and how well it is understood.

Completeness is claimed nowhere else. It holds from `since` to `as_of`: every address of the wallet was listed from the one
to the other without a gap, and all that was listed is stored, final and decoded. What speaks against it is told in words.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from oof_pipelines.storage.stored_counts import WalletCounts
from oof_pipelines.storage.wallet_history import (
    BY_BALANCES,
    WHOLE_HISTORY_AT,
    ListedState,
    ListedTally,
    ProvenRange,
    WalletAccount,
)
from oof_pipelines.workflows.value_shares import ValueShares


class SlotRange(msgspec.Struct, frozen=True):
    """Slots, both ends included."""

    first_slot: int
    last_slot: int


class AddressProof(msgspec.Struct, frozen=True):
    """How far one address is proven. `mint` is a token account's, '' for the wallet's own listing.

    `proven_from` is since when the newest of `ranges` holds all of the address, None without one, and the beginning of time
    where it goes back to the address's first transaction. `is_proven` says that it reaches from the certificate's `since`
    to its last slot.
    """

    address: str
    mint: str
    proven_from: datetime | None
    ranges: list[SlotRange]
    is_proven: bool


class Gap(msgspec.Struct, frozen=True):
    """Slots of an address within what was asked for that nobody listed."""

    address: str
    first_slot: int
    last_slot: int


class Depth(msgspec.Struct, frozen=True):
    """What a certificate is to cover: from the instant `since` (None: the wallet's first transaction) up to `until`.

    `last_slot` is the newest stored slot of that time, which has to be proven as well: a second has several slots.
    """

    since: datetime | None
    until: datetime
    last_slot: int


class Listed(msgspec.Struct, frozen=True):
    """What is remembered of a wallet's listings: ranges by account (the wallet is one), accounts, tally, last state."""

    ranges: Mapping[str, Sequence[ProvenRange]]
    accounts: Sequence[WalletAccount]
    tally: ListedTally
    state: ListedState | None


class Basis(msgspec.Struct, frozen=True):
    """What of a wallet's exits nobody knows the cost or the price of. The share is of proceeds in dollars, None of none."""

    unknown_basis_share: Decimal | None
    unpriced_sales: int
    mints_left_out: list[str]


class Certificate(msgspec.Struct, frozen=True):
    """One wallet as of an instant. Shares are from 0 to 1, None where there is nothing to take a share of.

    `transactions` are stored and decoded ones in which the wallet takes part, of `since` and later, up to `as_of`;
    `listed_transactions` those that listings named, of them `waiting` have no body yet, `quarantined` cannot be stored,
    `provisional` may still vanish, and `undecoded_transactions` are stored and could not be read. `unordered_transactions`
    share a slot with another one of the wallet, and nobody said which came first. `balance_gaps` counts where a balance of an
    account is another than the transaction before left it: whatever the node listed, something lies in between. What the
    fields of value mean is told by `ValueShares`.
    """

    wallet: str
    as_of: datetime
    since: datetime | None
    last_slot: int
    proven_until: datetime | None
    listed_at: datetime | None
    is_complete: bool
    reasons: list[str]
    accounts_enumerated: int
    accounts_proven: int
    accounts_left_out: int
    accounts_found_by_balances: int
    listing: AddressProof
    token_accounts: list[AddressProof]
    gaps: list[Gap]
    listed_transactions: int
    transactions: int
    failed_transactions: int
    waiting: int
    quarantined: int
    provisional: int
    undecoded_transactions: int
    unordered_transactions: int
    balance_gaps: int
    residual_transactions: int
    value: ValueShares
    unknown_basis_share: Decimal | None
    unpriced_sales: int
    mints_left_out: list[str]


def certificate_of(
    wallet: str,
    depth: Depth,
    listed: Listed,
    counts: WalletCounts,
    value: ValueShares,
    basis: Basis,
    *,
    left_behind: int,
    ceilings_hit: Sequence[str],
    unproven: Sequence[str] = (),
) -> Certificate:
    """The certificate of `wallet` as of the end of `depth`. `left_behind` counts days and buckets that break a check.

    `unproven` are what the run's listing says in words that it could not prove.
    """
    listing = _proof(wallet, "", listed.ranges.get(wallet, ()), depth)
    left_out = 0 if listed.state is None else listed.state.left_out
    accounts = [_proof(one.account, one.mint, listed.ranges.get(one.account, ()), depth) for one in listed.accounts]
    gaps = [gap for proof in (listing, *accounts) for gap in _gaps(proof, depth, listing)]
    provisional = max(counts.provisional, listed.tally.stored - listed.tally.final)
    reasons = [
        *_listing_reasons(listing, accounts, gaps, left_out, depth),
        *unproven,
        *_counted("listed transactions have not been fetched yet", listed.tally.waiting),
        *_counted("listed transactions cannot be stored (quarantine)", listed.tally.refused),
        *_counted("stored transactions are not final yet", provisional),
        *_counted("stored transactions could not be read, or wait to be decoded", counts.undecoded),
        *_counted("balances do not go on from where they ended: something lies in between", counts.balance_gaps),
        *_counted("days or buckets break a check and stay as they were", left_behind),
        *_counted("coins have no prices, since no more candles may be read", len(basis.mints_left_out)),
        *(f"ended by {name}" for name in ceilings_hit),
    ]
    if not reasons and not _has_ended(listed, depth):
        reasons.append("the last listing did not come to its end")
    own = listed.ranges.get(wallet, ())
    return Certificate(
        wallet=wallet,
        as_of=depth.until,
        since=depth.since,
        last_slot=depth.last_slot,
        proven_until=own[-1].to_at if own else None,
        listed_at=None if listed.state is None else listed.state.seen_at,
        is_complete=not reasons,
        reasons=reasons,
        accounts_enumerated=len(accounts),
        accounts_proven=sum(proof.is_proven for proof in accounts),
        accounts_left_out=left_out,
        accounts_found_by_balances=sum(one.found_by == BY_BALANCES for one in listed.accounts),
        listing=listing,
        token_accounts=accounts,
        gaps=gaps,
        listed_transactions=listed.tally.listed,
        transactions=counts.transactions,
        failed_transactions=counts.failed,
        waiting=listed.tally.waiting,
        quarantined=listed.tally.refused,
        provisional=provisional,
        undecoded_transactions=counts.undecoded,
        unordered_transactions=counts.unordered,
        balance_gaps=counts.balance_gaps,
        residual_transactions=value.residual_transactions,
        value=value,
        unknown_basis_share=basis.unknown_basis_share,
        unpriced_sales=basis.unpriced_sales,
        mints_left_out=basis.mints_left_out,
    )


def _has_ended(listed: Listed, depth: Depth) -> bool:
    """Whether a run that went as far as `depth` came to its end, and all that is listed was looked through.

    One that was killed may have proven the wallet's own listing and not have looked for its token accounts yet, so neither
    ranges nor the state that an earlier run left say this alone.
    """
    state, tally = listed.state, listed.tally
    return (
        state is not None and state.is_complete and state.tip_slot >= depth.last_slot and tally.settled == tally.listed
    )


def _proof(address: str, mint: str, ranges: Sequence[ProvenRange], depth: Depth) -> AddressProof:
    newest = ranges[-1] if ranges else None
    since = depth.since or WHOLE_HISTORY_AT
    return AddressProof(
        address=address,
        mint=mint,
        proven_from=None if newest is None else newest.from_at,
        ranges=[SlotRange(one.first_slot, one.last_slot) for one in ranges],
        is_proven=newest is not None
        and newest.from_at <= since
        and newest.last_slot >= depth.last_slot
        and newest.to_at >= depth.until,
    )


def _gaps(proof: AddressProof, depth: Depth, listing: AddressProof) -> Iterable[Gap]:
    """What is missing of an address between its oldest proven slot and the last, and what lies before that.

    Which slot `since` is nobody says, so what lies before the oldest range begins where the wallet's own listing does, where
    that is proven, and with slot 0 where not.
    """
    if proof.is_proven:
        return
    since = depth.since or WHOLE_HISTORY_AT
    reaches_back = proof.proven_from is not None and proof.proven_from <= since
    next_slot = listing.ranges[-1].first_slot if listing.is_proven else 0
    if reaches_back:
        next_slot = proof.ranges[-1].first_slot
    for one in proof.ranges:
        if next_slot < one.first_slot and next_slot <= depth.last_slot:
            yield Gap(proof.address, next_slot, min(one.first_slot - 1, depth.last_slot))
        next_slot = max(next_slot, one.last_slot + 1)
    if next_slot <= depth.last_slot:
        yield Gap(proof.address, next_slot, depth.last_slot)


def _listing_reasons(
    listing: AddressProof,
    accounts: Sequence[AddressProof],
    gaps: Sequence[Gap],
    left_out: int,
    depth: Depth,
) -> list[str]:
    if not listing.ranges:
        return ["the wallet was never listed: nobody knows what is missing"]
    reasons = []
    if not listing.is_proven:
        reasons.append(f"the wallet's own transactions are not proven {_stretch(listing, gaps, depth)}")
    unproven = [proof for proof in accounts if not proof.is_proven]
    # Those left out are among them.
    if len(unproven) > left_out:
        reasons += _counted("token accounts are not proven", len(unproven) - left_out)
    reasons += _counted("token accounts were left out, as there are too many", left_out)
    return reasons


def _stretch(proof: AddressProof, gaps: Sequence[Gap], depth: Depth) -> str:
    missing = [gap for gap in gaps if gap.address == proof.address]
    shown = ", ".join(f"{gap.first_slot} to {gap.last_slot}" for gap in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    since = "from the first one on" if depth.since is None else f"from {depth.since:%Y-%m-%d %H:%M} on"
    return f"{since}: slots {shown}{more} were not listed" if missing else since


def _counted(what: str, count: int) -> list[str]:
    return [f"{count:,} {what}"] if count else []

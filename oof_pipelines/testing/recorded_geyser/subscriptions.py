"""What one subscriber asked for, and which of a slot's messages that is. Pure.

The rules are those of yellowstone-grpc (plugin/filter): an update carries the names of all filters it meets, and is not
sent where it meets none; empty lists and fields left out ask for everything; slot statuses come for every commitment
unless `filter_by_commitment`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from oof_pipelines.testing.recorded_geyser.account_updates import AccountUpdate
from oof_pipelines.testing.recorded_node.ledger import Entry, Ledger
from oof_pipelines.transport.geyser_wire import geyser_pb2


@dataclass(frozen=True, slots=True)
class _TransactionFilter:
    """Positions in the ledger that a filter takes and leaves; None takes all."""

    is_vote: bool | None
    is_failed: bool | None
    signature: str | None
    included: frozenset[int] | None
    excluded: frozenset[int]

    def takes(self, position: int, entry: Entry) -> bool:
        if self.is_vote is not None and self.is_vote != entry.is_vote:
            return False
        if self.is_failed is not None and self.is_failed != (entry.err != b"null"):
            return False
        if self.signature is not None and self.signature != entry.signature:
            return False
        return (self.included is None or position in self.included) and position not in self.excluded


@dataclass(frozen=True, slots=True)
class Wanted:
    """One SubscribeRequest, made ready for a ledger. `commitment` is a number of the CommitmentLevel enum."""

    commitment: int = geyser_pb2.PROCESSED
    slots: Mapping[str, bool] = field(default_factory=dict)
    block_metas: tuple[str, ...] = ()
    _transactions: Mapping[str, _TransactionFilter] = field(default_factory=dict)
    _accounts: Mapping[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    @classmethod
    def of(cls, request: geyser_pb2.SubscribeRequest, ledger: Ledger) -> "Wanted":
        """What `request` asks for."""
        return cls(
            commitment=request.commitment,
            slots={name: one.filter_by_commitment for name, one in request.slots.items()},
            block_metas=tuple(request.blocks_meta),
            _transactions={name: _transaction_filter(one, ledger) for name, one in request.transactions.items()},
            _accounts={name: (frozenset(one.account), frozenset(one.owner)) for name, one in request.accounts.items()},
        )

    def transaction_filters(self, position: int, entry: Entry) -> list[str]:
        """The names of the filters that the transaction at `position` meets."""
        return [name for name, one in self._transactions.items() if one.takes(position, entry)]

    def account_filters(self, update: AccountUpdate) -> list[str]:
        """The names of the filters that a changed account meets."""
        return [
            name
            for name, (accounts, owners) in self._accounts.items()
            if update.pubkey in accounts or update.owner in owners or not (accounts or owners)
        ]

    def slot_filters(self, commitment: int) -> list[str]:
        """The names of the filters that hear of a slot which reached `commitment`."""
        return [name for name, is_bound in self.slots.items() if not is_bound or commitment == self.commitment]


def _transaction_filter(asked: geyser_pb2.SubscribeRequestFilterTransactions, ledger: Ledger) -> _TransactionFilter:
    included: frozenset[int] | None = None
    if asked.account_include:
        included = frozenset().union(*(ledger.positions_of_address(one) for one in asked.account_include))
    for one in asked.account_required:
        positions = frozenset(ledger.positions_of_address(one))
        included = positions if included is None else included & positions
    return _TransactionFilter(
        is_vote=asked.vote if asked.HasField("vote") else None,
        is_failed=asked.failed if asked.HasField("failed") else None,
        signature=asked.signature if asked.HasField("signature") else None,
        included=included,
        excluded=frozenset().union(*(ledger.positions_of_address(one) for one in asked.account_exclude)),
    )

"""The messages that a recorded slot makes for one subscriber, in the order in which a Yellowstone server sends them."""

import hashlib
from collections.abc import Iterator

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing.recorded_geyser.account_updates import AccountUpdate, AccountUpdates
from oof_pipelines.testing.recorded_geyser.subscriptions import Wanted
from oof_pipelines.testing.recorded_geyser.wire_transaction import transaction_info
from oof_pipelines.testing.recorded_node.chain_view import Chain
from oof_pipelines.testing.recorded_node.ledger import Entry
from oof_pipelines.transport.geyser_wire import geyser_pb2

SKIP, REPEAT, REORDER = "geyser_skip", "geyser_repeat", "geyser_reorder"


class _Place(msgspec.Struct):
    slot: int | None = None


_place_decoder = msgspec.json.Decoder(_Place)


class SlotMessages:
    """Makes the updates of slots, struck by the faults that befall messages."""

    def __init__(self, chain: Chain, accounts: AccountUpdates) -> None:
        self._chain = chain
        self._accounts = accounts

    def of(self, number: int, wanted: Wanted) -> list[geyser_pb2.SubscribeUpdate]:
        """What the `number`-th recorded slot says when it is confirmed: transactions, accounts, block meta, its status."""
        slot = self._chain.ledger.slots[number]
        if self._chain.faults.befalls(SKIP, str(slot)):
            return []
        updates = [*self._transactions(number, wanted), *self._changed_accounts(slot, wanted)]
        if wanted.block_metas:
            updates.append(self._block_meta(number, wanted))
        updates += self.status(slot, self.parent_slot(number), geyser_pb2.SLOT_CONFIRMED, wanted)
        if self._chain.faults.befalls(REORDER, str(slot)):
            updates.sort(key=lambda one: hashlib.sha256(one.SerializeToString()).digest())
        return updates

    def final(self, number: int, wanted: Wanted) -> list[geyser_pb2.SubscribeUpdate]:
        """What the slot says when it is final; a vanishing one never is."""
        slot = self._chain.ledger.slots[number]
        if slot in self._chain.vanishing or self._chain.faults.befalls(SKIP, str(slot)):
            return []
        return self.status(slot, self.parent_slot(number), geyser_pb2.SLOT_FINALIZED, wanted)

    def parent_slot(self, number: int) -> int:
        """The recorded slot before, whatever a recorded block says: nothing between the two is on this chain."""
        slots = self._chain.ledger.slots
        return slots[number - 1] if number else max(0, slots[0] - 1)

    def status(
        self, slot: int, parent_slot: int, status: "geyser_pb2.SlotStatus", wanted: Wanted
    ) -> list[geyser_pb2.SubscribeUpdate]:
        """That `slot` has reached `status`, for those who asked for it."""
        reached = geyser_pb2.FINALIZED if status == geyser_pb2.SLOT_FINALIZED else geyser_pb2.CONFIRMED
        names = wanted.slot_filters(reached)
        if not names:
            return []
        told = geyser_pb2.SubscribeUpdateSlot(slot=slot, parent=parent_slot, status=status)
        return [geyser_pb2.SubscribeUpdate(filters=names, slot=told)]

    def _transactions(self, number: int, wanted: Wanted) -> Iterator[geyser_pb2.SubscribeUpdate]:
        ledger = self._chain.ledger
        first = ledger.first_positions[number]
        for position, entry in enumerate(ledger.entries_of_slot(number), first):
            names = wanted.transaction_filters(position, entry)
            if not names:
                continue
            told = geyser_pb2.SubscribeUpdateTransaction(transaction=self._info(entry), slot=entry.slot)
            for _ in range(2 if self._chain.faults.befalls(REPEAT, entry.signature) else 1):
                yield geyser_pb2.SubscribeUpdate(filters=names, transaction=told)

    def _info(self, entry: Entry) -> geyser_pb2.SubscribeUpdateTransactionInfo:
        return transaction_info(
            entry.signature, self._whole_body(entry), is_vote=entry.is_vote, tx_index=entry.tx_index
        )

    def _whole_body(self, entry: Entry) -> bytes | None:
        """The body that the node would serve, where it says itself that it is of this slot."""
        try:
            body = self._chain.ledger.read_body(entry, "base64")
            place = _place_decoder.decode(body)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return body if place.slot == entry.slot else None

    def _changed_accounts(self, slot: int, wanted: Wanted) -> Iterator[geyser_pb2.SubscribeUpdate]:
        for update in self._accounts.account_updates(slot):
            names = wanted.account_filters(update)
            if names:
                told = geyser_pb2.SubscribeUpdateAccount(account=_account_info(update), slot=slot)
                yield geyser_pb2.SubscribeUpdate(filters=names, account=told)

    def _block_meta(self, number: int, wanted: Wanted) -> geyser_pb2.SubscribeUpdate:
        ledger = self._chain.ledger
        slot, parent_slot = ledger.slots[number], self.parent_slot(number)
        told = geyser_pb2.SubscribeUpdateBlockMeta(
            slot=slot,
            blockhash=_made_up_hash(slot),
            parent_slot=parent_slot,
            parent_blockhash=_made_up_hash(parent_slot),
            executed_transaction_count=len(ledger.entries_of_slot(number)),
        )
        block_time_seconds = ledger.block_time_seconds(number)
        if block_time_seconds is not None:
            told.block_time.timestamp = block_time_seconds
        return geyser_pb2.SubscribeUpdate(filters=wanted.block_metas, block_meta=told)


def _account_info(update: AccountUpdate) -> geyser_pb2.SubscribeUpdateAccountInfo:
    info = geyser_pb2.SubscribeUpdateAccountInfo(
        pubkey=bytes(Pubkey.from_string(update.pubkey)),
        lamports=update.lamports,
        owner=bytes(Pubkey.from_string(update.owner)),
        executable=update.is_executable,
        data=update.data,
        write_version=update.write_version,
    )
    if update.signature is not None:
        info.txn_signature = bytes(Signature.from_string(update.signature))
    return info


def _made_up_hash(slot: int) -> str:
    return encode_base58(hashlib.sha256(f"recorded block {slot}".encode()).digest())

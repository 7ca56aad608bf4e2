"""Requests as a server expects them, and updates of a real server as events."""

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from solders.pubkey import Pubkey

from oof_pipelines.chain.body import MAX_SLOT
from oof_pipelines.geyser_interfaces import (
    CONFIRMED,
    DEAD,
    FINALIZED,
    PROCESSED,
    BlockMeta,
    GeyserAccount,
    GeyserFilters,
    GeyserSlot,
)
from oof_pipelines.transport.geyser_events import read_update, subscribe_request
from oof_pipelines.transport.geyser_wire import geyser_pb2
from oof_pipelines.workflows.slot_chain import Missed, SlotChain

ADDRESS = str(Pubkey.from_bytes(bytes([3]) * 32))
OWNER = str(Pubkey.from_bytes(bytes([4]) * 32))


def recorded(path: Path) -> Iterator[geyser_pb2.SubscribeUpdate]:
    """Updates that a server sent, each behind its length (four bytes, the highest first)."""
    data = gzip.decompress(path.read_bytes())
    place = 0
    while place < len(data):
        begin = place + 4
        place = begin + int.from_bytes(data[place:begin], "big")
        yield geyser_pb2.SubscribeUpdate.FromString(data[begin:place])


@pytest.fixture(scope="module")
def capture(fixtures_dir: Path) -> list[geyser_pb2.SubscribeUpdate]:
    return list(recorded(fixtures_dir / "geyser_capture" / "entries_50_slots.bin.gz"))


def test_a_servers_own_messages(capture: list[geyser_pb2.SubscribeUpdate]) -> None:
    events = [read_update(update) for update in capture]
    assert Counter(type(event).__name__ for event in events)["BlockMeta"] == 50
    metas = [event for event in events if isinstance(event, BlockMeta)]
    assert all(one.block_time_s is not None and one.transaction_count > 0 for one in metas)
    slots = [event for event in events if isinstance(event, GeyserSlot)]
    assert {one.status for one in slots} <= {PROCESSED, CONFIRMED, FINALIZED, DEAD}
    assert Counter(one.status for one in slots) == {PROCESSED: 49, CONFIRMED: 49, FINALIZED: 49}
    # Entries, steps between the statuses, and a ping are no events of ours.
    kinds = Counter(update.WhichOneof("update_oneof") for update in capture)
    assert kinds == {None: 39_840, "slot": 295, "block_meta": 50, "ping": 1}
    assert sum(event is not None for event in events) == 50 + 3 * 49


def test_no_slot_is_missed_in_a_servers_own_stream(capture: list[geyser_pb2.SubscribeUpdate]) -> None:
    metas = [event for event in map(read_update, capture) if isinstance(event, BlockMeta)]
    chain = SlotChain(2.0)
    for meta in metas:
        chain.tell(meta.slot, meta.parent_slot, 0.0)
    assert chain.missed(100.0) == []
    # And one is, where its message is taken out.
    less = SlotChain(2.0)
    for meta in metas[:20] + metas[21:]:
        less.tell(meta.slot, meta.parent_slot, 0.0)
    assert less.missed(100.0) == [Missed(metas[20].parent_slot + 1, metas[20].slot)]


def test_each_target_is_a_filter_of_its_own_name() -> None:
    request = subscribe_request(GeyserFilters(("all", "allWithVotes", ADDRESS), (OWNER,), (ADDRESS,)), 77)
    every = request.transactions["all"]
    assert (every.HasField("vote"), every.vote, list(every.account_include)) == (True, False, [])
    assert not request.transactions["allWithVotes"].HasField("vote")
    assert list(request.transactions[ADDRESS].account_include) == [ADDRESS]
    accounts = {name: (list(one.account), list(one.owner)) for name, one in request.accounts.items()}
    assert accounts == {"owners": ([], [OWNER]), "accounts": ([ADDRESS], [])}
    assert request.commitment == geyser_pb2.CONFIRMED
    assert request.from_slot == 77
    assert request.slots
    assert request.blocks_meta


def test_nothing_is_asked_for_that_is_not_wanted() -> None:
    request = subscribe_request(GeyserFilters(), None)
    assert not request.transactions
    assert not request.accounts
    assert not request.HasField("from_slot")


def account_update(**changes: object) -> geyser_pb2.SubscribeUpdate:
    fields = {"pubkey": bytes([3]) * 32, "owner": bytes([4]) * 32, "lamports": 2**63, "write_version": 9}
    info = geyser_pb2.SubscribeUpdateAccountInfo(**(fields | changes))
    told = geyser_pb2.SubscribeUpdateAccount(account=info, slot=5, is_startup=True)
    return geyser_pb2.SubscribeUpdate(filters=["owners"], account=told)


def test_an_account() -> None:
    event = read_update(account_update(data=b"pool", txn_signature=bytes([1]) * 64))
    assert isinstance(event, GeyserAccount)
    assert (event.pubkey, event.owner, event.lamports, event.data) == (ADDRESS, OWNER, 2**63, b"pool")
    assert (event.slot, event.write_version, event.is_startup) == (5, 9, True)
    assert event.signature is not None
    without = read_update(account_update())
    assert isinstance(without, GeyserAccount)
    assert without.signature is None


@pytest.mark.parametrize("changes", [{"pubkey": b"short"}, {"owner": b""}])
def test_an_account_without_a_key_is_left_out(changes: dict[str, bytes]) -> None:
    assert read_update(account_update(**changes)) is None


def test_a_slot_that_no_chain_has_is_left_out() -> None:
    def told(slot: int) -> list[geyser_pb2.SubscribeUpdate]:
        status = geyser_pb2.SubscribeUpdateSlot(slot=slot, status=geyser_pb2.SLOT_CONFIRMED)
        return [
            geyser_pb2.SubscribeUpdate(slot=status),
            geyser_pb2.SubscribeUpdate(block_meta=geyser_pb2.SubscribeUpdateBlockMeta(slot=slot)),
        ]

    assert all(read_update(update) is not None for update in told(MAX_SLOT))
    assert all(read_update(update) is None for update in told(MAX_SLOT + 1) + told(2**64 - 1))


def test_a_transaction_without_a_name_is_left_out() -> None:
    told = geyser_pb2.SubscribeUpdateTransaction(slot=5)
    assert read_update(geyser_pb2.SubscribeUpdate(transaction=told)) is None


def test_a_status_of_the_future_is_no_event() -> None:
    told = geyser_pb2.SubscribeUpdateSlot(slot=5, status=geyser_pb2.SLOT_CREATED_BANK)
    assert read_update(geyser_pb2.SubscribeUpdate(slot=told)) is None
    assert read_update(geyser_pb2.SubscribeUpdate(ping=geyser_pb2.SubscribeUpdatePing())) is None

"""The recorded Geyser server: what a subscriber gets for what he asks, in which order, and what faults do to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from solders.pubkey import Pubkey
from solders.signature import Signature

from oof_pipelines.testing.recorded_geyser.account_updates import AccountUpdate
from oof_pipelines.testing.recorded_geyser.server import GeyserPortError, RecordedGeyser
from oof_pipelines.testing.recorded_node.chain_view import Chain
from oof_pipelines.testing.recorded_node.clock import MonotonicClock
from oof_pipelines.testing.recorded_node.faults import Faults
from oof_pipelines.testing.recorded_node.ledger import Ledger, load_ledger
from oof_pipelines.testing.synthetic_chain import write_chain
from oof_pipelines.transport.geyser_wire import geyser_pb2

TRANSACTIONS = 50
PATIENCE_SECONDS = 20
OWNER, POOL, OTHER = (str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (7, 8, 9))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    folder = tmp_path_factory.mktemp("chain")
    write_chain(folder, seed=6, transaction_count=TRANSACTIONS, days=1)
    return load_ledger(folder)


class Pools:
    """One pool that is written in every slot, by the first transaction of the slot."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def account_updates(self, slot: int) -> list[AccountUpdate]:
        number = self._ledger.slot_number(slot)
        assert number is not None
        signature = self._ledger.entries_of_slot(number)[0].signature
        return [AccountUpdate(POOL, OWNER, 5, b"pool", number, signature), AccountUpdate(OTHER, OTHER, 1, b"", number)]


@asynccontextmanager
async def subscribed(server: RecordedGeyser, request: geyser_pb2.SubscribeRequest) -> AsyncIterator[Any]:
    """A call that has sent `request`."""
    async with grpc.aio.insecure_channel(server.url.removeprefix("http://")) as channel:
        call = channel.stream_stream(
            "/geyser.Geyser/Subscribe",
            request_serializer=geyser_pb2.SubscribeRequest.SerializeToString,
            response_deserializer=geyser_pb2.SubscribeUpdate.FromString,
        )()
        await call.write(request)
        yield call
        call.cancel()


@asynccontextmanager
async def stream(
    ledger: Ledger, request: geyser_pb2.SubscribeRequest, faults: str | None = None, **options: Any
) -> AsyncIterator[Any]:
    """A call to a server of its own."""
    chain = Chain(ledger, 0, MonotonicClock(), Faults(faults, 2))
    async with RecordedGeyser(chain, **options).serving() as server, subscribed(server, request) as call:
        yield call


Updates = list[geyser_pb2.SubscribeUpdate]


async def read(call: Any, is_enough: Callable[[Updates], bool]) -> Updates:
    updates: Updates = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_enough(updates):
            update = await call.read()
            assert update is not grpc.aio.EOF
            updates.append(update)
    return updates


def everything(**changes: Any) -> geyser_pb2.SubscribeRequest:
    request = geyser_pb2.SubscribeRequest(commitment=geyser_pb2.CONFIRMED, **changes)
    request.transactions["every"].SetInParent()
    request.slots["slots"].SetInParent()
    request.blocks_meta["metas"].SetInParent()
    return request


def of(updates: Updates, kind: str) -> list[Any]:
    return [getattr(update, kind) for update in updates if update.WhichOneof("update_oneof") == kind]


def is_final_to(slot: int) -> Callable[[Updates], bool]:
    return lambda updates: any(
        told.slot == slot and told.status == geyser_pb2.SLOT_FINALIZED for told in of(updates[-1:], "slot")
    )


def run(
    ledger: Ledger, request: geyser_pb2.SubscribeRequest, is_enough: Callable[[Updates], bool], **options: Any
) -> Updates:
    async def scenario() -> Updates:
        async with stream(ledger, request, **options) as call:
            return await read(call, is_enough)

    return asyncio.run(scenario())


def test_a_slot_comes_as_a_yellowstone_server_sends_it(ledger: Ledger) -> None:
    updates = run(ledger, everything(), is_final_to(ledger.slots[-1]))
    order = [update.WhichOneof("update_oneof") for update in updates]
    expected: list[str] = []
    for number in range(len(ledger.slots)):
        expected += ["transaction"] * len(ledger.entries_of_slot(number)) + ["block_meta", "slot", "slot"]
    assert order == expected
    told = of(updates, "slot")
    assert [one.status for one in told[:4]] == [geyser_pb2.SLOT_CONFIRMED, geyser_pb2.SLOT_FINALIZED] * 2
    assert [one.parent for one in told[2::2]] == ledger.slots[:-1]
    assert {name for update in updates for name in update.filters} == {"every", "slots", "metas"}


def test_a_subscriber_hears_what_his_filters_take(ledger: Ledger) -> None:
    address = str(
        max(
            (Pubkey.from_bytes(bytes(key)) for key in some_keys(ledger)),
            key=lambda key: len(ledger.positions_of_address(str(key))),
        )
    )
    mentioned = {ledger.entries[position].signature for position in ledger.positions_of_address(address)}
    failed = {entry.signature for entry in ledger.entries if entry.err != b"null"}
    assert mentioned
    assert failed
    request = geyser_pb2.SubscribeRequest(commitment=geyser_pb2.CONFIRMED)
    request.transactions["mentioned"].account_include.append(address)
    request.transactions["others"].account_exclude.append(address)
    request.transactions["failed"].failed = True
    request.transactions["both"].account_required.extend([address, OTHER])
    request.transactions["votes"].vote = True
    one = ledger.entries[0].signature
    request.transactions["one"].signature = one
    updates = run(ledger, request, lambda updates: len(of(updates, "transaction")) == TRANSACTIONS)
    by_filter: dict[str, set[str]] = {}
    for update in updates:
        signature = str(Signature.from_bytes(update.transaction.transaction.signature))
        for name in update.filters:
            by_filter.setdefault(name, set()).add(signature)
    every = {entry.signature for entry in ledger.entries}
    assert by_filter == {"mentioned": mentioned, "others": every - mentioned, "failed": failed, "one": {one}}


def some_keys(ledger: Ledger) -> list[bytes]:
    """The keys of the first transactions, without the programs that all call."""
    request = geyser_pb2.SubscribeRequest(commitment=geyser_pb2.CONFIRMED)
    request.transactions["every"].SetInParent()
    updates = run(ledger, request, lambda updates: len(updates) == 5)
    keys = {key for update in updates for key in update.transaction.transaction.transaction.message.account_keys}
    return [key for key in keys if len(ledger.positions_of_address(str(Pubkey.from_bytes(key)))) < TRANSACTIONS]


def test_accounts_come_by_owner_and_by_name(ledger: Ledger) -> None:
    request = geyser_pb2.SubscribeRequest(commitment=geyser_pb2.CONFIRMED)
    request.accounts["owned"].owner.append(OWNER)
    request.accounts["named"].account.append(OTHER)
    count = 2 * len(ledger.slots)
    updates = run(ledger, request, lambda updates: len(updates) == count, accounts=Pools(ledger))
    first, second = updates[:2]
    assert (list(first.filters), list(second.filters)) == (["owned"], ["named"])
    told = first.account
    assert (told.slot, told.account.lamports, told.account.data) == (ledger.slots[0], 5, b"pool")
    assert str(Signature.from_bytes(told.account.txn_signature)) == ledger.entries[0].signature
    assert not second.account.account.HasField("txn_signature")


def test_a_ping_is_answered_and_changes_no_filter(ledger: Ledger) -> None:
    async def scenario() -> None:
        async with stream(ledger, everything()) as call:
            await call.write(geyser_pb2.SubscribeRequest(ping=geyser_pb2.SubscribeRequestPing(id=9)))
            updates = await read(call, is_final_to(ledger.slots[-1]))
            assert [pong.id for pong in of(updates, "pong")] == [9]
            assert len(of(updates, "transaction")) == TRANSACTIONS

    asyncio.run(scenario())


def test_a_quiet_stream_is_pinged(ledger: Ledger) -> None:
    updates = run(ledger, everything(), lambda updates: len(of(updates, "ping")) == 2, ping_seconds=0.1)
    assert updates


def test_a_new_subscription_begins_at_the_live_end_and_a_resumed_one_where_it_asks(ledger: Ledger) -> None:
    async def scenario() -> None:
        chain = Chain(ledger, 0, MonotonicClock(), Faults(None, 2))
        async with RecordedGeyser(chain, replayed_slots=5).serving() as server:

            async def first_slot(request: geyser_pb2.SubscribeRequest) -> int:
                async with subscribed(server, request) as call:
                    (update,) = await read(call, bool)
                    return int(update.transaction.slot)

            assert await first_slot(everything()) == ledger.slots[0]
            live = server._live_number
            assert await first_slot(everything(from_slot=ledger.slots[live - 1])) == ledger.slots[live - 1]
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await first_slot(everything(from_slot=ledger.slots[0] - 1))
            assert refused.value.code() is grpc.StatusCode.OUT_OF_RANGE
            assert "is not available" in refused.value.details()

    asyncio.run(scenario())


def test_in_real_time_slots_come_when_the_chain_reaches_them(ledger: Ledger) -> None:
    async def scenario() -> None:
        chain = Chain(ledger, 200, MonotonicClock(), Faults(None, 2))
        past_the_end = lambda updates: any(one.slot > ledger.slots[-1] for one in of(updates[-1:], "slot"))  # noqa: E731
        async with RecordedGeyser(chain).serving() as server, subscribed(server, everything()) as call:
            updates = await read(call, past_the_end)
        confirmed = [one.slot for one in of(updates, "slot") if one.status == geyser_pb2.SLOT_CONFIRMED]
        assert confirmed[: len(ledger.slots)] == ledger.slots
        assert of(updates, "slot")[-1].parent == ledger.slots[-1]
        # Finality lags: the first slot is final only after later ones are confirmed.
        told = [(one.slot, one.status) for one in of(updates, "slot")]
        first_final = told.index((ledger.slots[0], geyser_pb2.SLOT_FINALIZED))
        assert told.index((ledger.slots[1], geyser_pb2.SLOT_CONFIRMED)) < first_final
        assert chain.elapsed_seconds() >= chain.timeline.offsets_seconds[-1]

    asyncio.run(scenario())


def test_skipped_slots_are_silent_and_their_children_name_them(ledger: Ledger) -> None:
    chosen = {slot for slot in ledger.slots if Faults("geyser_skip:p=0.2", 2).befalls("geyser_skip", str(slot))}
    assert chosen
    last = max(slot for slot in ledger.slots if slot not in chosen)
    updates = run(ledger, everything(), is_final_to(last), faults="geyser_skip:p=0.2")
    confirmed = [one for one in of(updates, "slot") if one.status == geyser_pb2.SLOT_CONFIRMED]
    assert {one.slot for one in confirmed} == {slot for slot in ledger.slots if slot <= last} - chosen
    assert chosen & {one.parent for one in confirmed} == {
        slot
        for slot, child in zip(ledger.slots, ledger.slots[1:], strict=False)
        if slot in chosen and child not in chosen
    }
    assert not chosen & {one.slot for one in of(updates, "transaction")}


def test_repeated_and_shuffled_messages_are_the_same_messages(ledger: Ledger) -> None:
    calm = run(ledger, everything(), is_final_to(ledger.slots[-1]))
    wild = run(ledger, everything(), is_final_to(ledger.slots[-1]), faults="geyser_repeat:p=0.4,geyser_reorder:p=1")
    assert len(wild) > len(calm)
    assert {one.SerializeToString() for one in wild} == {one.SerializeToString() for one in calm}
    assert [one.WhichOneof("update_oneof") for one in wild] != [one.WhichOneof("update_oneof") for one in calm]


def test_vanishing_slots_are_never_final(ledger: Ledger) -> None:
    is_last = lambda updates: len(of(updates, "block_meta")) == len(ledger.slots)  # noqa: E731
    updates = run(ledger, everything(), is_last, faults="vanish:slots=3;after_ms=1000")
    told = of(updates, "slot")
    confirmed = {one.slot for one in told if one.status == geyser_pb2.SLOT_CONFIRMED}
    final = {one.slot for one in told if one.status == geyser_pb2.SLOT_FINALIZED}
    assert len(confirmed - final - {ledger.slots[-1]}) in (2, 3)


def test_a_port_that_is_taken_is_named(ledger: Ledger) -> None:
    async def scenario() -> None:
        chain = Chain(ledger, 0, MonotonicClock(), Faults(None, 2))
        async with RecordedGeyser(chain).serving() as server:
            port = int(server.url.rpartition(":")[2])
            with pytest.raises(GeyserPortError, match="--geyser-port"):
                async with RecordedGeyser(chain, port=port).serving():
                    pass

    asyncio.run(scenario())


def test_odd_recordings_are_named_and_no_more(fixtures_dir: Path) -> None:
    """What nobody recorded whole (parsed, without slot, damaged) comes as a signature, so that a client can fetch it."""
    parsed = load_ledger(fixtures_dir / "tx_json_parsed")
    updates = run(parsed, everything(), lambda updates: len(of(updates, "transaction")) == len(parsed.entries))
    for one in of(updates, "transaction"):
        assert len(one.transaction.signature) == 64
        assert not one.transaction.HasField("transaction")

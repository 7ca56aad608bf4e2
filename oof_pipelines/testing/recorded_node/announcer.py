"""Announces the chain to its subscribers, in chain order, and cuts sockets where the drop fault says so.

At speed 0 one cursor goes over all transactions, as fast as the listeners take them, and waits while nobody listens. At
other speeds every slot is announced at its time, to finalized subscriptions at its finality; what nobody hears is lost.
"""

import asyncio
from collections.abc import Callable

from oof_pipelines.testing.recorded_node.chain_view import COMMITMENTS, CONFIRMED, FINALIZED, PROCESSED, Chain
from oof_pipelines.testing.recorded_node.pubsub import (
    Listener,
    Subscription,
    SubscriptionTable,
    account_value,
    logs_value,
    notification,
    slot_value,
)

SEND_TIMEOUT_SECONDS = 60.0
"""A listener that takes nothing for so long is cut, as a node does with one that cannot keep up."""

SETTLING_SECONDS = 0.1
"""At speed 0 the cursor waits so long after the first subscription, so that a client's next ones miss nothing."""

_SHORTEST_TICK_SECONDS = 0.02


class Announcer:
    """Runs the announcements of one node.

    `on_drop` hears of every socket that a fault cut, `on_announced` of every signature that somebody is told of.
    """

    def __init__(
        self,
        chain: Chain,
        table: SubscriptionTable,
        on_drop: Callable[[], None],
        on_announced: Callable[[str], None] = lambda _signature: None,
    ) -> None:
        self._chain = chain
        self._table = table
        self._on_drop = on_drop
        self._on_announced = on_announced
        self._has_changed = asyncio.Event()
        self._drops = 0
        self._position = 0
        self._away_until_position = 0
        self._away_until_seconds = 0.0
        # (behind which position, the position of what is announced then, to which commitments)
        self._late: list[tuple[int, int, tuple[str, ...]]] = []
        self.announcements = 0
        table.on_change = self._has_changed.set

    def is_away(self) -> bool:
        """Whether a drop still lasts: new sockets are refused until what it loses has been announced without them.

        A subscription once confirmed hears everything, so a client that repairs up to the tip misses nothing.
        """
        is_time_left = self._chain.elapsed_seconds() < self._away_until_seconds
        return is_time_left or self._position < self._away_until_position

    async def run(self) -> None:
        """Announce until cancelled."""
        if self._chain.timeline.is_instant:
            await self._run_at_once()
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._run_in_time((PROCESSED, CONFIRMED), 0.0))
            tasks.create_task(self._run_in_time((FINALIZED,), self._chain.timeline.finality_lag_seconds))
            tasks.create_task(self._run_slots())

    async def _run_at_once(self) -> None:
        position = 0
        has_listeners = False
        while position < len(self._chain.ledger.entries):
            if not self._table.active(is_logs=True) and position >= self._away_until_position:
                has_listeners = False
                self._has_changed.clear()
                await self._has_changed.wait()
                continue
            if not has_listeners and position >= self._away_until_position:
                has_listeners = True
                await self._chain.clock.sleep(SETTLING_SECONDS)
                continue
            await self._take_turn(position, COMMITMENTS)
            position += 1
            self._position = position
            # Sending to a fast listener never yields by itself; requests must be answered meanwhile.
            await asyncio.sleep(0)
        await self._announce_late(None, COMMITMENTS)

    async def _run_in_time(self, levels: tuple[str, ...], lag_seconds: float) -> None:
        ledger = self._chain.ledger
        await self._chain.has_started.wait()
        for number in range(len(ledger.slots)):
            await self._sleep_until(self._chain.timeline.offsets_seconds[number] + lag_seconds)
            for position in range(ledger.first_positions[number], ledger.end_position(number + 1)):
                await self._take_turn(position, levels)
                if CONFIRMED in levels:
                    self._position = position + 1
        await self._announce_late(None, levels)

    async def _run_slots(self) -> None:
        timeline = self._chain.timeline
        await self._chain.has_started.wait()
        announced = -1
        for number, slot in enumerate(self._chain.ledger.slots):
            await self._sleep_until(timeline.offsets_seconds[number])
            await self._announce_slot(slot)
            announced = slot
        while True:
            next_tick_seconds = timeline.tip_offset_seconds(announced + 1)
            shortest_seconds = self._chain.elapsed_seconds() + _SHORTEST_TICK_SECONDS
            await self._sleep_until(max(next_tick_seconds, shortest_seconds))
            tip_slot = self._chain.view().tip_slot(CONFIRMED)
            if tip_slot > announced:
                await self._announce_slot(tip_slot)
                announced = tip_slot

    async def _sleep_until(self, offset_seconds: float) -> None:
        missing_seconds = offset_seconds - self._chain.elapsed_seconds()
        while missing_seconds > 0:
            await self._chain.clock.sleep(missing_seconds)
            missing_seconds = offset_seconds - self._chain.elapsed_seconds()

    async def announce_tip(self, subscription: Subscription) -> None:
        """Tell a new slot subscription the tip where time stands still (speed 0), for it would never hear of a slot."""
        if self._chain.timeline.is_instant:
            value = slot_value(self._chain, self._chain.view().tip_slot(CONFIRMED))
            await self._send(subscription, notification("slot", value, subscription.number))

    async def _announce_slot(self, slot: int) -> None:
        for subscription in self._table.active(is_logs=False):
            value = slot_value(self._chain, slot)
            await self._send(subscription, notification("slot", value, subscription.number))

    async def _take_turn(self, position: int, levels: tuple[str, ...]) -> None:
        """Announce what stands there, unless a fault puts it off, and whatever was put off until now."""
        faults, signature = self._chain.faults, self._chain.ledger.entries[position].signature
        if faults.befalls("reorder", signature):
            self._late.append((position + int(faults.setting("reorder", "later")), position, levels))
        else:
            await self._announce(position, levels)
        if faults.befalls("repeat", signature):
            self._late.append((position + int(faults.setting("repeat", "later")), position, levels))
        await self._announce_late(position, levels)

    async def _announce_late(self, position: int | None, levels: tuple[str, ...]) -> None:
        """What was put off up to `position`; with None all that is left."""
        if not self._late:
            return
        due = [one for one in self._late if one[2] == levels and (position is None or one[0] <= position)]
        self._late = [one for one in self._late if one not in due]
        for _, late_position, _ in due:
            await self._announce(late_position, levels)

    async def _announce(self, position: int, levels: tuple[str, ...]) -> None:
        entry = self._chain.ledger.entries[position]
        is_vanishing = entry.slot in self._chain.vanishing
        value: bytes | None = None
        if CONFIRMED in levels and (self._table.active(is_logs=True) or position < self._away_until_position):
            self._chain.note_announced(entry.slot)
        for subscription in self._table.active(is_logs=True):
            if subscription.commitment not in levels or not subscription.hears(position, entry):
                continue
            if is_vanishing and subscription.commitment == FINALIZED:
                continue
            if subscription.account is not None:
                changed = account_value(self._chain, subscription.account, entry.slot)
                if await self._send(subscription, notification("account", changed, subscription.number)):
                    self.announcements += 1
                    subscription.listener.heard += 1
                    self._drop_if_due(subscription.listener, position)
                continue
            if value is None:
                value = logs_value(self._chain, entry)
                self._on_announced(entry.signature)
            if await self._send(subscription, notification("logs", value, subscription.number)):
                self.announcements += 1
                subscription.listener.heard += 1
                self._drop_if_due(subscription.listener, position)

    async def _send(self, subscription: Subscription, text: bytes) -> bool:
        listener = subscription.listener
        if listener.is_cut or not subscription.is_active:
            return False
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await listener.send(text)
        except (ConnectionError, TimeoutError, RuntimeError):
            self._cut(listener)
            return False
        return True

    def _drop_if_due(self, listener: Listener, position: int) -> None:
        faults = self._chain.faults
        if not faults.is_on("drop") or listener.heard % int(faults.setting("drop", "after")):
            return
        times = int(faults.setting("drop", "times"))
        if times and self._drops >= times:
            return
        self._drops += 1
        self._away_until_position = max(self._away_until_position, self._position_after_lost(listener, position))
        self._away_until_seconds = self._chain.elapsed_seconds() + faults.setting("drop", "for_ms") / 1000
        self._cut(listener)
        self._on_drop()

    def _position_after_lost(self, listener: Listener, position: int) -> int:
        """The position behind the next `lose` announcements that this listener would have heard."""
        subscriptions = [one for one in self._table.active(is_logs=True) if one.listener is listener]
        lost = int(self._chain.faults.setting("drop", "lose"))
        entries = self._chain.ledger.entries
        after = position + 1
        while lost > 0 and after < len(entries):
            lost -= any(one.hears(after, entries[after]) for one in subscriptions)
            after += 1
        return after

    def _cut(self, listener: Listener) -> None:
        listener.is_cut = True
        listener.cut()
        self._table.forget(listener)

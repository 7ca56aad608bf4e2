"""A chain in memory for the feed's tests: it lands, announces, drops, lags, refuses and forgets on command."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.body import VOTE_PROGRAM_ID
from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.interfaces import (
    Dropped,
    HeardLog,
    ListedSignature,
    SignatureStatus,
    SourceRefusedError,
    SourceUnavailableError,
    Subscribed,
)

PROGRAM = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
PAYER = "CPp14jCnVZpBUoLGZKAFcrLGHqbYTqHjcBEXaJyVgVop"
FIRST_SLOT = 400_000_000


def signature_of(name: object) -> str:
    """64 bytes that only this name has, in base58."""
    return encode_base58(b"\1" + hashlib.sha512(str(name).encode()).digest()[1:])


def body_of(signature: str, slot: int, /, *, program: str = PROGRAM, **changes: Any) -> bytes:
    """A getTransaction result in the `json` encoding; `changes` replace its top-level keys."""
    whole = {
        "slot": slot,
        "blockTime": estimate_block_time_s(slot),
        "version": "legacy",
        "transaction": {
            "signatures": [signature],
            "message": {"accountKeys": [PAYER, program], "instructions": [{"programIdIndex": 1}]},
        },
        "meta": {"err": None, "fee": 5000, "logMessages": [f"Program {program} invoke [1]"]},
    }
    return json.dumps(whole | changes).encode()


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self._elapsed_s)

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def cpu_ms(self) -> int:
        return int(self._elapsed_s * 1_000)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed_s + seconds, woken))
        await woken

    def advance(self, seconds: float) -> None:
        self._elapsed_s += seconds
        due = [woken for until_s, woken in self._sleepers if until_s <= self._elapsed_s]
        self._sleepers = [(until_s, woken) for until_s, woken in self._sleepers if until_s > self._elapsed_s]
        for woken in due:
            if not woken.done():
                woken.set_result(None)


@dataclass
class MemoryChain:
    """A `TransactionSource` and a `LogSource` over the same transactions. Every slot is confirmed once it has landed."""

    tip: int = FIRST_SLOT
    finalized: int = FIRST_SLOT
    bodies: dict[str, bytes] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    empty_answers: Counter[str] = field(default_factory=Counter)
    """Signature → how often getTransaction still answers null."""
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    """Method → what its next calls raise, in order."""
    behind: dict[str, list[int]] = field(default_factory=dict)
    """Method → up to which slot the nodes that give its next answers have come, in order."""
    first_block: int = 0
    """The first block that the node still has; it lists and serves nothing of earlier ones."""
    withheld: set[int] = field(default_factory=set)
    """Slots that it lists and whose blocks it never gives."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    """Method → what its calls wait for."""
    calls: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    is_up: bool = True
    _listeners: dict[str, asyncio.Queue[HeardLog | None]] = field(default_factory=dict)

    # --- what the test does ---

    def land(self, *names: object, slot: int | None = None, is_heard: bool = True, **changes: Any) -> list[str]:
        """Transactions in one slot (default: the next); announced where the socket is up and `is_heard`."""
        slot = self.tip + 1 if slot is None else slot
        self.tip = max(self.tip, slot)
        landed = [signature_of(name) for name in names]
        for signature in landed:
            self.slots[signature] = slot
            self.bodies[signature] = body_of(signature, slot, **changes)
            if is_heard:
                self.announce(signature)
        return landed

    def announce(self, signature: str, slot: int | None = None) -> None:
        log = HeardLog(signature, self.slots[signature] if slot is None else slot, False, ())
        for listener in self._listeners.values():
            listener.put_nowait(log)

    def forget(self, signature: str) -> None:
        del self.slots[signature], self.bodies[signature]

    def drop(self) -> None:
        """Cut every socket; none comes back before `is_up`."""
        self.is_up = False
        for listener in self._listeners.values():
            listener.put_nowait(None)
        self._listeners.clear()

    async def _enter(self, method: str) -> None:
        self.calls[method] += 1
        await asyncio.sleep(0)
        if method in self.gates:
            await self.gates[method].wait()
        if self.errors.get(method):
            raise self.errors[method].pop(0)

    def _known_slot(self, method: str, min_slot: int) -> int:
        known_slot = self.behind[method].pop(0) if self.behind.get(method) else 2**40
        if known_slot < min_slot:
            raise SourceUnavailableError(f"behind slot {min_slot}")
        return known_slot

    # --- what the feed asks ---

    async def genesis_hash(self) -> str:
        return "memory"

    async def slot(self, commitment: str) -> int:
        await self._enter(f"slot {commitment}")
        return self.tip if commitment == "confirmed" else self.finalized

    async def transaction(self, signature: str, commitment: str = "confirmed") -> bytes | None:
        await self._enter("transaction")
        body = self.bodies.get(signature)
        if self.empty_answers[signature] > 0:
            self.empty_answers[signature] -= 1
            return None
        if body is None or self.slots.get(signature, self.first_block) < self.first_block:
            return None
        if commitment == "finalized" and self.slots[signature] > self.finalized:
            return None
        self.served[signature] += 1
        return body

    async def signatures_for_address(
        self, address: str, before: str | None, limit: int, min_slot: int
    ) -> list[ListedSignature]:
        await self._enter("signatures_for_address")
        known_slot = self._known_slot("signatures_for_address", min_slot)
        newest_first = sorted(self.slots.items(), key=lambda item: (-item[1], item[0]))
        listed = [ListedSignature(*item) for item in newest_first if address.encode() in self.bodies[item[0]]]
        listed = [row for row in listed if self.first_block <= row.slot <= known_slot]
        if before is not None:
            position = next((n for n, row in enumerate(listed) if row.signature == before), len(listed))
            listed = listed[position + 1 :]
        return listed[:limit]

    async def first_available_block(self) -> int:
        await self._enter("first_available_block")
        return self.first_block

    async def blocks(self, first_slot: int, last_slot: int, min_slot: int) -> list[int]:
        await self._enter("blocks")
        last_slot = min(last_slot, self._known_slot("blocks", min_slot))
        return sorted({slot for slot in self.slots.values() if max(first_slot, self.first_block) <= slot <= last_slot})

    async def block_signatures(self, slot: int) -> list[str]:
        await self._enter("block_signatures")
        if slot in self.withheld or slot < self.first_block:
            raise SourceRefusedError(-32009, f"slot {slot} is missing in long-term storage")
        if slot not in self.slots.values():
            raise SourceRefusedError(-32009, f"slot {slot} was skipped")
        return sorted(signature for signature, at in self.slots.items() if at == slot)

    async def block_time_s(self, slot: int) -> int | None:
        await self._enter("block_time_s")
        return estimate_block_time_s(slot)

    async def signature_statuses(self, signatures: Sequence[str], min_slot: int) -> list[SignatureStatus | None]:
        await self._enter("signature_statuses")
        return [
            SignatureStatus(self.slots[signature], self.slots[signature] <= self.finalized)
            if self.slots.get(signature, -1) >= self.first_block
            else None
            for signature in signatures
        ]

    async def listen(self, target: str) -> AsyncGenerator[Subscribed | HeardLog | Dropped, None]:
        while True:
            while not self.is_up:  # noqa: ASYNC110 - a test sets it outside of any loop
                await asyncio.sleep(0)
            queue: asyncio.Queue[HeardLog | None] = asyncio.Queue()
            self._listeners[target] = queue
            try:
                yield Subscribed("memory")
                while (log := await queue.get()) is not None:
                    if target != "all" or f'"{VOTE_PROGRAM_ID}"'.encode() not in self.bodies.get(log.signature, b""):
                        yield log
            finally:
                if self._listeners.get(target) is queue:
                    del self._listeners[target]
            yield Dropped("cut")

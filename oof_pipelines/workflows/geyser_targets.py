"""How far each target of a Geyser stream is complete, and the stretches of it that have yet to be listed. No I/O of its own.

A target's checkpoint is kept under `geyser:TARGET`, beside that of a feed which hears the same target otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from oof_pipelines.interfaces import Checkpoint, Inbox
from oof_pipelines.workflows.slot_chain import Missed


@dataclass(slots=True)
class _Target:
    name: str
    checkpoint: Checkpoint | None = None
    open_stretches: list[Missed] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"geyser:{self.name}"


@dataclass(frozen=True, slots=True)
class Stretch:
    """What of `target` has to be listed; `key` is the name of its checkpoint and of its gaps."""

    target: str
    key: str
    missed: Missed


class GeyserTargets:
    """Checkpoints of all targets. One is held where it is while a stretch of its target is open."""

    def __init__(self, inbox: Inbox, names: Sequence[str]) -> None:
        self._inbox = inbox
        self._targets = [_Target(name) for name in names]

    async def load(self) -> None:
        """Read the checkpoints that an earlier run has left."""
        for target in self._targets:
            target.checkpoint = await self._inbox.checkpoint(target.key)

    def resume_slot(self) -> int | None:
        """Where a stream has to begin so that no target misses anything; None where none of them has begun."""
        return min((target.checkpoint.slot for target in self._targets if target.checkpoint is not None), default=None)

    async def begin(self, target_slot: int, *, new_from_slot: int | None, is_resumed: bool) -> list[Stretch]:
        """The stream is heard from `target_slot` on: what each target has to have listed before it.

        A target that is new is complete from there on, or wanted from `new_from_slot` on.
        """
        stretches = []
        for target in self._targets:
            is_new = target.checkpoint is None
            if target.checkpoint is None:
                first_slot = target_slot if new_from_slot is None else min(new_from_slot, target_slot)
                await self._save(target, first_slot)
            assert target.checkpoint is not None
            if target.checkpoint.slot < target_slot and (is_new or not is_resumed):
                stretches.append(self._open(target, Missed(target.checkpoint.slot, target_slot)))
        return stretches

    def miss(self, missed: Missed) -> list[Stretch]:
        """Slots that the stream left out: what has to be listed of each target."""
        return [self._open(target, missed) for target in self._targets]

    async def reach(self, stretch: Stretch, slot: int) -> None:
        """The stretch is listed up to `slot`; where it began at the checkpoint, that goes along."""
        target = self._of(stretch)
        before = target.checkpoint
        is_at_checkpoint = before is not None and stretch.missed.first_slot <= before.slot < slot
        if is_at_checkpoint and len(target.open_stretches) == 1:
            await self._save(target, min(slot, stretch.missed.last_slot))

    def close(self, stretch: Stretch) -> None:
        """Nothing more is to be listed of the stretch."""
        self._of(stretch).open_stretches.remove(stretch.missed)

    async def complete(self, slot: int) -> None:
        """Everything up to `slot` is heard and stored: move the checkpoints that nothing holds."""
        for target in self._targets:
            if target.checkpoint is not None and not target.open_stretches and slot > target.checkpoint.slot:
                await self._save(target, slot)

    def _open(self, target: _Target, missed: Missed) -> Stretch:
        target.open_stretches.append(missed)
        return Stretch(target.name, target.key, missed)

    def _of(self, stretch: Stretch) -> _Target:
        return next(target for target in self._targets if target.name == stretch.target)

    async def _save(self, target: _Target, slot: int) -> None:
        target.checkpoint = Checkpoint(slot, has_heard=True)
        await self._inbox.save_checkpoint(target.key, target.checkpoint)

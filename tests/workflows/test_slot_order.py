"""The order within a slot: one question a slot, and a block that cannot be had holds up nothing."""

import asyncio
from collections.abc import Sequence

import pytest

from oof_pipelines.interfaces import SourceRefusedError, SourceUnavailableError
from oof_pipelines.workflows.slot_order import BLOCKS_AT_ONCE, order_slots


class Blocks:
    """Blocks by slot; what is an error is raised."""

    def __init__(self, blocks: dict[int, list[str] | Exception]) -> None:
        self.blocks = blocks
        self.asked: list[int] = []
        self.at_once = self.most_at_once = 0

    async def block_signatures(self, slot: int) -> list[str]:
        self.asked.append(slot)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        found = self.blocks[slot]
        if isinstance(found, Exception):
            raise found
        return found


class Rows:
    """Every signature of a block is stored."""

    def __init__(self) -> None:
        self.placed: dict[int, list[str]] = {}

    async def place_in_slot(self, slot: int, signatures: Sequence[str]) -> int:
        self.placed[slot] = list(signatures)
        return len(signatures)


def test_each_slot_is_asked_once_and_its_rows_placed() -> None:
    blocks, rows = Blocks({7: ["b", "a"], 9: ["c"]}), Rows()
    assert asyncio.run(order_slots(blocks, rows, [7, 9, 7])) == 3
    assert blocks.asked == [9, 7]
    assert rows.placed == {7: ["b", "a"], 9: ["c"]}


@pytest.mark.parametrize("error", [SourceUnavailableError("away"), SourceRefusedError(-32007, "skipped")])
def test_a_block_that_cannot_be_had_holds_up_no_other(error: Exception) -> None:
    blocks, rows = Blocks({7: error, 9: ["c"]}), Rows()
    assert asyncio.run(order_slots(blocks, rows, [7, 9])) == 1
    assert rows.placed == {9: ["c"]}


def test_few_blocks_are_asked_at_a_time() -> None:
    blocks = Blocks({slot: [f"s{slot}"] for slot in range(20)})
    assert asyncio.run(order_slots(blocks, Rows(), range(20))) == 20
    assert blocks.most_at_once == BLOCKS_AT_ONCE


def test_nothing_is_asked_for_no_slot() -> None:
    blocks = Blocks({})
    assert asyncio.run(order_slots(blocks, Rows(), [])) == 0
    assert blocks.asked == []

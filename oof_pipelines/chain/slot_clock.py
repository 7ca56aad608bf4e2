"""What time a slot was: block times for blocks that state none, and a test that a transaction is of this cluster.

A transaction does not say which cluster it ran on. But slots and times of mainnet are a curve nobody else follows: devnet
and testnet are weeks to months ahead or behind at the same slot. So a transaction whose slot and time lie far off the
curve is of another chain (or its recorder changed it), and one without a time gets it from the curve.
"""

from bisect import bisect_right
from operator import itemgetter

GENESIS_HASHES = {
    "mainnet-beta": "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
    "devnet": "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG",
    "testnet": "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY",
}
"""Cluster name → genesis hash, as getGenesisHash answers it."""

MAINNET_ANCHORS = (
    (0, 1_584_368_940),  # genesis, 2020-03-16
    (5_543_556, 1_588_026_961),  # 2020-04-27
    (79_662_905, 1_622_632_900),  # 2021-06-02
    (103_785_005, 1_635_336_840),  # 2021-10-27
    (130_540_734, 1_650_447_951),  # 2022-04-20
    (146_099_091, 1_660_570_006),  # 2022-08-15
    (159_780_566, 1_666_897_943),  # 2022-10-27
    (185_471_096, 1_680_146_043),  # 2023-03-30
    (234_830_070, 1_702_090_095),  # 2023-12-09
    (255_006_068, 1_710_797_687),  # 2024-03-18
    (276_973_735, 1_720_716_026),  # 2024-07-11
    (292_555_733, 1_727_554_312),  # 2024-09-28
    (310_793_892, 1_735_571_993),  # 2024-12-30
    (332_720_328, 1_744_359_653),  # 2025-04-11
    (350_464_523, 1_751_394_455),  # 2025-07-01
    (370_768_078, 1_759_436_023),  # 2025-10-02
    (403_120_361, 1_772_218_081),  # 2026-02-27
    (416_072_761, 1_777_321_123),  # 2026-04-27
    (435_948_490, 1_785_328_584),  # 2026-07-29
)
"""(slot, block time in Unix seconds) of real mainnet blocks. Between them times are interpolated, after them 0.4 s a slot."""

_SLOT_MS = 400
_END_OF_CENTURY_S = 4_102_444_800
_DAY_S = 86_400
_SLACK_S = 2 * _DAY_S
_SLACK_BETWEEN_ANCHORS_PERCENT = 10
# Past the last anchor the slot time itself may change (0.2 s is planned, 0.6 s has been), so the slack grows faster.
_SLACK_AFTER_ANCHORS_PERCENT = 60


def estimate_block_time_s(slot: int) -> int:
    """Block time of a mainnet `slot` in Unix seconds, from the fixed anchors only: the same slot has the same time for good.

    Right to the minute where anchors are close in time, to days in 2020. A row that carries it is flagged as estimated.
    """
    position = bisect_right(MAINNET_ANCHORS, (slot, 1 << 62)) - 1
    if position < 0:
        raise ValueError(f"slot {slot} is negative")
    slot_before, time_before_s = MAINNET_ANCHORS[position]
    if position + 1 == len(MAINNET_ANCHORS):
        return time_before_s + (slot - slot_before) * _SLOT_MS // 1000
    slot_after, time_after_s = MAINNET_ANCHORS[position + 1]
    return time_before_s + (slot - slot_before) * (time_after_s - time_before_s) // (slot_after - slot_before)


def estimate_slot(block_time_s: int) -> int:
    """The mainnet slot of an instant (Unix seconds) by the same anchors: the last one that had begun by then.

    Raises `ValueError` for a time before genesis.
    """
    position = bisect_right(MAINNET_ANCHORS, block_time_s, key=itemgetter(1)) - 1
    if position < 0:
        raise ValueError(f"Unix time {block_time_s} is before genesis")
    slot_before, time_before_s = MAINNET_ANCHORS[position]
    if position + 1 == len(MAINNET_ANCHORS):
        return slot_before + (block_time_s - time_before_s) * 1000 // _SLOT_MS
    slot_after, time_after_s = MAINNET_ANCHORS[position + 1]
    return slot_before + (block_time_s - time_before_s) * (slot_after - slot_before) // (time_after_s - time_before_s)


def allowed_error_s(slot: int) -> int:
    """How far a true mainnet block time may lie from the estimate, in seconds: more the farther the next anchor is."""
    estimate = estimate_block_time_s(slot)
    nearest_s = min(abs(estimate - time_s) for _, time_s in MAINNET_ANCHORS)
    percent = _SLACK_AFTER_ANCHORS_PERCENT if slot > MAINNET_ANCHORS[-1][0] else _SLACK_BETWEEN_ANCHORS_PERCENT
    return _SLACK_S + nearest_s * percent // 100


def fits_cluster(slot: int, block_time_s: int, cluster: str) -> bool:
    """Whether a block at `slot` can have had `block_time_s` on `cluster`. Only mainnet has a curve here; for the others
    any time from genesis to the end of the century will do.
    """
    if not MAINNET_ANCHORS[0][1] <= block_time_s < _END_OF_CENTURY_S:
        return False
    if cluster != "mainnet-beta":
        return True
    return abs(block_time_s - estimate_block_time_s(slot)) <= allowed_error_s(slot)

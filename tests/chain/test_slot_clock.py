"""The curve of mainnet's slots and times, against every recorded pair."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.chain.body import MAX_SLOT
from oof_pipelines.chain.slot_clock import (
    MAINNET_ANCHORS,
    allowed_error_s,
    estimate_block_time_s,
    estimate_slot,
    fits_cluster,
)

# Recorded as mainnet's by its source; its slot was at another time there.
STRANGER = "2EKpsQBk8KaHC3xFGmv3aM6byQyvXqb6LGzzmQpE1AdMQ3VigCwR7bsVzaWLtyvJpJcER2VUgQQr6vdzZZYVjjeD"
# States a time of 2021 for a slot of 2022, with a version 0 message, which mainnet has known since October 2022.
MISDATED_BLOCK = "blocks/mainnet_with_versioned_tx.json"
DEVNET_BLOCK = (147_078_735, 1_657_486_664)


def recorded_pairs(fixtures_dir: Path) -> list[tuple[str, int, int]]:
    """(signature or path, slot, Unix seconds) of every transaction and block that the index gives both of."""
    with (fixtures_dir / "INDEX.tsv").open(encoding="utf-8", newline="") as file:
        return [
            (row["signature"] or row["path"], int(row["slot"]), int(row["block_time"]))
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            if row["slot"] and row["block_time"] and row["path"].split("/")[0].startswith(("tx_", "blocks"))
        ]


def test_every_recorded_pair_is_of_mainnet_but_the_known_strangers(fixtures_dir: Path) -> None:
    pairs = recorded_pairs(fixtures_dir)
    assert len(pairs) > 200
    strangers = {name for name, slot, time_s in pairs if not fits_cluster(slot, time_s, "mainnet-beta")}
    devnet = {name for name, *pair in pairs if tuple(pair) == DEVNET_BLOCK}
    assert devnet
    assert strangers == {STRANGER, MISDATED_BLOCK} | devnet
    assert all(fits_cluster(slot, time_s, "devnet") for _, slot, time_s in pairs)


def test_devnet_does_not_fit() -> None:
    assert not fits_cluster(*DEVNET_BLOCK, "mainnet-beta")
    assert fits_cluster(*DEVNET_BLOCK, "devnet")


def test_anchors_give_themselves() -> None:
    for slot, time_s in MAINNET_ANCHORS:
        assert estimate_block_time_s(slot) == time_s
        assert fits_cluster(slot, time_s, "mainnet-beta")
    assert list(MAINNET_ANCHORS) == sorted(MAINNET_ANCHORS)


@given(st.integers(0, MAX_SLOT - 1), st.integers(0, 10_000_000))
def test_time_never_goes_back(slot: int, further: int) -> None:
    later = min(MAX_SLOT, slot + further)
    assert estimate_block_time_s(slot) <= estimate_block_time_s(later)
    assert allowed_error_s(slot) >= 2 * 86_400


@given(st.integers(0, 450_000_000), st.sampled_from([-1, 1]))
def test_the_slack_has_an_edge(slot: int, side: int) -> None:
    estimate, slack = estimate_block_time_s(slot), allowed_error_s(slot)
    inside, outside = estimate + side * slack, estimate + side * (slack + 1)
    assert fits_cluster(slot, inside, "mainnet-beta") == (inside >= MAINNET_ANCHORS[0][1])
    assert not fits_cluster(slot, outside, "mainnet-beta")


@pytest.mark.parametrize("time_s", [-1, 0, MAINNET_ANCHORS[0][1] - 1, 4_102_444_800, 10**30])
def test_times_before_genesis_and_past_the_century_fit_nowhere(time_s: int) -> None:
    for cluster in ("mainnet-beta", "devnet", "localnet"):
        assert not fits_cluster(1, time_s, cluster)


def test_a_negative_slot_is_an_error() -> None:
    with pytest.raises(ValueError, match="slot -1 is negative"):
        estimate_block_time_s(-1)


@given(st.integers(MAINNET_ANCHORS[0][1], 2_000_000_000))
def test_an_instant_s_slot_fits_it_and_never_goes_back(time_s: int) -> None:
    slot = estimate_slot(time_s)
    assert fits_cluster(slot, time_s, "mainnet-beta")
    assert abs(estimate_block_time_s(slot) - time_s) <= 1
    assert estimate_slot(time_s + 60) > slot


def test_anchors_times_give_their_slots_and_earlier_ones_none() -> None:
    for slot, time_s in MAINNET_ANCHORS:
        assert estimate_slot(time_s) == slot
    with pytest.raises(ValueError, match="before genesis"):
        estimate_slot(MAINNET_ANCHORS[0][1] - 1)

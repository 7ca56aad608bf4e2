"""Wallet slices: every action with the wallets it concerns, every event with its own, and a digest that tells any change."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from crafted_bodies import largest_amounts
from decoded_home import raw_frame, synthetic_rows
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.chain.wallet_bucket import wallet_bucket
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS, WALLET_EVENTS
from oof_pipelines.storage.parquet.schemas import ACTIONS, WALLET_ACTIONS
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.wallet_slices import (
    EMPTY_SLICE,
    WalletSlice,
    digest,
    event_rows,
    slice_digests,
    slices_of,
    wallet_rows,
)

AT = datetime(2026, 2, 13, 12, tzinfo=UTC)


def day() -> dict[str, pl.DataFrame]:
    return decode_frame(raw_frame([*synthetic_rows(), largest_amounts().stored()]))[0]


def actions() -> pl.DataFrame:
    return day()["actions"]


def emptied(frames: dict[str, pl.DataFrame], *names: str) -> dict[str, pl.DataFrame]:
    return {name: frame.head(0) if name in names else frame for name, frame in frames.items()}


def test_each_action_is_with_its_wallet_and_with_the_other_side() -> None:
    frame = actions()
    rows = wallet_rows(frame)
    expected = set()
    for action in frame.iter_rows(named=True):
        expected.add((action["id"], action["wallet"], action["counterparty"], False))
        if action["counterparty"] not in ("", action["wallet"]):
            expected.add((action["id"], action["counterparty"], action["wallet"], True))
    found = rows.select("id", "wallet", "other_wallet", "is_counterparty").rows()
    assert set(found) == expected
    assert len(found) == len(expected) > frame.height, "no row twice, and some have another side"
    shared = ["id", "signature", "slot", "asset", "amount_raw", "bought_raw", "kind", "log_idx", "path", "venue"]
    joined = rows.select(shared).join(frame.select(shared), on=shared, how="anti")
    assert joined.is_empty(), "all else is the action's"


def test_every_row_is_in_its_wallets_bucket_and_in_no_other() -> None:
    rows = wallet_rows(actions())
    assert all(wallet_bucket(wallet) == bucket for wallet, bucket in rows.select("wallet", "bucket").iter_rows())
    slices = slices_of(day())
    assert sum(part.actions.height for part in slices.values()) == rows.height
    for bucket, part in slices.items():
        for frame, dataset in ((part.actions, WALLET_ACTIONS), (part.events, WALLET_EVENTS)):
            assert {wallet_bucket(wallet) for wallet in frame["wallet"]} <= {bucket}
            assert frame.equals(dataset.arrange(frame))
            assert list(frame.columns) == list(dataset.columns)
        assert part.height == part.actions.height + part.events.height > 0


def test_each_event_is_with_its_wallet_once_and_unchanged() -> None:
    events = day()[POSITION_EVENTS.name]
    rows = event_rows(events)
    assert rows.height == events.height > 0
    assert rows.select(events.columns).equals(events)
    assert all(wallet_bucket(wallet) == bucket for wallet, bucket in rows.select("wallet", "bucket").iter_rows())
    of_slices = pl.concat([part.events for part in slices_of(day()).values()])
    assert POSITION_EVENTS.arrange(of_slices).equals(events)


def test_only_touched_buckets_have_a_digest() -> None:
    frames = day()
    frame = frames[ACTIONS.name]
    wallets = {*frame["wallet"], *frame["counterparty"]} - {""}
    of_actions = slice_digests(emptied(frames, POSITION_EVENTS.name))
    assert set(of_actions) == {wallet_bucket(wallet) for wallet in wallets}
    of_events = slice_digests(emptied(frames, ACTIONS.name))
    assert set(of_events) == {wallet_bucket(wallet) for wallet in frames[POSITION_EVENTS.name]["wallet"]}
    assert set(slice_digests(frames)) == of_actions.keys() | of_events.keys()
    assert slice_digests(emptied(frames, ACTIONS.name, POSITION_EVENTS.name)) == {}


def test_the_digest_is_of_both_and_of_actions_alone_where_there_is_no_event() -> None:
    whole = slices_of(day())
    part = next(part for part in whole.values() if part.events.height)
    only_actions = WalletSlice(part.actions, EMPTY_SLICE.events)
    assert only_actions.sha256 == digest(part.actions), "as it was before there were events"
    fewer_events = WalletSlice(part.actions, part.events.head(-1))
    swapped = [WalletSlice(EMPTY_SLICE.actions, part.events), EMPTY_SLICE, fewer_events, only_actions, part]
    assert len({one.sha256 for one in swapped}) == len(swapped) - (fewer_events.events.is_empty())


def test_the_order_of_the_rows_does_not_show() -> None:
    frames = day()
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=9) for name, frame in frames.items()}
    assert slice_digests(shuffled) == slice_digests(frames)
    chunked = {name: pl.concat([frame[40:], frame[:40]], rechunk=False) for name, frame in frames.items()}
    assert slice_digests(chunked) == slice_digests(frames)


def test_what_came_back_from_a_file_has_the_same_digest(tmp_path: Any) -> None:
    part = next(part for part in slices_of(day()).values() if part.events.height)
    for rows in part.frames.values():
        rows.write_parquet(tmp_path / "rows.parquet", row_group_size=7)
        assert digest(pl.read_parquet(tmp_path / "rows.parquet")) == digest(rows)


def row(**changes: Any) -> pl.DataFrame:
    values: dict[str, Any] = {
        "wallet": "w",
        "signature": "s",
        "slot": 1,
        "tx_index": 1,
        "block_time": AT,
        "log_idx": 0,
        "path": "0",
        "program_id": "p",
        "venue": "",
        "kind": "transfer",
        "id": "i",
        "is_counterparty": False,
        "other_wallet": "o",
        "asset": "lamports",
        "amount_raw": Decimal(2**64 - 2),
        "bought_asset": "",
        "bought_raw": Decimal(0),
    }
    return pl.DataFrame([values | changes], schema=WALLET_ACTIONS.columns)


@pytest.mark.parametrize("column", WALLET_ACTIONS.columns)
def test_a_change_in_any_column_changes_the_digest(column: str) -> None:
    value = row()[column][0]
    changed: list[Any]
    match value:
        case bool():
            changed = [not value]
        case str():
            changed = [value + "x", value + "\n", value + '"', value + ",", value + "~", value + " "]
        case datetime():
            changed = [value + timedelta(microseconds=1), value - timedelta(days=1)]
        case Decimal():
            changed = [value + 1, value * 10 + 3]
        case _:
            changed = [value + 1, 2**30]
    if column == "tx_index":
        changed += [None, 0]
    digests = {digest(row()), *(digest(row(**{column: other})) for other in changed)}
    assert len(digests) == len(changed) + 1


def test_a_row_more_or_less_or_twice_changes_it() -> None:
    two = pl.concat([row(), row(id="j")])
    assert len({digest(two), digest(two.head(1)), digest(two.head(0)), digest(pl.concat([two, two.tail(1)]))}) == 4


_TEXTS = st.text(st.sampled_from('ab\n\r",~\\'), max_size=3)
_ROWS = st.lists(st.tuples(_TEXTS, _TEXTS, st.none() | st.integers(0, 9)), max_size=3)


@given(_ROWS, _ROWS)
def test_other_rows_never_have_the_same_digest(left: list[Any], right: list[Any]) -> None:
    """Also where texts hold what separates and quotes them."""

    def digest_of(rows: list[Any]) -> str:
        frames = [row(wallet=wallet, signature=signature, tx_index=index) for wallet, signature, index in rows]
        return digest(pl.concat([row().head(0), *frames]))

    assert (digest_of(left) == digest_of(right)) == (left == right)


def test_nobody_is_the_other_side_of_himself() -> None:
    frame = decode_frame(raw_frame([largest_amounts().stored()]))[0]["actions"]
    to_self = frame.with_columns(counterparty="wallet")
    assert wallet_rows(to_self).height == frame.height
    assert not wallet_rows(to_self)["is_counterparty"].any()
    assert wallet_rows(ACTIONS.arrange(frame.head(0))).is_empty()

"""Wallet slices: every action with the wallets it concerns, and a digest that tells any change."""

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
from oof_pipelines.storage.parquet.schemas import ACTIONS, WALLET_ACTIONS
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.wallet_slices import digest, slice_digests, slices_of, wallet_rows

AT = datetime(2026, 2, 13, 12, tzinfo=UTC)


def actions() -> pl.DataFrame:
    return decode_frame(raw_frame([*synthetic_rows(), largest_amounts().stored()]))[0]["actions"]


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
    slices = slices_of(actions())
    assert sum(part.height for part in slices.values()) == rows.height
    for bucket, part in slices.items():
        assert {wallet_bucket(wallet) for wallet in part["wallet"]} == {bucket}
        assert part.equals(WALLET_ACTIONS.arrange(part))
        assert list(part.columns) == list(WALLET_ACTIONS.columns)


def test_only_touched_buckets_have_a_digest() -> None:
    frame = actions()
    digests = slice_digests(frame)
    wallets = {*frame["wallet"], *frame["counterparty"]} - {""}
    assert set(digests) == {wallet_bucket(wallet) for wallet in wallets}
    assert slice_digests(frame.head(0)) == {}


def test_the_order_of_the_actions_does_not_show() -> None:
    frame = actions()
    assert slice_digests(frame.sample(fraction=1, shuffle=True, seed=9)) == slice_digests(frame)
    assert slice_digests(pl.concat([frame[40:], frame[:40]], rechunk=False)) == slice_digests(frame)


def test_what_came_back_from_a_file_has_the_same_digest(tmp_path: Any) -> None:
    rows = next(iter(slices_of(actions()).values()))
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

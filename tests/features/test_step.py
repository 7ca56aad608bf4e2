"""The fold: order, repetition, lateness and retraction leave the rows that a sorted batch gives."""

import subprocess
import sys
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_trades import MINUTE_S, trade, trades

from oof_pipelines.features.bucket import row_of_bucket
from oof_pipelines.features.rows import BucketKey, FeatureRow
from oof_pipelines.features.step import (
    BucketChanged,
    BucketClosed,
    BucketEmptied,
    FeatureOutput,
    FeatureState,
    TradeTooLate,
    finish,
    forget,
    step,
)
from oof_pipelines.features.trade_frames import folded
from oof_pipelines.market.events import EventPlace, PoolState, Trade


def open_rows(state: FeatureState) -> dict[BucketKey, FeatureRow]:
    buckets = [bucket for within in state.minutes.values() for bucket in within.values()]
    return {bucket.key: row_of_bucket(bucket, None) for bucket in buckets}


def sorted_rows(some: Iterable[Trade]) -> dict[BucketKey, FeatureRow]:
    return {row.key: row for row in folded(sorted(some, key=lambda one: one.order_key))}


@settings(max_examples=60, deadline=None)
@given(trades(), st.data())
def test_any_order_repetitions_and_retractions_end_in_the_rows_of_a_sorted_batch(
    some: list[Trade], data: st.DataObject
) -> None:
    arrivals = data.draw(st.permutations(some + data.draw(st.lists(st.sampled_from(some)))))
    gone = data.draw(st.sets(st.sampled_from(sorted({one.place.signature for one in some}))))
    state = FeatureState(lateness_seconds=3_600)
    told: dict[BucketKey, FeatureRow] = {}

    def tell(outputs: Iterable[FeatureOutput]) -> None:
        for output in outputs:
            if isinstance(output, BucketEmptied):
                told.pop(output.key, None)
            elif isinstance(output, BucketChanged):
                told[output.bucket.key] = row_of_bucket(output.bucket, None)

    for number, one in enumerate(arrivals):
        state, outputs = step(state, one)
        tell(outputs)
        # In the midst of it as well: what comes again afterwards is taken back at the end.
        if number in (len(arrivals) // 2, len(arrivals) - 1):
            for signature in gone:
                state, outputs = forget(state, signature)
                tell(outputs)
    expected = sorted_rows(one for one in some if one.place.signature not in gone)
    assert open_rows(state) == expected
    assert told == expected


def test_a_bucket_closes_when_its_lateness_has_passed_and_not_before() -> None:
    state = FeatureState(lateness_seconds=120)
    state, [changed] = step(state, trade(MINUTE_S + 10))
    assert isinstance(changed, BucketChanged)
    state, outputs = step(state, trade(MINUTE_S + 179, signature="b"))
    assert [type(output) for output in outputs] == [BucketChanged]
    state, outputs = step(state, trade(MINUTE_S + 180, signature="c"))
    assert [type(output) for output in outputs] == [BucketChanged, BucketClosed]
    assert isinstance(outputs[1], BucketClosed)
    assert outputs[1].bucket.key == ("coin", MINUTE_S, "pumpswap", trade().quote_mint)
    assert state.bucket(outputs[1].bucket.key) is None


def test_what_comes_after_that_is_told_and_not_counted() -> None:
    state = FeatureState(lateness_seconds=0)
    state, _ = step(state, trade(MINUTE_S + 60))
    late = trade(MINUTE_S + 59, signature="late")
    state, outputs = step(state, late)
    assert outputs == (TradeTooLate(late),)
    assert len(open_rows(state)) == 1


def test_the_same_trade_again_changes_nothing_and_another_telling_of_it_replaces_it() -> None:
    state, _ = step(FeatureState(), trade())
    state, outputs = step(state, trade())
    assert outputs == ()
    state, [changed] = step(state, trade(quote_raw=5))
    assert isinstance(changed, BucketChanged)
    assert row_of_bucket(changed.bucket, None).vol_in_raw == 5


def test_only_trades_that_can_be_count() -> None:
    place = EventPlace("s", 1, 0, MINUTE_S, 1, 0)
    pool = PoolState(place, "", "pumpswap", "pool", "coin", "money", "vault", 1, 1)
    for event in (pool, trade(quote_raw=2**64), trade(base_raw=2**64)):
        state, outputs = step(FeatureState(), event)
        assert outputs == ()
        assert state.minutes == {}


def test_the_end_closes_what_is_open_in_the_order_of_minutes() -> None:
    state = FeatureState()
    for at_s in (MINUTE_S + 120, MINUTE_S, MINUTE_S + 60):
        state, _ = step(state, trade(at_s, signature=str(at_s)))
    state, outputs = finish(state)
    assert [output.bucket.key[1] for output in outputs if isinstance(output, BucketClosed)] == [
        MINUTE_S,
        MINUTE_S + 60,
        MINUTE_S + 120,
    ]
    assert state.minutes == {}


def test_a_lateness_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match="lateness_seconds: -1"):
        FeatureState(-1)


def test_above_its_ceiling_a_state_lets_the_oldest_minutes_go_first() -> None:
    state = FeatureState(most_open_trades=4)
    for number, minute in enumerate((1, 0, 2, 1)):
        state, outputs = step(state, trade(MINUTE_S + 60 * minute, signature=str(number)))
        assert [type(output) for output in outputs] == [BucketChanged]
    state, outputs = step(state, trade(MINUTE_S + 60 * 2, signature="one too many"))
    assert [output.bucket.key[1] for output in outputs if isinstance(output, BucketClosed)] == [MINUTE_S]
    assert (state.open_trades, state.open_from_s) == (4, MINUTE_S + 60)
    late = trade(MINUTE_S + 59, signature="late")
    state, outputs = step(state, late)
    assert outputs == (TradeTooLate(late),)
    state, outputs = step(state, trade(MINUTE_S + 60 * 3, signature="again"))
    assert [type(output) for output in outputs] == [BucketChanged, BucketClosed]
    assert (state.open_trades, sorted(state.minutes)) == (3, [MINUTE_S + 120, MINUTE_S + 180])


def test_the_newest_minute_is_kept_however_busy_it_is() -> None:
    state = FeatureState(most_open_trades=2)
    for number in range(5):
        state, outputs = step(state, trade(MINUTE_S + number, signature=str(number)))
        assert [type(output) for output in outputs] == [BucketChanged]
    state, _ = step(state, trade(MINUTE_S + 60, signature="next"))
    assert (state.open_trades, sorted(state.minutes)) == (1, [MINUTE_S + 60])


@settings(max_examples=60, deadline=None)
@given(trades(), st.integers(1, 12), st.data())
def test_open_trades_are_counted_and_bounded(some: list[Trade], most: int, data: st.DataObject) -> None:
    state = FeatureState(lateness_seconds=data.draw(st.sampled_from([0, 120, 3_600])), most_open_trades=most)
    gone = data.draw(st.sets(st.sampled_from(sorted({one.place.signature for one in some}))))
    for one in data.draw(st.permutations(some + data.draw(st.lists(st.sampled_from(some))))):
        state, _ = step(state, one)
        if one.place.signature in gone:
            state, _ = forget(state, one.place.signature)
        held = [len(bucket.trades) for within in state.minutes.values() for bucket in within.values()]
        assert state.open_trades == sum(held)
        assert state.open_trades <= most or len(state.minutes) == 1
        assert all(start_s >= state.open_from_s for start_s in state.minutes)
    state, _ = finish(state)
    assert state.open_trades == 0


def test_a_ceiling_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="most_open_trades: 0"):
        FeatureState(most_open_trades=0)


def test_the_fold_needs_neither_polars_nor_duckdb_nor_dagster() -> None:
    code = (
        "import sys; import oof_pipelines.features.step, oof_pipelines.features.bucket; "
        "print([name for name in ('polars', 'duckdb', 'dagster', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"

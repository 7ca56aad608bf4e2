"""What is asked for next: a continuation is the same request, and reading candles comes to an end."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.workflows.analysis_request import MOST_DAYS, AnalysisRequest, continuation_of
from oof_pipelines.workflows.candle_ceiling import mints_beyond
from oof_pipelines.workflows.ceilings import MAX_CANDLE_READS, MAX_CPU_MS, MAX_TX, Ceilings

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
REQUEST = AnalysisRequest(
    wallets=("a", "b"), days=30, as_of=AT, ceilings=Ceilings(max_tx=5, max_candle_reads=100), is_asked_again=True
)


def test_without_a_ceiling_there_is_nothing_to_go_on_with() -> None:
    assert continuation_of(REQUEST, ()) is None


@pytest.mark.parametrize(
    ("hit", "share"), [((MAX_TX,), 1), ((MAX_CPU_MS,), 1), ((MAX_CANDLE_READS,), 2), ((MAX_TX, MAX_CANDLE_READS), 2)]
)
def test_a_continuation_asks_for_the_same_and_may_read_more_candles(hit: tuple[str, ...], share: int) -> None:
    told = continuation_of(REQUEST, hit)
    assert told == msgspec.structs.replace(REQUEST, is_asked_again=False, candle_share=share)
    assert told.most_candle_reads == 100 * share


def test_a_job_holds_a_request_as_json() -> None:
    payload = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(REQUEST)))
    assert msgspec.convert(payload, AnalysisRequest) == REQUEST
    plain = {"wallets": ["a"], "days": None, "as_of": None, "ceilings": {"max_cpu_ms": 5}}
    assert msgspec.convert(plain, AnalysisRequest) == AnalysisRequest(wallets=("a",), ceilings=Ceilings(max_cpu_ms=5))
    for wrong in ({**plain, "depth": 3}, {**plain, "ceilings": {"max_tx": 0}}, {**plain, "candle_share": 0}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, AnalysisRequest)


@pytest.mark.parametrize(("days", "depth"), [(None, MOST_DAYS), (1, 1), (730, 730), (5_000, 730)])
def test_a_node_is_asked_for_two_years_at_most(days: int | None, depth: int) -> None:
    assert AnalysisRequest(wallets=("a",), days=days).depth_days == depth


@given(st.lists(st.integers(0, 500), min_size=1, max_size=30), st.integers(1, 200))
def test_reading_candles_ends_prices_more_each_time_and_costs_less_than_four_times_the_whole(
    candles: list[int], ceiling: int
) -> None:
    mints = [f"mint {place}" for place in range(len(candles))]
    counts = dict(zip(mints, candles, strict=True))
    request: AnalysisRequest | None = AnalysisRequest(wallets=("a",), ceilings=Ceilings(max_candle_reads=ceiling))
    read, runs, priced = 0, 0, set[str]()
    while request is not None:
        most = request.most_candle_reads
        assert most is not None
        beyond = mints_beyond(mints, counts, most)
        now = set(mints) - set(beyond)
        assert priced <= now
        taken = sum(counts[mint] for mint in now)
        assert taken <= most
        read, runs, priced = read + taken, runs + 1, now
        request = continuation_of(request, (MAX_CANDLE_READS,) if beyond else ())
    assert priced == set(mints)
    whole = sum(candles)
    assert read <= 4 * whole
    assert runs <= 2 + max(0, (whole // ceiling).bit_length())

"""What a run has taken of the processors: its own, and what others took for it."""

from oof_pipelines.workflows.cpu_meter import CpuMeter


def test_it_counts_from_when_it_is_made_and_adds_what_others_did() -> None:
    now = [1_000]
    meter = CpuMeter(50, lambda: now[0])
    assert (meter.spent_ms, meter.is_over) == (0, False)
    now[0] += 30
    meter.add_ms(19)
    assert (meter.spent_ms, meter.is_over) == (49, False)
    meter.add_ms(1)
    assert meter.is_over


def test_without_a_ceiling_it_is_never_over() -> None:
    meter = CpuMeter(None, lambda: 0)
    meter.add_ms(10**9)
    assert not meter.is_over

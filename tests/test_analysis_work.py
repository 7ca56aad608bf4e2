"""A continuation is asked for only where it can get further."""

from oof_pipelines.analysis_steps.asking import Asked
from oof_pipelines.analysis_work import _to_go_on_with
from oof_pipelines.workflows.backfill_wallets import BackfillReport
from oof_pipelines.workflows.ceilings import MAX_CANDLE_READS, MAX_TX


def test_a_node_that_served_nothing_is_not_asked_for_the_same_again_at_once() -> None:
    stuck = Asked({}, BackfillReport(fetched=5, waiting=9, ceilings_hit=(MAX_TX,)))
    moved = Asked({}, BackfillReport(fetched=5, waiting=9, stored=1, ceilings_hit=(MAX_TX,)))
    assert _to_go_on_with([MAX_TX], stuck) == []
    assert _to_go_on_with([MAX_TX, MAX_CANDLE_READS], stuck) == [MAX_CANDLE_READS]
    assert _to_go_on_with([MAX_TX], moved) == [MAX_TX]
    assert _to_go_on_with([MAX_TX], Asked({})) == [MAX_TX]

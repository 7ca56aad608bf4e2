"""Logs a machine can read, and metrics under their names."""

import json
import logging
import sys
from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from oof_pipelines.commands.feed_metrics import FeedCollector
from oof_pipelines.telemetry import JsonFormatter, LineFormatter
from oof_pipelines.workflows.decode_tally import DecodeTally, ProgramTally
from oof_pipelines.workflows.feed_counts import FeedCounts, GeyserCounts


def record(message: str, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("oof_pipelines.x", level, "file.py", 1, message, (), None)
    made.created = 1_771_000_000.1234
    vars(made).update(extra)
    return made


def test_json_lines_hold_the_extra_fields() -> None:
    line = JsonFormatter().format(record('quoted "text"\nof two lines', slot=2**60, reason={1}))
    assert "\n" not in line
    assert json.loads(line) == {
        "at": "2026-02-13T16:26:40.123+00:00",
        "level": "info",
        "logger": "oof_pipelines.x",
        "event": 'quoted "text"\nof two lines',
        "slot": 2**60,
        "reason": "{1}",
    }


def test_an_exception_is_part_of_the_line() -> None:
    made = record("failed", logging.ERROR)
    try:
        raise ValueError("why")
    except ValueError:
        made.exc_info = sys.exc_info()
    assert "ValueError: why" in json.loads(JsonFormatter().format(made))["exception"]
    assert LineFormatter().format(made).startswith("16:26:40 error: failed\nTraceback")


def test_lines_for_people_are_short_and_single() -> None:
    assert LineFormatter().format(record("stored", slot=7)) == "16:26:40 stored slot=7"
    assert "\n" not in LineFormatter().format(record("refused", logging.WARNING, reason="two\nlines"))


def test_counts_are_metrics() -> None:
    registry = CollectorRegistry()
    counts = FeedCounts(stored=3, newest_slot=9)
    tally = DecodeTally(transactions=5, decoded=4, conserved=4)
    pumpfun = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"
    tally.by_program = {
        pumpfun: ProgramTally(2, 1, 300, 20, 40, 3, 1), "unknown one": ProgramTally(1), "unknown two": ProgramTally(1)
    }  # fmt: skip
    registry.register(FeedCollector(counts, tally, Counter({("getSlot", "answered"): 2})))
    counts.stored += 1
    text = generate_latest(registry).decode()
    assert "oof_feed_stored_total 4.0" in text
    assert "oof_feed_newest_slot 9.0" in text
    assert "oof_decode_stored_total 5.0" in text
    assert "oof_decode_conserved_total 4.0" in text
    assert 'oof_decode_program_residual_total{program="pumpfun"} 1.0' in text
    assert 'oof_decode_program_residual_lamports_total{program="pumpfun"} 20.0' in text
    assert 'oof_decode_program_transactions_total{program="other"} 2.0' in text
    assert 'oof_decode_program_calls_total{program="pumpfun"} 40.0' in text
    assert 'oof_decode_program_unknown_calls_total{program="pumpfun"} 3.0' in text
    assert 'oof_decode_program_unread_calls_total{program="pumpfun"} 1.0' in text
    assert 'oof_decode_program_unknown_calls_total{program="other"} 0.0' in text
    assert 'oof_rpc_calls_total{method="getSlot",outcome="answered"} 2.0' in text


def test_a_geyser_stream_has_counts_of_its_own() -> None:
    registry = CollectorRegistry()
    geyser = GeyserCounts(transactions=7, held=2, lag_slots=40)
    registry.register(FeedCollector(FeedCounts(), DecodeTally(), Counter(), geyser=geyser))
    geyser.drops += 1
    text = generate_latest(registry).decode()
    assert "oof_geyser_transactions_total 7.0" in text
    assert "oof_geyser_drops_total 1.0" in text
    assert "oof_geyser_held 2.0" in text
    assert "oof_geyser_lag_slots 40.0" in text

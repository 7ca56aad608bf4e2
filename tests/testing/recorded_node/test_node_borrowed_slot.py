"""A record without a slot is announced somewhere, but says nothing of the slot it is announced in."""

import json
from pathlib import Path

from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.synthetic_chain import generate


def test_a_borrowed_slot_lends_no_block_time(tmp_path: Path) -> None:
    first, second = generate(7, 2)
    placed = {**first.result, "blockTime": None}
    homeless = {key: value for key, value in second.result.items() if key != "slot"}
    (tmp_path / f"a_{first.signature}.json").write_text(json.dumps(placed))
    (tmp_path / f"b_{second.signature}.json").write_text(json.dumps(homeless))
    assert homeless["blockTime"] is not None
    ledger = load_ledger(tmp_path)
    assert [(entry.slot, entry.has_slot) for entry in ledger.entries] == [(first.slot, True), (first.slot, False)]
    assert ledger.block_time_seconds(0) is None

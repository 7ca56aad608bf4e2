"""What is decoded of every recorded transaction is what was reviewed: no difference, none missing, none more."""

import pytest
from golden_routes import FOLDER, blocks_of, golden_texts, text_of
from recorded_bodies import Recorded

HINT = "read the difference; where it is meant, run tests/decode/write_golden_routes.py and review its diff"


@pytest.fixture(scope="module")
def texts(by_signature: dict[str, Recorded]) -> dict[str, dict[str, str]]:
    return golden_texts(by_signature)


def test_the_files_are_those_of_the_recordings(texts: dict[str, dict[str, str]]) -> None:
    assert {path.name for path in FOLDER.glob("*.txt")} == set(texts)
    assert sum(len(blocks) for blocks in texts.values()) >= 200


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.txt")))
def test_golden_routes(name: str, texts: dict[str, dict[str, str]]) -> None:
    golden, found = blocks_of((FOLDER / name).read_text(encoding="utf-8")), texts[name]
    assert sorted(golden.keys() - found.keys()) == [], "transactions that tell of nothing any more"
    assert sorted(found.keys() - golden.keys()) == [], "transactions that are in no golden file"
    changed = {
        signature: (golden[signature], found[signature])
        for signature in golden
        if golden[signature] != found[signature]
    }
    for signature, (before, after) in changed.items():
        assert after.splitlines() == before.splitlines(), f"{signature}: {HINT}"


def test_a_file_is_read_as_it_is_written() -> None:
    blocks = {"b": "  1 route\n    leg", "a": "  2 launch"}
    assert blocks_of(text_of(blocks)) == blocks
    assert text_of(blocks).startswith("a\n  2 launch\n\nb\n")

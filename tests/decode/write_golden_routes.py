"""Writes golden_routes/*.txt anew: what is decoded of every recorded transaction today.

    python tests/decode/write_golden_routes.py

Run it after a change of the decoder that is meant to change what it says, or after adding recorded transactions; then read
the whole diff. A line that changed without a reason you can give is a fault: the files are only worth what their review was.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from golden_routes import FOLDER, golden_texts, text_of
from recorded_bodies import Recorded, read_recorded
from recorded_data import FIXTURES

from oof_pipelines.chain.body import read_body


def main() -> None:
    """Write the files, remove those that nothing belongs to any more, print how many blocks each has."""
    if not FIXTURES.is_dir():
        raise SystemExit(f"no recorded data: {FIXTURES} is missing (set OOF_FIXTURES to point at it)")
    by_signature: dict[str, Recorded] = {}
    for one in read_recorded(FIXTURES):
        by_signature.setdefault(read_body(one.body).signature, one)
    texts = golden_texts(by_signature)
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        if old.name not in texts:
            old.unlink()
    for name, blocks in sorted(texts.items()):
        (FOLDER / name).write_text(text_of(blocks), encoding="utf-8")
        sys.stdout.write(f"{name} {len(blocks)}\n")


if __name__ == "__main__":
    main()

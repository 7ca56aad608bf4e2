"""What this Python makes of recorded transactions and of damaged ones, a line each: two builds must say the same.

python tests/native/told_by_a_build.py FIXTURES EXECUTIONS      the first line says which build it is
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "decode"))

from mutations import mutate
from recorded_bodies import read_recorded

from oof_pipelines.chain.body import BodyError
from oof_pipelines.chain.native import BUILD
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.testing.synthetic_chain import generate


def told(body: bytes) -> str:
    """The whole result, or what it was refused with."""
    try:
        transaction = parse_transaction(body)
    except BodyError as error:
        return f"{error.reason}: {error.detail}"
    return repr(decode_transaction(transaction))


def damaged(bodies: list[bytes], executions: int) -> Iterator[bytes]:
    """Bodies with a few things changed, some of them again and again."""
    dice = Random(1)
    pool = list(bodies)
    for _ in range(executions):
        body = mutate(dice.choice(pool), dice)
        if dice.random() < 0.2:
            pool.append(body)
        yield body


def _say(line: str) -> None:
    sys.stdout.write(line.replace("\n", " ") + "\n")


def main(fixtures: Path, executions: int) -> None:
    _say(BUILD)
    recorded = [one.body for one in read_recorded(fixtures)] if fixtures.is_dir() else []
    for body in recorded:
        _say(told(body))
    made = [one.to_json_bytes(encoding) for one in generate(1, 60) for encoding in ("json", "base64")]
    small = [body for body in recorded if len(body) < 30_000][:: max(1, len(recorded) // 60)]
    for body in damaged(made + small, executions):
        _say(told(body))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

"""A coverage-guided fuzzer over bodies and instruction data.

It damages bodies of the synthetic chain and keeps each that drove parser or decoder along a way not gone before, to damage
it further. What comes out must be refused by name or decoded soundly (`verdict.judge`). Everything follows from the seed:
the same seed makes the same bodies and finds the same ways. The corpus lives in memory.

    python tests/decode/fuzz_decode.py --executions 200000 --seed 7      runs longer, prints how far it got

A body that breaks something is printed with its execution's number, whole, so that it can become a test.
"""

import argparse
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

from mutations import mutate
from verdict import judge

import oof_pipelines.chain.transaction
import oof_pipelines.decode
from oof_pipelines.decode.curve import is_off_curve
from oof_pipelines.testing.synthetic_chain import generate

_TRANSACTION_FILE = oof_pipelines.chain.transaction.__file__
_DECODE_FOLDER = str(Path(oof_pipelines.decode.__path__[0]))
_SEED_BODIES = 80

Way = tuple[str, int, int]
"""File, the line left (0 where a call begins), the line come to."""


class BrokenError(AssertionError):
    """A body that was decoded as none may be."""

    def __init__(self, execution: int, body: bytes, cause: Exception) -> None:
        super().__init__(f"execution {execution}: {type(cause).__name__}: {cause}\n{body!r}")
        self.body = body


@dataclass(slots=True)
class Outcome:
    """What a run did. `ways_of_seeds` were gone by the undamaged bodies, `ways` by all."""

    executions: int = 0
    ways_of_seeds: int = 0
    ways: set[Way] = field(default_factory=set)
    corpus: list[bytes] = field(default_factory=list)
    verdicts: dict[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Of all bodies that were kept, in their order."""
        return sha256(b"\0".join(self.corpus)).hexdigest()


def fuzz(seed: int, executions: int) -> Outcome:
    """Run a number of executions; `BrokenError` at the first body that is decoded as none may be."""
    dice = Random(seed)
    outcome = Outcome()
    is_off_curve.cache_clear()  # what an earlier run left there would be a way not gone in this one
    for transaction in generate(seed, _SEED_BODIES):
        body = transaction.to_json_bytes("json")
        _execute(body, outcome)
        outcome.corpus.append(body)
    outcome.ways_of_seeds = len(outcome.ways)
    while outcome.executions < executions:
        # The newest half is drawn as often as the rest: what just led somewhere new may lead further.
        first = len(outcome.corpus) // 2 if dice.random() < 0.5 else 0
        body = mutate(outcome.corpus[dice.randrange(first, len(outcome.corpus))], dice)
        if _execute(body, outcome) and len(body) < 100_000:
            outcome.corpus.append(body)
    return outcome


def _execute(body: bytes, outcome: Outcome) -> bool:
    """Judge one body; whether it went a way that was new."""
    outcome.executions += 1
    before = len(outcome.ways)
    previous_tracer = sys.gettrace()
    sys.settrace(_tracer(outcome.ways))
    try:
        verdict = judge(body)
    except Exception as error:
        raise BrokenError(outcome.executions, body, error) from error
    finally:
        sys.settrace(previous_tracer)
    outcome.verdicts[verdict] = outcome.verdicts.get(verdict, 0) + 1
    return len(outcome.ways) > before


def _tracer(ways: set[Way]) -> Any:
    """A trace function that notes the ways gone in the parser and the decoder, and leaves all other code alone."""

    def enter(frame: FrameType, _event: str, _argument: object) -> Any:
        file = frame.f_code.co_filename
        if file != _TRANSACTION_FILE and not file.startswith(_DECODE_FOLDER):
            return None
        last = 0

        def step(frame: FrameType, event: str, _argument: object) -> Any:
            nonlocal last
            if event == "line":
                ways.add((file, last, frame.f_lineno))
                last = frame.f_lineno
            return step

        return step

    return enter


def main() -> None:
    """Parse the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    outcome = fuzz(arguments.seed, arguments.executions)
    kept = len(outcome.corpus) - _SEED_BODIES
    sys.stdout.write(
        f"seed={arguments.seed} executions={outcome.executions} ways={len(outcome.ways)} "
        f"of_seeds={outcome.ways_of_seeds} kept={kept} verdicts={outcome.verdicts}\n"
    )


if __name__ == "__main__":
    main()

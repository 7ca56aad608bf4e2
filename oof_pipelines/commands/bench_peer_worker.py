"""Our side of `oof bench decode --peer`: bodies of a file, one a line, from bytes to moves, routes and actions.

`python -m oof_pipelines.commands.bench_peer_worker BODIES PASSES` prints one JSON line: `Timed`. It is a process of its
own, as the peer's is, so that neither pays for what the command itself has loaded.
"""

import math
import sys
import time
from pathlib import Path

import msgspec

from oof_pipelines.chain.native import BUILD
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction

_WARM_UP_TRANSACTIONS = 300


class Timed(msgspec.Struct, frozen=True):
    """How many transactions one pass has, the processor seconds of one pass on average, and which build took them."""

    transactions: int
    from_bytes_seconds: float
    build: str


def measure(bodies: list[bytes], passes: int) -> Timed:
    """Decode all bodies `passes` times, after a warm-up; each result is dropped before the next is made."""
    _decode(bodies, max(1, math.ceil(_WARM_UP_TRANSACTIONS / len(bodies))))
    started_s = time.process_time()
    _decode(bodies, passes)
    return Timed(len(bodies), (time.process_time() - started_s) / passes, BUILD)


def _decode(bodies: list[bytes], passes: int) -> None:
    for _ in range(passes):
        for body in bodies:
            decode_transaction(parse_transaction(body))


def main(arguments: list[str]) -> None:
    """Measure what the arguments name."""
    bodies_file, passes = arguments
    measured = measure(Path(bodies_file).read_bytes().splitlines(), int(passes))
    print(msgspec.json.encode(measured).decode(), flush=True)  # noqa: T201 - a line to the parent process


if __name__ == "__main__":
    main(sys.argv[1:])

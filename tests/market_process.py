"""A market of its own process, as `oof market-node` serves it, with the settings that lead there."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from recorded_data import REPOSITORY_ROOT

SETTINGS = 6


@contextmanager
def market_process(faults: str = "", seed: int = 1) -> Iterator[dict[str, str]]:
    """The settings of a server that is ended with the block."""
    command = [sys.executable, "-m", "oof_pipelines", "market-node", "--port", "0", "--seed", str(seed)]
    if faults:
        command += ["--faults", faults]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY_ROOT) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline().strip() for _ in range(SETTINGS + 1)]
            assert lines[0].startswith("market-node: "), lines
            yield dict(line.split("=", 1) for line in lines[1:])
        finally:
            process.terminate()

"""Stages of long work as lines on stderr: what is being done, and at its end what came of it and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from oof_pipelines.commands.steps import Steps, Task


class Stage:
    """One stage under way. `result` is what its last line will say."""

    def __init__(self, steps: Steps, task: Task) -> None:
        self._steps = steps
        self._task = task
        self.result = ""

    def show(self, done: int, total: int) -> None:
        """How far it has come, on a terminal; `total` is 0 where it is not known yet."""
        self._steps.show(self._task, done, total or done + 1)


class Stages:
    """Says each stage with counts and seconds. Use as a context manager."""

    def __init__(self) -> None:
        self._steps = Steps()

    def __enter__(self) -> "Stages":
        self._steps.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._steps.__exit__(*exception)

    @contextmanager
    def stage(self, description: str) -> Iterator[Stage]:
        """A stage; where it ends without an error, its result and its seconds are said."""
        began_at_s = time.monotonic()
        with self._steps.step(description) as task:
            stage = Stage(self._steps, task)
            yield stage
        seconds = time.monotonic() - began_at_s
        self.say(f"{description}: {stage.result or 'done'}, {seconds:.1f} s")

    def say(self, text: str) -> None:
        """A line by itself."""
        self._steps.say(text)

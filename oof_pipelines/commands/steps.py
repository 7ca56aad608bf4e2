"""Progress of long work: bars on a terminal, one line a step elsewhere. On stderr, so that results stay alone on stdout."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

Task = TaskID


class Steps:
    """A list of steps, each with its bar. Use as a context manager."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            SpinnerColumn(finished_text="✓"),
            # Descriptions hold names of folders: neither brackets nor colons in them are markup.
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> "Steps":
        self._progress.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._progress.stop()

    @contextmanager
    def step(self, description: str, total: int | None = None) -> Iterator[Task]:
        """A step; it is done when the block ends without an error."""
        if not self._console.is_terminal:
            self.say(description)
        task = self._progress.add_task(description, total=total)
        yield task
        shown = self._progress.tasks[task].total or 1
        self._progress.update(task, total=shown, completed=shown)

    def describe(self, task: Task, description: str) -> None:
        """Say more of a step, now that more is known."""
        self._progress.update(task, description=description)
        if not self._console.is_terminal:
            self.say(description)

    def say(self, text: str) -> None:
        """A line by itself, above the bars."""
        self._console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def show(self, task: Task, completed: int, total: int) -> None:
        """How far a step has come."""
        self._progress.update(task, completed=completed, total=total)

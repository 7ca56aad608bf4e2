"""A job's handler at work in a thread of its own, and what it tells on its way."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from oof_pipelines.job_interfaces import Job, JobOutcome


class JobStoppedError(Exception):
    """Raised in a handler as it tells progress: the job is not wanted any more, or somebody else will do it."""


class Progress(Protocol):
    """What a handler tells on its way; `total` is 0 where it is not known. Raises `JobStoppedError`."""

    def __call__(self, stage: str, done: int, total: int) -> None: ...


JobHandler = Callable[[Job, Progress], JobOutcome]
"""Does a job. Raises `PoisonedJobError` where nothing ever will; after any other error it is tried again."""


class RunningJob:
    """Begins at once. `ended` says that `outcome`, or `error`, is there; `wake` is set then too.

    The rest is the serving thread's own: when it told and heard of the job last, by the monotonic clock; since when the
    handler is told to stop; whether the job is another's.
    """

    def __init__(self, job: Job, handler: JobHandler, now_s: float, wake: threading.Event) -> None:
        self.job = job
        self.told_s = self.beaten_s = now_s
        self.stopped_s: float | None = None
        self.is_lost = False
        self.ended = threading.Event()
        self.outcome: JobOutcome | None = None
        self.error: BaseException | None = None
        self._handler = handler
        self._wake = wake
        self._turn = threading.Lock()
        self._latest: Mapping[str, Any] | None = None
        self._is_stopping = threading.Event()
        threading.Thread(target=self._run, name=f"job {job.id}", daemon=True).start()

    def stop(self, now_s: float) -> None:
        """Have the handler stop as it tells its next progress."""
        if self.stopped_s is None:
            self.stopped_s = now_s
            self._is_stopping.set()

    def take_latest(self) -> Mapping[str, Any] | None:
        """The last progress, where it was not taken yet."""
        with self._turn:
            latest, self._latest = self._latest, None
            return latest

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._is_stopping.is_set():
            raise JobStoppedError
        with self._turn:
            self._latest = {"stage": stage, "done": done, "total": total}

    def _run(self) -> None:
        try:
            self.outcome = self._handler(self.job, self._tell)
        except BaseException as error:  # Whatever it is, the serving thread decides.
            self.error = error
        finally:
            self.ended.set()
            self._wake.set()

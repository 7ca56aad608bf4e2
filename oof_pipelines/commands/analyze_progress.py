"""The stages of an analysis as lines on stderr: each as it ends, with what came of it and how long it took."""

from contextlib import ExitStack
from types import TracebackType

from oof_pipelines.analysis_work import ANALYSIS, CERTIFICATES, DAYS, WALLETS
from oof_pipelines.commands.analyze_stages import Stage, Stages
from oof_pipelines.workflows.ingest_slots import FETCHING, FINALISING, LISTING


class AnalysisProgress:
    """Called with a stage, how much of it is done and how much there is; a new stage ends the one before.

    Use as a context manager: it ends the last stage, and says nothing of one that ended in an error.
    """

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._opened = ExitStack()
        self._name = ""
        self._stage: Stage | None = None

    def __enter__(self) -> "AnalysisProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def __call__(self, name: str, done: int, total: int) -> None:
        if self._stage is None or name != self._name:
            self._opened.close()
            self._name = name
            self._stage = self._opened.enter_context(self._stages.stage(name))
        self._stage.show(done, total)
        self._stage.result = _words(name, done, total)


def _words(name: str, done: int, total: int) -> str:
    part = f"{done:,}" if done >= total else f"{done:,} of {total:,}"
    return {
        LISTING: f"{part} listed",
        FETCHING: f"{part} done",
        FINALISING: f"{part} done",
        DAYS: f"{part} brought up to date",
        WALLETS: f"{part} buckets brought up to date",
        ANALYSIS: f"{part} events",
        CERTIFICATES: f"{part} made",
    }.get(name, part)

"""What follows the wallet buckets outside Dagster: their positions, then the moments found in them."""

from collections.abc import Callable

from oof_pipelines.position_work import PositionWork, open_position_work
from oof_pipelines.settings import Settings
from oof_pipelines.workflows.positions_bucket import InvalidPositionsError


def make_positions_and_moments(url: str, settings: Settings, say: Callable[[str], None]) -> list[str]:
    """Make positions and moments of every bucket that lags; `say` is told each file's rows and digest.

    Returns a line for each bucket that breaks a check and stays as it was, and for each check that only watches and failed.
    Raises `ConfigFileError`, `ExchangeConfigError` and `DetectorConfigError`.
    """
    with open_position_work(url, settings) as work:
        return [*_positions(work, say), *_moments(work, say)]


def _positions(work: PositionWork, say: Callable[[str], None]) -> list[str]:
    failures = []
    for report in work.make_positions(work.lagging_positions()):
        if isinstance(report, InvalidPositionsError):
            failures.append(str(report))
            continue
        failures += [f"{report.bucket:02d} {c.name}: {c.detail}" for c in report.checks if not c.has_passed]
        for dataset, file in report.files.items():
            say(f"{dataset} {report.bucket:02d} rows={report.row_counts[dataset]} sha256={file.sha256}")
    return failures


def _moments(work: PositionWork, say: Callable[[str], None]) -> list[str]:
    failures = []
    for report in work.make_moments(work.lagging_moments()):
        if isinstance(report, InvalidPositionsError):
            failures.append(str(report))
            continue
        for dataset, file in report.files.items():
            say(f"{dataset} {report.bucket:02d} rows={report.row_counts[dataset]} sha256={file.sha256}")
    return failures

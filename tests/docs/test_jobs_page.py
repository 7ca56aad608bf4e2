"""docs/jobs.md: every status, event and setting is told, and what it says of times and figures is so."""

import re

import click
import pytest
from recorded_data import REPOSITORY_ROOT

from oof_pipelines.commands.jobs import jobs
from oof_pipelines.commands.work import work
from oof_pipelines.job_interfaces import MOST_ATTEMPTS, JobEventKind, JobStatus
from oof_pipelines.job_work import JOBS_AT_ONCE
from oof_pipelines.source_settings import STANDING_RUNS
from oof_pipelines.storage.postgres.jobs import EVENTS_CHANNEL, JOBS_CHANNEL
from oof_pipelines.workflows.serve_jobs import FINISHED_KEPT_SECONDS, LEASE_SECONDS, ServeTerms, retry_delay_seconds

PAGE = (REPOSITORY_ROOT / "docs" / "jobs.md").read_text(encoding="utf-8")


def first_column(heading: str) -> set[str]:
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    rows = re.findall(r"^\|([^|]*)\|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_status_and_event_is_told() -> None:
    assert first_column("What becomes of a job") == {str(status) for status in JobStatus}
    assert first_column("What a job says") == {str(kind) for kind in JobEventKind}


@pytest.mark.parametrize("value", [*STANDING_RUNS, JOBS_CHANNEL, EVENTS_CHANNEL])
def test_settings_and_channels_are_told(value: str) -> None:
    assert f"`{value}`" in PAGE


def test_the_figures_are_those_of_the_code() -> None:
    delays = [f"{retry_delay_seconds(attempts, 0.0):.0f} s" for attempts in range(MOST_ATTEMPTS - 1)]
    assert ", ".join(delays) in re.sub(r"\s+", " ", PAGE)
    assert MOST_ATTEMPTS == 5
    assert (LEASE_SECONDS, ServeTerms().heartbeat_seconds) == (60, 10)
    assert JOBS_AT_ONCE == 2
    assert f"{FINISHED_KEPT_SECONDS // 86_400} days" in PAGE


def test_the_commands_and_options_exist() -> None:
    told = set(re.findall(r"oof jobs (\w+)", PAGE))
    assert told <= set(jobs.commands)
    options = {name for command in (*jobs.commands.values(), work) for name in options_of(command)}
    assert set(re.findall(r"(--[a-z][a-z-]*)", PAGE)) <= options


def options_of(command: click.Command) -> list[str]:
    return [name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)]

"""The webserver's GraphQL API, as the Dagster UI uses it: launch a backfill, ask how it stands."""

import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import click
import httpx

from oof_pipelines.transport.loopback import is_loopback

_TIMEOUT_SECONDS = 60
_POLL_SECONDS = 0.5
_READY_SECONDS = 120

_LAUNCH = """
mutation Launch($parameters: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $parameters) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""

_STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill {
      status
      error { message }
      runs(limit: 100) { id status }
      assetBackfillData { assetBackfillStatuses {
        ... on AssetPartitionsStatusCounts { numPartitionsTargeted numPartitionsMaterialized numPartitionsFailed }
      } }
    }
  }
}
"""

_LAUNCH_RUN = """
mutation LaunchRun($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

_RUN_STATUS = """
query RunStatus($id: ID!) { runOrError(runId: $id) { __typename ... on Run { status } } }
"""

_UNDER_WAY = """
query UnderWay { runsOrError(filter: {statuses: [STARTING, STARTED, CANCELING]}, limit: 1000) {
  __typename
  ... on Runs { results { runId } }
  ... on PythonError { message }
} }
"""

_CANCEL = """
mutation Cancel($ids: [String!]!) {
  terminateRuns(runIds: $ids, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) {
    __typename
    ... on PythonError { message }
  }
}
"""

_LOCATION = "oof_pipelines"
_REPOSITORY = "__repository__"
_RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")

_ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
_RUN_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


class DagsterApi:
    """GraphQL against one webserver."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS, trust_env=not is_loopback(address))

    def wait_until_ready(self, check: Callable[[], None]) -> None:
        """Return when the webserver answers; `check` is called meanwhile and raises where it died."""
        deadline_s = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline_s:
            check()
            try:
                if self._http.get("/server_info", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise click.ClickException(f"DAGSTER_WEBSERVER_PORT: the webserver did not answer within {_READY_SECONDS} s")

    def launch_backfill(self, assets: Sequence[str], first: date, last: date, title: str) -> str:
        """Launch a backfill of every day from `first` to `last` and return its id."""
        days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
        parameters = {"partitionNames": days, "assetSelection": [{"path": [name]} for name in assets], "title": title}
        answer = self._ask(_LAUNCH, {"parameters": parameters})["launchPartitionBackfill"]
        if answer["__typename"] != "LaunchBackfillSuccess":
            raise click.ClickException(f"Dagster refused the backfill: {answer.get('message', answer['__typename'])}")
        return str(answer["backfillId"])

    def wait_for_runs(self, backfill_id: str, check: Callable[[], None], timeout_seconds: float) -> None:
        """Return when the backfill has runs and all have ended, well or not; `check` raises where a process died."""

        def have_ended(backfill: dict[str, Any]) -> bool:
            states = [run["status"] for run in backfill.get("runs", [])]
            return _has_ended(backfill) or (bool(states) and all(state in _RUN_ENDED for state in states))

        self._poll(backfill_id, check, have_ended, timeout_seconds)

    def wait_for_backfill(
        self,
        backfill_id: str,
        check: Callable[[], None],
        on_progress: Callable[[int, int], None],
        timeout_seconds: float,
    ) -> None:
        """Return when the backfill has succeeded; `on_progress` hears (partitions done, partitions wanted)."""

        def has_ended(backfill: dict[str, Any]) -> bool:
            counts = _counts(backfill)
            done = sum(count["numPartitionsMaterialized"] for count in counts)
            on_progress(done, sum(count["numPartitionsTargeted"] for count in counts))
            return _has_ended(backfill)

        backfill = self._poll(backfill_id, check, has_ended, timeout_seconds)
        if backfill["status"] != "COMPLETED_SUCCESS":
            detail = (backfill.get("error") or {}).get("message", "the run's log says why")
            raise click.ClickException(f"the backfill ended as {backfill['status']}: {detail}")

    def cancel_left_over_runs(self) -> int:
        """Cancel runs that a Dagster which was killed left as running, and return how many they were.

        A run lives in its code server and dies with it, but nothing says so: it would hold its pools, and keep the sensors
        from asking for another, for good. To be called while no daemon runs.
        """
        runs = self._ask(_UNDER_WAY, {})["runsOrError"]
        if runs["__typename"] != "Runs":
            raise click.ClickException(f"Dagster does not list its runs: {runs.get('message', runs['__typename'])}")
        ids = [run["runId"] for run in runs["results"]]
        if ids:
            self._ask(_CANCEL, {"ids": ids})
        return len(ids)

    def run_job(
        self, job: str, first_key: str, last_key: str, check: Callable[[], None], timeout_seconds: float
    ) -> None:
        """Run a job over a range of partitions and return when it has succeeded; `check` raises where a process died."""
        tags = [{"key": key, "value": value} for key, value in zip(_RANGE_TAGS, (first_key, last_key), strict=True)]
        selector = {"repositoryLocationName": _LOCATION, "repositoryName": _REPOSITORY, "jobName": job}
        parameters = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        answer = self._ask(_LAUNCH_RUN, {"parameters": parameters})["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise click.ClickException(f"Dagster refused to run {job}: {answer.get('message', answer['__typename'])}")
        run_id = answer["run"]["runId"]
        deadline_s = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline_s:
            check()
            status = self._ask(_RUN_STATUS, {"id": run_id})["runOrError"].get("status")
            if status == "SUCCESS":
                return
            if status in _RUN_ENDED:
                raise click.ClickException(f"{job} ended as {status}; run {run_id} says why")
            time.sleep(_POLL_SECONDS)
        raise click.ClickException(f"{job} did not end within {timeout_seconds:.0f} s")

    def _poll(
        self,
        backfill_id: str,
        check: Callable[[], None],
        has_ended: Callable[[dict[str, Any]], bool],
        timeout_seconds: float,
    ) -> dict[str, Any]:
        deadline_s = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline_s:
            check()
            backfill: dict[str, Any] = self._ask(_STATUS, {"id": backfill_id})["partitionBackfillOrError"]
            if backfill["__typename"] != "PartitionBackfill":
                raise click.ClickException(f"Dagster does not know backfill {backfill_id}: {backfill['__typename']}")
            if has_ended(backfill):
                return backfill
            time.sleep(_POLL_SECONDS)
        raise click.ClickException(f"the backfill did not end within {timeout_seconds:.0f} s")

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        response = self._http.post("/graphql", json={"query": query, "variables": variables})
        response.raise_for_status()
        answer = response.json()
        if answer.get("errors"):
            raise click.ClickException(f"Dagster's API: {answer['errors'][0]['message']}")
        data: dict[str, Any] = answer["data"]
        return data


def _counts(backfill: dict[str, Any]) -> list[dict[str, int]]:
    return [counts for counts in (backfill.get("assetBackfillData") or {}).get("assetBackfillStatuses", []) if counts]


def _has_ended(backfill: dict[str, Any]) -> bool:
    return backfill["status"] in _ENDED

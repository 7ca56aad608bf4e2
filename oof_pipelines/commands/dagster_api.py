"""The webserver's GraphQL API, as the Dagster UI uses it: launch a backfill, ask how it stands."""

import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import click
import httpx

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

_ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}


class DagsterApi:
    """GraphQL against one webserver."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS)

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

    def follow_backfill(
        self, backfill_id: str, check: Callable[[], None], on_progress: Callable[[int, int], None], timeout_seconds: float
    ) -> None:
        """Return when the backfill succeeded; `on_progress` hears (partitions done, partitions wanted)."""
        deadline_s = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline_s:
            check()
            backfill = self._ask(_STATUS, {"id": backfill_id})["partitionBackfillOrError"]
            counts = [s for s in (backfill.get("assetBackfillData") or {}).get("assetBackfillStatuses", []) if s]
            done = sum(count["numPartitionsMaterialized"] for count in counts)
            on_progress(done, sum(count["numPartitionsTargeted"] for count in counts))
            status = backfill.get("status", backfill["__typename"])
            if status in _ENDED:
                if status == "COMPLETED_SUCCESS" or (status == "COMPLETED" and not _has_failed(counts)):
                    return
                detail = (backfill.get("error") or {}).get("message", "see the run's log in the UI")
                raise click.ClickException(f"the backfill ended as {status}: {detail}")
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


def _has_failed(counts: list[dict[str, int]]) -> bool:
    return any(count["numPartitionsFailed"] for count in counts)

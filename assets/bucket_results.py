"""What an asset over wallet buckets tells Dagster: what was made of each, a result a check, and what was left as it was."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

import dagster as dg

from assets.partition_events import check_results, fail_after_publishing
from oof_pipelines.workflows.partition_checks import CheckResult
from oof_pipelines.workflows.positions_bucket import InvalidPositionsError
from oof_pipelines.workflows.update_wallets import InvalidBucketError


class MadeBucket(Protocol):
    """One bucket that was made; `files` are by dataset, empty where it has no row."""

    @property
    def bucket(self) -> int: ...

    @property
    def checks(self) -> tuple[CheckResult, ...]: ...

    @property
    def files(self) -> Collection[str]: ...


LeftBucketError = InvalidBucketError | InvalidPositionsError
"""A bucket that broke a check and was left as it was."""

Made = TypeVar("Made", bound=MadeBucket)


def bucket_results(
    context: dg.AssetExecutionContext,
    outcomes: Iterable[Made | LeftBucketError],
    asset_keys: Collection[str],
    checks: Mapping[str, tuple[str, str]],
    record: Callable[[dg.AssetExecutionContext, Made], None],
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    """`checks` are check → (asset, what it says); `record` tells Dagster of each bucket as it is made.

    Raises `dagster.Failure` at the end where buckets broke a check: they were left as they were, the others are published.
    """
    made: list[Made] = []
    errors: list[LeftBucketError] = []
    for outcome in outcomes:
        if isinstance(outcome, LeftBucketError):
            errors.append(outcome)
            continue
        made.append(outcome)
        record(context, outcome)
    checked = [*(bucket.checks for bucket in made), *(error.checks for error in errors)]
    for asset in asset_keys:
        names = [name for name, (its_asset, _) in checks.items() if its_asset == asset]
        yield from check_results(asset, names, checked)
    if errors:
        published = [f"{bucket.bucket:02d}" for bucket in made if bucket.files]
        raise fail_after_publishing(context, dict.fromkeys(asset_keys, published), [str(error) for error in errors])
    for asset in asset_keys:
        yield dg.MaterializeResult(asset_key=asset)

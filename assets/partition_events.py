"""What an asset over many partitions tells Dagster: a row of metadata a partition, a result a check."""

from collections.abc import Iterable, Iterator, Mapping

import dagster as dg

from oof_pipelines.workflows.partition_checks import CheckResult


def check_results(
    asset_key: str, names: Iterable[str], checked: list[tuple[CheckResult, ...]]
) -> Iterator[dg.AssetCheckResult]:
    """One result a check over all partitions of the run: passed if it passed on each, with the failures' details."""
    for name in names:
        results = [result for partition in checked for result in partition if result.name == name]
        failures = [result.detail for result in results if not result.has_passed]
        is_warning = any(result.is_warning for result in results)
        yield dg.AssetCheckResult(
            asset_key=asset_key,
            check_name=name,
            passed=not failures,
            severity=dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR,
            metadata={"partitions_with_rows": len(results), "failures": failures},
        )


def fail_after_publishing(
    context: dg.AssetExecutionContext, published: Mapping[str, Iterable[str]], failures: list[str]
) -> dg.Failure:
    """The failure of a run some of whose partitions were published: those are told to Dagster first.

    `published` are asset key → partition keys. A failed step yields no materialisation of its own, and what is in the
    files must not look missing.
    """
    for asset_key, partition_keys in published.items():
        for key in partition_keys:
            context.log_event(dg.AssetMaterialization(asset_key=asset_key, partition=key))
    description = f"{len(failures)} partitions were left as they were: {'; '.join(failures[:3])}"
    return dg.Failure(description, metadata={"failures": failures}, allow_retries=False)

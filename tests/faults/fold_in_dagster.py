"""`python fold_in_dagster.py ASSET,ASSET DAY…`: those assets of the job fold_inbox, a run a day, in a process of its own."""

import sys

import dagster as dg

from oof_pipelines.definitions import build_definitions


def main(assets: str, *days: str) -> int:
    """The exit status: 0 where every run succeeded."""
    job = build_definitions().resolve_job_def("fold_inbox")
    selection = [dg.AssetKey(name) for name in assets.split(",")]
    with dg.DagsterInstance.ephemeral() as instance:
        for day in days:
            done = job.execute_in_process(
                instance=instance, partition_key=day, asset_selection=selection, raise_on_error=False
            )
            if not done.success:
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""A PostgreSQL that does not wait for the disk: no test of these folders takes its machine away from it."""

import pytest

from oof_pipelines.storage.postgres import cluster
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

_LAZY = "".join(f"{name} = off\n" for name in ("fsync", "synchronous_commit", "full_page_writes"))


def start_lazily(server: EmbeddedPostgres) -> None:
    """Start a server that answers as ours does, and creates and drops databases many times as fast."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cluster, "CONFIGURATION", f"{cluster.CONFIGURATION}\n{_LAZY}")
        server.start()

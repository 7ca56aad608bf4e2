"""A home of its own for a demo, a soak or a benchmark: empty at the start, its server stopped at the end."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oof_pipelines.storage.postgres.server import EmbeddedPostgres


@contextmanager
def fresh_home(home: Path) -> Iterator[None]:
    """An empty folder, whatever an earlier run left in it; what this run leaves stays there for looking at."""
    server = EmbeddedPostgres(home)
    if home.exists():
        server.erase()
        shutil.rmtree(home)
    home.mkdir(parents=True)
    try:
        yield
    finally:
        server.stop()

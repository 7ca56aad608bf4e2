"""Whether files were replaced since they were last looked at.

DuckDB reads a Parquet file's footer and later opens the file anew for its rows. Where another file was renamed into its
place in between, the footer of one meets the bytes of the other: mostly an error, but where both are laid out alike an
answer that mixes them. Seen with DuckDB 2.0.0; so an answer counts only where no file changed while it was read.
"""

from collections.abc import Iterable
from pathlib import Path


class FileVersions:
    """The partition files in `folders` as they are now: inode, time of change in ns, size in bytes."""

    def __init__(self, folders: Iterable[Path]) -> None:
        paths = (path for folder in folders for path in folder.glob("*/*.parquet"))
        self._versions = {path: _version(path) for path in paths}

    def have_changed(self) -> bool:
        """Whether any of them was replaced or is gone. A file that came later is none of them."""
        return any(_version(path) != version for path, version in self._versions.items())


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size

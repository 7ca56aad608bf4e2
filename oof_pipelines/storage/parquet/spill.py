"""Frames put aside on disk while a partition is made that does not fit in memory, as Arrow IPC files."""

from pathlib import Path

import polars as pl

_SUFFIX = ".arrow"


class SpilledFrames:
    """Frames by name in a folder of their own, which is made with the first. Whoever gives the folder removes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counts: dict[str, int] = {}

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Put a frame behind those that the name has. `name` is a file name's beginning."""
        self._folder.mkdir(parents=True, exist_ok=True)
        count = self._counts.get(name, 0)
        frame.write_ipc(self._path(name, count), compression="lz4")
        self._counts[name] = count + 1

    def frames(self, name: str) -> list[pl.DataFrame]:
        """The name's frames in the order in which they came; none where it has none."""
        return [_read(self._path(name, place)) for place in range(self._counts.get(name, 0))]

    def drop(self, name: str) -> None:
        """Remove the name's frames."""
        for place in range(self._counts.pop(name, 0)):
            self._path(name, place).unlink()

    def _path(self, name: str, place: int) -> Path:
        return self._folder / f"{name}-{place:05}{_SUFFIX}"


def _read(path: Path) -> pl.DataFrame:
    # By way of an open file: what is mapped into memory stays there as long as any of its columns does.
    with path.open("rb") as file:
        return pl.read_ipc(file)

"""Hands out the compiled modules instead of their sources, as long as they were made of these sources.

Installed by `make native`; Python imports it when it starts, so it imports nothing itself until it is asked. Where a source
was changed since, all of it runs in Python and one line says so. OOF_PURE_PYTHON=1 says the same without a line.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from pathlib import Path

_PREFIXES = ("oof_pipelines.chain.", "oof_pipelines.decode.", "oof_pipelines.positions.", "oof__mypyc")


class Finder:
    """One of `sys.meta_path`; decides at its first module, for all of them."""

    def __init__(self) -> None:
        self._files: dict[str, str] | None = None

    def find_spec(self, name: str, path: object = None, target: object = None) -> "ModuleSpec | None":
        """Where a compiled module lies; None for any other, which then is found as ever."""
        if not name.startswith(_PREFIXES):
            return None
        if self._files is None:
            self._files = _files()
        file = self._files.get(name)
        if file is None:
            return None
        from importlib.util import spec_from_file_location

        return spec_from_file_location(name, file)


def _files() -> dict[str, str]:
    """Name of a module → its compiled file; nothing where Python is to do it all."""
    import os
    from importlib.machinery import EXTENSION_SUFFIXES
    from pathlib import Path

    if os.environ.get("OOF_PURE_PYTHON", "0") not in ("", "0"):
        return {}
    folder = Path(__file__).resolve().parent / "oof_native"
    house = Path(next(iter(sys.modules["oof_pipelines"].__path__))).resolve().parent
    if not _are_the_same(house, folder / "sources.json"):
        sys.stderr.write("oof: the sources have changed since `make native`, so all of it runs in pure Python\n")
        return {}
    suffix = EXTENSION_SUFFIXES[0]
    return {one.name.removesuffix(suffix): str(one) for one in folder.iterdir() if one.name.endswith(suffix)}


def _are_the_same(house: "Path", digests_file: "Path") -> bool:
    import hashlib
    import json

    try:
        digests = json.loads(digests_file.read_bytes())
        return all(hashlib.sha256((house / one).read_bytes()).hexdigest() == digests[one] for one in digests)
    except (OSError, ValueError):
        return False


sys.meta_path.insert(0, Finder())

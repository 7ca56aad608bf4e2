"""Where sniffio is not installed, say so once.

httpcore imports it anew with every request and lock, and falls back where it cannot. Python does not remember what it did
not find, so each of these imports searches the whole path: about a fifth of what a request costs.
"""

import sys
from importlib.util import find_spec


def note_missing_sniffio() -> None:
    """Let imports of sniffio fail at once where they would fail anyway."""
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]

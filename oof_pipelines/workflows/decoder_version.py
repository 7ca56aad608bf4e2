"""Which decoder this is: a digest of its source, so that nobody has to remember to raise a number."""

import hashlib
from functools import cache
from importlib.resources import files

_PACKAGES = ("oof_pipelines.chain", "oof_pipelines.decode")
_SHOWN_DIGITS = 16


@cache
def decoder_version() -> str:
    """16 hex digits of sha256 over the source of everything that decoding runs through."""
    source = hashlib.sha256()
    for package in _PACKAGES:
        for file in sorted(files(package).iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".py"):
                source.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return source.hexdigest()[:_SHOWN_DIGITS]

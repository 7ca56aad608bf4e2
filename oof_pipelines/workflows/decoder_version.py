"""Which decoder this is: a digest of its source and of the programs it is told of: nobody has to raise a number."""

import hashlib
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_PACKAGES = ("oof_pipelines.chain", "oof_pipelines.decode", "oof_pipelines.market")
# Folds over what is decoded: changing one leaves every decoded file as it is.
_NO_DECODING = ("risk.py", "from_accounts.py")
# What accounts say by themselves, which no transaction is read by.
_NO_DECODING_FOLDERS = ("accounts/",)
# Of the positions only what makes events of a decoded transaction; the engine is a fold over those.
_POSITIONS = "oof_pipelines.positions"
_DECODING_OF_POSITIONS = (
    "beside.py",
    "deeds.py",
    "escrows.py",
    "events.py",
    "from_decoded.py",
    "transaction_costs.py",
)
_SHOWN_DIGITS = 16


def decoder_version(anchor_programs: Collection[str] = ()) -> str:
    """16 hex digits of sha256 over the source of everything that decoding runs through.

    `anchor_programs` are those whose events are decoded (decode/anchor_events.py): another set is another decoder, so that
    days are decoded again; none is the decoder's own version.
    """
    own = _own_version()
    if not anchor_programs:
        return own
    named = ",".join(sorted(set(anchor_programs)))
    return hashlib.sha256(f"{own}|{named}".encode()).hexdigest()[:_SHOWN_DIGITS]


@cache
def _own_version() -> str:
    source = hashlib.sha256()
    for package in _PACKAGES:
        for name, file in _sources(files(package)):
            if name in _NO_DECODING or name.startswith(_NO_DECODING_FOLDERS):
                continue
            _add(source, name, file)
    for name in _DECODING_OF_POSITIONS:
        _add(source, name, files(_POSITIONS) / name)
    return source.hexdigest()[:_SHOWN_DIGITS]


def _add(source: "hashlib._Hash", name: str, file: Traversable) -> None:
    source.update(name.encode() + b"\0" + file.read_bytes() + b"\0")


def _sources(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Every Python file below a folder, with its name from there, in order: venues are a package of their own."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".py"):
            yield prefix + entry.name, entry

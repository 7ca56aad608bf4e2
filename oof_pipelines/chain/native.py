"""What was compiled: the reader of JSON, where `make native` has built it. Nothing here is needed; Python does it all."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

CallRow = tuple[int, int, int, str, list[str], bytes, dict[str, Any] | None]
"""Of an instruction: outer and inner index, height, program, accounts, data, the node's own words."""

TokenRow = tuple[str, str, str | None, int, int, str | None]
"""Of a token account: account, mint, owner, amount, decimals, program."""

Parts = tuple[
    str,
    int | None,
    int | None,
    int | None,
    str,
    Any,
    int,
    int,
    list[str],
    list[CallRow],
    list[int],
    list[int],
    list[TokenRow],
    list[TokenRow],
    list[str],
    int | None,
    bool,
]
"""The fields of a `ParsedTransaction` in their order, and whether each inner instruction has its height recorded."""


def _reader() -> Callable[[bytes], Parts | None] | None:
    try:
        found = import_module("oof_pipelines.chain.transaction_reader")
    except ImportError:
        return None
    read: Callable[[bytes], Parts | None] = found.read_json
    return read


read_json = _reader()
"""The parts of a recorded transaction; None for one that Python must read. None itself in pure Python."""

BUILD = "pure Python" if read_json is None else "compiled"
"""Which build decodes here: the rest of the decoder is compiled where the reader is."""

"""Recorded answers of real services, served in place of made-up ones where the question is the recorded one.

A folder is searched with everything under it, by the names the recordings have: price_v3*.json, quote*.json,
hermes_sse*.txt, overview-dexs-CHAIN.json, summary-dexs-SLUG.json, each plain or gzipped.
"""

import gzip
from pathlib import Path
from typing import Any

import msgspec


class RecordingError(ValueError):
    """A recording that cannot be read; the message names the file."""


class MarketRecordings:
    """What was found under a folder; with none, nothing. Values stay the bytes that were recorded."""

    def __init__(self, folder: Path | None = None) -> None:
        self._prices: dict[str, msgspec.Raw] = {}
        self._quotes: dict[tuple[str, str, str], msgspec.Raw] = {}
        self._overviews: dict[str, msgspec.Raw] = {}
        self._summaries: dict[str, msgspec.Raw] = {}
        self.hermes_events: list[str] = []
        for path in sorted(folder.rglob("*")) if folder else []:
            if path.is_file():
                self._take(path)

    @property
    def has_prices(self) -> bool:
        """Where there are recorded prices, nothing else has a price: slots of two times do not mix."""
        return bool(self._prices)

    @property
    def count(self) -> int:
        """How many answers there are."""
        held = (self._prices, self._quotes, self._overviews, self._summaries, self.hermes_events)
        return sum(len(each) for each in held)

    def price(self, mint: str) -> msgspec.Raw | None:
        return self._prices.get(mint)

    def quote(self, sold_mint: str, bought_mint: str, sold_raw: int) -> msgspec.Raw | None:
        return self._quotes.get((sold_mint, bought_mint, str(sold_raw)))

    def overview(self, chain: str) -> msgspec.Raw | None:
        return self._overviews.get(chain)

    def summary(self, slug: str) -> msgspec.Raw | None:
        return self._summaries.get(slug)

    def _keep_newest(self, mint: str, entry: msgspec.Raw) -> None:
        before = self._prices.get(mint)
        if before is None or _slot_of(before) <= _slot_of(entry):
            self._prices[mint] = entry

    def _take(self, path: Path) -> None:
        name = path.name.removesuffix(".gz")
        stem = name.removesuffix(".json")
        if name.startswith("hermes_sse"):
            lines = _read(path).decode().splitlines()
            self.hermes_events += [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        elif not name.endswith(".json"):
            return
        elif name.startswith("price_v3"):
            for mint, entry in _decoded(path, dict[str, msgspec.Raw]).items():
                self._keep_newest(mint, entry)
        elif name.startswith("quote"):
            quoted = _decoded(path, dict[str, Any])
            key = (quoted.get("inputMint", ""), quoted.get("outputMint", ""), quoted.get("inAmount", ""))
            self._quotes[key] = msgspec.Raw(_read(path))
        elif stem.startswith("overview-dexs-"):
            self._overviews[stem.removeprefix("overview-dexs-")] = _decoded(path, msgspec.Raw)
        elif stem.startswith("summary-dexs-"):
            self._summaries[stem.removeprefix("summary-dexs-")] = _decoded(path, msgspec.Raw)


def _slot_of(entry: msgspec.Raw) -> int:
    return int(msgspec.json.decode(entry, type=dict[str, Any]).get("blockId") or 0)


def _read(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError) as error:
        raise RecordingError(f"{path.name}: cannot be read ({type(error).__name__})") from None


def _decoded(path: Path, kind: Any) -> Any:
    try:
        return msgspec.json.decode(_read(path), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path.name}: {error}") from None

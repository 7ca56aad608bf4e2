"""Klines of SOL in CSV files, plain or gzipped, of three layouts told apart by their heading (OOF_SOL_USD_KLINES).

    timestamp,open,high,low,close,volume      2025-05-30 17:00:00+00:00
    Date,Open,High,Low,Close,Volume           2025-08-05 20:49:00, taken as UTC
    Open time,Open,…,Close time,…             2025-08-19 15:10:00, as Binance's archives have it, with more columns behind

Times are those at which intervals open. How long they are is the shortest step between two rows of the file; a kline's price
is its close, made when it ends.
"""

import csv
import glob
import gzip
import io
import itertools
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from operator import attrgetter
from pathlib import Path

from oof_pipelines.pricing.reference import ReferencePrice
from oof_pipelines.pricing.sol_usd import KLINES, ClosedKline, prices_of_klines

_TIME_COLUMNS = ("timestamp", "date", "open time")
_LONGEST_S = 86_400
_AT = attrgetter("at_s")


class KlineFileError(ValueError):
    """A file of klines that cannot be used; the one-line message names the setting, the file and the line."""


class KlineFiles:
    """Reference prices out of every file that `pattern` (a path or a glob) names. Files are read when first asked."""

    name = KLINES

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._prices: list[ReferencePrice] | None = None

    def prices(self, first_s: int, last_s: int) -> list[ReferencePrice]:
        """Prices made from `first_s` to `last_s`, both included. Raises `KlineFileError`."""
        if self._prices is None:
            klines = [kline for path in self._paths() for kline in read_klines(path)]
            self._prices = sorted(prices_of_klines(klines), key=_AT)
        first = bisect_left(self._prices, first_s, key=_AT)
        return self._prices[first : bisect_right(self._prices, last_s, key=_AT)]

    def _paths(self) -> list[Path]:
        # pathlib's own globbing wants a folder to begin in, and takes no absolute pattern.
        paths = sorted(Path(path) for path in glob.glob(self._pattern) if Path(path).is_file())  # noqa: PTH207
        if not paths:
            raise KlineFileError(f"OOF_SOL_USD_KLINES: no file is called {self._pattern}")
        return paths


def read_klines(path: Path) -> list[ClosedKline]:
    """The klines of one file, in any order. Raises `KlineFileError`."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        rows = list(_rows(path, csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise _error(path, f"cannot be read ({' '.join(str(error).split())})") from None
    opened_at_s = sorted({second for second, _ in rows})
    steps = [later - earlier for earlier, later in itertools.pairwise(opened_at_s)]
    if not steps:
        raise _error(path, "holds fewer than two klines, so that their length is not known")
    length_s = min(steps)
    if length_s > _LONGEST_S:
        raise _error(path, f"its klines are {length_s} s apart: longer than a day")
    return [ClosedKline(second + length_s, length_s, close) for second, close in rows]


def _rows(path: Path, reader: "csv.DictReader[str]") -> Iterator[tuple[int, Decimal]]:
    """(second at which a kline opens, its closing price) of each line."""
    names = {name.strip().lower(): name for name in reader.fieldnames or ()}
    time_column = next((names[name] for name in _TIME_COLUMNS if name in names), None)
    if time_column is None or "close" not in names:
        raise _error(path, f"its heading has none of {', '.join(_TIME_COLUMNS)}, or no close")
    for row in reader:
        opened_at_s = _second(row[time_column])
        close = _price(row[names["close"]])
        if opened_at_s is None or close is None:
            raise _error(path, f"line {reader.line_num} is no kline")
        yield opened_at_s, close


def _second(text: str | None) -> int | None:
    try:
        instant = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return int(instant.timestamp()) if not instant.microsecond else None


def _price(text: str | None) -> Decimal | None:
    try:
        price = Decimal((text or "").strip())
    except InvalidOperation:
        return None
    # More than 18 places, or a price that is none, would not survive being stored.
    is_usable = price.is_finite() and 0 < price < 10**6 and price == round(price, 18)
    return price if is_usable else None


def _error(path: Path, text: str) -> KlineFileError:
    return KlineFileError(f"OOF_SOL_USD_KLINES: {path.name}: {text}")

"""Klines of SOL out of files: three layouts, plain and gzipped, the recorded ones too, and what is no kline."""

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from oof_pipelines.pricing.sol_usd import ClosedKline
from oof_pipelines.storage import kline_files
from oof_pipelines.storage.kline_files import KlineFileError, KlineFiles, read_klines

LAYOUTS = {
    "timestamp": "timestamp,open,high,low,close,volume\n"
    "2025-05-30 17:00:00+00:00,1,3,1,157.78,10\n2025-05-30 17:05:00+00:00,1,3,1,158.5,10\n",
    "date": "Date,Open,High,Low,Close,Volume\n2025-05-30 17:00:00,1,3,1,157.78,10\n2025-05-30 17:05:00,1,3,1,158.5,10\n",
    "binance": "Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume\n"
    "2025-05-30 17:00:00,1,3,1,157.78,10,1748624699999.0,5\n2025-05-30 17:05:00,1,3,1,158.5,10,1748624999999.0,5\n",
}
FIVE_PAST_FIVE_S = 1_748_624_700


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_each_layout_tells_the_same(layout: str, suffix: str, tmp_path: Path) -> None:
    content = LAYOUTS[layout].encode()
    path = tmp_path / f"klines{suffix}"
    path.write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)

    assert read_klines(path) == [
        ClosedKline(FIVE_PAST_FIVE_S, 300, Decimal("157.78")),
        ClosedKline(FIVE_PAST_FIVE_S + 300, 300, Decimal("158.5")),
    ]


def test_of_files_that_overlap_the_shorter_interval_counts_and_bounds_are_kept(tmp_path: Path) -> None:
    (tmp_path / "five.csv").write_text(LAYOUTS["date"])
    (tmp_path / "minutes.csv").write_text(
        "Date,Open,High,Low,Close,Volume\n2025-05-30 17:03:00,1,3,1,1,1\n2025-05-30 17:04:00,1,3,1,2,1\n"
    )
    files = KlineFiles(str(tmp_path / "*.csv"))

    told = [(price.at_s - FIVE_PAST_FIVE_S, price.price_usd, price.source) for price in files.prices(0, 2**40)]
    assert told == [(-60, 1, "klines"), (0, 2, "klines"), (300, Decimal("158.5"), "klines")]
    bounded = files.prices(FIVE_PAST_FIVE_S, FIVE_PAST_FIVE_S + 299)
    assert [price.available_at_s for price in bounded] == [FIVE_PAST_FIVE_S]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its heading has none of timestamp, date, open time"),
        (b"Date,Open\n", "or no close"),
        (b"Date,Close\n2025-05-30 17:00:00,1\n", "fewer than two klines"),
        (b"Date,Close\n2025-05-30,1\n2025-07-30,1\n", "longer than a day"),
        (b"Date,Close\nyesterday,1\n", "line 2 is no kline"),
        *(
            (b"Date,Close\n2025-05-30,%s\n" % price, "line 2 is no kline")
            for price in (b"", b"0", b"-1", b"NaN", b"1e400")
        ),
        (b"Date,Close\n2025-05-30,0.0000000000000000001\n", "line 2 is no kline"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_what_is_no_kline_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(KlineFileError, match=f"OOF_SOL_USD_KLINES: odd.csv: .*{message}"):
        read_klines(path)


def test_a_damaged_archive_and_a_missing_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv.gz"
    path.write_bytes(gzip.compress(LAYOUTS["date"].encode())[:40])
    with pytest.raises(KlineFileError, match=r"odd\.csv\.gz: cannot be read"):
        KlineFiles(str(path)).prices(0, 1)
    with pytest.raises(KlineFileError, match="no file is called"):
        KlineFiles(str(tmp_path / "none*.csv")).prices(0, 1)


@pytest.mark.parametrize(
    ("name", "klines", "length_s"),
    [
        ("SOLUSDT_1m_2025-08.csv", 1_000, 60),
        ("SOLUSDT_5m_2025q2.csv.gz", 16_848, 300),
        ("SOLUSDT_15m_2025q2.csv.gz", 5_616, 900),
        ("binance_SOLUSDT_5m.csv.gz", 6_071, 300),
    ],
)
def test_recorded_files_are_read(name: str, klines: int, length_s: int, fixtures_dir: Path) -> None:
    read = read_klines(fixtures_dir / "klines" / name)
    assert (len(read), {kline.length_s for kline in read}) == (klines, {length_s})
    assert all(50 < kline.close < 300 for kline in read)


def test_an_answer_looks_at_few_of_the_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    class Price:
        def __init__(self, at_s: int) -> None:
            self._at_s = at_s

        @property
        def at_s(self) -> int:
            looked_at.append(self._at_s)
            return self._at_s

    path = tmp_path / "klines.csv"
    path.write_text(LAYOUTS["date"])
    monkeypatch.setattr(kline_files, "prices_of_klines", lambda _klines: [Price(s) for s in reversed(range(4_096))])
    files = KlineFiles(str(path))
    files.prices(0, 0)
    looked_at.clear()
    told = files.prices(100, 102)
    assert len(looked_at) < 40
    assert [price.at_s for price in told] == [100, 101, 102]
    assert files.prices(5_000, 6_000) == files.prices(-5, -1) == []

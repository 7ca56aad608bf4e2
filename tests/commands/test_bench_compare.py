"""Our candles of recorded trades beside those of others, as docs/prices.md publishes them; the bench on a small day."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from recorded_data import REPOSITORY_ROOT

from oof_pipelines.commands.bench_compare import HourBesideGecko, beside_gecko, beside_moralis, fitted_sol_usd
from oof_pipelines.commands.bench_prices import prices

PAGE = (REPOSITORY_ROOT / "docs" / "prices.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hours(fixtures_dir: Path) -> list[HourBesideGecko]:
    return beside_gecko(fixtures_dir)


def test_every_recorded_coin_is_compared(hours: list[HourBesideGecko]) -> None:
    assert len(hours) == 15
    assert len({hour.mint for hour in hours}) == 13
    assert 70 < fitted_sol_usd(hours) < 85


def test_filtered_ranges_are_those_of_the_market_and_unfiltered_ones_absurd(hours: list[HourBesideGecko]) -> None:
    rate = fitted_sol_usd(hours)
    for hour in hours:
        # What is recorded of an hour is part of it: our range lies within Gecko's, but for the fitted rate and what is left.
        assert hour.high * rate < hour.gecko_high_usd * Decimal("1.4")
        assert hour.low * rate > hour.gecko_low_usd / Decimal("1.4")
        assert hour.believed > 15
    assert sum(hour.unfiltered_high * rate > 10 * hour.gecko_high_usd for hour in hours) >= 11
    assert all(hour.unfiltered_low * rate * 50 < hour.gecko_low_usd for hour in hours)


def test_the_page_publishes_what_is_found(hours: list[HourBesideGecko]) -> None:
    rate = fitted_sol_usd(hours)
    wanted = [
        f"| {hour.mint[:8]} | {hour.believed} | {sum(hour.excluded.values())} "
        f"| {hour.low * rate:.2e} … {hour.high * rate:.2e} | {hour.unfiltered_low * rate:.1e} … "
        f"{hour.unfiltered_high * rate:.1e} | {hour.gecko_low_usd:.2e} … {hour.gecko_high_usd:.2e} |"
        for hour in hours
    ]
    assert re.findall(r"^\| [1-9A-HJ-NP-Za-km-z]{8} \| [0-9]+ \|.*$", PAGE, re.MULTILINE) == wanted


def test_stated_prices_of_a_pair_are_its_amounts(fixtures_dir: Path) -> None:
    pair = beside_moralis(fixtures_dir)
    assert (pair.trades, pair.believed, pair.minutes) == (100, 100, 2)
    assert pair.largest_difference_ppm < 1
    assert abs(pair.low - pair.least_stated) < Decimal("0.00001")
    assert abs(pair.high - pair.most_stated) < Decimal("0.00001")


def test_the_bench_measures_three_ways_and_they_agree() -> None:
    done = CliRunner().invoke(prices, ["--trades", "3000", "--rounds", "1"])
    assert done.exit_code == 0, done.output
    believed = {name: int(count.replace(",", "")) for name, count in _BELIEVED.findall(done.output)}
    assert set(believed) == {"ours", "polars", "duckdb"}
    assert believed["polars"] == believed["duckdb"]
    assert 0.97 < believed["ours"] / believed["polars"] < 1.03


_BELIEVED = re.compile(r"^  (ours|polars|duckdb) .* candles of ([0-9,]+) trades$", re.MULTILINE)

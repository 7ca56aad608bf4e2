"""docs/moments.md: every detector and every threshold is on it, with the value the file has."""

import re
from typing import Any

from recorded_data import REPOSITORY_ROOT

from oof_pipelines.config_files import read_config
from oof_pipelines.detectors.extremes import NAMES
from oof_pipelines.detectors.leaderboard import PERIOD_DAYS
from oof_pipelines.detectors.registry import DETECTORS

PAGE = (REPOSITORY_ROOT / "docs" / "moments.md").read_text(encoding="utf-8")
VALUES: dict[str, Any] = read_config("detectors.yaml")  # type: ignore[assignment]
VENUE = re.compile(r"^\| `(\w+)` \| (\d+) \| `(\w+)` \| `(\w+)` \|$", re.MULTILINE)
KIND = re.compile(r"^\| `(\w+)` \| `(\w+)\.py` \| (\d+) \|", re.MULTILINE)
THRESHOLD = re.compile(r"^\| `(\w+)\.(\w+)` \| ([\w. ]+) \|", re.MULTILINE)


def test_every_detector_stands_there_with_its_file_and_version() -> None:
    told = {kind: (module, int(version)) for kind, module, version in KIND.findall(PAGE)}
    assert told == {one.kind: (type(one).__module__.rpartition(".")[2], one.version) for one in DETECTORS}


def test_every_threshold_stands_there_with_its_value() -> None:
    told = {(section, key): value for section, key, value in THRESHOLD.findall(PAGE)}
    kept = {
        (section, key): "by venue" if isinstance(value, dict) else str(value)
        for section, values in VALUES.items()
        for key, value in values.items()
        if section != "prices"
    }
    assert told == kept
    assert f"`prices.least_volume_usd` ({VALUES['prices']['least_volume_usd']} dollars" in PAGE
    assert set(VALUES["prices"]) == {"least_volume_usd"}


def test_every_venue_stands_there_with_its_rule() -> None:
    told = {venue: (int(fee), source, reserves) for venue, fee, source, reserves in VENUE.findall(PAGE)}
    kept = {
        venue: (rule["fee_bps"], rule["fee_from"], rule["reserves"])
        for venue, rule in VALUES["BadRoute"]["pools"].items()
    }
    assert told == kept


def test_extremes_and_periods_stand_there() -> None:
    for name in NAMES:
        assert f"`{name}`" in PAGE or name.replace("_", " ") in PAGE, name
    for period in PERIOD_DAYS:
        assert f"`{period}`" in PAGE

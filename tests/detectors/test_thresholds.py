"""detectors.yaml is read strictly: every mistake is one line that names the file and the key."""

import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from moment_inputs import THRESHOLDS

from oof_pipelines.config_files import read_config
from oof_pipelines.decode.programs import PROGRAMS
from oof_pipelines.detectors.moment import KINDS
from oof_pipelines.detectors.thresholds import DetectorConfigError, read_thresholds

VALUES: dict[str, Any] = read_config("detectors.yaml")  # type: ignore[assignment]


def leaves(values: dict[str, Any], *before: str) -> list[tuple[str, ...]]:
    return [
        key
        for name, value in values.items()
        for key in (leaves(value, *before, name) if isinstance(value, dict) else [(*before, name)])
    ]


def changed(path: tuple[str, ...], change: object = None) -> dict[str, Any]:
    """The file with the key at `path` gone, or with `change` in its place."""
    values = copy.deepcopy(VALUES)
    inner = values
    for name in path[:-1]:
        inner = inner[name]
    if change is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = change
    return values


def refused(values: object) -> str:
    with pytest.raises(DetectorConfigError) as caught:
        read_thresholds(values)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("detectors.yaml: ")
    return message.removeprefix("detectors.yaml: ")


def test_the_file_is_read() -> None:
    assert THRESHOLDS.sold_too_early.least_missed_share_e18 == 25 * 10**16
    assert THRESHOLDS.sold_too_early.least_missed_usd_e18 == 25 * 10**18
    assert THRESHOLDS.bag_holder.least_drawdown_share_e18 == 30 * 10**16
    assert THRESHOLDS.bad_route.least_worse_share_e18 == 10**16
    assert THRESHOLDS.idle.least_seconds == 86_400
    assert (THRESHOLDS.rug.most_close_share_e18, THRESHOLDS.rug.least_hours) == (5 * 10**16, 24)
    assert set(VALUES) == {"prices", *KINDS}


def test_the_venues_are_those_that_are_decoded() -> None:
    assert set(THRESHOLDS.bad_route.pools) <= {program.name for program in PROGRAMS}


@pytest.mark.parametrize("path", leaves(VALUES), ids=".".join)
def test_a_missing_key_is_named(path: tuple[str, ...]) -> None:
    assert refused(changed(path)) == f"{'.'.join(path)} is missing"


@pytest.mark.parametrize("path", leaves(VALUES), ids=".".join)
def test_what_is_no_value_of_a_key_is_named(path: tuple[str, ...]) -> None:
    for strange in (0.25, True, "abc", -1, "-1", [], "NaN", "1e-19", "1e30"):
        assert ".".join(path) in refused(changed(path, strange)), strange


@pytest.mark.parametrize("section", ["", "prices", *KINDS, "BadRoute.pools.pumpswap"])
def test_an_unknown_key_is_named(section: str) -> None:
    path = (*section.split("."), "more") if section else ("more",)
    assert refused(changed(path, "1")) == f"{'.'.join(path)} is no setting"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("S2E",), 5, "S2E holds no settings"),
        (("BadRoute", "pools"), 5, "BadRoute.pools names no venues"),
        (("BHD", "least_drawdown_share"), "1.1", "BHD.least_drawdown_share is no share from 0 to 1"),
        (("S2E", "full_severity_share"), "0", "S2E.full_severity_share must be above 0"),
        (("S2E", "window_days"), 367, "S2E.window_days is no whole number from 1 to 366"),
        (
            ("BadRoute", "pools", "pumpswap", "fee_from"),
            "in",
            "BadRoute.pools.pumpswap.fee_from is not one of input, quote",
        ),
    ],
)
def test_what_is_wrong_is_said(path: tuple[str, ...], value: object, message: str) -> None:
    assert refused(changed(path, value)) == message


def test_no_mapping_at_all() -> None:
    assert refused(None) == "holds no settings"


OTHERS = {"input": "quote", "quote": "input", "vault": "virtual", "virtual": "vault"}


def other(value: object) -> object:
    """A value that a key may have instead: a word's opposite, a number and one, a share or an amount half as large."""
    if isinstance(value, int):
        return value + 1
    return OTHERS.get(str(value)) or format(Decimal(str(value)) / 2, "f")


def test_every_threshold_is_part_of_the_digest() -> None:
    seen = {THRESHOLDS.digest}
    for path in leaves(VALUES):
        value: Any = VALUES
        for name in path:
            value = value[name]
        seen.add(read_thresholds(changed(path, other(value))).digest)
    assert len(seen) == 1 + len(leaves(VALUES))
    assert replace(THRESHOLDS).digest == THRESHOLDS.digest
    assert read_thresholds(dict(reversed(VALUES.items()))).digest == THRESHOLDS.digest

"""The small chart of a run's metadata: well-formed, as tall as its figures, the same every time."""

from base64 import b64decode
from datetime import date
from xml.etree import ElementTree

from oof_pipelines.renderer.month_chart import as_markdown, month_chart

MONTHS = [(date(2024, 1, 1), 100), (date(2024, 2, 1), -50), (date(2024, 5, 1), 0), (date(2024, 6, 1), 1)]


def bars(svg: str) -> list[tuple[int, int, str]]:
    """(top, height, colour) of each bar."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    found = root.findall("{http://www.w3.org/2000/svg}rect")
    return [(int(one.attrib["y"]), int(one.attrib["height"]), one.attrib["fill"]) for one in found]


def test_gains_stand_on_the_line_and_losses_hang_from_it() -> None:
    gain, loss, nothing, least = bars(month_chart(MONTHS, "t"))
    middle = gain[0] + gain[1]
    assert loss[0] == middle
    assert gain[1] == 2 * loss[1]
    assert gain[2] == least[2] != loss[2]
    assert (nothing[1], least[1]) == (0, 1)


def test_it_is_drawn_the_same_whatever_its_size() -> None:
    assert month_chart(MONTHS, "t") == month_chart(list(MONTHS), "t")
    assert (
        bars(month_chart([(month, dollars * 10**15) for month, dollars in MONTHS], "t"))[:2]
        == bars(month_chart(MONTHS, "t"))[:2]
    )
    assert bars(month_chart([], "t")) == []


def test_in_markdown_its_bytes_stand_within() -> None:
    told = as_markdown(month_chart(MONTHS, "t"), "what")
    head, _, data = told.partition("base64,")
    assert head == "![what](data:image/svg+xml;"
    assert b64decode(data.removesuffix(")")).decode() == month_chart(MONTHS, "t")

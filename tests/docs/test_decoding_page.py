"""docs/decoding.md: its table of programs is what is declared, and what it settles is what is true."""

import re

from recorded_data import REPOSITORY_ROOT

from oof_pipelines.decode.programs import PROGRAMS

PAGE = (REPOSITORY_ROOT / "docs" / "decoding.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+?) \| (proven|unproven) \| (.+) \|$", re.MULTILINE)


def test_every_program_stands_in_the_table_as_it_is_declared() -> None:
    told = {
        name: (role, ids.split("<br>"), state == "proven", source)
        for name, role, ids, state, source in ROW.findall(PAGE)
    }
    declared = {
        one.name: (one.role, [f"`{program_id}`" for program_id in one.program_ids], one.is_proven, one.source)
        for one in PROGRAMS
    }
    assert told == declared


def test_names_and_sources_can_stand_in_a_table() -> None:
    for one in PROGRAMS:
        assert one.source.strip(), one.name
        assert "|" not in one.source, one.name
        assert "\n" not in one.source, one.name

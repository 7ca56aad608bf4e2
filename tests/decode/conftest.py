"""Recorded bodies for the decoder's tests."""

from pathlib import Path

import pytest
from made_up_programs import declare
from recorded_bodies import Recorded, read_recorded

from oof_pipelines.chain.body import read_body


@pytest.fixture(scope="session")
def recorded(fixtures_dir: Path) -> list[Recorded]:
    """Every recorded transaction, the whole mainnet block among them."""
    return read_recorded(fixtures_dir)


@pytest.fixture(scope="session")
def by_signature(recorded: list[Recorded]) -> dict[str, Recorded]:
    """The same by signature; of one recorded several times the first."""
    found: dict[str, Recorded] = {}
    for one in recorded:
        found.setdefault(read_body(one.body).signature, one)
    return found


@pytest.fixture
def made_up_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder knows the made-up programs."""
    declare(monkeypatch)

"""What every test may use: the recorded transactions, where they are."""

from pathlib import Path

import pytest
from recorded_data import FIXTURES


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Recorded mainnet data. Tests over it are skipped, loudly, only where the folder is missing."""
    if not FIXTURES.is_dir():
        pytest.skip(f"NO RECORDED DATA: {FIXTURES} is missing (set OOF_FIXTURES to point at it)")
    return FIXTURES

"""What every test may use: the recorded transactions, where they are."""

import os
from pathlib import Path

import pytest

REPOSITORY_ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(os.environ.get("OOF_FIXTURES", REPOSITORY_ROOT.parent / "shared" / "fixtures"))


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Recorded mainnet data. Tests over it are skipped, loudly, only where the folder is missing."""
    if not FIXTURES.is_dir():
        pytest.skip(f"NO RECORDED DATA: {FIXTURES} is missing (set OOF_FIXTURES to point at it)")
    return FIXTURES

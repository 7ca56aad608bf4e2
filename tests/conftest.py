"""What every test may use: the recorded transactions, where they are."""

import signal
from pathlib import Path

import pytest
from recorded_data import FIXTURES


def pytest_configure() -> None:
    """A shell that runs the tests in the background has SIGINT ignored, and all that is started here would inherit that."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Recorded mainnet data. Tests over it are skipped, loudly, only where the folder is missing."""
    if not FIXTURES.is_dir():
        pytest.skip(f"NO RECORDED DATA: {FIXTURES} is missing (set OOF_FIXTURES to point at it)")
    return FIXTURES

"""What every test may use: the recorded transactions, where they are."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from recorded_data import FIXTURES

# No example is judged by the clock: how long one takes depends on what else runs here.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """A shell that runs the tests in the background has SIGINT ignored, and all that is started here would inherit that."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def telling() -> Iterator[None]:
    """Bodies are decoded with trades, liquidity and launches, as `told_rows` are; a test's own patches may come on top."""
    from told_trades import decode_telling

    with pytest.MonkeyPatch.context() as patched:
        decode_telling(patched)
        yield


@pytest.fixture(scope="session")
def fixtures_dir() -> Path:
    """Recorded mainnet data. Tests over it are skipped, loudly, only where the folder is missing."""
    if not FIXTURES.is_dir():
        pytest.skip(f"NO RECORDED DATA: {FIXTURES} is missing (set OOF_FIXTURES to point at it)")
    return FIXTURES

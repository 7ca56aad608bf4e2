"""`oof refresh`: what is due is made, another one at it is said in a line, a loop ends by itself or when it is told to."""

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from refreshed_world import Make, RefreshedWorld, made_worlds, trading_rows

from oof_pipelines.cli import main
from oof_pipelines.refresh_work import RefreshTerms, refresh_standing
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.storage.postgres.touched_wallets import RefreshIsRunningError, refresh_state

make = pytest.fixture(made_worlds)


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """In a folder that the user may enter to whom root hands the server."""
    folder = Path(tempfile.mkdtemp(prefix="oof-r-", dir="/tmp"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home")
    server.start()
    yield server
    server.erase()
    shutil.rmtree(folder)


@pytest.fixture
def world(make: Make, monkeypatch: pytest.MonkeyPatch) -> RefreshedWorld:
    made = make()
    settings = made.settings
    for name, value in {
        "OOF_HOME": str(settings.home),
        "OOF_STORE": str(settings.store),
        "DATABASE_URL": made.url,
        "OOF_SOL_USD_SOURCE": "klines",
        "OOF_SOL_USD_KLINES": settings.sol_usd_klines,
    }.items():
        monkeypatch.setenv(name, value)
    return made


def test_what_is_due_is_made_once(world: RefreshedWorld) -> None:
    world.hear(trading_rows()[:30])
    first = CliRunner().invoke(main, ["refresh"])
    assert first.exit_code == 0, first.output
    [served] = world.select("select count(*) from refresh_log")[0]
    assert first.output.startswith(f"refresh: wallets={served} failed=0 ")
    again = CliRunner().invoke(main, ["refresh"])
    assert again.output.startswith("refresh: wallets=0 failed=0 turns=0 ")


def test_another_one_at_it_is_said_in_a_line(world: RefreshedWorld) -> None:
    with world.refreshing():
        result = CliRunner().invoke(main, ["refresh", "--watch"])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "another process makes touched wallets again" in result.output


def test_a_loop_follows_the_feed_and_says_who_it_is(world: RefreshedWorld) -> None:
    run = "00000000-0000-0000-0000-000000000007"
    stopping = threading.Event()
    terms = RefreshTerms()
    loop = threading.Thread(
        target=refresh_standing, args=(world.settings, lambda: world.url, terms, stopping.is_set), kwargs={"name": run}
    )
    loop.start()
    try:
        _until(lambda: refresh_state(world.url).refreshers == (run,))
        with pytest.raises(RefreshIsRunningError), world.refreshing():
            pass
        world.hear(trading_rows()[:30])
        _until(lambda: world.select("select count(*) from lots")[0][0] > 0)
        state = refresh_state(world.url)
        assert state.served_at is not None
    finally:
        stopping.set()
        loop.join(30)
    assert not loop.is_alive()
    assert refresh_state(world.url).refreshers == ()


def test_a_loop_ends_when_it_is_idle_or_old(world: RefreshedWorld) -> None:
    world.hear(trading_rows()[:30])
    for limits in ({"idle_seconds": 0.5}, {"most_seconds": 0.5}):
        began_s = time.monotonic()
        refresh_standing(world.settings, lambda: world.url, RefreshTerms(**limits), lambda: False)
        assert time.monotonic() - began_s >= 0.5
    assert world.select("select count(*) from touched_wallets where cause = 'event'") == [(0,)]


def test_a_database_that_comes_back_is_waited_for(world: RefreshedWorld) -> None:
    """The connections are cut once while the loop stands."""
    stopping = threading.Event()
    loop = threading.Thread(
        target=refresh_standing, args=(world.settings, lambda: world.url, RefreshTerms(), stopping.is_set)
    )
    loop.start()
    try:
        _until(lambda: refresh_state(world.url).refreshers == ("",))
        world.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and application_name like 'oof refresh%' and pid <> pg_backend_pid()"
        )
        world.hear(trading_rows()[:30])
        _until(lambda: world.select("select count(*) from lots")[0][0] > 0)
    finally:
        stopping.set()
        loop.join(30)


def _until(is_so, seconds: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    deadline_s = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline_s, "did not come true"
        time.sleep(0.05)

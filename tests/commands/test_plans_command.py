"""`oof plans`: what a user sees and does, in a real database."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oof_pipelines.commands.plans import plans
from oof_pipelines.storage.postgres.server import EmbeddedPostgres

WALLET, OTHER = "So11111111111111111111111111111111111111112", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    from tempfile import mkdtemp

    folder = Path(mkdtemp(prefix="oof-p-", dir="/tmp"))
    folder.chmod(0o755)
    monkeypatch.setenv("OOF_HOME", str(folder / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return folder / "home"


def oof(*arguments: str) -> Result:
    return CliRunner().invoke(plans, list(arguments))


def test_a_users_plan_from_beginning_to_end(home: Path) -> None:
    try:
        assert "FREE" in oof("list").stdout
        assert "plan      FREE" in oof("show", "bob").stdout
        assert oof("set", "bob", "LITE", "--until", "2099-01-01T00:00:00Z").exit_code == 0
        shown = oof("show", "bob").stdout
        assert "plan      LITE" in shown
        assert "0 of 5 wallets used" in shown
        assert "depth     365 days" in shown
        assert oof("link", "bob", WALLET).exit_code == 0
        assert "linked to somebody else" in oof("link", "eve", WALLET).stderr
        for number in range(5):
            result = oof("watch", "bob", WALLET if number == 0 else f"{OTHER[:-1]}{number + 1}")
            assert result.exit_code == 0, result.stderr
        assert "bob watches 5 already, which is all that LITE allows" in oof("watch", "bob", OTHER).stderr
        assert oof("unwatch", "bob", WALLET).exit_code == 0
        assert f"bob does not watch {WALLET}" in oof("unwatch", "bob", WALLET).stderr
        assert oof("end", "bob", "LITE").exit_code == 0
        assert "plan      FREE" in oof("show", "bob").stdout
        assert "analyses nothing by itself" in oof("watch", "new", WALLET).stderr
    finally:
        EmbeddedPostgres(home).erase()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "bob", "GOLD"), "CODE: 'GOLD' is none of FREE, LITE, PRO"),
        (("set", "bob", "PRO", "--until", "2020-01-01T00:00:00Z"), "--until: is not after the plan's beginning"),
        (("set", " ", "PRO"), "USER: wants a name"),
        (("end", "bob", "PRO"), "bob has no plan 'PRO'"),
        (("watch", "bob", "nowhere"), "WALLET: 'nowhere' is no address"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(home: Path, arguments: tuple[str, ...], said: str) -> None:
    try:
        result = oof(*arguments)
        assert result.exit_code == 1
        assert said in result.stderr
        assert "Traceback" not in result.output
    finally:
        EmbeddedPostgres(home).erase()

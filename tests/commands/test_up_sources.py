"""What the feed of `oof up` hears where no node is set: the recorded chain, whatever sources the settings name."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from oof_pipelines.commands import up
from oof_pipelines.commands.processes import Child, Processes
from oof_pipelines.settings import load_settings
from oof_pipelines.testing.synthetic_chain import write_chain
from oof_pipelines.transport.loopback import is_loopback


class FeedReachedError(Exception):
    """The feed would be started now, in `environment`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        self.environment = environment


@pytest.mark.parametrize("sources", ["geyser", "logs,geyser"])
def test_a_geyser_server_of_the_settings_is_not_heard_beside_a_recorded_chain(
    sources: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = tmp_path / "chain"
    write_chain(chain, seed=3, transaction_count=5, days=1)
    start = Processes.start

    def start_nothing_but_the_node(
        processes: Processes,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        **options: bool,
    ) -> Child | None:
        if name == "feed":
            raise FeedReachedError(environment or {})
        return start(processes, name, command, environment, **options) if name == "node" else None

    monkeypatch.setattr(Processes, "start", start_nothing_but_the_node)
    monkeypatch.setattr(up, "ready_database_url", lambda *_: "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setattr(up, "dagster_environment", lambda *_: {})
    named = {"OOF_SOURCES": sources, "OOF_GEYSER_URL": "https://a-real-server.example", "OOF_GEYSER_TOKEN": "its-token"}
    settings = load_settings({"OOF_HOME": str(tmp_path / "home"), **named})
    with pytest.raises(FeedReachedError) as reached:
        up._run(settings, chain, 1.0, 1)
    heard = {**named, **reached.value.environment}
    assert is_loopback(heard["OOF_GEYSER_URL"])
    assert heard["OOF_GEYSER_TOKEN"] == ""

"""What docker-compose.yml starts, started here: each service's own command, environment and health check as a local process.

PostgreSQL is the embedded one in the place of the container; ports, folders and host names are the only things replaced.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from container_files import ROOT, SERVICES, dockerfile_steps, interpolated, is_in_context, unneeded_modules

from oof_pipelines.commands.dagster_instance import dagster_environment, program
from oof_pipelines.storage.postgres.server import EmbeddedPostgres
from oof_pipelines.testing.synthetic_chain import write_chain

TRANSACTIONS = 40
READY_SECONDS = 60.0
POLL_SECONDS = 0.25
# What `.env` holds: one source, at an address where nobody is.
DOT_ENV = {"OOF_MARKET_SOURCES": "binance", "OOF_BINANCE_URL": "http://127.0.0.1:9"}
WEBHOOK_SECRET = "open sesame"
LOCATIONS = "{workspaceOrError {... on Workspace {locationEntries {locationOrLoadError {__typename}}}}}"


@dataclass(frozen=True)
class Place:
    """What this machine has in the place of the image's ports, hosts and folders."""

    folder: Path
    database_port: int
    ports: dict[str, int]
    variables: dict[str, str]

    def local(self, text: str) -> str:
        """A string of the compose file or the Dockerfile, as it has to be here."""
        text = text.replace("@postgres:5432/", f"@127.0.0.1:{self.database_port}/").replace("//node:", "//127.0.0.1:")
        text = text.replace("/var/lib/oof", str(self.folder / "home"))
        text = re.sub(r"^/recorded$", str(self.folder / "recorded"), text)
        return re.sub(r"\b(3000|8080|8899|9801|9805)\b", lambda match: str(self.ports[match[0]]), text)

    def environment(self, name: str) -> dict[str, str]:
        """The Dockerfile's variables and the service's, and none of this process: what is missing there is missing here."""
        image_step = next(arguments for step, arguments in reversed(dockerfile_steps()) if step == "ENV")
        image = dict(pair.split("=", 1) for pair in image_step.split())
        image["PATH"] = f"{Path(program('oof')).parent}:/usr/bin:/bin"
        ours = interpolated(SERVICES[name].get("environment", {}), self.variables)
        from_file = DOT_ENV if "env_file" in SERVICES[name] else {}
        every = {key: self.local(value) for key, value in {**image, **from_file, **ours}.items()}
        return {**every, "PYTHONPATH": str(self.folder / "without")}

    def argv(self, command: list[str]) -> list[str]:
        executable = shutil.which(command[0], path=str(Path(program("oof")).parent))
        assert executable is not None, command[0]
        return [executable, *map(self.local, command[1:])]


class LocalServices:
    """Starts services in the order of `depends_on`, each waiting for the conditions named there."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def started(self) -> set[str]:
        return set(self._running)

    def start(self, name: str) -> None:
        if name in self._running or name == "postgres":
            return
        for needed, how in SERVICES[name].get("depends_on", {}).items():
            self.start(needed)
            if how["condition"] == "service_completed_successfully":
                assert self._running[needed].wait(READY_SECONDS) == 0, self.log(needed)
            elif needed != "postgres":
                self.wait_until_healthy(needed)
        with self._log_path(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                self.place.argv(SERVICES[name]["command"]),
                env=self.place.environment(name),
                cwd=self.place.folder / "app",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_healthy(self, name: str) -> None:
        """Run the service's own health check until it passes."""
        _, *check = SERVICES[name]["healthcheck"]["test"]
        deadline_s = time.monotonic() + READY_SECONDS
        while True:
            assert self._running[name].poll() is None, f"{name} ended by itself:\n{self.log(name)}"
            tried = subprocess.run(
                self.place.argv(check), env=self.place.environment(name), capture_output=True, timeout=30, check=False
            )
            if tried.returncode == 0:
                return
            assert time.monotonic() < deadline_s, f"{name}: {tried.stderr.decode()}\n{self.log(name)}"
            time.sleep(POLL_SECONDS)

    def end(self, name: str) -> int:
        """Ask as an engine does, and return the exit status within the service's grace period."""
        process = self._running[name]
        process.send_signal(signal.SIGTERM)
        return process.wait(float(SERVICES[name]["stop_grace_period"].removesuffix("s")))

    def kill(self) -> None:
        for process in self._running.values():
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            finally:
                process.wait(10)

    def log(self, name: str) -> str:
        return self._log_path(name).read_text(encoding="utf-8", errors="replace")

    def _log_path(self, name: str) -> Path:
        return self.place.folder / f"{name}.log"


@contextmanager
def prepared_place(folder: Path) -> Iterator[Place]:
    """A folder like the image's /app, a synthetic chain, an embedded PostgreSQL and free ports."""
    (folder / "home").mkdir()
    (folder / "app").mkdir()
    for path in ROOT.iterdir():
        if is_in_context(path.name):
            (folder / "app" / path.name).symlink_to(path)
    hide_unneeded_modules(folder / "without")
    write_chain(folder / "recorded", seed=1, transaction_count=TRANSACTIONS)
    server = EmbeddedPostgres(folder / "database")
    address = urlsplit(server.start())
    assert address.password is not None
    assert address.port is not None
    variables = {
        "POSTGRES_PASSWORD": address.password,
        "OOF_FOLLOW": "allWithVotes",
        "HELIUS_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    try:
        yield Place(folder, address.port, free_ports(), variables)
    finally:
        server.erase()


def hide_unneeded_modules(folder: Path) -> None:
    """Fill a folder for PYTHONPATH with which nothing can be imported that the Dockerfile takes out of the image."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n\n\nclass Absent:\n"
        f"    names = frozenset({sorted(unneeded_modules())!r})\n\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in self.names:\n"
        "            raise ModuleNotFoundError(f'{name} is not in the image', name=name)\n\n\n"
        "sys.meta_path.insert(0, Absent())\n",
        encoding="utf-8",
    )


def free_ports() -> dict[str, int]:
    """Free ports for those of the compose file; the node's has a free neighbour, for its WebSocket."""
    for _ in range(50):
        with (
            socket.socket() as web,
            socket.socket() as node,
            socket.socket() as feed,
            socket.socket() as market,
            socket.socket() as api,
            socket.socket() as neighbour,
        ):
            for one in (web, node, feed, market, api):
                one.bind(("0.0.0.0", 0))  # noqa: S104 - as the services do
            port = node.getsockname()[1]
            try:
                neighbour.bind(("0.0.0.0", port + 1))  # noqa: S104
            except (OSError, OverflowError):
                continue
            return {
                "3000": web.getsockname()[1],
                "8080": api.getsockname()[1],
                "8899": port,
                "9801": feed.getsockname()[1],
                "9805": market.getsockname()[1],
            }
    raise AssertionError("no two neighbouring ports are free")


def is_open_to_others(port: int) -> bool:
    """Whether a port listens on more than 127.0.0.1, as it must for another container to reach it."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.2", port)) == 0


def stored_count(place: Place) -> int:
    text = httpx.get(f"http://127.0.0.1:{place.ports['9801']}/metrics", timeout=5).text
    found = re.search(r"^oof_feed_stored_total (\S+)$", text, re.MULTILINE)
    assert found is not None, text
    return int(float(found[1]))


def wait_for_all_stored(place: Place) -> None:
    deadline_s = time.monotonic() + READY_SECONDS
    while stored_count(place) < TRANSACTIONS:
        assert time.monotonic() < deadline_s, f"{stored_count(place)} of {TRANSACTIONS} transactions were stored"
        time.sleep(POLL_SECONDS)


def test_the_services_start_become_healthy_work_and_end(tmp_path: Path) -> None:
    with prepared_place(tmp_path) as place:
        services = LocalServices(place)
        try:
            for name in ("feed", "worker", "api", "webserver", "daemon", "market"):
                services.start(name)
            assert re.search(r"^applied 0001_\w+\.sql$", services.log("migrate"), re.MULTILINE)
            assert services.started == set(SERVICES) - {"postgres"}
            for name in ("node", "feed", "worker", "api", "webserver", "daemon", "market"):
                services.wait_until_healthy(name)
            assert [port for port, here in place.ports.items() if not is_open_to_others(here)] == []
            check_what_they_do(place)
            in_order = ("daemon", "market", "webserver", "api", "worker", "feed", "node")
            assert {name: services.end(name) for name in in_order} == dict.fromkeys(in_order, 0)
            assert [name for name in SERVICES if name != "postgres" and "Traceback" in services.log(name)] == []
        finally:
            services.kill()


def test_what_leaves_the_image_is_absent_here_too(tmp_path: Path) -> None:
    hide_unneeded_modules(tmp_path / "without")
    place = Place(
        tmp_path,
        5432,
        {"3000": 3000, "8080": 8080, "8899": 8899, "9801": 9801, "9805": 9805},
        {"POSTGRES_PASSWORD": "any"},
    )
    for module, is_there in (("pytest", False), ("mypy.api", False), ("dagster_webserver", True)):
        tried = subprocess.run(
            place.argv(["python", "-c", f"import {module}"]),
            env=place.environment("migrate"),
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert (tried.returncode == 0) is is_there, tried.stderr.decode()


def check_what_they_do(place: Place) -> None:
    wait_for_all_stored(place)
    hint = {"signature": "1" * 63 + "2", "slot": 1}
    api = f"http://127.0.0.1:{place.ports['8080']}"
    statuses = [
        httpx.post(f"{api}/webhooks/helius", json=[hint], headers={"Authorization": shown}, timeout=5).status_code
        for shown in ("close sesame", WEBHOOK_SECRET)
    ]
    assert statuses == [401, 200]
    assert httpx.get(f"{api}/v1/health", timeout=5).json()["checks"]["feed"]["status"] == "ok"
    answer = httpx.post(f"http://127.0.0.1:{place.ports['3000']}/graphql", json={"query": LOCATIONS}, timeout=30).json()
    entries = answer["data"]["workspaceOrError"]["locationEntries"]
    assert [entry["locationOrLoadError"]["__typename"] for entry in entries] == ["RepositoryLocation"], json.dumps(
        answer
    )
    # Compose sets by hand what `oof up` works out: the two must say the same.
    environment = place.environment("daemon")
    database = environment["DATABASE_URL"]
    worked_out = dagster_environment(
        database.replace("oof@", f"oof:{environment['PGPASSWORD']}@"), place.folder / "home"
    )
    worked_out.pop("OOF_DAGSTER_POSTGRES_URL")
    assert {name: environment.get(name) for name in worked_out} == worked_out

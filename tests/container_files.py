"""docker-compose.yml, Dockerfile and .dockerignore, read as the tests of the containers need them."""

import fnmatch
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLE = re.compile(r"\$\{(?P<name>\w+):(?P<kind>[-?])(?P<rest>[^}]*)\}")


def interpolated(value: Any, variables: Mapping[str, str]) -> Any:
    """What Compose makes of `${NAME:-default}` and `${NAME:?message}`: an empty variable counts as unset."""
    if isinstance(value, dict):
        return {key: interpolated(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [interpolated(part, variables) for part in value]
    if not isinstance(value, str):
        return value

    def replaced(match: re.Match[str]) -> str:
        set_to = variables.get(match["name"])
        if not set_to and match["kind"] == "?":
            raise KeyError(f"{match['name']} {match['rest']}")
        return set_to or match["rest"]

    assert "$" not in VARIABLE.sub("", value), f"an interpolation this test does not know: {value}"
    return VARIABLE.sub(replaced, value)


def dockerfile_steps() -> list[tuple[str, str]]:
    """(instruction, arguments) in order; a here-document is part of its RUN."""
    steps: list[tuple[str, str]] = []
    lines = iter((ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines())
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        while line.endswith("\\"):
            line = line[:-1] + next(lines).lstrip()
        instruction, _, arguments = line.partition(" ")
        if end := re.search(r"<<'(\w+)'", arguments):
            while (inner := next(lines)) != end[1]:
                arguments += "\n" + inner
        steps.append((instruction, arguments))
    return steps


def unneeded_packages() -> set[str]:
    """What the Dockerfile takes out of the image, by its own script, here applied to this environment."""
    script = next(
        arguments for instruction, arguments in dockerfile_steps() if instruction == "RUN" and "<<" in arguments
    )
    code = script.split("\n", 1)[1]
    printed = subprocess.run(
        [sys.executable, "-"], input=code, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return set(printed.stdout.split())


def unneeded_modules() -> set[str]:
    """Top-level modules that come from nothing but packages the image does not keep."""
    unneeded = unneeded_packages()
    return {
        module
        for module, packages in packages_distributions().items()
        if {re.sub(r"[-_.]+", "-", package).lower() for package in packages} <= unneeded
    }


def is_in_context(path: str) -> bool:
    """Whether .dockerignore lets a path into the build: the last pattern that meets it, or a folder above it, decides."""
    is_in = True
    parts = path.split("/")
    prefixes = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted = pattern.removeprefix("!")
        anywhere = wanted.removeprefix("**/")
        if any(fnmatch.fnmatch(p, wanted) or (wanted != anywhere and fnmatch.fnmatch(p, anywhere)) for p in prefixes):
            is_in = pattern.startswith("!")
    return is_in

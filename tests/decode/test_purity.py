"""The decoder stays pure: what it imports, and that its values cannot be changed behind one's back."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

import oof_pipelines.chain
import oof_pipelines.decode
import oof_pipelines.decode.accounts
import oof_pipelines.decode.venues
from oof_pipelines.chain.native import BUILD

FORBIDDEN = {
    "aiohttp", "asyncio", "dagster", "datetime", "duckdb", "httpx", "logging", "os", "pathlib", "psycopg", "random",
    "secrets", "socket", "sqlite3", "subprocess", "threading", "time", "urllib", "uuid", "websockets",
}  # fmt: skip
MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (
        oof_pipelines.chain,
        oof_pipelines.decode,
        oof_pipelines.decode.accounts,
        oof_pipelines.decode.venues,
    )
    for module in pkgutil.iter_modules(package.__path__)
    if not module.ispkg
]


def test_all_packages_of_the_decoder_are_looked_at() -> None:
    found = pkgutil.walk_packages(oof_pipelines.decode.__path__, "oof_pipelines.decode.")
    assert {module.name for module in found if not module.ispkg} <= {*MODULES}
    assert sum(".venues." in name for name in MODULES) >= 40


def source_of(name: str) -> str:
    """Of a module that may run compiled."""
    package, _, module = name.rpartition(".")
    return (Path(next(iter(importlib.import_module(package).__path__))) / f"{module}.py").read_text()


def imported(source: str) -> set[str]:
    """Full names of what a module's source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("name", MODULES)
def test_imports_reach_no_world(name: str) -> None:
    names = imported(source_of(name))
    allowed = {"datetime"} if name.startswith("oof_pipelines.chain") else set()
    assert not {one.partition(".")[0] for one in names} & (FORBIDDEN - allowed)
    own = {one for one in names if one.startswith("oof_pipelines")}
    layers = ("oof_pipelines.chain",) if ".chain." in name else ("oof_pipelines.chain", "oof_pipelines.decode")
    assert all(one.startswith(layers) for one in own)


def is_value(one: object) -> bool:
    return isinstance(one, type) and (dataclasses.is_dataclass(one) or issubclass(one, msgspec.Struct))


def is_frozen(one: Any) -> bool:
    frozen: bool = one.__struct_config__.frozen if issubclass(one, msgspec.Struct) else one.__dataclass_params__.frozen
    return frozen


@pytest.mark.skipif(BUILD == "compiled", reason="COMPILED: make native-clean first, compiled values are not frozen")
def test_values_of_the_decoder_are_frozen() -> None:
    open_on_purpose = {"TokenAccount", "_OpenCall", "_Seen"}  # state of one run, never handed on
    looked_at = set()
    for name in MODULES:
        if ".decode." in name:
            module = importlib.import_module(name)
            for _, one in inspect.getmembers(module, is_value):
                if one.__module__ == name and one.__name__ not in open_on_purpose:
                    looked_at.add(one.__name__)
                    assert is_frozen(one), one
    assert {"Step", "MoveTokens", "Flow", "Gap"} <= looked_at, "of either kind"


def test_no_function_is_long_and_no_file_either() -> None:
    for name in MODULES:
        if ".decode." in name:
            source = source_of(name)
            assert source.count("\n") <= 400, name
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef):
                    assert (node.end_lineno or 0) - node.lineno < 60, f"{name}.{node.name}"

"""The page on adding a decoder is followed: its two files are written as it says, found, and its test is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

from recorded_data import REPOSITORY_ROOT

PAGE = (REPOSITORY_ROOT / "docs" / "adding_a_decoder.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
DECODER, TEST = "oof_pipelines/decode/venues/lagoon.py", "tests/decode/venues/test_lagoon.py"
# What being in the folder does for a real one.
CONFTEST = """
from pathlib import Path
import oof_pipelines.decode.venues
oof_pipelines.decode.venues.__path__.append(str(Path(__file__).parent / "venues"))
"""


def follow(folder: Path, decoder: str) -> subprocess.CompletedProcess[str]:
    (folder / "venues").mkdir()
    (folder / "venues" / "lagoon.py").write_text(decoder, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "test_lagoon.py").write_text(FILES[TEST], encoding="utf-8")
    paths = [REPOSITORY_ROOT, REPOSITORY_ROOT / "tests" / "decode", REPOSITORY_ROOT / "tests"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_decoder_built_from_the_page_works(tmp_path: Path) -> None:
    assert set(FILES) == {DECODER, TEST}
    result = follow(tmp_path, FILES[DECODER])
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_the_pages_test_fails_where_the_layout_is_wrong(tmp_path: Path) -> None:
    swapped = FILES[DECODER].replace("user_source user_destination", "user_destination user_source")
    result = follow(tmp_path, swapped)
    assert result.returncode == 1, result.stdout


def test_the_pages_files_are_in_the_style_of_the_house(tmp_path: Path) -> None:
    for name, text in FILES.items():
        path = tmp_path / Path(name).name
        path.write_text(text, encoding="utf-8")
        config = str(REPOSITORY_ROOT / "pyproject.toml")
        command = [sys.executable, "-m", "ruff", "check", "--config", config, "--ignore", "INP001,S101", str(path)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stdout


def test_the_page_names_what_exists() -> None:
    program = (REPOSITORY_ROOT / "oof_pipelines" / "decode" / "program.py").read_text(encoding="utf-8")
    for word in ("from_slot", "closes", "debits", "from_end", "quiet", "is_proven", "tag_bytes", "source"):
        assert word in PAGE, word
        assert word in program, word

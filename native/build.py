"""`make native`: compiles what decodes and what books positions, from the very files that run without it.

The modules of `chain/` and `decode/` and the engine of `positions/` go through mypyc (classes.py says how they are rewritten
first), the reader of JSON is C of our own (reader/). All of it lands in the site-packages of the environment that runs this,
with a finder (finder.py) that hands it out as long as the sources are the ones it was made of.
`python native/build.py --remove` takes it away again.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOUSE = HERE.parent
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
PACKAGES = ("oof_pipelines/chain", "oof_pipelines/decode", "oof_pipelines/positions")
READER = "oof_pipelines.chain.transaction_reader"
# Of positions/ only what books; the rest makes events, or is there to be slow.
ENGINE = {
    "average_cost.py",
    "book.py",
    "cost_totals.py",
    "episodes.py",
    "exits.py",
    "holdings.py",
    "identity.py",
    "lots.py",
    "pockets.py",
    "position.py",
}
# msgspec has to see these classes as they are written, or nothing of them is in anybody's way.
LEFT_AS_THEY_ARE = {
    "__init__.py",
    "body.py",
    "compression.py",
    "native.py",
    "replaced.py",
    "slot_clock.py",
    "transaction_json.py",
    "wallet_bucket.py",
}
# What accounts say is read outside of decoding, and its structs are asked for their fields by name.
FOLDERS_LEFT_AS_THEY_ARE = {"accounts"}
FOLDER, FINDER, HOOK = "oof_native", "oof_native_finder.py", "oof_native.pth"


def main(arguments: list[str]) -> None:
    """Build, or remove what was built."""
    parser = argparse.ArgumentParser(description="Compile decoder and position engine, or remove them.")
    parser.add_argument("--remove", action="store_true", help="run in pure Python again")
    parser.add_argument(
        "--into", type=Path, default=Path(sysconfig.get_path("platlib")), help="site-packages by default"
    )
    parser.add_argument("--work", type=Path, default=HOUSE / "build" / "native", help="where the C files lie")
    parser.add_argument("--optimise", default="2", choices=("0", "1", "2", "3"), help="the C compiler's -O")
    chosen = parser.parse_args(arguments)
    remove(chosen.into)
    if chosen.remove:
        return
    chosen.work.mkdir(parents=True, exist_ok=True)
    modules = write_sources(chosen.work)
    made = chosen.work / "made"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    _compile(chosen.work, modules, made, chosen.optimise)
    install(made, chosen.into)
    _say(f"native: {len(modules)} modules and the reader compiled; `make native-clean` goes back to pure Python")


def sources() -> Iterator[Path]:
    """Every module of the packages that are compiled, from the house's root."""
    for package in PACKAGES:
        yield from (one.relative_to(HOUSE) for one in sorted((HOUSE / package).rglob("*.py")))


def write_sources(work: Path) -> list[str]:
    """The sources as they are compiled, below `work`; the paths of those that are."""
    from classes import rewritten, with_final_constants

    shutil.rmtree(work / "oof_pipelines", ignore_errors=True)
    compiled = []
    for one in [Path("oof_pipelines/__init__.py"), *sources()]:
        text = (HOUSE / one).read_text()
        if _is_compiled(one):
            compiled.append(str(one))
            text = rewritten(text)
        else:
            text = with_final_constants(text)
        (work / one).parent.mkdir(parents=True, exist_ok=True)
        (work / one).write_text(text)
    return compiled


def _is_compiled(module: Path) -> bool:
    if module.parent.name in FOLDERS_LEFT_AS_THEY_ARE:
        return False
    return module.name in ENGINE if module.parent.name == "positions" else module.name not in LEFT_AS_THEY_ARE


def _compile(work: Path, modules: list[str], made: Path, optimise: str) -> None:
    """mypyc writes C, a file a module; the C compiler runs on as many of them at once as there are cores."""
    from mypyc.build import mypycify

    os.chdir(work)
    flags = [f"--python-version={sys.version_info.major}.{sys.version_info.minor}", "--hide-error-context"]
    extensions = mypycify([*flags, *modules], multi_file=True, group_name="oof", opt_level=optimise, debug_level="0")
    include = {one.name: [*one.include_dirs, str(work / "build"), sysconfig.get_path("include")] for one in extensions}
    files = {one.name: list(one.sources) for one in extensions}
    files[READER] = [str(HERE / "reader" / "transaction_reader.c")]
    include[READER] = [sysconfig.get_path("include")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {
            name: [pool.submit(_object_of, file, include[name], work, optimise) for file in its_files]
            for name, its_files in files.items()
        }
        for name, its_jobs in jobs.items():
            _run([*_command("LDSHARED"), *(job.result() for job in its_jobs), "-o", str(made / f"{name}{SUFFIX}")])


def _object_of(file: str, include: list[str], work: Path, optimise: str) -> str:
    made = work / "objects" / f"{hashlib.sha256(file.encode()).hexdigest()[:16]}.o"
    made.parent.mkdir(exist_ok=True)
    places = [f"-I{place}" for place in include]
    flags = [*_command("CCSHARED"), "-DNDEBUG", "-fwrapv", "-fvisibility=hidden", f"-O{optimise}", "-w"]
    _run([*_command("CC"), *flags, *places, "-c", file, "-o", str(made)])
    return str(made)


def _command(name: str) -> list[str]:
    """How this Python was compiled; CC in the environment goes before the compiler it names."""
    words = str(sysconfig.get_config_var(name) or "").split()
    if name in ("CC", "LDSHARED") and (own := os.environ.get("CC")):
        return [*own.split(), *words[1:]]
    return words


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"native: {' '.join(command)}\n{done.stderr}")


def install(made: Path, into: Path) -> None:
    """Put what was made where Python finds it, and last the line that makes Python look."""
    shutil.copytree(made, into / FOLDER)
    digests = {str(one): hashlib.sha256((HOUSE / one).read_bytes()).hexdigest() for one in sources()}
    (into / FOLDER / "sources.json").write_text(json.dumps(digests))
    shutil.copyfile(HERE / "finder.py", into / FINDER)
    (into / HOOK).write_text("import oof_native_finder\n")


def remove(into: Path) -> None:
    """Take away what was installed, the hook first."""
    for one in (into / HOOK, into / FINDER):
        one.unlink(missing_ok=True)
    shutil.rmtree(into / FOLDER, ignore_errors=True)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

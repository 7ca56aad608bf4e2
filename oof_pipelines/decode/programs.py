"""All programs we decode, by address: every module of `venues` declares one as `PROGRAM` or several as `PROGRAMS`."""

import importlib
import pkgutil

from oof_pipelines.decode import venues
from oof_pipelines.decode.program import ROUTER, VENUE, Program


def declared_programs(package_path: list[str], package_name: str) -> tuple[Program, ...]:
    """Every program that a package's modules declare, in the order of their names.

    ValueError where one declares none, or two own an address.
    """
    found: list[Program] = []
    for module_info in sorted(pkgutil.iter_modules(package_path), key=lambda one: one.name):
        module = importlib.import_module(f"{package_name}.{module_info.name}")
        declared = [*getattr(module, "PROGRAMS", ()), *(one for one in (getattr(module, "PROGRAM", None),) if one)]
        if not declared:
            raise ValueError(f"{module.__name__} declares neither PROGRAM nor PROGRAMS")
        found += declared
    owners: dict[str, str] = {}
    for program in found:
        for program_id in program.program_ids:
            if program_id in owners:
                raise ValueError(f"{program.name} and {owners[program_id]} both own {program_id}")
            owners[program_id] = program.name
    return tuple(found)


PROGRAMS = declared_programs(list(venues.__path__), venues.__name__)
BY_ID = {program_id: program for program in PROGRAMS for program_id in program.program_ids}
VENUES = {program_id: program.name for program_id, program in BY_ID.items() if program.role == VENUE}
"""Program address → venue: programs that hold pools."""
ROUTERS = {program_id: program.name for program_id, program in BY_ID.items() if program.role == ROUTER}
"""Program address → router: programs that call venues."""

# The one image of all our services: what each of them runs is its `command` in docker-compose.yml.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /app
RUN python -m venv --without-pip /opt/venv
# The lock alone first: changed code then costs no new download.
COPY requirements.lock .
RUN pip --python /opt/venv/bin/python install --no-deps --require-hashes --requirement requirements.lock
COPY . .
RUN pip --python /opt/venv/bin/python install --no-deps --no-build-isolation --editable .
# The lock also holds what builds and tests us. Whatever our dependencies do not lead to leaves the image.
RUN /opt/venv/bin/python - <<'PYTHON' > /unneeded.txt
import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted_by(lines, extra):
    for requirement in map(Requirement, lines):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield from ((plain(requirement.name), part) for part in ("", *requirement.extras))


installed = {plain(distribution.metadata["Name"]): distribution for distribution in distributions()}
ours = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
needed = {(plain(ours["name"]), "")}
waiting = list(wanted_by(ours["dependencies"], ""))
while waiting:
    name, extra = step = waiting.pop()
    if name in installed and step not in needed:
        needed.add(step)
        waiting += wanted_by(installed[name].requires or [], extra)
print(*sorted(set(installed) - {name for name, _ in needed}), sep="\n")
PYTHON

RUN pip --python /opt/venv/bin/python uninstall --yes --requirement /unneeded.txt \
    && pip --python /opt/venv/bin/python check \
    && /opt/venv/bin/python -m compileall -q /app

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/oof \
    OOF_HOME=/var/lib/oof \
    DAGSTER_HOME=/var/lib/oof/dagster
# A named volume takes owner and mode from the folder it covers, so the folder is made for the user here.
RUN groupadd --gid 10001 oof \
    && useradd --uid 10001 --gid oof --no-create-home --home-dir /var/lib/oof --shell /usr/sbin/nologin oof \
    && install --directory --owner=oof --group=oof --mode=0750 /var/lib/oof
# Owned by root: the services cannot change their own code.
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
USER 10001:10001
VOLUME /var/lib/oof
CMD ["oof", "--help"]

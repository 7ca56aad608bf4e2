#!/bin/sh
# Makes the environment: make_venv.sh PYTHON FOLDER. Everything is pinned with hashes in requirements.lock.
set -eu
python=$1
venv=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "make: $python is missing or older than 3.11; name another with 'make PYTHON=python3.12 …'" >&2
    exit 1
fi

echo "making $venv (once, about a minute)" >&2
rm -rf "$venv"
if ! "$python" -m venv "$venv" >/dev/null 2>&1; then
    # Debian's python3 comes without ensurepip: then this python's own pip fills the environment.
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv"
    if ! "$python" -m pip --version >/dev/null 2>&1; then
        rm -rf "$venv"
        echo "make: $python has neither ensurepip nor pip; install python3-venv (Debian) or another python3" >&2
        exit 1
    fi
    pip() { "$python" -m pip --python "$venv/bin/python" "$@"; }
else
    pip() { "$venv/bin/python" -m pip "$@"; }
fi

quiet="--quiet --disable-pip-version-check --no-input --retries 5"
# The lock is complete, so nothing is resolved here.
pip install $quiet --no-deps --require-hashes -r requirements.lock
pip install $quiet --no-deps --no-build-isolation --editable .

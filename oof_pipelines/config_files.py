"""Thresholds beside the code, in oof_pipelines/config: the composition roots read them, whoever takes them checks them."""

from pathlib import Path

import yaml

CONFIG_FOLDER = Path(__file__).resolve().parent / "config"
REPOSITORY_ROOT = CONFIG_FOLDER.parent.parent


class ConfigFileError(ValueError):
    """A file that cannot be read as YAML; the one-line message names it."""


def read_config(name: str, folder: Path = CONFIG_FOLDER) -> object:
    """What `name` holds, as plain values. Raises `ConfigFileError`."""
    try:
        return yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigFileError(f"{name}: cannot be read ({' '.join(str(error).split())})") from None

"""A hint for who asks an empty home: the demo and a recorded chain keep theirs below it."""

import click

from oof_pipelines.settings import Settings

_HOMES_WITHIN = ("recorded", "demo")


def hint_at_other_homes(settings: Settings) -> None:
    """Say on standard error where something is stored, where nothing is stored here and no server of one's own is named."""
    if settings.database_url is not None or (settings.home / "pg").exists() or settings.store.exists():
        return
    for name in _HOMES_WITHIN:
        if (settings.home / name / "pg").exists():
            click.echo(f"{settings.home} holds nothing yet; OOF_HOME={settings.home / name} does", err=True)

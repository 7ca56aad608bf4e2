"""`oof …`: every command, each in a file of its own under commands/ that is loaded only when it is called."""

import importlib

import click

# Name → (module, attribute): loading one command must not cost the import of all.
COMMANDS = {
    "analyze": ("oof_pipelines.commands.analyze", "analyze"),
    "api": ("oof_pipelines.commands.api", "api"),
    "bench": ("oof_pipelines.commands.bench", "bench"),
    "chart": ("oof_pipelines.commands.chart", "chart"),
    "decode": ("oof_pipelines.commands.decode", "decode"),
    "demo": ("oof_pipelines.commands.demo", "demo"),
    "events": ("oof_pipelines.commands.events", "events"),
    "faults": ("oof_pipelines.commands.faults", "faults"),
    "features": ("oof_pipelines.commands.features", "features"),
    "fold": ("oof_pipelines.commands.fold", "fold"),
    "follow": ("oof_pipelines.commands.follow", "follow"),
    "jobs": ("oof_pipelines.commands.jobs", "jobs"),
    "leaderboard": ("oof_pipelines.commands.leaderboard", "leaderboard"),
    "market-node": ("oof_pipelines.commands.market_node", "market_node"),
    "market": ("oof_pipelines.commands.market", "market"),
    "migrate": ("oof_pipelines.commands.migrate", "migrate"),
    "node": ("oof_pipelines.commands.node", "node"),
    "pg": ("oof_pipelines.commands.postgres", "pg"),
    "plans": ("oof_pipelines.commands.plans", "plans"),
    "quote": ("oof_pipelines.commands.quote", "quote"),
    "positions": ("oof_pipelines.commands.positions", "positions"),
    "prices": ("oof_pipelines.commands.prices", "prices"),
    "refresh": ("oof_pipelines.commands.refresh", "refresh"),
    "redecode": ("oof_pipelines.commands.redecode", "redecode"),
    "soak": ("oof_pipelines.commands.soak", "soak"),
    "sql": ("oof_pipelines.commands.sql", "sql"),
    "up": ("oof_pipelines.commands.up", "up"),
    "work": ("oof_pipelines.commands.work", "work"),
    "synth": ("oof_pipelines.commands.synth", "synth"),
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is named (or its help line is listed)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oof-pipelines")
def main() -> None:
    """OOF Pipelines: Solana transactions into facts people trust. Settings come from the environment and .env."""

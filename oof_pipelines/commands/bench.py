"""`oof bench …`: what things cost, as ratios to a floor measured in the same run."""

import click

from oof_pipelines.commands.bench_analyze import analyze
from oof_pipelines.commands.bench_decode import decode
from oof_pipelines.commands.bench_features import features
from oof_pipelines.commands.bench_fifo import fifo
from oof_pipelines.commands.bench_freshness import freshness
from oof_pipelines.commands.bench_ingest import ingest
from oof_pipelines.commands.bench_prices import prices
from oof_pipelines.commands.bench_webhook import webhook

EPILOG = """\b
Examples:
  oof bench                             every benchmark, at its default size
  oof bench ingest --transactions 10000
  oof bench decode --largest 1000000
  oof bench fifo --peer
  oof bench analyze --growth
  oof bench freshness --rates 10
  oof bench webhook --rate 200
"""


@click.group(invoke_without_command=True, epilog=EPILOG)
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure, with a floor beside it: a ratio holds when the machine is busy, a time does not.

    Without a subcommand, every benchmark is run, one after the other.
    """
    if context.invoked_subcommand is None:
        for benchmark in (ingest, decode, features, prices, fifo, analyze, webhook):
            click.echo(f"oof bench {benchmark.name}")
            context.invoke(benchmark)


bench.add_command(ingest)
bench.add_command(decode)
bench.add_command(features)
bench.add_command(prices)
bench.add_command(fifo)
bench.add_command(analyze)
bench.add_command(freshness)
bench.add_command(webhook)

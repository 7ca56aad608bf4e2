"""`python -m oof_pipelines …` is `oof …`."""

from oof_pipelines.cli import main

main(prog_name="oof")

"""`python -m oof_pipelines.testing.recorded_node DIR …` is `oof node DIR …`."""

from oof_pipelines.commands.node import node

node(prog_name="oof node")

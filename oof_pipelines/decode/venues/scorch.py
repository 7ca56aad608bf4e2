"""Scorch: pools quoted by their maker, without a published IDL. A second program of theirs, which moves nothing, is asked
for the price.

A swap (tag 2) names both of the trader's accounts and both vaults, what he pays first.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("pool", accounts="user_a user_b", vaults="vault_a vault_b")

PROGRAM = Program(
    name="scorch",
    role=VENUE,
    program_ids=("SCoRcH8c2dpjvcJD6FiPbCSQyQgu3PcUAWj2Xxx3mqn",),
    source="a recorded swap; no layout is published",
    instructions=(
        instruction("swap", "pool user user_a user_b vault_a vault_b mint_a mint_b", discriminator=b"\2", read=_swap),
    ),
    tag_bytes=1,
)

"""A program without a name or a published layout, called by routers; its pools are quoted by their maker.

The seats are those of recorded swaps, in both directions and of two pools: the pool owns both vaults, and both vaults and
the trader's accounts stand in the order of what he pays and what he gets. The pool pays first. The data are the amount in,
the least amount out and sixteen bytes that were zero in every recording.
"""

from oof_pipelines.decode.pool_swaps import one_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = one_way("pool", source="user_in", destination="user_out", vaults="vault_in vault_out")


PROGRAM = Program(
    name="exa6gyh",
    role=VENUE,
    program_ids=("ExA6GYhHAeRNMWVNLrDir1SKPJZcZA2oaPq6uriSmxfJ",),
    source="recorded swaps; no layout is published",
    instructions=(
        instruction(
            "swap",
            "user pool vault_in vault_out user_in user_out",
            "amount_in:u64 minimum_amount_out:u64",
            read=_swap,
        ),
    ),
)

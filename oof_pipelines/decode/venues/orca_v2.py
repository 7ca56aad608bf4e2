"""Orca's first two programs: constant product and stable pools of the SPL token-swap program, at two addresses.

The trade fee stays in the pool, inside what was sold; the owner's part is minted to him as pool tokens, which costs the
trader nothing more.
"""

from oof_pipelines.decode.program import VENUE, Program
from oof_pipelines.decode.token_swap_layout import SOURCE, token_swap_instructions

PROGRAM = Program(
    name="orca_token_swap",
    role=VENUE,
    program_ids=(
        "9W959DqEETiGZocYWCQPaJ6sBmUzgfxXfqGeTEdp3aQP",
        "DjVE6JNiYqPL2QXyCUUh8rNjHrbz9hXHNYt99MQ59qw1",
    ),
    source=SOURCE,
    tag_bytes=1,
    instructions=token_swap_instructions(),
)

"""AlphaQ: pools quoted by their maker, without a published IDL.

A swap (tag 12) says the direction (0: the trader pays the second mint), the amount in and the least amount out. Vaults are
token accounts that own themselves; several pools share one. Tag 11 is the maker's: a table of numbers for the pools it names,
which moves nothing.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet_tags

_swap = either_way("pool", accounts="user_a user_b", vaults="vault_a vault_b")

PROGRAM = Program(
    name="alphaq",
    role=VENUE,
    program_ids=("ALPHAQmeA7bjrVuccPsYPiCvsi428SNwte66Srvs4pHA",),
    source="recorded swaps; no layout is published",
    instructions=(
        instruction(
            "swap",
            "user pool _ user_a user_b vault_a vault_b",
            "direction:u8 amount_in:u64 minimum_amount_out:u64",
            discriminator=b"\x0c",
            read=_swap,
        ),
        *quiet_tags({11: "set_quotes"}),
    ),
    tag_bytes=1,
)

"""GoonFi, versions 1 and 2: pools quoted by their maker, without a published IDL.

Version 2: a swap's data are the tag 1, the direction (1: the trader pays the second mint), the amount in, the least amount
out and, since some version, one byte more. Version 1 has the tag 2 and one byte more before the amount. The accounts of
both keep the pool's order of mints.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("market", accounts="user_base user_quote", vaults="base_vault quote_vault")

PROGRAMS = (
    Program(
        name="goonfi",
        role=VENUE,
        program_ids=("goonERTdGsjnkZqWuVjs73BZ3Pb9qoCUdBUL17BnS5j",),
        source="a recorded swap; no layout is published",
        instructions=(
            instruction(
                "swap",
                "user market user_base user_quote base_vault quote_vault",
                "is_bid:bool unnamed:u8 amount_in:u64 minimum_amount_out:u64",
                discriminator=b"\2",
                read=_swap,
            ),
        ),
        tag_bytes=1,
    ),
    Program(
        name="goonfi_v2",
        role=VENUE,
        program_ids=("goonuddtQRrWqqn5nFyczVKaie28f3kDkHWkHtURSLE",),
        source="recorded swaps; data and accounts as in the GoonFi v2 client of blueshift-gg/beethoven",
        instructions=(
            instruction(
                "swap",
                "user market user_base user_quote base_vault quote_vault base_mint quote_mint",
                "is_bid:bool amount_in:u64 minimum_amount_out:u64 is_ultra:bool",
                discriminator=b"\1",
                read=_swap,
            ),
        ),
        tag_bytes=1,
    ),
)

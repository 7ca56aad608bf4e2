"""Tessera V: pools quoted by their maker, without a published IDL.

A swap (tags 16 and 17) names vaults and the trader's accounts by the pool's order of mints; both tags share seats and
arguments, and where 16 ends with the instructions sysvar, 17 names another account. Tag 13 is the maker's message that
moves his quotes: two accounts, no transfer.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("pool", accounts="user_base user_quote", vaults="base_vault quote_vault")

_SEATS = "global_state pool user base_vault quote_vault user_base user_quote base_mint quote_mint"
_ARGS = "direction:u8 amount_in:u64 minimum_amount_out:u64"

PROGRAM = Program(
    name="tessera",
    role=VENUE,
    program_ids=("TessVdML9pBGgG9yGks7o4HewRaXVAMuoVj4x83GLQH",),
    source="a recorded swap and a recorded quote; no layout is published",
    instructions=(
        instruction("swap", _SEATS, _ARGS, discriminator=b"\x10", read=_swap),
        instruction("swap_v2", _SEATS, _ARGS, discriminator=b"\x11", read=_swap),
        instruction("quote", "maker pool", discriminator=b"\x0d"),
    ),
    tag_bytes=1,
)

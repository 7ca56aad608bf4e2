"""BisonFi: pools quoted by their maker, without a published IDL.

A swap's data are the tag (2, or 7 with one byte more), the amount in, the least amount out and the direction. The first
seats are the same in every recorded variant; mints and token programs follow in varying order.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("pool", accounts="user_base user_quote", vaults="base_vault quote_vault")

_ACCOUNTS = "user pool base_vault quote_vault user_base user_quote"
_ARGUMENTS = "amount_in:u64 minimum_amount_out:u64 direction:u8"

PROGRAM = Program(
    name="bisonfi",
    role=VENUE,
    program_ids=("BiSoNHVpsVZW2F7rx2eQ59yQwKxzU5NvBcmKshCSUypi",),
    source="recorded swaps; no layout is published",
    instructions=(
        instruction("swap", _ACCOUNTS, _ARGUMENTS, discriminator=b"\2", read=_swap),
        instruction("swap_second", _ACCOUNTS, _ARGUMENTS, discriminator=b"\7", read=_swap),
    ),
    tag_bytes=1,
)

"""Aquifer: pools of many mints quoted by their maker, without a published IDL.

An instance holds a vault a mint and is what is called the pool here. Two instructions swap, told apart by one byte; both
have the trader's and the pool's accounts at the same seats and the amount in behind the byte. The second one (19) adds two
bytes of data and accounts whose meaning is not known; that the seats are the same is what its recorded swap shows.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("instance", accounts="user_base user_quote", vaults="base_vault quote_vault")

_ACCOUNTS = (
    "_ user _ user_base base_mint _ user_quote quote_mint dex instance _ _ base_vault_owner base_vault quote_vault_owner"
    " quote_vault"
)

PROGRAM = Program(
    name="aquifer",
    role=VENUE,
    program_ids=("AQU1FRd7papthgdrwPTTq5JacJh8YtwEXaBfKU3bTz45",),
    source="recorded swaps; accounts of tag 1 as in reverser/aquifer of Go0p/galileo",
    instructions=(
        instruction("swap", _ACCOUNTS, "amount_in:u64", discriminator=b"\1", read=_swap),
        instruction("swap_of_tag_19", _ACCOUNTS, "amount_in:u64", discriminator=b"\x13", read=_swap),
    ),
    tag_bytes=1,
)

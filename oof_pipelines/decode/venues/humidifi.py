"""HumidiFi: pools quoted by their maker. The program scrambles its data, so no tag tells what a call is.

A swap is told by its shape: 25 bytes of data, and two transfers between the trader's token accounts and the pool's, which
stand in fixed seats. Any other call (the maker's quotes) moves no token and gives no fact.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_SWAP_BYTES = 25
_swap = either_way("pool", accounts="user_base user_quote", vaults="base_vault quote_vault")


def _call(call: Call) -> Iterable[Fact]:
    if len(call.instruction.data) != _SWAP_BYTES or not call.called:
        return []
    return _swap(call)


PROGRAM = Program(
    name="humidifi",
    role=VENUE,
    program_ids=("9H6tua7jkLhdm3w8BvgpTn5LZNU7g4ZynDmCiNN3q6Rp",),
    source="recorded swaps; no layout is published",
    instructions=(
        instruction("call", "user pool base_vault quote_vault user_base user_quote", discriminator=b"", read=_call),
    ),
    tag_bytes=0,
)

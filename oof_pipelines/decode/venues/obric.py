"""Obric v2: pools priced by an oracle, with the trader's accounts and the reserves in the pool's order of mints; no events.

The program is closed; its interface crate declares `swap`. The fee stays in the reserves, so it is inside the amounts.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("trading_pair", accounts="user_x user_y", vaults="reserve_x reserve_y")

PROGRAM = Program(
    name="obric_v2",
    role=VENUE,
    program_ids=("obriQD1zbpyLz95G5n7nJe6a4DPjpFwa5XYPoNm113y",),
    source="recorded swaps; arguments as in the interface crate obric_solana; pool and reserves as in dex-trades-extended"
    " of Topledger/solana-programs",
    instructions=(
        instruction(
            "swap",
            "trading_pair _ _ reserve_x reserve_y user_x user_y",
            "is_x_to_y:bool amount_in:u64 minimum_amount_out:u64",
            read=_swap,
        ),
    ),
)

"""ZeroFi: pools quoted by their maker, without a published IDL.

The data of a swap are the tag 6, the amount in and the least amount out. The accounts name two vaults, each behind an
account of its own, and the trader's two token accounts in the same order; which side he sold is read from what moved.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("pool", accounts="user_a user_b", vaults="vault_a vault_b")

PROGRAM = Program(
    name="zerofi",
    role=VENUE,
    program_ids=("ZERor4xhbUycZ6gb9ntrhqscUcZmAbQDjEAtCf4hbZY",),
    source="a recorded swap; tag, pool and vaults as in dex-trades-extended of Topledger/solana-programs",
    instructions=(
        instruction(
            "swap",
            "pool vault_a_info vault_a vault_b_info vault_b user_a user_b user",
            "amount_in:u64 minimum_amount_out:u64",
            discriminator=b"\6",
            read=_swap,
        ),
    ),
    tag_bytes=1,
)

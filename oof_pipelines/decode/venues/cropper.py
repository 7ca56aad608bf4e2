"""Cropper: a fork of Orca's Whirlpools. Only its swap is recorded, which keeps Orca's seats; nothing else is read.

The trade fee stays in the vaults, so it is inside the amounts.
"""

from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("whirlpool", accounts="user_a user_b", vaults="vault_a vault_b")

PROGRAM = Program(
    name="cropper",
    role=VENUE,
    program_ids=("H8W3ctz92svYg6mkn1UtGfu2aQr2fnUFHM1RhScEtQDt",),
    source="a recorded swap; pool and vaults as in dex-trades-extended of Topledger/solana-programs",
    instructions=(
        instruction(
            "swap",
            "token_program token_authority whirlpool user_a vault_a user_b vault_b",
            "amount:u64 other_amount_threshold:u64 sqrt_price_limit:u128 amount_specified_is_input:bool a_to_b:bool",
            read=_swap,
        ),
    ),
)

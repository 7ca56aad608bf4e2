"""Lifinity v2: pools priced by an oracle. One swap layout, named by direction; no events.

The trade fee stays in the vaults; a part of it is minted as pool tokens for the pool's owner, which costs the trader nothing
more. Older and newer oracles only change the last accounts.
"""

from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, changing, first_owner
from oof_pipelines.decode.pool_swaps import one_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = one_way("amm", source="source_info", destination="destination_info", vaults="swap_source swap_destination")
_deposit = changing(
    ADD, "amm", accounts="source_a_info source_b_info", wallet=first_owner, share="destination pool_mint"
)
_withdraw = changing(
    REMOVE, "amm", accounts="dest_token_a_info dest_token_b_info", wallet=first_owner, share="source_info pool_mint"
)

PROGRAM = Program(
    name="lifinity_v2",
    role=VENUE,
    program_ids=("2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c",),
    source="IDL of lifinity_amm_v2, as in lifinity-amm-v2-decoder of sevenlabs-hq/carbon; recorded swaps",
    instructions=(
        instruction(
            "swap",
            "authority amm user_transfer_authority source_info destination_info swap_source swap_destination pool_mint"
            " fee_account token_program oracle_main_account oracle_sub_account oracle_pc_account",
            "amount_in:u64 minimum_amount_out:u64",
            read=_swap,
        ),
        instruction(
            "deposit_all_token_types",
            "amm authority user_transfer_authority_info source_a_info source_b_info token_a token_b pool_mint destination",
            "pool_token_amount:u64 maximum_token_a_amount:u64 maximum_token_b_amount:u64",
            read=_deposit,
        ),
        instruction(
            "withdraw_all_token_types",
            "amm authority user_transfer_authority_info source_info token_a token_b pool_mint dest_token_a_info"
            " dest_token_b_info",
            "pool_token_amount:u64 minimum_token_a_amount:u64 minimum_token_b_amount:u64",
            read=_withdraw,
        ),
    ),
)

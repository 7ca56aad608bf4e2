"""Byreal and PancakeSwap: forks of Raydium CLMM that kept its instructions' discriminators, arguments and seats.

Byreal took another administration: its own seats for pools and fees, and rewards kept off chain. Neither fork's swap event
tells the trade fee, so a leg of theirs has none.
"""

from oof_pipelines.decode.pool_liquidity import claiming, creating, first_owner
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, instruction, quiet
from oof_pipelines.decode.venues.raydium_clmm import PROGRAM as RAYDIUM_CLMM

_KEPT_BY_BOTH = frozenset(
    (
        "swap",
        "swap_v2",
        "open_position",
        "open_position_v2",
        "open_position_with_token22_nft",
        "increase_liquidity",
        "increase_liquidity_v2",
        "decrease_liquidity",
        "decrease_liquidity_v2",
        "close_position",
    )
)
_KEPT_BY_PANCAKE = _KEPT_BY_BOTH | {
    "swap_router_base_in",
    "collect_fund_fee",
    "collect_protocol_fee",
    "collect_remaining_rewards",
    "create_pool",
}
_SETTINGS = (
    "create_amm_config create_operation_account create_support_mint_associated initialize_reward set_reward_params"
    " transfer_reward_owner update_amm_config update_operation_account update_pool_status update_reward_infos"
)


def _kept(names: frozenset[str]) -> tuple[InstructionLayout, ...]:
    return tuple(one for one in RAYDIUM_CLMM.instructions if one.name in names)


_create_pool = creating("pool_state", mints="token_mint_0 token_mint_1", wallet="pool_creator")
_collect_fee = claiming(
    "protocol_fee_claim",
    "pool_state",
    accounts="recipient_token_account_0 recipient_token_account_1",
    wallet=first_owner,
)
_collect_reward = claiming("reward_claim", "pool_state", accounts="reward_account", wallet=first_owner)

_COLLECT = (
    "admin_group pool_state token_vault_0 token_vault_1 vault_0_mint vault_1_mint recipient_token_account_0"
    " recipient_token_account_1"
)


def _byreal_instructions() -> tuple[InstructionLayout, ...]:
    return (
        *_kept(_KEPT_BY_BOTH),
        instruction(
            "create_pool",
            "pool_creator pool_manager admin_group amm_config pool_state offchain_reward_config token_mint_0 token_mint_1",
            read=_create_pool,
        ),
        instruction("collect_fund_fee", _COLLECT, read=_collect_fee),
        instruction("collect_protocol_fee", _COLLECT, read=_collect_fee),
        instruction(
            "collect_remaining_rewards", "reward_funder admin_group reward_account pool_state", read=_collect_reward
        ),
        instruction(
            "claim_offchain_reward",
            "claimer authority admin_group pool_state token_mint reward_account",
            read=_collect_reward,
        ),
        *quiet(_SETTINGS),
        *quiet("deposit_offchain_reward init_amm_admin_group update_amm_admin_group withdraw_offchain_reward"),
    )


PROGRAMS = (
    Program(
        name="byreal",
        role=VENUE,
        program_ids=("REALQqNEomY6cQGZJUGwywTBD2UmDT32rZcNnfxQ5N2",),
        source="IDL of byreal_clmm 0.1.0 in byreal-git/byreal-clmm-sdk; recorded swaps and a recorded withdrawal",
        instructions=_byreal_instructions(),
        events=RAYDIUM_CLMM.events,
    ),
    Program(
        name="pancake_clmm",
        role=VENUE,
        program_ids=("HpNfyc2Saw7RKkQd8nEL4khUcuPhQ7WwY1B2qjx8jxFq",),
        source="pancake-swap-decoder of sevenlabs-hq/carbon; recorded swaps",
        instructions=(
            *_kept(_KEPT_BY_PANCAKE),
            *quiet(_SETTINGS),
            *quiet("create_permissionless_farm_switch toggle_permissionless_farm_switch"),
        ),
        events=RAYDIUM_CLMM.events,
    ),
)

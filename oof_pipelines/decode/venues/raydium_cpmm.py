"""Raydium CPMM (CP-Swap): constant product pools, Token-2022 too.

Amounts are the trader's transfers. The trade fee is taken from the input and the creator's from either side; both stay in
the vaults until collected, so they are inside the amounts. The program logs its events (`emit!`), which add the fees where
the log was kept: the trade fee contains the protocol's and the fund's share, whose rates the pool's config keeps.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.pool_liquidity import ADD, adding_and_removing, changing, claiming, creating, holder_or
from oof_pipelines.decode.pool_swaps import fee, one_way
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet


def _fees(call: Call) -> tuple[FeePart, ...]:
    told = call.event("SwapEvent")
    if told is None or "trade_fee" not in told:
        return ()
    sold_mint, bought_mint = told["input_mint"], told["output_mint"]
    creator_mint = sold_mint if told.get("creator_fee_on_input", True) else bought_mint
    return (
        *fee("lp", sold_mint, told["trade_fee"], INSIDE),
        *fee("creator", creator_mint, told.get("creator_fee"), INSIDE),
    )


_swap = one_way(
    "pool_state",
    source="input_token_account",
    destination="output_token_account",
    vaults="input_vault output_vault",
    fees=_fees,
)
_deposit, _withdraw = adding_and_removing(
    "pool_state", accounts="token_0_account token_1_account", wallet=holder_or("owner"), share="owner_lp_token lp_mint"
)
_created = creating("pool_state", mints="token_0_mint token_1_mint", wallet="creator")
_fill = changing(
    ADD,
    "pool_state",
    accounts="payer_token_0 payer_token_1",
    wallet=holder_or("creator"),
    share="payer_lp_token lp_mint",
)


def _initialize(call: Call) -> Iterable[Fact]:
    """Whoever pays for the pool fills it; the creator, whom a permitted payer may name, gets a share of its fees."""
    yield from _created(call)
    yield from _fill(call)


_creator_fee = claiming(
    "creator_fee_claim", "pool_state", accounts="creator_token_0 creator_token_1", wallet=holder_or("creator")
)
# The two accounts for the fee come before or after the config, by release; of these four only they can get tokens.
_permissionless_creator_fee = claiming(
    "creator_fee_claim", "pool_state", accounts="eighth ninth tenth eleventh", wallet=holder_or("creator")
)
_protocol_fee = claiming(
    "protocol_fee_claim",
    "pool_state",
    accounts="recipient_token_0_account recipient_token_1_account",
    wallet=holder_or("owner"),
)

_SWAP_ACCOUNTS = (
    "payer authority amm_config pool_state input_token_account output_token_account input_vault output_vault"
)
_LIQUIDITY_ACCOUNTS = (
    "owner authority pool_state owner_lp_token token_0_account token_1_account token_0_vault token_1_vault token_program"
    " token_program_2022 vault_0_mint vault_1_mint lp_mint"
)
_POOL_ACCOUNTS = (
    " amm_config authority pool_state token_0_mint token_1_mint lp_mint payer_token_0 payer_token_1 payer_lp_token"
)
_VAULTS = " authority pool_state amm_config token_0_vault token_1_vault vault_0_mint vault_1_mint"
_PROTOCOL_ACCOUNTS = "owner" + _VAULTS + " recipient_token_0_account recipient_token_1_account"
_PROTOCOL_AMOUNTS = "amount_0_requested:u64 amount_1_requested:u64"

PROGRAM = Program(
    name="raydium_cpmm",
    role=VENUE,
    program_ids=(
        "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C",
        "DRaycpLY18LhpbydsBWbVJtxpNv9oXPgjRSfpF2bWpYb",  # devnet
    ),
    source="IDL of raydium_cp_swap 0.2.0; raydium-io/raydium-cp-swap, programs/cp-swap/src",
    instructions=(
        instruction("swap_base_input", _SWAP_ACCOUNTS, "amount_in:u64 minimum_amount_out:u64", read=_swap),
        instruction("swap_base_output", _SWAP_ACCOUNTS, "max_amount_in:u64 amount_out:u64", read=_swap),
        instruction("deposit", _LIQUIDITY_ACCOUNTS, "lp_token_amount:u64", read=_deposit),
        instruction("withdraw", _LIQUIDITY_ACCOUNTS, "lp_token_amount:u64", read=_withdraw),
        instruction("initialize", "creator" + _POOL_ACCOUNTS, read=_initialize),
        instruction("initialize_with_permission", "payer creator" + _POOL_ACCOUNTS, read=_initialize),
        instruction("collect_creator_fee", "creator" + _VAULTS + " creator_token_0 creator_token_1", read=_creator_fee),
        instruction(
            "collect_creator_fee_permissionless",
            "payer creator authority pool_state _ _ _ _ eighth ninth tenth eleventh",
            read=_permissionless_creator_fee,
        ),
        instruction("collect_protocol_fee", _PROTOCOL_ACCOUNTS, _PROTOCOL_AMOUNTS, read=_protocol_fee),
        instruction("collect_fund_fee", _PROTOCOL_ACCOUNTS, _PROTOCOL_AMOUNTS, read=_protocol_fee),
        instruction("close_permission_pda", "owner permission_authority permission", closes=(("permission", "owner"),)),
        *quiet(
            "create_permission_pda create_amm_config update_amm_config update_pool_status create_creator_fee_share"
            " close_creator_fee_share create_support_mint_associated close_support_mint_associated"
            " collect_excess_lamports"
        ),
    ),
    events=(
        event(
            "SwapEvent",
            "pool_id:pubkey input_vault_before:u64 output_vault_before:u64 input_amount:u64 output_amount:u64"
            " input_transfer_fee:u64 output_transfer_fee:u64 base_input:bool input_mint:pubkey output_mint:pubkey"
            " trade_fee:u64 creator_fee:u64 creator_fee_on_input:bool",
        ),
        event(
            "LpChangeEvent",
            "pool_id:pubkey lp_amount_before:u64 token_0_vault_before:u64 token_1_vault_before:u64 token_0_amount:u64"
            " token_1_amount:u64 token_0_transfer_fee:u64 token_1_transfer_fee:u64 change_type:u8",
        ),
    ),
)

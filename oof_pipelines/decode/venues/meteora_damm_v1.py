"""Meteora DAMM v1 (dynamic AMM): pools whose tokens lie in Meteora's vaults, which lend them out.

A swap deposits into one vault and withdraws from the other; amounts are the trader's transfers, fees are inside them.
The protocol's part and the host's are transfers of their own; the rest of the trade fee only the logged event tells.

A vault is shared by many pools, so what its token account holds is no pool's reserve, and no event states one: legs of
this venue have no reserves.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.pool_liquidity import REMOVE, adding_and_removing, changing, claiming, creating
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, event, instruction, quiet


def _swap(call: Call) -> Iterable[Fact]:
    source = call.account("user_source_token")
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=source,
        destination=call.account("user_destination_token"),
        fees=_fees(call, call.mint_of(source)),
    )


def _fees(call: Call, sold_mint: str) -> tuple[FeePart, ...]:
    """`trade_fee` of the event is what is left to the providers of liquidity, without the protocol's part."""
    told = call.event("Swap")
    protocol = call.account("protocol_token_fee")
    host = call.account("host_token_fee") if call.has("host_token_fee") else ""
    return (
        *fee("lp", sold_mint, told["trade_fee"] if told is not None else 0, INSIDE),
        *fee("protocol", sold_mint, max(call.moved(protocol, sold_mint), 0), INSIDE, protocol),
        *fee("referral", sold_mint, max(call.moved(host, sold_mint), 0) if host else 0, INSIDE, host),
    )


_USER, _SHARE = "user_a_token user_b_token", "user_pool_lp lp_mint"
_add, _remove = adding_and_removing("pool", accounts=_USER, share=_SHARE)
_remove_single_side = changing(REMOVE, "pool", accounts="user_destination_token", share=_SHARE)
_created = creating("pool", mints="token_a_mint token_b_mint", wallet="user")


def _created_with_liquidity(call: Call) -> Iterable[Fact]:
    yield from _created(call)
    yield from _add(call)


_claim_fee = claiming("lp_fee_claim", "pool", accounts=_USER)
_claim_partner_fee = claiming("platform_fee_claim", "pool", accounts=_USER)
_claim_protocol_fee = claiming("protocol_fee_claim", "pool", accounts=_USER)

_VAULTS = "a_vault_lp b_vault_lp a_vault b_vault a_vault_lp_mint b_vault_lp_mint a_token_vault b_token_vault"
_BALANCED = f"pool lp_mint user_pool_lp {_VAULTS} user_a_token user_b_token user"
_POOL_VAULTS = (
    "token_a_mint token_b_mint a_vault b_vault a_token_vault b_token_vault a_vault_lp_mint b_vault_lp_mint a_vault_lp"
    " b_vault_lp user_a_token user_b_token user_pool_lp _ _ user"
)
_AMOUNTS = "token_a_amount:u64 token_b_amount:u64"
_WITH_CONFIG = "initialize_permissionless_constant_product_pool_with_config"


def _creations() -> tuple[InstructionLayout, ...]:
    read = _created_with_liquidity
    curve = "curve_type:u8"
    return (
        instruction(
            "initialize_permissioned_pool",
            "pool lp_mint token_a_mint token_b_mint a_vault b_vault a_vault_lp_mint b_vault_lp_mint a_vault_lp"
            " b_vault_lp user_a_token user_b_token user_pool_lp _ _ user",
            curve,
            read=_created,
        ),
        instruction("initialize_permissionless_pool", f"pool lp_mint {_POOL_VAULTS}", curve, read=read),
        instruction("initialize_permissionless_pool_with_fee_tier", f"pool lp_mint {_POOL_VAULTS}", curve, read=read),
        instruction(_WITH_CONFIG, f"pool config lp_mint {_POOL_VAULTS}", _AMOUNTS, read=read),
        instruction(f"{_WITH_CONFIG}2", f"pool config lp_mint {_POOL_VAULTS}", _AMOUNTS, read=read),
        instruction(
            "initialize_customizable_permissionless_constant_product_pool",
            f"pool lp_mint {_POOL_VAULTS}",
            _AMOUNTS,
            read=read,
        ),
    )


PROGRAM = Program(
    name="meteora_damm_v1",
    role=VENUE,
    program_ids=("Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB",),
    source=(
        "Anchor IDLs of amm 0.4.12 and 0.5.3 (MeteoraAg/damm-v1-sdk, ts-client/src/amm/idl.ts); how the fee is split:"
        " the quote crate beside it"
    ),
    instructions=(
        # A host's fee account is the first of the remaining accounts.
        instruction(
            "swap",
            "pool user_source_token user_destination_token a_vault b_vault a_token_vault b_token_vault a_vault_lp_mint"
            " b_vault_lp_mint a_vault_lp b_vault_lp protocol_token_fee user vault_program token_program host_token_fee",
            "in_amount:u64 minimum_out_amount:u64",
            read=_swap,
        ),
        instruction("add_balance_liquidity", _BALANCED, "pool_token_amount:u64", read=_add),
        instruction("add_imbalance_liquidity", _BALANCED, "minimum_pool_token_amount:u64", read=_add),
        instruction("bootstrap_liquidity", _BALANCED, _AMOUNTS, read=_add),
        instruction("remove_balance_liquidity", _BALANCED, "pool_token_amount:u64", read=_remove),
        instruction(
            "remove_liquidity_single_side",
            f"pool lp_mint user_pool_lp {_VAULTS} user_destination_token user",
            "pool_token_amount:u64 minimum_out_amount:u64",
            read=_remove_single_side,
        ),
        *_creations(),
        instruction(
            "claim_fee",
            "pool lp_mint lock_escrow user source_tokens escrow_vault token_program a_token_vault b_token_vault a_vault"
            " b_vault a_vault_lp b_vault_lp a_vault_lp_mint b_vault_lp_mint user_a_token user_b_token",
            "max_amount:u64",
            read=_claim_fee,
        ),
        instruction(
            "partner_claim_fee",
            "pool a_vault_lp protocol_token_a_fee protocol_token_b_fee user_a_token user_b_token token_program user",
            "max_amount_a:u64 max_amount_b:u64",
            read=_claim_partner_fee,
        ),
        instruction(
            "withdraw_protocol_fees",
            "pool a_vault_lp protocol_token_a_fee protocol_token_b_fee user_a_token user_b_token",
            read=_claim_protocol_fee,
        ),
        instruction("close_config", "config admin rent_receiver", closes=(("config", "rent_receiver"),)),
        *quiet(
            "create_config create_lock_escrow create_mint_metadata enable_or_disable_pool get_pool_info lock"
            " migrate_fee_account move_locked_lp override_curve_param set_pool_fees set_whitelisted_vault transfer_admin"
            " update_activation_point"
        ),
    ),
    events=(
        event("Swap", "in_amount:u64 out_amount:u64 trade_fee:u64 protocol_fee:u64 host_fee:u64"),
        event("AddLiquidity", "lp_mint_amount:u64 token_a_amount:u64 token_b_amount:u64"),
        event("RemoveLiquidity", "lp_unmint_amount:u64 token_a_out_amount:u64 token_b_out_amount:u64"),
        event("BootstrapLiquidity", "lp_mint_amount:u64 token_a_amount:u64 token_b_amount:u64 pool:pubkey"),
        event("ClaimFee", "pool:pubkey owner:pubkey amount:u64 a_fee:u64 b_fee:u64"),
        event("PartnerClaimFees", "pool:pubkey fee_a:u64 fee_b:u64 partner:pubkey"),
        event("WithdrawProtocolFees", "pool:pubkey protocol_a_fee:u64 protocol_b_fee:u64"),
        event("PoolCreated", "lp_mint:pubkey token_a_mint:pubkey token_b_mint:pubkey pool_type:u8 pool:pubkey"),
        event("CreateLockEscrow", "pool:pubkey owner:pubkey"),
        event("Lock", "pool:pubkey owner:pubkey amount:u64"),
        event("MoveLockedLp", "pool:pubkey from_lock_escrow:pubkey to_lock_escrow:pubkey amount:u64"),
        event("PoolInfo", "token_a_amount:u64 token_b_amount:u64"),
        event("PoolEnabled", "pool:pubkey enabled:bool"),
        event("SetPoolFees", "trade_fee_numerator:u64 trade_fee_denominator:u64"),
        event("SetAdminFeeAccount", "admin_token_a_fee:pubkey admin_token_b_fee:pubkey"),
        event("MigrateFeeAccount", "pool:pubkey"),
        event("OverrideCurveParam", "new_amp:u64"),
        event("TransferAdmin", "admin:pubkey new_admin:pubkey pool:pubkey"),
        event("CreateConfig", "trade_fee_numerator:u64 protocol_trade_fee_numerator:u64 config:pubkey"),
        event("CloseConfig", "config:pubkey"),
    ),
)

"""Heaven: a launchpad whose coins trade in one pool against wrapped SOL from the start, on a curve with virtual reserves.

Amounts are the trader's transfers. Fees are taken on the side of SOL and lie in the pool's vault until they are claimed, so
they are inside. The event, which is only logged, tells the curve's reserves after the trade and the whole fee, which it
does not split among protocol and creator; on which side of a sell that fee is counted nothing recorded shows, so only a
buy has it. A token made with a first purchase in the same call has no leg for it: the layout has no seat for who pays.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, Reserve
from oof_pipelines.decode.pool_liquidity import claiming, holder_or, token_event
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet


def _buy(call: Call) -> Iterable[Fact]:
    told = call.event("TradeEvent")
    paid_raw = told.get("total_fee_paid") if told is not None else 0
    fees = fee("protocol", call.account("token_b_mint"), paid_raw or 0, INSIDE)
    return _swap(call, "user_token_b_vault", "user_token_a_vault", fees)


def _sell(call: Call) -> Iterable[Fact]:
    return _swap(call, "user_token_a_vault", "user_token_b_vault", ())


def _swap(call: Call, source: str, destination: str, fees: tuple[FeePart, ...]) -> Iterable[Fact]:
    return pool_swap(
        call,
        pool=call.account("liquidity_pool_state"),
        source=call.account(source),
        destination=call.account(destination),
        vaults=(call.account("token_a_vault"), call.account("token_b_vault")),
        fees=fees,
        reserves=_reserves(call),
    )


def _reserves(call: Call) -> tuple[Reserve, ...] | None:
    """The curve's, which the event tells as they are after the trade; None where the log was not kept."""
    told = call.event("TradeEvent")
    if told is None or "quote_reserve" not in told:
        return None
    return (
        Reserve(call.account("token_a_mint"), None, told["base_reserve"], "virtual"),
        Reserve(call.account("token_b_mint"), None, told["quote_reserve"], "virtual"),
    )


def _launch(call: Call) -> Iterable[Fact]:
    told = call.event("CreateStandardLiquidityPoolEvent")
    yield token_event(
        call,
        "launch",
        call.account("token_a_mint"),
        call.account("user"),
        pool=call.account("liquidity_pool_state"),
        quote_mint=call.account("token_b_mint"),
        creator=told.get("creator", "") if told is not None else "",
        token_program_id=call.account("token_a_program"),
    )


_creator_fee = claiming(
    "creator_fee_claim",
    "liquidity_pool_state",
    accounts="user_token_a_vault user_token_b_vault",
    wallet=holder_or("user"),
)

_TRADE_ACCOUNTS = (
    "token_a_program token_b_program associated_token_program system_program liquidity_pool_state user token_a_mint"
    " token_b_mint user_token_a_vault user_token_b_vault token_a_vault token_b_vault protocol_config"
    " instruction_sysvar_account_info"
)

PROGRAM = Program(
    name="heaven",
    role=VENUE,
    program_ids=("HEAVENoP2qxoeuF8Dj2oT1GHEnu49U5mJYkdeC8BAX2o",),
    source="heaven-decoder of sevenlabs-hq/carbon; a recorded buy",
    instructions=(
        instruction("buy", _TRADE_ACCOUNTS, "max_sol_spend:u64 minimum_amount_out:u64", read=_buy),
        instruction("sell", _TRADE_ACCOUNTS, "amount_in:u64 minimum_amount_out:u64", read=_sell),
        instruction(
            "create_standard_liquidity_pool",
            "token_program associated_token_program system_program user payer token_a_mint token_b_mint"
            " user_token_a_vault token_a_vault token_b_vault liquidity_pool_state protocol_config token_a_program",
            "protocol_config_version:u16 encoded_user_defined_event_data:string initial_purchase_amount:u64"
            " max_sol_spend:u64",
            read=_launch,
        ),
        instruction("claim_standard_creator_trading_fees", _TRADE_ACCOUNTS, "amount:u64", read=_creator_fee),
        *quiet(
            "admin_borrow_sol admin_claim_msol admin_claim_staking_rewards admin_claim_standard_creator_trading_fees"
            " admin_deposit_msol admin_mint_msol admin_repay_sol admin_unstake_msol"
            " admin_update_standard_liquidity_pool_state admin_withdraw_msol admin_withdraw_transfer_fee"
            " claim_standard_creator_trading_fee_protocol_fees claim_standard_protocol_trading_fees"
            " claim_standard_reflection_trading_fees close_protocol_lookup_table create_or_update_protocol_fee_admin"
            " create_or_update_protocol_owner create_or_update_protocol_staking_admin create_protocol_config"
            " create_protocol_lookup_table deactivate_protocol_lookup_table extend_protocol_lookup_table"
            " initialize_protocol_lending remaining_accounts_stub set_protocol_slot_fees update_allow_create_pool"
            " update_creator_trading_fee_receiver update_protocol_config"
        ),
    ),
    events=(
        event(
            "TradeEvent",
            "base_reserve:u64 quote_reserve:u64 total_creator_trading_fees:u64 total_fee_paid:u64",
        ),
        event(
            "CreateStandardLiquidityPoolEvent",
            "pool_id:pubkey payer:pubkey creator:pubkey mint:pubkey config_version:u16 initial_token_reserve:u64"
            " initial_virtual_wsol_reserve:u64",
        ),
        event(
            "CreateLiquidityPoolEvent",
            "liquidity_pool_id:pubkey user:pubkey base_token_input_transfer_fee_amount:u64"
            " quote_token_input_transfer_fee_amount:u64 base_token_input_amount:u64 quote_token_input_amount:u64"
            " lp_token_output_amount:u64 locked_lp:bool",
        ),
        event("CreatingLiquidityPoolEvent", "id:pubkey base:pubkey quote:pubkey base_amount:u64 quote_amount:u64"),
        event("UserDefinedEvent", "liquidity_pool_id:pubkey instruction_name:string base64_data:string"),
    ),
)

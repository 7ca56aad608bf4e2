"""Raydium CPMM (CP-Swap): constant product pools, Token-2022 too.

Amounts are the trader's transfers; the trade fee is taken from the input and stays in the pool, so it is inside what was
sold. The program logs its events (`emit!`); they add the fee where the log was kept.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, claims, pool_created, pool_liquidity
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet


def _swap(call: Call) -> Iterable[Fact]:
    return pool_swap(
        call,
        pool=call.account("pool_state"),
        source=call.account("input_token_account"),
        destination=call.account("output_token_account"),
        vaults=(call.account("input_vault"), call.account("output_vault")),
        fees=_fees(call),
    )


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


def _deposit(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD)


def _withdraw(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE)


def _liquidity(call: Call, kind: str) -> Iterable[Fact]:
    return pool_liquidity(
        call,
        kind,
        pool=call.account("pool_state"),
        wallet=call.account("owner"),
        accounts=(call.account("token_0_account"), call.account("token_1_account")),
        share_account=call.account("owner_lp_token"),
        share_mint=call.account("lp_mint"),
    )


def _initialize(call: Call) -> Iterable[Fact]:
    pool, wallet = call.account("pool_state"), call.account("creator")
    mint, quote_mint = base_and_quote(call.account("token_0_mint"), call.account("token_1_mint"))
    yield pool_created(call, pool=pool, mint=mint, quote_mint=quote_mint, wallet=wallet)
    yield from pool_liquidity(
        call,
        ADD,
        pool=pool,
        wallet=wallet,
        accounts=(call.account("creator_token_0"), call.account("creator_token_1")),
        share_account=call.account("creator_lp_token"),
        share_mint=call.account("lp_mint"),
    )


def _creator_fee(call: Call) -> Iterable[Fact]:
    accounts = (call.account("creator_token_0"), call.account("creator_token_1"))
    return claims(
        call, "creator_fee_claim", wallet=call.account("creator"), accounts=accounts, pool=call.account("pool_state")
    )


_SWAP_ACCOUNTS = (
    "payer authority amm_config pool_state input_token_account output_token_account input_vault output_vault"
)
_LIQUIDITY_ACCOUNTS = "owner authority pool_state owner_lp_token token_0_account token_1_account token_0_vault token_1_vault _ _ _ _ lp_mint"

PROGRAM = Program(
    name="raydium_cpmm",
    role=VENUE,
    program_ids=("CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C",),
    source="Anchor IDL of raydium_cp_swap 0.2.0",
    instructions=(
        instruction("swap_base_input", _SWAP_ACCOUNTS, "amount_in:u64 minimum_amount_out:u64", read=_swap),
        instruction("swap_base_output", _SWAP_ACCOUNTS, "max_amount_in:u64 amount_out:u64", read=_swap),
        instruction("deposit", _LIQUIDITY_ACCOUNTS, "lp_token_amount:u64", read=_deposit),
        instruction("withdraw", _LIQUIDITY_ACCOUNTS, "lp_token_amount:u64", read=_withdraw),
        instruction(
            "initialize",
            "creator _ _ pool_state token_0_mint token_1_mint lp_mint creator_token_0 creator_token_1 creator_lp_token",
            read=_initialize,
        ),
        instruction(
            "initialize_with_permission",
            "_ creator _ _ pool_state token_0_mint token_1_mint lp_mint creator_token_0 creator_token_1 creator_lp_token",
            read=_initialize,
        ),
        instruction(
            "collect_creator_fee", "creator _ pool_state _ _ _ _ _ creator_token_0 creator_token_1", read=_creator_fee
        ),
        *quiet(
            "close_permission_pda collect_fund_fee collect_protocol_fee create_amm_config create_permission_pda"
            " update_amm_config update_pool_status"
        ),
    ),
    events=(
        event(
            "SwapEvent",
            "pool_id:pubkey input_vault_before:u64 output_vault_before:u64 input_amount:u64 output_amount:u64"
            " input_transfer_fee:u64 output_transfer_fee:u64 base_input:bool input_mint:pubkey output_mint:pubkey"
            " trade_fee:u64 creator_fee:u64 creator_fee_on_input:bool",
        ),
        event("LpChangeEvent", "pool_id:pubkey lp_amount_before:u64"),
    ),
)

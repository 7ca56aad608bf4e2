"""Jupiter Perpetuals: swaps against its pool, and its pool token JLP, which is minted and burned at the pool's price.

JLP is a token like any other, and routers go through it, so a deposit is read as a swap into JLP and a withdrawal as one out
of it. The fee is inside: what was paid contains it, and what is paid out is left of it; the event tells it in tokens.
Margin positions are no trades of tokens; their instructions are known, not read.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet
from oof_pipelines.decode.records import Record


def _difference(told: Record | None, whole: str, rest: str) -> int:
    """What the fee took of an amount by the event, in base units; 0 where it is not told."""
    return told[whole] - told[rest] if told is not None and rest in told else 0


def _swap(call: Call) -> Iterable[Fact]:
    destination = call.account("receiving_account")
    fee_raw = _difference(call.event("PoolSwapEvent"), "amount_out", "amount_out_after_fees")
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=call.account("funding_account"),
        destination=destination,
        vaults=(call.account("receiving_custody_token_account"), call.account("dispensing_custody_token_account")),
        fees=fee("lp", call.scene.mint_of(destination), fee_raw, INSIDE),
    )


def _add_liquidity(call: Call) -> Iterable[Fact]:
    source = call.account("funding_account")
    fee_raw = _difference(call.event("AddLiquidityEvent"), "token_amount_in", "token_amount_after_fee")
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=source,
        destination=call.account("lp_token_account"),
        vaults=(call.account("custody_token_account"),),
        fees=fee("lp", call.scene.mint_of(source), fee_raw, INSIDE),
    )


def _remove_liquidity(call: Call) -> Iterable[Fact]:
    destination = call.account("receiving_account")
    fee_raw = _difference(call.event("RemoveLiquidityEvent"), "remove_token_amount", "token_amount_after_fee")
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=call.account("lp_token_account"),
        destination=destination,
        vaults=(call.account("custody_token_account"),),
        fees=fee("lp", call.scene.mint_of(destination), fee_raw, INSIDE),
    )


_LIQUIDITY = (
    "lp_token_account transfer_authority perpetuals pool custody custody_doves_price_account"
    " custody_pythnet_price_account custody_token_account lp_token_mint"
)
_POOL_SWAP = "receiving_custody:pubkey dispensing_custody:pubkey pool:pubkey amount_in:u64"

PROGRAM = Program(
    name="jupiter_perps",
    role=VENUE,
    program_ids=("PERPHjGBqRHArX4DySjwM6UJHiR3sWAatqfdBS2qQJu",),
    source="IDL of perpetuals, as in jupiter-perpetuals-decoder of sevenlabs-hq/carbon; a recorded deposit",
    instructions=(
        instruction(
            "swap2",
            "owner funding_account receiving_account transfer_authority perpetuals pool receiving_custody _ _"
            " receiving_custody_token_account dispensing_custody _ _ dispensing_custody_token_account",
            "amount_in:u64 min_amount_out:u64",
            read=_swap,
        ),
        instruction(
            "add_liquidity2",
            f"owner funding_account {_LIQUIDITY}",
            "token_amount_in:u64 min_lp_amount_out:u64",
            read=_add_liquidity,
        ),
        instruction(
            "remove_liquidity2",
            f"owner receiving_account {_LIQUIDITY}",
            "lp_amount_in:u64 min_amount_out:u64",
            read=_remove_liquidity,
        ),
        *quiet(
            "add_custody add_pool close_position_request create_decrease_position_market_request"
            " create_decrease_position_request2 create_increase_position_market_request create_token_ledger"
            " create_token_metadata decrease_position4 decrease_position_with_internal_swap"
            " get_add_liquidity_amount_and_fee2 get_assets_under_management2 get_remove_liquidity_amount_and_fee2"
            " increase_position4 increase_position_pre_swap increase_position_with_internal_swap init"
            " instant_create_limit_order instant_create_tpsl instant_decrease_position instant_increase_position"
            " instant_update_limit_order instant_update_tpsl liquidate_full_position4 operator_set_custody_config"
            " operator_set_pool_config refresh_assets_under_management set_custody_config set_perpetuals_config"
            " set_pool_config set_test_time set_token_ledger test_init transfer_admin"
            " update_decrease_position_request2 withdraw_fees2"
        ),
    ),
    events=(
        event("PoolSwapEvent", f"{_POOL_SWAP} amount_out:u64 swap_usd_amount:u64 amount_out_after_fees:u64"),
        event("PoolSwapExactOutEvent", f"{_POOL_SWAP} amount_in_after_fees:u64 amount_out:u64"),
        event(
            "AddLiquidityEvent",
            "custody:pubkey pool:pubkey token_amount_in:u64 pre_pool_amount_usd:u128 token_amount_usd:u64 fee_bps:u64"
            " token_amount_after_fee:u64 mint_amount_usd:u64 lp_amount:u64 post_pool_amount_usd:u128",
        ),
        event(
            "RemoveLiquidityEvent",
            "custody:pubkey pool:pubkey lp_amount_in:u64 remove_amount_usd:u64 fee_bps:u64 remove_token_amount:u64"
            " token_amount_after_fee:u64 post_pool_amount_usd:u128",
        ),
        *(
            event(name, "")
            for name in (
                "ClosePositionRequestEvent",
                "CreatePositionRequestEvent",
                "DecreasePositionEvent",
                "DecreasePositionPostSwapEvent",
                "IncreasePositionEvent",
                "IncreasePositionPreSwapEvent",
                "InstantCreateLimitOrderEvent",
                "InstantCreateTpslEvent",
                "InstantDecreasePositionEvent",
                "InstantIncreasePositionEvent",
                "InstantUpdateTpslEvent",
                "LiquidateFullPositionEvent",
            )
        ),
    ),
)

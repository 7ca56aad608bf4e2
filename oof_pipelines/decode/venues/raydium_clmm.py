"""Raydium CLMM: concentrated liquidity, Token-2022 too.

Amounts are the trader's transfers; the trade fee is taken inside them and stays in the pool. Its event, only logged, states
the fee since 2026 as one number for liquidity providers, protocol and fund together, which stands here as `lp`.

Whatever a position pays out on a withdrawal (liquidity, fees, rewards) comes in transfers from the vaults; the event parts
the liquidity from the fees. A limit order is liquidity on a single tick: opening one adds to the pool, settling or cutting
it takes out, and neither says at which moment how much of it was traded.
"""

from collections.abc import Iterable
from itertools import pairwise

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, Leg, Liquidity
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.pool_liquidity import (
    ADD,
    REMOVE,
    changing,
    claiming,
    creating,
    first_owner,
    holder_of,
    holder_or,
    pool_liquidity,
)
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.pool_transfers import hop, transferred
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet
from oof_pipelines.decode.records import Record

# --- swaps ---


def _swap(call: Call) -> Iterable[Fact]:
    pool, source, destination = (
        call.account("pool_state"),
        call.account("input_token_account"),
        call.account("output_token_account"),
    )
    return pool_swap(
        call,
        pool=pool,
        source=source,
        destination=destination,
        vaults=(call.account("input_vault"), call.account("output_vault")),
        fees=_fees(call, pool, call.mint_of(source), call.mint_of(destination)),
    )


_ROUTE_ACCOUNTS = 6
_HOP_ACCOUNTS = 7


def _swap_route(call: Call) -> Iterable[Fact]:
    """Hops stand behind the fixed accounts: config, pool, the account for what comes out, both vaults, mint, observation.

    Any number of tick arrays follows each, which only their size tells apart from the next hop. So a hop is where the
    accounts named like that did take and give.
    """
    accounts = call.instruction.accounts[_ROUTE_ACCOUNTS:]
    source = call.account("input_token_account")
    trader = call.owner_of(source)
    legs: list[Leg] = []
    index = 0
    while index + _HOP_ACCOUNTS <= len(accounts):
        pool, destination, *vaults = accounts[index + 1 : index + 5]
        taken, given = transferred(call, source, vaults[0]), transferred(call, vaults[1], destination)
        if taken is None or given is None:
            index += 1
            continue
        fees = _fees(call, pool, taken.mint, given.mint)
        legs.append(
            hop(
                call,
                pool=pool,
                trader=trader,
                taken=taken,
                given=given,
                vaults=(vaults[0], vaults[1]),
                fees=fees,
                is_first=not legs,
            )
        )
        source = destination
        index += _HOP_ACCOUNTS
    if not legs:
        raise LayoutError("no hop of the route is found")
    return legs


def _fees(call: Call, pool: str, sold_mint: str, bought_mint: str) -> tuple[FeePart, ...]:
    """The trade fee by the pool's event, where the log was kept and the program was new enough to tell."""
    for told in call.events:
        record = told.record
        if told.name == "SwapEvent" and "trade_fee_1" in record and record["pool_state"] == pool:
            mints = (sold_mint, bought_mint) if record["zero_for_one"] else (bought_mint, sold_mint)
            return (
                *fee("lp", mints[0], record["trade_fee_0"], INSIDE),
                *fee("lp", mints[1], record["trade_fee_1"], INSIDE),
            )
    return ()


# --- positions ---


def _add(call: Call) -> Iterable[Fact]:
    accounts = (call.account("token_account_0"), call.account("token_account_1"))
    signer = call.account("nft_owner" if "nft_owner" in call.layout.seats else "payer")
    wallet = holder_of(call, accounts, signer)
    return pool_liquidity(call, ADD, pool=call.account("pool_state"), wallet=wallet, accounts=accounts)


def _withdraw(call: Call) -> Iterable[Fact]:
    """Liquidity, fees and rewards of a position; with no liquidity asked for, the last two alone."""
    pool = call.account("pool_state")
    recipients = (call.account("recipient_token_account_0"), call.account("recipient_token_account_1"))
    wallet = holder_of(call, recipients, call.account("nft_owner"))
    told = call.event("DecreaseLiquidityEvent")
    amounts: list[tuple[str, int]] = []
    earned: list[tuple[str, int]] = []
    for side, recipient in enumerate(recipients):
        paid = transferred(call, call.account(f"token_vault_{side}"), recipient)
        if paid is not None:
            liquidity_raw = _liquidity_part(call, told, side, paid.arrived_raw)
            amounts.append((paid.mint, liquidity_raw))
            earned.append((paid.mint, paid.arrived_raw - liquidity_raw))
    program_id, venue = call.instruction.program_id, call.program.name
    taken_out = tuple((mint, raw) for mint, raw in amounts if raw)
    if taken_out:
        yield Liquidity(call.path, program_id, venue, REMOVE, pool, wallet, taken_out)
    for mint, raw in earned:
        if raw:
            yield Claim(call.path, program_id, venue, "lp_fee_claim", wallet, mint, raw, pool)
    yield from _rewards(call, wallet, pool)


def _liquidity_part(call: Call, told: Record | None, side: int, arrived_raw: int) -> int:
    """How much of what arrived is the position's liquidity, by the event; by what was asked for where no log tells it."""
    if told is not None and f"transfer_fee_{side}" in told:
        return min(arrived_raw, int(told[f"decrease_amount_{side}"]) - int(told[f"transfer_fee_{side}"]))
    return arrived_raw if call.args["liquidity"] else 0


def _rewards(call: Call, wallet: str, pool: str) -> Iterable[Fact]:
    """Behind the fixed accounts stand each reward's vault and the account it is paid to."""
    fixed = max(call.layout.seats.values()) + 1
    accounts = call.instruction.accounts[fixed:]
    for vault, recipient in pairwise(accounts):
        paid = transferred(call, vault, recipient)
        if paid is not None:
            yield Claim(
                call.path,
                call.instruction.program_id,
                call.program.name,
                "reward_claim",
                call.owner_of(recipient) or wallet,
                paid.mint,
                paid.arrived_raw,
                pool,
            )


_unspent_rewards = claiming(
    "reward_claim", "pool_state", accounts="funder_token_account", wallet=holder_or("reward_funder")
)
_protocol_fee = claiming(
    "protocol_fee_claim",
    "pool_state",
    accounts="recipient_token_account_0 recipient_token_account_1",
    wallet=holder_or("owner"),
)


# --- limit orders and pools ---


def _holder_or_first(call: Call, accounts: tuple[str, ...]) -> str:
    return holder_of(call, accounts, first_owner(call, accounts))


_order_in = changing(ADD, "pool_state", accounts="input_token_account", wallet=_holder_or_first)
_order_out = changing(
    REMOVE, "pool_state", accounts="input_token_account output_token_account", wallet=_holder_or_first
)
_order_settled = changing(REMOVE, "pool_state", accounts="output_token_account", wallet=_holder_or_first)
_create_pool = creating("pool_state", mints="token_mint_0 token_mint_1", wallet="pool_creator")


# --- layouts ---

_SWAP = "payer amm_config pool_state input_token_account output_token_account input_vault output_vault"
_SWAP_ARGS = "amount:u64 other_amount_threshold:u64 sqrt_price_limit_x64:u128 is_base_input:bool"
_OPEN_TAIL = (
    " pool_state protocol_position tick_array_lower tick_array_upper personal_position token_account_0 token_account_1"
    " token_vault_0 token_vault_1"
)
_OPEN = "payer position_nft_owner position_nft_mint position_nft_account"
_OPEN_ARGS = (
    "tick_lower_index:i32 tick_upper_index:i32 tick_array_lower_start_index:i32 tick_array_upper_start_index:i32"
    " liquidity:u128 amount_0_max:u64 amount_1_max:u64"
)
_INCREASE = (
    "nft_owner nft_account pool_state protocol_position personal_position tick_array_lower tick_array_upper"
    " token_account_0 token_account_1 token_vault_0 token_vault_1"
)
_DECREASE = (
    "nft_owner nft_account personal_position pool_state protocol_position token_vault_0 token_vault_1 tick_array_lower"
    " tick_array_upper recipient_token_account_0 recipient_token_account_1 token_program"
)
_DECREASE_ARGS = "liquidity:u128 amount_0_min:u64 amount_1_min:u64"
_COLLECT = (
    "owner pool_state amm_config token_vault_0 token_vault_1 vault_0_mint vault_1_mint recipient_token_account_0"
    " recipient_token_account_1"
)
_POOL = " amm_config pool_state token_mint_0 token_mint_1 token_vault_0 token_vault_1"

PROGRAM = Program(
    name="raydium_clmm",
    role=VENUE,
    program_ids=("CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK",),
    source="IDL of amm_v3 0.1.0; raydium-io/raydium-clmm, programs/amm/src (July 2026); the program's on-chain IDL for the"
    " permissioned pools",
    instructions=(
        instruction("swap", _SWAP, _SWAP_ARGS, read=_swap),
        instruction("swap_v2", _SWAP, _SWAP_ARGS, read=_swap),
        instruction(
            "swap_router_base_in",
            "payer input_token_account input_token_mint",
            "amount_in:u64 amount_out_minimum:u64",
            read=_swap_route,
        ),
        instruction("open_position", _OPEN + " metadata_account" + _OPEN_TAIL, _OPEN_ARGS, read=_add),
        instruction("open_position_v2", _OPEN + " metadata_account" + _OPEN_TAIL, _OPEN_ARGS, read=_add),
        instruction("open_position_with_token22_nft", _OPEN + _OPEN_TAIL, _OPEN_ARGS, read=_add),
        instruction("increase_liquidity", _INCREASE, "liquidity:u128 amount_0_max:u64 amount_1_max:u64", read=_add),
        instruction("increase_liquidity_v2", _INCREASE, "liquidity:u128 amount_0_max:u64 amount_1_max:u64", read=_add),
        instruction("decrease_liquidity", _DECREASE, _DECREASE_ARGS, read=_withdraw),
        instruction(
            "decrease_liquidity_v2",
            _DECREASE + " token_program_2022 memo_program vault_0_mint vault_1_mint",
            _DECREASE_ARGS,
            read=_withdraw,
        ),
        instruction(
            "close_position",
            "nft_owner position_nft_mint position_nft_account personal_position",
            closes=(("personal_position", "nft_owner"),),
        ),
        instruction("close_protocol_position", "admin protocol_position", closes=(("protocol_position", "admin"),)),
        instruction(
            "collect_protocol_fee", _COLLECT, "amount_0_requested:u64 amount_1_requested:u64", read=_protocol_fee
        ),
        instruction("collect_fund_fee", _COLLECT, "amount_0_requested:u64 amount_1_requested:u64", read=_protocol_fee),
        instruction(
            "collect_remaining_rewards",
            "reward_funder funder_token_account pool_state reward_token_vault reward_vault_mint",
            "reward_index:u8",
            read=_unspent_rewards,
        ),
        # One release named an account for proceeds behind the input account; the seats before it are the same.
        instruction(
            "open_limit_order",
            "payer pool_state tick_array limit_order_nonce limit_order input_token_account",
            "nonce_index:u8 zero_for_one:bool tick_index:i32 amount:u64",
            read=_order_in,
        ),
        instruction(
            "increase_limit_order",
            "owner pool_state tick_array limit_order input_token_account",
            "amount:u64",
            read=_order_in,
        ),
        instruction(
            "decrease_limit_order",
            "owner pool_state tick_array limit_order input_token_account output_token_account",
            "amount:u64 amount_min:u64",
            read=_order_out,
        ),
        instruction(
            "settle_limit_order", "signer pool_state tick_array limit_order output_token_account", read=_order_settled
        ),
        instruction(
            "close_limit_order", "signer rent_receiver limit_order", closes=(("limit_order", "rent_receiver"),)
        ),
        instruction("create_pool", "pool_creator" + _POOL, "sqrt_price_x64:u128 open_time:u64", read=_create_pool),
        instruction("create_customizable_pool", "pool_creator" + _POOL, read=_create_pool),
        instruction("create_permissioned_pool", "payer pool_creator permission" + _POOL, read=_create_pool),
        instruction("close_permission_pda", "owner permission_authority permission", closes=(("permission", "owner"),)),
        instruction(
            "close_support_mint_associated",
            "owner token_mint support_mint_associated",
            closes=(("support_mint_associated", "owner"),),
        ),
        *quiet(
            "create_amm_config update_amm_config create_dynamic_fee_config update_dynamic_fee_config update_pool_status"
            " create_operation_account update_operation_account create_permission_pda create_support_mint_associated"
            " transfer_reward_owner initialize_reward update_reward_infos set_reward_params collect_excess_lamports"
        ),
    ),
    events=(
        event(
            "SwapEvent",
            "pool_state:pubkey sender:pubkey token_account_0:pubkey token_account_1:pubkey amount_0:u64"
            " transfer_fee_0:u64 amount_1:u64 transfer_fee_1:u64 zero_for_one:bool sqrt_price_x64:u128 liquidity:u128"
            " tick:i32 trade_fee_0:u64 trade_fee_1:u64",
        ),
        event(
            "DecreaseLiquidityEvent",
            "position_nft_mint:pubkey liquidity:u128 decrease_amount_0:u64 decrease_amount_1:u64 fee_amount_0:u64"
            " fee_amount_1:u64 reward_amount_0:u64 reward_amount_1:u64 reward_amount_2:u64 transfer_fee_0:u64"
            " transfer_fee_1:u64",
        ),
        event("IncreaseLiquidityEvent", "position_nft_mint:pubkey liquidity:u128 amount_0:u64 amount_1:u64"),
        event(
            "CreatePersonalPositionEvent",
            "pool_state:pubkey minter:pubkey nft_owner:pubkey tick_lower_index:i32 tick_upper_index:i32 liquidity:u128"
            " deposit_amount_0:u64 deposit_amount_1:u64",
        ),
        event("LiquidityChangeEvent", "pool_state:pubkey tick:i32 tick_lower:i32 tick_upper:i32"),
        event("LiquidityCalculateEvent", "pool_liquidity:u128 pool_sqrt_price_x64:u128 pool_tick:i32"),
        event("CollectPersonalFeeEvent", "position_nft_mint:pubkey"),
        event("CollectProtocolFeeEvent", "pool_state:pubkey"),
        event("PoolCreatedEvent", "token_mint_0:pubkey token_mint_1:pubkey tick_spacing:u16 pool_state:pubkey"),
        event("ConfigChangeEvent", "index:u16 owner:pubkey"),
        event("UpdateRewardInfosEvent", "reward_growth_0_x64:u128 reward_growth_1_x64:u128 reward_growth_2_x64:u128"),
        event("OpenLimitOrderEvent", "pool_id:pubkey limit_order:pubkey zero_for_one:bool tick_index:i32"),
        event("IncreaseLimitOrderEvent", "pool_id:pubkey limit_order:pubkey zero_for_one:bool tick_index:i32"),
        event("DecreaseLimitOrderEvent", "pool_id:pubkey limit_order:pubkey zero_for_one:bool tick_index:i32"),
        event("SettleLimitOrderEvent", "pool_id:pubkey limit_order:pubkey zero_for_one:bool tick_index:i32"),
    ),
)

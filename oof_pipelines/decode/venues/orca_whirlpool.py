"""Orca Whirlpools: concentrated liquidity, Token-2022 too.

Amounts are the trader's transfers; the fee is taken inside what was sold and stays in the pool. The program logs its events
(since 2025), which part the fee into the liquidity providers' and the protocol's.

A two-hop swap makes two legs. In its first version the middle token passes through an account of the trader; in the second
it goes from the first pool's vault straight into the second's, so that both legs name what arrived there.

Not shown by any instruction: a position lends its rent to a tick array that grows, and gets it back.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, Leg
from oof_pipelines.decode.pool_liquidity import adding_and_removing, claiming, creating, holder_or
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.pool_transfers import Transfer, hop, needed_transfer
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet

# --- swaps ---


def _swap(call: Call) -> Iterable[Fact]:
    sides = ("a", "b") if call.args["a_to_b"] else ("b", "a")
    source, destination = (call.account(f"token_owner_account_{side}") for side in sides)
    pool = call.account("whirlpool")
    return pool_swap(
        call,
        pool=pool,
        source=source,
        destination=destination,
        vaults=(call.account(f"token_vault_{sides[0]}"), call.account(f"token_vault_{sides[1]}")),
        fees=_fees(call, pool, call.mint_of(source)),
    )


def _two_hop_swap(call: Call) -> Iterable[Fact]:
    legs: list[Leg] = []
    for number in ("one", "two"):
        sides = ("a", "b") if call.args[f"a_to_b_{number}"] else ("b", "a")
        source, destination = (call.account(f"token_owner_account_{number}_{side}") for side in sides)
        vaults = (call.account(f"token_vault_{number}_{sides[0]}"), call.account(f"token_vault_{number}_{sides[1]}"))
        taken, given = needed_transfer(call, source, vaults[0]), needed_transfer(call, vaults[1], destination)
        legs.append(_hop(call, number, call.owner_of(source), taken, given, vaults))
    return legs


def _two_hop_swap_v2(call: Call) -> Iterable[Fact]:
    source, destination = call.account("token_owner_account_input"), call.account("token_owner_account_output")
    first = (call.account("token_vault_one_input"), call.account("token_vault_one_intermediate"))
    second = (call.account("token_vault_two_intermediate"), call.account("token_vault_two_output"))
    middle = needed_transfer(call, first[1], second[0])
    trader = call.owner_of(source)
    yield _hop(call, "one", trader, needed_transfer(call, source, first[0]), middle, first)
    yield _hop(call, "two", trader, middle.handed_on(), needed_transfer(call, second[1], destination), second)


def _hop(call: Call, number: str, trader: str, taken: Transfer, given: Transfer, vaults: tuple[str, str]) -> Leg:
    pool = call.account(f"whirlpool_{number}")
    fees = _fees(call, pool, taken.mint)
    is_first = number == "one"
    return hop(call, pool=pool, trader=trader, taken=taken, given=given, vaults=vaults, fees=fees, is_first=is_first)


def _fees(call: Call, pool: str, sold_mint: str) -> tuple[FeePart, ...]:
    """Both parts of the fee by the pool's event, where the log was kept."""
    for told in call.events:
        record = told.record
        if told.name == "Traded" and "protocol_fee" in record and record["whirlpool"] == pool:
            return (
                *fee("lp", sold_mint, record["lp_fee"], INSIDE),
                *fee("protocol", sold_mint, record["protocol_fee"], INSIDE),
            )
    return ()


# --- positions and pools ---


_USER = "token_owner_account_a token_owner_account_b"
_increase, _decrease = adding_and_removing("whirlpool", accounts=_USER, wallet=holder_or("position_authority"))


def _reposition(call: Call) -> Iterable[Fact]:
    """A position moves to another range: what it lacks there is paid in, what it has over is paid out."""
    yield from _decrease(call)
    yield from _increase(call)


_collect_fees = claiming("lp_fee_claim", "whirlpool", accounts=_USER, wallet=holder_or("position_authority"))
_collect_reward = claiming(
    "reward_claim", "whirlpool", accounts="reward_owner_account", wallet=holder_or("position_authority")
)
_collect_protocol_fees = claiming(
    "protocol_fee_claim",
    "whirlpool",
    accounts="token_destination_a token_destination_b",
    wallet=holder_or("collect_protocol_fees_authority"),
)
_initialize_pool = creating("whirlpool", mints="token_mint_a token_mint_b", wallet="funder")


# --- layouts ---

_SWAP_ARGS = "amount:u64 other_amount_threshold:u64 sqrt_price_limit:u128 amount_specified_is_input:bool a_to_b:bool"
_SWAP_ACCOUNTS = " whirlpool{} token_owner_account_a token_vault_a token_owner_account_b token_vault_b"
_MINTS = " token_mint_a token_mint_b"
_TWO_HOP_ARGS = (
    "amount:u64 other_amount_threshold:u64 amount_specified_is_input:bool a_to_b_one:bool a_to_b_two:bool"
    " sqrt_price_limit_one:u128 sqrt_price_limit_two:u128"
)
_POSITION = "position_authority position position_token_account"
_OWNER_ACCOUNTS = " token_owner_account_a token_owner_account_b token_vault_a token_vault_b"
_MODIFY_V2 = "whirlpool token_program_a token_program_b memo_program " + _POSITION + _MINTS + _OWNER_ACCOUNTS
_INCREASE_ARGS = "liquidity_amount:u128 token_max_a:u64 token_max_b:u64"
_DECREASE_ARGS = "liquidity_amount:u128 token_min_a:u64 token_min_b:u64"
_FEE_ACCOUNTS = " token_owner_account_a token_vault_a token_owner_account_b token_vault_b"
_PROTOCOL_ACCOUNTS = " token_vault_a token_vault_b token_destination_a token_destination_b"
_CHANGED = "whirlpool:pubkey position:pubkey tick_lower_index:i32 tick_upper_index:i32 liquidity:u128"
_CHANGED_AMOUNTS = " token_a_amount:u64 token_b_amount:u64 token_a_transfer_fee:u64 token_b_transfer_fee:u64"

_SWAPS = (
    instruction("swap", "token_program token_authority" + _SWAP_ACCOUNTS.format(""), _SWAP_ARGS, read=_swap),
    instruction(
        "swap_v2",
        "token_program_a token_program_b memo_program token_authority" + _SWAP_ACCOUNTS.format(_MINTS),
        _SWAP_ARGS,
        read=_swap,
    ),
    instruction(
        "two_hop_swap",
        "token_program token_authority whirlpool_one whirlpool_two token_owner_account_one_a token_vault_one_a"
        " token_owner_account_one_b token_vault_one_b token_owner_account_two_a token_vault_two_a"
        " token_owner_account_two_b token_vault_two_b",
        _TWO_HOP_ARGS,
        read=_two_hop_swap,
    ),
    instruction(
        "two_hop_swap_v2",
        "whirlpool_one whirlpool_two token_mint_input token_mint_intermediate token_mint_output token_program_input"
        " token_program_intermediate token_program_output token_owner_account_input token_vault_one_input"
        " token_vault_one_intermediate token_vault_two_intermediate token_vault_two_output token_owner_account_output"
        " token_authority",
        _TWO_HOP_ARGS,
        read=_two_hop_swap_v2,
    ),
)
_POSITIONS = (
    instruction(
        "increase_liquidity",
        "whirlpool token_program " + _POSITION + _OWNER_ACCOUNTS,
        _INCREASE_ARGS,
        read=_increase,
    ),
    instruction(
        "decrease_liquidity",
        "whirlpool token_program " + _POSITION + _OWNER_ACCOUNTS,
        _DECREASE_ARGS,
        read=_decrease,
    ),
    instruction("increase_liquidity_v2", _MODIFY_V2, _INCREASE_ARGS, read=_increase),
    instruction("increase_liquidity_by_token_amounts_v2", _MODIFY_V2, read=_increase),
    instruction("decrease_liquidity_v2", _MODIFY_V2, _DECREASE_ARGS, read=_decrease),
    instruction(
        "reposition_liquidity_v2",
        "whirlpool token_program_a token_program_b memo_program position_authority funder position"
        " position_token_account" + _MINTS + _OWNER_ACCOUNTS,
        "new_tick_lower_index:i32 new_tick_upper_index:i32",
        read=_reposition,
    ),
    instruction("collect_fees", "whirlpool " + _POSITION + _FEE_ACCOUNTS, read=_collect_fees),
    instruction("collect_fees_v2", "whirlpool " + _POSITION + _MINTS + _FEE_ACCOUNTS, read=_collect_fees),
    instruction(
        "collect_reward",
        "whirlpool " + _POSITION + " reward_owner_account reward_vault",
        "reward_index:u8",
        read=_collect_reward,
    ),
    instruction(
        "collect_reward_v2",
        "whirlpool " + _POSITION + " reward_owner_account reward_mint reward_vault",
        "reward_index:u8",
        read=_collect_reward,
    ),
    instruction(
        "close_position", "position_authority receiver position position_mint", closes=(("position", "receiver"),)
    ),
    instruction(
        "close_position_with_token_extensions",
        "position_authority receiver position position_mint",
        closes=(("position", "receiver"),),
    ),
    instruction(
        "close_bundled_position",
        "bundled_position position_bundle position_bundle_token_account position_bundle_authority receiver",
        "bundle_index:u16",
        closes=(("bundled_position", "receiver"),),
    ),
    instruction(
        "delete_position_bundle",
        "position_bundle position_bundle_mint position_bundle_token_account position_bundle_owner receiver",
        closes=(("position_bundle", "receiver"),),
    ),
)
_POOLS = (
    instruction(
        "initialize_pool", "whirlpools_config token_mint_a token_mint_b funder whirlpool", read=_initialize_pool
    ),
    instruction(
        "initialize_pool_v2",
        "whirlpools_config token_mint_a token_mint_b token_badge_a token_badge_b funder whirlpool",
        read=_initialize_pool,
    ),
    instruction(
        "initialize_pool_with_adaptive_fee",
        "whirlpools_config token_mint_a token_mint_b token_badge_a token_badge_b funder initialize_pool_authority"
        " whirlpool",
        read=_initialize_pool,
    ),
    instruction(
        "collect_protocol_fees",
        "whirlpools_config whirlpool collect_protocol_fees_authority" + _PROTOCOL_ACCOUNTS,
        read=_collect_protocol_fees,
    ),
    instruction(
        "collect_protocol_fees_v2",
        "whirlpools_config whirlpool collect_protocol_fees_authority" + _MINTS + _PROTOCOL_ACCOUNTS,
        read=_collect_protocol_fees,
    ),
    instruction(
        "delete_token_badge",
        "whirlpools_config whirlpools_config_extension token_badge_authority token_mint token_badge receiver",
        closes=(("token_badge", "receiver"),),
    ),
)

PROGRAM = Program(
    name="orca_whirlpool",
    role=VENUE,
    program_ids=("whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc",),
    source="IDL of whirlpool 0.3.6; orca-so/whirlpools, programs/whirlpool/src (August 2026)",
    instructions=(
        *_SWAPS,
        *_POSITIONS,
        *_POOLS,
        *quiet(
            "initialize_config initialize_tick_array initialize_dynamic_tick_array initialize_fee_tier initialize_reward"
            " initialize_reward_v2 initialize_adaptive_fee_tier initialize_config_extension initialize_token_badge"
            " initialize_position_bundle initialize_position_bundle_with_metadata open_position"
            " open_position_with_metadata open_position_with_token_extensions open_bundled_position lock_position"
            " reset_position_range transfer_locked_position update_fees_and_rewards idl_include"
            " migrate_repurpose_reward_authority_space set_reward_emissions set_reward_emissions_v2 set_default_fee_rate"
            " set_default_protocol_fee_rate set_default_base_fee_rate set_fee_rate set_protocol_fee_rate set_fee_authority"
            " set_collect_protocol_fees_authority set_reward_authority set_reward_authority_by_super_authority"
            " set_reward_emissions_super_authority set_delegated_fee_authority set_initialize_pool_authority"
            " set_preset_adaptive_fee_constants set_adaptive_fee_constants set_fee_rate_by_delegated_fee_authority"
            " set_config_feature_flag set_config_extension_authority set_token_badge_authority set_token_badge_attribute"
            # Of early 2023 alone, and no more in the IDL: changed a pool's liquidity and moved no token.
            " admin_increase_liquidity"
        ),
    ),
    events=(
        event(
            "Traded",
            "whirlpool:pubkey a_to_b:bool pre_sqrt_price:u128 post_sqrt_price:u128 input_amount:u64 output_amount:u64"
            " input_transfer_fee:u64 output_transfer_fee:u64 lp_fee:u64 protocol_fee:u64",
        ),
        event("LiquidityIncreased", _CHANGED + _CHANGED_AMOUNTS),
        event("LiquidityDecreased", _CHANGED + _CHANGED_AMOUNTS),
        event("LiquidityRepositioned", "whirlpool:pubkey position:pubkey"),
        event("PoolInitialized", "whirlpool:pubkey whirlpools_config:pubkey token_mint_a:pubkey token_mint_b:pubkey"),
        event("PositionOpened", "whirlpool:pubkey position:pubkey tick_lower_index:i32 tick_upper_index:i32"),
    ),
)

"""FusionAMM of DefiTuna: concentrated liquidity after Orca's, with limit orders on single ticks; Token-2022 too. No events.

Seats are in the pool's order of mints. The trade fee stays in the vaults. A limit order is liquidity on one tick: opening or
raising it puts in, lowering it takes out, and no call says when how much of it was traded.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.pool_liquidity import ADD, adding_and_removing, changing, claiming, creating, first_owner
from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.pool_transfers import hop, needed_transfer
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet

_swap = either_way(
    "fusion_pool", accounts="token_owner_account_a token_owner_account_b", vaults="token_vault_a token_vault_b"
)


def _two_hop_swap(call: Call) -> Iterable[Fact]:
    """The first pool pays straight into the second; in between the tokens are in no account of the trader."""
    source = call.account("token_owner_account_input")
    first = (call.account("token_vault_one_input"), call.account("token_vault_one_intermediate"))
    second = (call.account("token_vault_two_intermediate"), call.account("token_vault_two_output"))
    trader = call.owner_of(source)
    taken, middle = needed_transfer(call, source, first[0]), needed_transfer(call, first[1], second[0])
    given = needed_transfer(call, second[1], call.account("token_owner_account_output"))
    pools = call.account("fusion_pool_one"), call.account("fusion_pool_two")
    yield hop(call, pool=pools[0], trader=trader, taken=taken, given=middle, vaults=first, is_first=True)
    handed_on = middle.handed_on()
    yield hop(call, pool=pools[1], trader=trader, taken=handed_on, given=given, vaults=second, is_first=False)


_USER = "token_owner_account_a token_owner_account_b"
_increase, _decrease = adding_and_removing("fusion_pool", accounts=_USER, wallet=first_owner)
_increase_order = changing(ADD, "fusion_pool", accounts="token_owner_account", wallet=first_owner)
_collect_fees = claiming("lp_fee_claim", "fusion_pool", accounts=_USER, wallet=first_owner)
_collect_protocol_fees = claiming(
    "protocol_fee_claim", "fusion_pool", accounts="token_destination_a token_destination_b", wallet=first_owner
)
_initialize_pool = creating("fusion_pool", mints="token_mint_a token_mint_b", wallet="funder")

_USER_AND_VAULTS = "token_mint_a token_mint_b token_owner_account_a token_owner_account_b token_vault_a token_vault_b"
_POSITION = "position_authority position position_token_account"
_MODIFY = f"fusion_pool token_program_a token_program_b memo_program {_POSITION} {_USER_AND_VAULTS}"

PROGRAM = Program(
    name="fusion_amm",
    role=VENUE,
    program_ids=("fUSioN9YKKSa3CUC2YUc4tPkHJ5Y6XW1yz8y6F7qWz9",),
    source="target/idl/fusionamm.json 1.1.4 of DefiTuna/fusionamm-sdk; recorded swaps",
    instructions=(
        instruction(
            "swap",
            f"token_program_a token_program_b memo_program token_authority fusion_pool {_USER_AND_VAULTS}",
            "amount:u64 other_amount_threshold:u64 sqrt_price_limit:u128 amount_specified_is_input:bool a_to_b:bool",
            read=_swap,
        ),
        instruction(
            "two_hop_swap",
            "fusion_pool_one fusion_pool_two token_mint_input token_mint_intermediate token_mint_output"
            " token_program_input token_program_intermediate token_program_output token_owner_account_input"
            " token_vault_one_input token_vault_one_intermediate token_vault_two_intermediate token_vault_two_output"
            " token_owner_account_output token_authority",
            "amount:u64 other_amount_threshold:u64 amount_specified_is_input:bool",
            read=_two_hop_swap,
        ),
        instruction("increase_liquidity", _MODIFY, "liquidity_amount:u128", read=_increase),
        instruction("decrease_liquidity", _MODIFY, "liquidity_amount:u128", read=_decrease),
        instruction(
            "increase_limit_order",
            "limit_order_authority fusion_pool limit_order limit_order_token_account token_mint token_owner_account",
            "amount:u64",
            read=_increase_order,
        ),
        instruction(
            "decrease_limit_order",
            f"limit_order_authority fusion_pool limit_order limit_order_token_account {_USER_AND_VAULTS}",
            "amount:u64",
            read=_decrease,
        ),
        instruction("collect_fees", f"fusion_pool {_POSITION} {_USER_AND_VAULTS}", read=_collect_fees),
        instruction(
            "collect_protocol_fees",
            "fusion_pools_config fusion_pool collect_protocol_fees_authority token_mint_a token_mint_b token_vault_a"
            " token_vault_b token_destination_a token_destination_b",
            read=_collect_protocol_fees,
        ),
        instruction(
            "initialize_pool",
            "fusion_pools_config token_mint_a token_mint_b token_badge_a token_badge_b funder fusion_pool",
            "tick_spacing:u16 fee_rate:u16 initial_sqrt_price:u128",
            read=_initialize_pool,
        ),
        instruction("close_position", "position_authority receiver position", closes=(("position", "receiver"),)),
        instruction(
            "close_bundled_position",
            "bundled_position position_bundle position_bundle_token_account position_bundle_authority receiver",
            closes=(("bundled_position", "receiver"),),
        ),
        instruction(
            "close_limit_order", "limit_order_authority receiver limit_order", closes=(("limit_order", "receiver"),)
        ),
        instruction(
            "delete_position_bundle",
            "position_bundle position_bundle_mint position_bundle_token_account position_bundle_owner receiver",
            closes=(("position_bundle", "receiver"),),
        ),
        instruction(
            "delete_token_badge",
            "fusion_pools_config token_badge_authority token_mint token_badge receiver",
            closes=(("token_badge", "receiver"),),
        ),
        *quiet(
            "idl_include initialize_config initialize_position_bundle initialize_position_bundle_with_metadata"
            " initialize_tick_array initialize_token_badge lock_position open_bundled_position open_limit_order"
            " open_position reset_pool_price set_collect_protocol_fees_authority set_default_protocol_fee_rate"
            " set_fee_authority set_fee_rate set_position_range set_protocol_fee_rate set_token_badge_authority"
            " update_fees"
        ),
    ),
)

"""GooseFX GAMMA: constant product pools with a dynamic fee, priced by an oracle in the newer swap; no token for shares.

Amounts are the trader's transfers. The dynamic fee is taken from the input and stays in the vault, but for a referrer's
part, which the trader's account pays him directly; all of it is inside. The program logs its events (`emit!`); the fee told
contains the protocol's and the fund's share, whose rates the pool's config keeps. What the pool lends out to Kamino moves
between its own accounts. Earlier releases could move positions over from other venues; those calls are not read.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.pool_liquidity import ADD, adding_and_removing, changing, claiming, creating, holder_or
from oof_pipelines.decode.pool_swaps import fee, one_way
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet


def _fees(call: Call) -> tuple[FeePart, ...]:
    """The referrer's part by what reached his account, the rest of the fee by the event."""
    mint = call.account("input_token_mint")
    referral: tuple[FeePart, ...] = ()
    referral_raw = 0
    if call.has("referral_token_account"):
        account = call.account("referral_token_account")
        referral_raw = max(0, call.moved(account, mint))
        referral = fee("referral", mint, referral_raw, INSIDE, call.owner_of(account))
    told = call.event("SwapEvent")
    if told is None or "dynamic_fee" not in told:
        return referral
    return (*fee("lp", mint, told["dynamic_fee"] - referral_raw, INSIDE), *referral)


_swap = one_way(
    "pool_state",
    source="input_token_account",
    destination="output_token_account",
    vaults="input_vault output_vault",
    fees=_fees,
)
_deposit, _withdraw = adding_and_removing(
    "pool_state", accounts="token_0_account token_1_account", wallet=holder_or("owner")
)
_created = creating("pool_state", mints="token_0_mint token_1_mint", wallet="creator")
_fill = changing(ADD, "pool_state", accounts="creator_token_0 creator_token_1", wallet=holder_or("creator"))


def _initialize(call: Call) -> Iterable[Fact]:
    yield from _created(call)
    yield from _fill(call)


_protocol_fee = claiming(
    "protocol_fee_claim",
    "pool_state",
    accounts="recipient_token_0_account recipient_token_1_account",
    wallet=holder_or("owner"),
)
_partner_fee = claiming(
    "platform_fee_claim",
    "pool_state",
    accounts="token_0_token_account token_1_token_account",
    wallet=holder_or("partner"),
)
_rewards = claiming("reward_claim", "pool_state", accounts="user_token_account", wallet=holder_or("user"))

_SWAP_ACCOUNTS = (
    "payer authority amm_config pool_state input_token_account output_token_account input_vault output_vault"
    " input_token_program output_token_program input_token_mint output_token_mint observation_state"
    " registered_segmenter registry referral_account referral_token_account"
)
_INPUT = "amount_in:u64 minimum_amount_out:u64"
_LIQUIDITY_ACCOUNTS = (
    "owner authority pool_state user_pool_liquidity token_0_account token_1_account token_0_vault token_1_vault"
)
_POOL_ACCOUNTS = (
    "creator amm_config authority pool_state user_pool_liquidity token_0_mint token_1_mint creator_token_0"
    " creator_token_1 token_0_vault token_1_vault create_pool_fee"
)
_VAULTS = "token_0_vault token_1_vault vault_0_mint vault_1_mint"
_FEE_ACCOUNTS = f"owner authority pool_state amm_config {_VAULTS} recipient_token_0_account recipient_token_1_account"
_FEE_AMOUNTS = "amount_0_requested:u64 amount_1_requested:u64"

PROGRAM = Program(
    name="gamma",
    role=VENUE,
    program_ids=("GAMMA7meSFWaBXF25oSUgmGRwaW6sCMFLmBNiMSdbHVT",),
    source="IDL of gamma 0.1.0 in GooseFX1/gamma-sdk; GooseFX1/gamma, programs/gamma/src (February 2025) for the events;"
    " a recorded swap",
    instructions=(
        instruction("oracle_based_swap_base_input", _SWAP_ACCOUNTS, _INPUT, read=_swap),
        instruction("swap_base_input", _SWAP_ACCOUNTS, _INPUT, read=_swap),
        instruction("swap_base_output", _SWAP_ACCOUNTS, "max_amount_in:u64 amount_out:u64", read=_swap),
        instruction(
            "deposit",
            _LIQUIDITY_ACCOUNTS,
            "lp_token_amount:u64 maximum_token_0_amount:u64 maximum_token_1_amount:u64",
            read=_deposit,
        ),
        instruction(
            "withdraw",
            _LIQUIDITY_ACCOUNTS,
            "lp_token_amount:u64 minimum_token_0_amount:u64 minimum_token_1_amount:u64",
            read=_withdraw,
        ),
        instruction(
            "initialize", _POOL_ACCOUNTS, "init_amount_0:u64 init_amount_1:u64 open_time:u64", read=_initialize
        ),
        instruction("collect_protocol_fee", _FEE_ACCOUNTS, _FEE_AMOUNTS, read=_protocol_fee),
        instruction("collect_fund_fee", _FEE_ACCOUNTS, _FEE_AMOUNTS, read=_protocol_fee),
        instruction(
            "claim_partner_fees",
            f"partner authority pool_state {_VAULTS} pool_partners token_0_token_account token_1_token_account",
            read=_partner_fee,
        ),
        instruction(
            "claim_rewards", "user authority pool_state reward_info reward_vault user_token_account", read=_rewards
        ),
        *quiet(
            "add_or_update_actor add_partner calculate_rewards create_amm_config create_rewards create_swap_referral"
            " init_user_pool_liquidity initialize_partner initialize_pool_partners rebalance_kamino update_amm_config"
            " update_partner update_partner_fees update_pool"
        ),
        # What sets the oracle's price: their discriminators are not those of their names.
        instruction("pool_config_update", discriminator=bytes.fromhex("c4d4633f3b75f8df")),
        instruction("pool_config_update_v2", discriminator=bytes.fromhex("e4a1c7de35ac79ee")),
        instruction("pool_config_update_v3", discriminator=bytes.fromhex("7b87170fae647898")),
    ),
    events=(
        event(
            "SwapEvent",
            "pool_id:pubkey input_vault_before:u64 output_vault_before:u64 input_amount:u64 output_amount:u64"
            " input_mint:pubkey output_mint:pubkey input_transfer_fee:u64 output_transfer_fee:u64 base_input:bool"
            " dynamic_fee:u128",
        ),
        event(
            "LpChangeEvent",
            "pool_id:pubkey lp_amount_before:u64 token_0_vault_before:u64 token_1_vault_before:u64 token_0_amount:u64"
            " token_1_amount:u64 token_0_transfer_fee:u64 token_1_transfer_fee:u64 change_type:u8",
        ),
        event(
            "MigrationEvent",
            "from_pool:pubkey to_pool:pubkey token_0_amount_withdrawn:u64 token_1_amount_withdrawn:u64"
            " lp_tokens_migrated:u128",
        ),
    ),
)

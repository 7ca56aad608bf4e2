"""Meteora DBC (dynamic bonding curve): launchpads by configuration, whose full curves move to DAMM v1 or v2.

Amounts are the trader's transfers; fees are inside them: in the quote token, or by the configuration in whatever is
bought. The trading fee is the launchpad's (`platform`); it may share it with the coin's creator, how much of it the
configuration knows and no event. `EvtSwap2` is told beside `EvtSwap` since 0.1.6.

The fee for making a pool lies in the pool's own account and is paid out of it by no instruction, as the events say.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Claim, Fact, FeePart, TokenEvent
from oof_pipelines.decode.operations import MoveLamports, Operation
from oof_pipelines.decode.pool_liquidity import claiming, token_event
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, Arguments, InstructionLayout, Program, event, instruction, quiet
from oof_pipelines.decode.records import Record

_BASE_TO_QUOTE = 0
_MINTS_OF_MIGRATION = ("base_mint_or_program", "quote_or_base_mint")
_DAMM_V2 = "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG"


def _swap(call: Call) -> Iterable[Fact]:
    yield from pool_swap(
        call,
        pool=call.account("pool"),
        source=call.account("input_token_account"),
        destination=call.account("output_token_account"),
        vaults=(call.account("base_vault"), call.account("quote_vault")),
        fees=_fees(call),
    )
    if call.event("EvtCurveComplete") is not None:
        wallet = call.owner_of(call.account("input_token_account"))
        yield _step(call, "graduation", wallet, call.account("pool"))


def _fees(call: Call) -> tuple[FeePart, ...]:
    told = call.event("EvtSwap2")
    if told is not None:
        is_on_input = told["included_fee_input_raw"] != told["excluded_fee_input_raw"]
    else:
        told = call.event("EvtSwap")
        if told is None:
            return ()
        is_on_input = told["amount_in"] != told["actual_input_amount"]
    is_base = is_on_input == (told["trade_direction"] == _BASE_TO_QUOTE)
    mint = call.account("base_mint" if is_base else "quote_mint")
    referral = call.account("referral_token_account") if told["has_referral"] else ""
    return (
        *fee("platform", mint, told["trading_fee"], INSIDE),
        *fee("protocol", mint, told["protocol_fee"], INSIDE),
        *fee("referral", mint, told["referral_fee"], INSIDE, referral),
    )


def _step(call: Call, kind: str, wallet: str, pool: str) -> TokenEvent:
    mint, quote_mint = call.account("base_mint"), call.account("quote_mint")
    return token_event(call, kind, mint, wallet, pool=pool, quote_mint=quote_mint)


def _launch(call: Call) -> Iterable[Fact]:
    creator = call.account("creator")
    yield token_event(
        call,
        "launch",
        call.account("base_mint"),
        call.account("payer"),
        pool=call.account("pool"),
        quote_mint=call.account("quote_mint"),
        creator=creator,
        name=call.args["name"],
        symbol=call.args["symbol"],
        uri=call.args["uri"],
        token_program_id=call.account("token_program"),
    )


def _migrate_v1(call: Call) -> Iterable[Fact]:
    yield _step(call, "migration", call.account("payer"), call.account("pool"))


def _migrate_v2(call: Call) -> Iterable[Fact]:
    """The new pool's configuration had an account of its own at first, which shifted by one what follows it."""
    is_first = call.account("base_mint_or_program") == _DAMM_V2
    mint, quote_mint = ("quote_or_base_mint", "first_quote_mint") if is_first else _MINTS_OF_MIGRATION
    yield token_event(
        call,
        "migration",
        call.account(mint),
        call.account("first_payer" if is_first else "payer"),
        pool=call.account("pool"),
        quote_mint=call.account(quote_mint),
    )


_BOTH = "token_a_account token_b_account"
_claim_trading_fee = claiming("platform_fee_claim", "pool", accounts=_BOTH)
_claim_creator_fee = claiming("creator_fee_claim", "pool", accounts=_BOTH)
_claim_protocol_fee = claiming("protocol_fee_claim", "pool", accounts=_BOTH)
_claim_protocol_fee_of_one = claiming("protocol_fee_claim", "pool", accounts="receiver_token")
_partner_surplus = claiming("platform_fee_claim", "pool", accounts="token_quote_account")
_creator_surplus = claiming("creator_fee_claim", "pool", accounts="token_quote_account")
_protocol_surplus = claiming("protocol_fee_claim", "pool", accounts="token_quote_account")


def _migration_fee(call: Call) -> Iterable[Fact]:
    """`flag` 0 is the launchpad's part, 1 the creator's."""
    return _creator_surplus(call) if call.args["flag"] else _partner_surplus(call)


def _creation_fee(call: Call) -> Iterable[Fact]:
    """Lamports that lay in the pool's account. The program tells nothing where there was nothing to claim."""
    told_by = (call.path, call.instruction.program_id, call.program.name)
    told = call.event("EvtPartnerClaimPoolCreationFee")
    if told is not None:
        yield Claim(
            *told_by, "platform_fee_claim", told["fee_receiver"], NATIVE_MINT, told["creation_fee"], told["pool"]
        )
    told = call.event("EvtClaimPoolCreationFee")
    if told is not None and told["creation_fee"]:
        yield Claim(*told_by, "protocol_fee_claim", told["receiver"], NATIVE_MINT, told["creation_fee"], told["pool"])


def _creation_fee_of_protocol(told: Record, arguments: Arguments) -> list[Operation]:
    return [MoveLamports(told["pool"], told["receiver"], told["creation_fee"])] if told["creation_fee"] else []


def _creation_fee_of_partner(told: Record, arguments: Arguments) -> list[Operation]:
    return [MoveLamports(told["pool"], told["fee_receiver"], told["creation_fee"])]


_VAULTS = "base_vault quote_vault base_mint quote_mint"
_SWAP = (
    f"pool_authority config pool input_token_account output_token_account {_VAULTS} payer token_base_program"
    " token_quote_program referral_token_account"
)
_NEW_POOL = "config pool_authority creator base_mint quote_mint pool base_vault quote_vault"
_QUOTE = "pool_authority config pool token_quote_account quote_vault quote_mint owner"
_METADATA = "name:string symbol:string uri:string"


def _migrations() -> tuple[InstructionLayout, ...]:
    return (
        instruction(
            "migrate_meteora_damm",
            "virtual_pool migration_metadata config pool_authority pool damm_config lp_mint base_mint quote_mint a_vault"
            " b_vault a_token_vault b_token_vault a_vault_lp_mint b_vault_lp_mint a_vault_lp b_vault_lp base_vault"
            " quote_vault virtual_pool_lp protocol_token_a_fee protocol_token_b_fee payer",
            read=_migrate_v1,
        ),
        instruction(
            "migration_damm_v2",
            "virtual_pool migration_metadata config pool_authority pool _ _ _ _ _ _ _ _ base_mint_or_program"
            " quote_or_base_mint first_quote_mint _ _ _ payer first_payer",
            read=_migrate_v2,
        ),
    )


def _claims() -> tuple[InstructionLayout, ...]:
    user = "token_a_account token_b_account"
    return (
        instruction("claim_trading_fee", f"pool_authority config pool {user} {_VAULTS} owner", read=_claim_trading_fee),
        instruction(
            "claim_creator_trading_fee", f"pool_authority pool {user} {_VAULTS} owner", read=_claim_creator_fee
        ),
        instruction(
            "claim_protocol_fee", f"pool_authority config pool {_VAULTS} {user} _ owner", read=_claim_protocol_fee
        ),
        instruction(
            "zap_protocol_fee",
            "pool_authority config pool token_vault token_mint receiver_token operator owner",
            "max_amount:u64",
            read=_claim_protocol_fee_of_one,
        ),
        instruction(
            "claim_protocol_fee2",
            "receiver_token base_mint quote_mint token_base_program token_quote_program config pool base_vault"
            " quote_vault pool_authority owner",
            "max_amount:u64",
            read=_claim_protocol_fee_of_one,
        ),
        instruction("partner_withdraw_surplus", _QUOTE, read=_partner_surplus),
        instruction("creator_withdraw_surplus", _QUOTE, read=_creator_surplus),
        instruction("protocol_withdraw_surplus", _QUOTE.removesuffix(" owner"), read=_protocol_surplus),
        instruction("withdraw_migration_fee", _QUOTE, "flag:u8", read=_migration_fee),
    )


def _closings() -> tuple[InstructionLayout, ...]:
    closes = (("setting", "rent_receiver"),)
    return (
        instruction("close_claim_fee_operator", "setting rent_receiver", closes=closes),
        instruction("close_claim_protocol_fee_operator", "setting rent_receiver", closes=closes),
        instruction("close_operator_account", "setting _ rent_receiver", closes=closes),
    )


_CLAIMED = "pool:pubkey token_base_amount:u64 token_quote_amount:u64"
_SURPLUS = "pool:pubkey surplus_amount:u64"
_SWAPPED = "pool:pubkey config:pubkey trade_direction:u8 has_referral:bool"
_RESULT = "output_amount:u64 next_sqrt_price:u128 trading_fee:u64 protocol_fee:u64 referral_fee:u64"

PROGRAM = Program(
    name="meteora_dbc",
    role=VENUE,
    program_ids=("dbcij3LWUppWqq96dh6gJWwBifmcGfLSB5D4DuSMaqN",),
    source=(
        "Anchor IDLs of dynamic_bonding_curve 0.1.9 and 0.1.10, and MeteoraAg/dynamic-bonding-curve releases 0.1.1 to"
        " 0.1.11 for the rest"
    ),
    instructions=(
        instruction("swap", _SWAP, "amount_in:u64 minimum_amount_out:u64", read=_swap),
        instruction("swap2", _SWAP, "amount_0:u64 amount_1:u64 swap_mode:u8", read=_swap),
        instruction(
            "initialize_virtual_pool_with_spl_token",
            f"{_NEW_POOL} mint_metadata metadata_program payer token_quote_program token_program",
            _METADATA,
            read=_launch,
        ),
        instruction(
            "initialize_virtual_pool_with_token2022",
            f"{_NEW_POOL} payer token_quote_program token_program",
            _METADATA,
            read=_launch,
        ),
        *_migrations(),
        *_claims(),
        *_closings(),
        instruction("claim_partner_pool_creation_fee", read=_creation_fee),
        instruction("claim_protocol_pool_creation_fee", read=_creation_fee),
        instruction("claim_legacy_pool_creation_fee", read=_creation_fee),
        instruction("claim_pool_creation_fee", read=_creation_fee),
        *quiet(
            "create_claim_fee_operator create_claim_protocol_fee_operator create_config create_locker"
            " create_operator_account create_partner_metadata create_virtual_pool_metadata"
            " migrate_meteora_damm_claim_lp_token migrate_meteora_damm_lock_lp_token"
            " migration_damm_v2_create_metadata migration_meteora_damm_create_metadata transfer_pool_creator"
            " withdraw_lamports_from_pool_authority withdraw_leftover"
        ),
    ),
    events=(
        event(
            "EvtSwap",
            f"{_SWAPPED} exact_amount_in:u64 minimum_amount_out:u64 actual_input_amount:u64 {_RESULT} amount_in:u64"
            " current_timestamp:u64",
        ),
        event(
            "EvtSwap2",
            f"{_SWAPPED} amount_0:u64 amount_1:u64 swap_mode:u8 included_fee_input_raw:u64 excluded_fee_input_raw:u64"
            f" amount_left:u64 {_RESULT} quote_reserve_amount:u64 migration_threshold:u64 current_timestamp:u64",
        ),
        event("EvtCurveComplete", "pool:pubkey config:pubkey base_reserve:u64 quote_reserve:u64"),
        event(
            "EvtInitializePool",
            "pool:pubkey config:pubkey creator:pubkey base_mint:pubkey pool_type:u8 activation_point:u64",
        ),
        event("EvtClaimTradingFee", _CLAIMED),
        event("EvtClaimCreatorTradingFee", _CLAIMED),
        event("EvtClaimProtocolFee", _CLAIMED),
        event("EvtClaimProtocolFee2", "pool:pubkey receiver_token_account:pubkey token_mint:pubkey amount:u64"),
        event("EvtClaimProtocolLiquidityMigrationFee", _CLAIMED),
        event(
            "EvtClaimPoolCreationFee",
            "pool:pubkey receiver:pubkey creation_fee:u64",
            debits=_creation_fee_of_protocol,
        ),
        event(
            "EvtPartnerClaimPoolCreationFee",
            "pool:pubkey partner:pubkey creation_fee:u64 fee_receiver:pubkey",
            debits=_creation_fee_of_partner,
        ),
        event("EvtPartnerWithdrawSurplus", _SURPLUS),
        event("EvtCreatorWithdrawSurplus", _SURPLUS),
        event("EvtProtocolWithdrawSurplus", _SURPLUS),
        event("EvtWithdrawMigrationFee", "pool:pubkey fee:u64 flag:u8"),
        event("EvtPartnerWithdrawMigrationFee", "pool:pubkey fee:u64"),
        event("EvtWithdrawLeftover", "pool:pubkey leftover_receiver:pubkey leftover_amount:u64"),
        event("EvtUpdatePoolCreator", "pool:pubkey creator:pubkey new_creator:pubkey"),
        event("EvtCreateConfig", "config:pubkey quote_mint:pubkey"),
        event("EvtCreateConfigV2", "config:pubkey quote_mint:pubkey"),
        event("EvtCreateMeteoraMigrationMetadata", "virtual_pool:pubkey"),
        event("EvtCreateDammV2MigrationMetadata", "virtual_pool:pubkey"),
        event("EvtPartnerMetadata", "partner_metadata:pubkey fee_claimer:pubkey"),
        event("EvtVirtualPoolMetadata", "virtual_pool_metadata:pubkey virtual_pool:pubkey"),
        event("EvtCreateClaimFeeOperator", "operator:pubkey"),
        event("EvtCloseClaimFeeOperator", "claim_fee_operator:pubkey operator:pubkey"),
    ),
)

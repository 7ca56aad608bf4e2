"""pump.fun: coins made and traded on a bonding curve until it is full, when their liquidity goes to a PumpSwap pool.

Instructions of four generations live side by side: `buy`/`sell` (SOL), `_v2` (any quote mint, all recipients named), `_v3`
(fees stay on the curve until swept) and hops of a route. They all tell the same TradeEvent, which has grown over the years;
`pump_curve` reads it. A sell in SOL is paid by no instruction. Recorded are launches, buys of the first two generations,
sells until 2025, a graduation and a migration; the rest follows the IDL and the program's documentation.
"""

from collections.abc import Iterable

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Claim, Fact
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.pool_liquidity import claims, token_event
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet
from oof_pipelines.decode.pump_curve import (
    CURVE_EVENTS,
    PUMP_PROGRAM_ID,
    account_or,
    curve_legs,
    quote_mint_of,
)

_SHARE_KEY_BYTES = 32


def _create(call: Call) -> Iterable[Fact]:
    told = call.event("CreateEvent")
    if told is None:
        raise LayoutError(f"{call.layout.name} told no CreateEvent")
    yield token_event(
        call,
        "launch",
        told["mint"],
        call.account("user"),
        quote_mint=quote_mint_of(told),
        pool=told["bonding_curve"],
        creator=told.get("creator", told["user"]),
        name=told["name"],
        symbol=told["symbol"],
        uri=told["uri"],
        token_program_id=call.account("token_program"),
    )


def _trade(call: Call) -> Iterable[Fact]:
    legs = list(curve_legs(call))
    if not legs:
        raise LayoutError(f"{call.layout.name} told no TradeEvent")
    yield from legs
    for one in call.events:
        if one.name == "CompleteEvent":
            mint, quote_mint, curve = one.record["mint"], quote_mint_of(one.record), one.record["bonding_curve"]
            yield token_event(call, "graduation", mint, legs[0].trader, pool=curve, quote_mint=quote_mint)


def _migrate(call: Call) -> Iterable[Fact]:
    """Nothing where the coin had moved before: the call then tells no event."""
    told = call.event("CompletePumpAmmMigrationEvent")
    if told is not None:
        wallet, quote_mint = call.account("user"), quote_mint_of(told)
        yield token_event(call, "migration", told["mint"], wallet, pool=told["pool"], quote_mint=quote_mint)


def _withdraw(call: Call) -> Iterable[Fact]:
    """Until March 2025 a full curve's tokens and lamports went to pump.fun, who then opened a Raydium pool with them."""
    mint = call.account("mint")
    if call.moved(call.account("associated_user"), mint) > 0:
        yield token_event(call, "migration", mint, call.account("user"), quote_mint=NATIVE_MINT)


# --- what was kept for creators, traders and holders ---


def _creator_fee(call: Call) -> Iterable[Fact]:
    told = call.event("CollectCreatorFeeEvent")
    if told is None:
        raise LayoutError(f"{call.layout.name} told no CollectCreatorFeeEvent")
    yield from _claim(call, "creator_fee_claim", call.account("creator"), quote_mint_of(told), told["creator_fee"])


def _shared_creator_fee(call: Call) -> Iterable[Fact]:
    """A claim for each shareholder, of what reached him: his wallet where the quote is SOL, else his token account."""
    told = call.event("DistributeCreatorFeesEvent")
    if told is None:
        return
    quote_mint = quote_mint_of(told)
    curve = account_or(call, "bonding_curve")
    for raw in told["shareholders"]:
        wallet = encode_base58(raw[:_SHARE_KEY_BYTES])
        if quote_mint == NATIVE_MINT:
            amount_raw = call.moved_lamports(wallet)
        else:
            its = [one for one in dict.fromkeys(call.instruction.accounts) if one and call.owner_of(one) == wallet]
            amount_raw = sum(call.moved(one, quote_mint) for one in its)
        yield from _claim(call, "creator_fee_claim", wallet, quote_mint, amount_raw, curve)


def _cashback(call: Call) -> Iterable[Fact]:
    told = call.event("ClaimCashbackEvent")
    if told is None:
        raise LayoutError(f"{call.layout.name} told no ClaimCashbackEvent")
    quote_mint = account_or(call, "quote_mint", NATIVE_MINT)
    yield from _claim(call, "cashback_claim", call.account("user"), quote_mint, told["amount"])


def _incentives(call: Call) -> Iterable[Fact]:
    return claims(call, "reward_claim", wallet=call.account("user"), accounts=(call.account("user_ata"),))


def _holder_rewards(call: Call) -> Iterable[Fact]:
    """A claim for each holder paid in SOL. The recipients follow the accounts of the layout."""
    if call.account("quote_mint") == NATIVE_MINT:
        for wallet in dict.fromkeys(call.instruction.accounts[call.layout.seats["program"] + 1 :]):
            yield from _claim(call, "reward_claim", wallet, NATIVE_MINT, call.moved_lamports(wallet))


def _claim(call: Call, kind: str, wallet: str, mint: str, amount_raw: int, pool: str = "") -> Iterable[Claim]:
    if amount_raw > 0:
        program_id = call.instruction.program_id
        yield Claim(call.path, program_id, call.program.name, kind, wallet, mint, amount_raw, pool)


# --- layouts ---

_BUY = (
    "global fee_recipient mint bonding_curve associated_bonding_curve associated_user user system_program token_program"
    " creator_vault event_authority program global_volume_accumulator user_volume_accumulator fee_config fee_program"
)
# Coins with cashback put the trader's accumulator first behind the accounts of the IDL; the buyback's recipient is last.
_SELL = (
    "global fee_recipient mint bonding_curve associated_bonding_curve associated_user user system_program creator_vault"
    " token_program event_authority program fee_config fee_program user_volume_accumulator"
)
_LAST = "buyback_fee_recipient"
_TRADE_V2 = (
    "global base_mint quote_mint base_token_program quote_token_program associated_token_program fee_recipient"
    " associated_quote_fee_recipient buyback_fee_recipient associated_quote_buyback_fee_recipient bonding_curve"
    " associated_base_bonding_curve associated_quote_bonding_curve user associated_base_user associated_quote_user"
    " creator_vault associated_creator_vault sharing_config"
)
_BUY_V2 = f"{_TRADE_V2} global_volume_accumulator user_volume_accumulator associated_user_volume_accumulator"
_SELL_V2 = f"{_TRADE_V2} user_volume_accumulator associated_user_volume_accumulator"
_TRADE_V3 = (
    "global base_mint quote_mint base_token_program quote_token_program bonding_curve associated_base_bonding_curve"
    " associated_quote_bonding_curve user associated_base_user associated_quote_user user_volume_accumulator fee_config"
    " buyback_fee_recipient system_program event_authority program"
)
_MIGRATE = (
    "global withdraw_authority mint bonding_curve associated_bonding_curve user system_program token_program pump_amm pool"
    " pool_authority pool_authority_mint_account pool_authority_wsol_account amm_global_config wsol_mint lp_mint"
    " user_pool_token_account pool_base_token_account pool_quote_token_account"
)
_MIGRATE_V2 = (
    "global withdraw_authority base_mint quote_mint bonding_curve associated_base_bonding_curve"
    " associated_quote_bonding_curve user system_program pump_amm pool pool_authority pool_authority_mint_account"
    " pool_authority_quote_account amm_global_config lp_mint user_pool_token_account pool_base_token_account"
    " pool_quote_token_account"
)
_SWEEP = (
    "payer global base_mint quote_mint quote_token_program associated_token_program system_program bonding_curve"
    " associated_quote_bonding_curve recipient associated_quote_recipient"
)
_NAMES = "name:string symbol:string uri:string creator:pubkey"

_TRADES = (
    instruction("buy", _BUY, "amount:u64 max_sol_cost:u64 track_volume:bool", read=_trade, from_end=_LAST),
    instruction(
        "buy_exact_sol_in",
        _BUY,
        "spendable_sol_in:u64 min_tokens_out:u64 track_volume:bool",
        read=_trade,
        from_end=_LAST,
    ),
    instruction("sell", _SELL, "amount:u64 min_sol_output:u64", read=_trade, from_end=_LAST),
    instruction("buy_v2", _BUY_V2, "amount:u64 max_sol_cost:u64", read=_trade),
    instruction("buy_exact_quote_in_v2", _BUY_V2, "spendable_quote_in:u64 min_tokens_out:u64", read=_trade),
    instruction("sell_v2", _SELL_V2, "amount:u64 min_sol_output:u64", read=_trade),
    instruction("buy_v3", _TRADE_V3, "amount:u64 max_sol_cost:u64", read=_trade),
    instruction("buy_exact_quote_in_v3", _TRADE_V3, "spendable_quote_in:u64 min_tokens_out:u64", read=_trade),
    instruction("sell_v3", _TRADE_V3, "amount:u64 min_sol_output:u64", read=_trade),
    instruction("multi_hop_curve_swap", read=_trade),
)
_LIFE = (
    instruction(
        "create",
        "mint mint_authority bonding_curve associated_bonding_curve global mpl_token_metadata metadata user system_program"
        " token_program",
        _NAMES,
        read=_create,
    ),
    instruction(
        "create_v2",
        "mint mint_authority bonding_curve associated_bonding_curve global user system_program token_program",
        f"{_NAMES} is_mayhem_mode:bool is_cashback_enabled:bool",
        read=_create,
    ),
    instruction("migrate", _MIGRATE, read=_migrate),
    instruction("migrate_v2", _MIGRATE_V2, read=_migrate),
    instruction("withdraw", "global mint bonding_curve associated_bonding_curve associated_user user", read=_withdraw),
)
_COLLECTIONS = (
    instruction("collect_creator_fee", "creator creator_vault", read=_creator_fee),
    instruction(
        "collect_creator_fee_v2",
        "creator creator_token_account creator_vault creator_vault_token_account quote_mint",
        read=_creator_fee,
    ),
    instruction("distribute_creator_fees", "mint bonding_curve sharing_config creator_vault", read=_shared_creator_fee),
    instruction(
        "distribute_creator_fees_v2",
        "payer mint bonding_curve sharing_config creator_vault",
        "initialize_ata:bool",
        read=_shared_creator_fee,
    ),
    instruction("claim_cashback", "user user_volume_accumulator", read=_cashback),
    instruction(
        "claim_cashback_v2",
        "user user_volume_accumulator quote_mint quote_token_program associated_token_program"
        " associated_user_volume_accumulator associated_quote_user",
        read=_cashback,
    ),
    instruction("claim_token_incentives", "user user_ata", read=_incentives),
    instruction(
        "distribute_fee_to_holders",
        "global holder_reward_claim_authority mint holder_rewards holder_rewards_token_account quote_mint"
        " quote_token_program associated_token_program system_program event_authority program",
        "amounts:vec<u64>",
        read=_holder_rewards,
    ),
    instruction(
        "close_user_volume_accumulator",
        "user user_volume_accumulator",
        closes=(("user_volume_accumulator", "user"),),
    ),
    instruction("sweep_protocol_fee", _SWEEP),
    instruction("sweep_creator_fee", _SWEEP),
)

_OTHER_EVENTS = (
    "AddQuoteControlMintEvent AdminCtoEvent AdminSetCreatorEvent AdminSetIdlAuthorityEvent"
    " AdminUpdateTokenIncentivesEvent ClaimTokenIncentivesEvent CloseUserVolumeAccumulatorEvent"
    " DistributeFeeToHoldersEvent ExtendAccountEvent InitUserVolumeAccumulatorEvent MigrateBondingCurveCreatorEvent"
    " MinimumDistributableFeeEvent RemoveQuoteControlMintEvent ReservedFeeRecipientsEvent SetCreatorEvent"
    " SetMetaplexCreatorEvent SetParamsEvent SetQuoteControlAdminEvent SyncUserVolumeAccumulatorEvent"
    " UpdateCreatorFeeConfigEvent UpdateGlobalAuthorityEvent UpdateMayhemVirtualParamsEvent"
)

PROGRAM = Program(
    name="pumpfun",
    role=VENUE,
    program_ids=(PUMP_PROGRAM_ID,),
    source=(
        "Anchor IDL of pump 0.1.0 (github.com/pump-fun/pump-public-docs, May 2026; @pump-fun/pump-sdk 2.0.0 for what came"
        " until autumn 2026), that repository's TRADE_V3, SWEEP_FEES and SYNTHETIC_MIGRATION of October 2026; recorded"
        " trades of 2024 to 2026"
    ),
    instructions=(
        *_TRADES,
        *_LIFE,
        *_COLLECTIONS,
        *quiet(
            "add_quote_control_mint add_quote_mint admin_cto admin_set_creator admin_set_idl_authority"
            " admin_update_token_incentives extend_account get_minimum_distributable_fee init_user_volume_accumulator"
            " initialize initialize_quote_control migrate_bonding_curve_creator remove_quote_control_mint remove_quote_mint"
            " set_creator set_mayhem_virtual_params set_metaplex_creator set_params set_quote_control_admin"
            " set_reserved_fee_recipients set_virtual_quote_reserves sync_user_volume_accumulator toggle_cashback_enabled"
            " toggle_create_v2 toggle_mayhem_mode update_buyback_config update_creator_fee_config update_global_authority"
            " update_holder_reward_config"
        ),
    ),
    events=(
        *CURVE_EVENTS,
        event(
            "CreateEvent",
            "name:string symbol:string uri:string mint:pubkey bonding_curve:pubkey user:pubkey creator:pubkey timestamp:i64"
            " virtual_token_reserves:u64 virtual_sol_reserves:u64 real_token_reserves:u64 token_total_supply:u64"
            " token_program:pubkey is_mayhem_mode:bool is_cashback_enabled:bool quote_mint:pubkey"
            " virtual_quote_reserves:u64",
        ),
        event("CollectCreatorFeeEvent", "timestamp:i64 creator:pubkey creator_fee:u64 quote_mint:pubkey"),
        event(
            "DistributeCreatorFeesEvent",
            "timestamp:i64 mint:pubkey bonding_curve:pubkey sharing_config:pubkey admin:pubkey shareholders:vec<[34]>"
            " distributed:u64 quote_mint:pubkey",
        ),
        *(event(name, "") for name in _OTHER_EVENTS.split()),
    ),
)

"""PumpSwap (pump AMM): constant product pools, most of them born of full pump.fun curves.

Amounts are the event's before every fee; the fees come on top: the liquidity providers' stays in the pool, the protocol's
(a part of it for buybacks) and the creator's go to accounts of theirs in the same call. Where a coin pays cashback instead
of the creator, that fee goes to an account kept for the trader, who claims it later. The `_v2` trades and routes of October
2026 leave the protocol's and the creator's fee in the pool's vault until somebody sweeps it; they, creator claims and
incentives are not recorded and follow the IDL and the program's documentation.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call, ToldEvent
from oof_pipelines.decode.facts import ON_TOP, Fact, FeePart, Leg, Liquidity, Reserve
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, claims, pool_created
from oof_pipelines.decode.pool_swaps import fee
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet
from oof_pipelines.decode.pump_curve import account_or
from oof_pipelines.decode.records import Record

_ROUTE_ACCOUNTS = 16
_HOP_ACCOUNTS = 5
"""A route's accounts begin with 16 of its own; each hop adds base mint, quote mint, pool, base vault and quote vault."""


def _trade(call: Call) -> Iterable[Fact]:
    told = [one for one in call.events if one.name in ("BuyEvent", "SellEvent")]
    if not told:
        raise LayoutError(f"{call.layout.name} told neither BuyEvent nor SellEvent")
    mints = (call.account("base_mint"), call.account("quote_mint"))
    vaults = (call.account("pool_base_token_account"), call.account("pool_quote_token_account"))
    is_buy = told[0].name == "BuyEvent"
    source = call.account("user_quote_token_account" if is_buy else "user_base_token_account")
    owner = call.owner_of(source)
    trader = call.account("user") if owner == source else owner
    yield _leg(call, told[0], call.account("pool"), trader, mints, call.vault_reserves(*vaults))


def _route(call: Call) -> Iterable[Fact]:
    """A leg for each hop through a pool. Hops through a bonding curve are a call of pump.fun, which tells them itself.

    What one hop yields stays in its pool until the next one takes it, so vaults move by less than the legs say; the
    reserves are those of the event, before the hop.
    """
    accounts = call.instruction.accounts
    hops = {
        accounts[start + 2]: (accounts[start], accounts[start + 1])
        for start in range(_ROUTE_ACCOUNTS, len(accounts) - _HOP_ACCOUNTS + 1, _HOP_ACCOUNTS)
    }
    for one in call.events:
        if one.name not in ("BuyEvent", "SellEvent"):
            continue
        pool, record = one.record["pool"], one.record
        if pool not in hops:
            raise LayoutError(f"{call.layout.name} told a trade in {pool}, which is no hop of it")
        base_mint, quote_mint = hops[pool]
        reserves = (
            Reserve(base_mint, record["pool_base_token_reserves"], None),
            Reserve(quote_mint, record["pool_quote_token_reserves"], None),
        )
        yield _leg(call, one, pool, call.account("user"), hops[pool], reserves)


def _leg(
    call: Call, told: ToldEvent, pool: str, trader: str, mints: tuple[str, str], reserves: tuple[Reserve, ...]
) -> Leg:
    record, (base_mint, quote_mint) = told.record, mints
    if told.name == "BuyEvent":
        # `quote_amount_in` is no use: where the buyer names what he spends, it is that, fees and all.
        quote = (quote_mint, record["quote_amount_in_with_lp_fee"] - record["lp_fee"])
        sold, bought = quote, (base_mint, record["base_amount_out"])
    else:
        sold, bought = (base_mint, record["base_amount_in"]), (quote_mint, record["quote_amount_out"])
    return Leg(
        call.path,
        call.instruction.program_id,
        call.program.name,
        pool,
        trader,
        *sold,
        *bought,
        reserves,
        _fees(call, record, quote_mint, pool),
    )


def _fees(call: Call, told: Record, mint: str, pool: str) -> tuple[FeePart, ...]:
    """Recipients are wallets and program accounts that own the token accounts paid; the pool where it keeps the fee."""
    buyback_raw = told.get("buyback_fee")
    cashback_account = account_or(call, "user_volume_accumulator")
    return (
        *fee("lp", mint, told["lp_fee"], ON_TOP, pool),
        *fee(
            "protocol",
            mint,
            told["protocol_fee"] - buyback_raw,
            ON_TOP,
            account_or(call, "protocol_fee_recipient", pool),
        ),
        *fee("buyback", mint, buyback_raw, ON_TOP, account_or(call, "buyback_fee_recipient")),
        *fee(
            "creator",
            mint,
            told.get("coin_creator_fee"),
            ON_TOP,
            account_or(call, "coin_creator_vault_authority", pool),
        ),
        *fee("cashback", mint, told.get("cashback"), ON_TOP, cashback_account),
    )


# --- liquidity ---


def _deposit(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD, "DepositEvent", call.account("user"))


def _withdraw(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE, "WithdrawEvent", call.account("user"))


def _create_pool(call: Call) -> Iterable[Fact]:
    pool, creator = call.account("pool"), call.account("creator")
    mint, quote_mint = base_and_quote(call.account("base_mint"), call.account("quote_mint"))
    yield pool_created(call, pool=pool, mint=mint, quote_mint=quote_mint, wallet=creator)
    yield from _liquidity(call, ADD, "CreatePoolEvent", creator)


def _liquidity(call: Call, kind: str, event_name: str, wallet: str) -> Iterable[Fact]:
    told = call.event(event_name)
    if told is None:
        raise LayoutError(f"{call.layout.name} told no {event_name}")
    yield Liquidity(
        call.path,
        call.instruction.program_id,
        call.program.name,
        kind,
        call.account("pool"),
        wallet,
        ((call.account("base_mint"), told["base_amount"]), (call.account("quote_mint"), told["quote_amount"])),
        call.account("lp_mint"),
        told["lp_token_amount"],
    )


# --- what was kept for creators and traders ---


def _creator_fee(call: Call) -> Iterable[Fact]:
    accounts = (call.account("coin_creator_token_account"),)
    return claims(call, "creator_fee_claim", wallet=call.account("coin_creator"), accounts=accounts)


def _cashback(call: Call) -> Iterable[Fact]:
    accounts = (call.account("user_wsol_token_account"),)
    return claims(call, "cashback_claim", wallet=call.account("user"), accounts=accounts)


def _incentives(call: Call) -> Iterable[Fact]:
    return claims(call, "reward_claim", wallet=call.account("user"), accounts=(call.account("user_ata"),))


# --- layouts ---

_TRADE = (
    "pool user global_config base_mint quote_mint user_base_token_account user_quote_token_account pool_base_token_account"
    " pool_quote_token_account protocol_fee_recipient protocol_fee_recipient_token_account base_token_program"
    " quote_token_program system_program associated_token_program event_authority program coin_creator_vault_ata"
    " coin_creator_vault_authority"
)
_BUY = f"{_TRADE} global_volume_accumulator user_volume_accumulator fee_config fee_program"
# On coins with cashback, the trader's token account for it and its owner come first behind the accounts of the IDL.
_SELL = f"{_TRADE} fee_config fee_program _ user_volume_accumulator"
_LAST = "buyback_fee_recipient buyback_fee_recipient_token_account"
_TRADE_V2 = (
    "pool user global_config base_mint quote_mint user_base_token_account user_quote_token_account pool_base_token_account"
    " pool_quote_token_account base_token_program quote_token_program system_program user_volume_accumulator fee_config"
    " buyback_fee_recipient event_authority program"
)
_LIQUIDITY = (
    "pool global_config user base_mint quote_mint lp_mint user_base_token_account user_quote_token_account"
    " user_pool_token_account pool_base_token_account pool_quote_token_account"
)
_BUY_FIELDS = (
    "timestamp:i64 base_amount_out:u64 max_quote_amount_in:u64 user_base_token_reserves:u64 user_quote_token_reserves:u64"
    " pool_base_token_reserves:u64 pool_quote_token_reserves:u64 quote_amount_in:u64 lp_fee_basis_points:u64 lp_fee:u64"
    " protocol_fee_basis_points:u64 protocol_fee:u64 quote_amount_in_with_lp_fee:u64 user_quote_amount_in:u64 pool:pubkey"
    " user:pubkey user_base_token_account:pubkey user_quote_token_account:pubkey protocol_fee_recipient:pubkey"
    " protocol_fee_recipient_token_account:pubkey coin_creator:pubkey coin_creator_fee_basis_points:u64"
    " coin_creator_fee:u64 track_volume:bool total_unclaimed_tokens:u64 total_claimed_tokens:u64 current_sol_volume:u64"
    " last_update_timestamp:i64 min_base_amount_out:u64 ix_name:string"
)
_SELL_FIELDS = (
    "timestamp:i64 base_amount_in:u64 min_quote_amount_out:u64 user_base_token_reserves:u64 user_quote_token_reserves:u64"
    " pool_base_token_reserves:u64 pool_quote_token_reserves:u64 quote_amount_out:u64 lp_fee_basis_points:u64 lp_fee:u64"
    " protocol_fee_basis_points:u64 protocol_fee:u64 quote_amount_out_without_lp_fee:u64 user_quote_amount_out:u64"
    " pool:pubkey user:pubkey user_base_token_account:pubkey user_quote_token_account:pubkey protocol_fee_recipient:pubkey"
    " protocol_fee_recipient_token_account:pubkey coin_creator:pubkey coin_creator_fee_basis_points:u64"
    " coin_creator_fee:u64"
)
_TRADE_TAIL = (
    " cashback_fee_basis_points:u64 cashback:u64 buyback_fee_basis_points:u64 buyback_fee:u64 virtual_quote_reserves:i128"
    " can_boost:bool base_supply:u64 holder_rewards_bps:u64 holder_rewards:u64 creator_fee_unclaimed:u64"
)
# Deposits and withdrawals tell the same fields, by names of their own for the limits and the amounts.
_LIQUIDITY_FIELDS = (
    "timestamp:i64 lp_token_amount:u64 base_amount_limit:u64 quote_amount_limit:u64 user_base_token_reserves:u64"
    " user_quote_token_reserves:u64 pool_base_token_reserves:u64 pool_quote_token_reserves:u64 base_amount:u64"
    " quote_amount:u64 lp_mint_supply:u64 pool:pubkey user:pubkey"
)
_SPEND = "spendable_quote_in:u64 min_base_amount_out:u64"

_TRADES = (
    instruction(
        "buy",
        _BUY,
        "base_amount_out:u64 max_quote_amount_in:u64 track_volume:bool",
        read=_trade,
        from_end=_LAST,
    ),
    instruction("buy_exact_quote_in", _BUY, f"{_SPEND} track_volume:bool", read=_trade, from_end=_LAST),
    instruction("sell", _SELL, "base_amount_in:u64 min_quote_amount_out:u64", read=_trade, from_end=_LAST),
    instruction("buy_v2", _TRADE_V2, "base_amount_out:u64 max_quote_amount_in:u64", read=_trade),
    instruction("buy_exact_quote_in_v2", _TRADE_V2, _SPEND, read=_trade),
    instruction("sell_v2", _TRADE_V2, "base_amount_in:u64 min_quote_amount_out:u64", read=_trade),
    instruction(
        "multi_hop_swap",
        "user user_in_token_account user_out_token_account global_config fee_config user_volume_accumulator"
        " buyback_fee_recipient",
        "amount_in:u64 min_amount_out:u64",
        read=_route,
    ),
)
_POOLS = (
    instruction(
        "create_pool",
        "pool global_config creator base_mint quote_mint lp_mint user_base_token_account user_quote_token_account"
        " user_pool_token_account pool_base_token_account pool_quote_token_account",
        "index:u16 base_amount_in:u64 quote_amount_in:u64 coin_creator:pubkey is_mayhem_mode:bool",
        read=_create_pool,
    ),
    instruction(
        "deposit",
        _LIQUIDITY,
        "lp_token_amount_out:u64 max_base_amount_in:u64 max_quote_amount_in:u64",
        read=_deposit,
    ),
    instruction(
        "withdraw",
        _LIQUIDITY,
        "lp_token_amount_in:u64 min_base_amount_out:u64 min_quote_amount_out:u64",
        read=_withdraw,
    ),
)
_COLLECTIONS = (
    instruction(
        "collect_coin_creator_fee",
        "quote_mint quote_token_program coin_creator coin_creator_vault_authority coin_creator_vault_ata"
        " coin_creator_token_account",
        read=_creator_fee,
    ),
    instruction(
        "claim_cashback",
        "user user_volume_accumulator quote_mint quote_token_program user_volume_accumulator_wsol_token_account"
        " user_wsol_token_account",
        read=_cashback,
    ),
    instruction("claim_token_incentives", "user user_ata", read=_incentives),
    instruction(
        "close_user_volume_accumulator",
        "user user_volume_accumulator",
        closes=(("user_volume_accumulator", "user"),),
    ),
)

_OTHER_EVENTS = (
    "AdminSetCoinCreatorEvent AdminSetCoinCreatorFeeEditableEvent AdminUpdateTokenIncentivesEvent"
    " BoostBuyAndBurnEvent ClaimCashbackEvent ClaimTokenIncentivesEvent CloseUserVolumeAccumulatorEvent"
    " CollectCoinCreatorFeeEvent CreateConfigEvent DisableEvent ExtendAccountEvent InitBoostEvent"
    " InitUserVolumeAccumulatorEvent MigratePoolCoinCreatorEvent ReservedFeeRecipientsEvent"
    " SetBondingCurveCoinCreatorEvent SetBoostAuthorityEvent SetCoinCreatorFeeBpsEvent SetMetaplexCoinCreatorEvent"
    " SweepPoolFeeEvent SyncUserVolumeAccumulatorEvent UpdateAdminEvent UpdateCreatorFeeConfigEvent"
    " UpdateFeeConfigEvent"
)

PROGRAM = Program(
    name="pumpswap",
    role=VENUE,
    program_ids=("pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA",),
    source=(
        "Anchor IDL of pump_amm 0.1.0 (github.com/pump-fun/pump-public-docs, May 2026; @pump-fun/pump-swap-sdk 1.20.0 for"
        " what came until autumn 2026), that repository's PUMP_SWAP_TRADE_V2, SWEEP_FEES and MULTI_HOP_SWAP of October"
        " 2026; recorded trades of 2025 and 2026"
    ),
    instructions=(
        *_TRADES,
        *_POOLS,
        *_COLLECTIONS,
        *quiet(
            "admin_cto_pool admin_set_coin_creator admin_set_coin_creator_fee_editable admin_update_token_incentives"
            " boost_buy_and_burn create_config disable extend_account init_boost init_user_volume_accumulator"
            " migrate_pool_coin_creator set_boost_authority set_coin_creator set_coin_creator_fee_bps"
            " set_reserved_fee_recipients sweep_creator_fee sweep_protocol_fee sync_user_volume_accumulator toggle_boost"
            " toggle_cashback_enabled toggle_mayhem_mode transfer_creator_fees_to_pump transfer_creator_fees_to_pump_v2"
            " update_admin update_buyback_config update_creator_fee_config update_fee_config"
        ),
    ),
    events=(
        event("BuyEvent", _BUY_FIELDS + _TRADE_TAIL),
        event("SellEvent", _SELL_FIELDS + _TRADE_TAIL),
        event("DepositEvent", _LIQUIDITY_FIELDS),
        event("WithdrawEvent", _LIQUIDITY_FIELDS),
        event(
            "CreatePoolEvent",
            "timestamp:i64 index:u16 creator:pubkey base_mint:pubkey quote_mint:pubkey base_mint_decimals:u8"
            " quote_mint_decimals:u8 base_amount:u64 quote_amount:u64 pool_base_amount:u64 pool_quote_amount:u64"
            " minimum_liquidity:u64 initial_liquidity:u64 lp_token_amount:u64 pool_bump:u8 pool:pubkey lp_mint:pubkey",
        ),
        *(event(name, "") for name in _OTHER_EVENTS.split()),
    ),
)

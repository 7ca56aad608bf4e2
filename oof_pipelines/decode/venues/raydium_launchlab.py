"""Raydium LaunchLab: a launchpad whose tokens trade on a bonding curve until it is full and then move to a Raydium pool.

Amounts are the trader's transfers; all fees are taken in the quote token, inside what a buyer paid and out of what a seller
would have got. The program tells every trade by calling itself. Until the middle of 2025 that event had no creator's fee
and no `exact_in`, and the fields behind stood eight bytes earlier.

The event states the curve by numbers whose meaning depends on the kind of curve, which it does not name. They are the
reserves of the usual kind, a constant product, where they prove it: their product stays the same over the trade.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, Reserve, TokenEvent
from oof_pipelines.decode.pool_liquidity import claiming, holder_or, token_event
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import EVENT_CALL, VENUE, Program, anchor_event, event, instruction, quiet
from oof_pipelines.decode.records import Record, RecordLayout

_MIGRATING = 1
"""The pool's status from the trade that fills its curve until the liquidity has moved; before it 0, after it 2."""

# --- trades ---

_TRADE_HEAD = (
    "pool_state:pubkey total_base_sell:u64 virtual_base:u64 virtual_quote:u64 real_base_before:u64 real_quote_before:u64"
    " real_base_after:u64 real_quote_after:u64 amount_in:u64 amount_out:u64 protocol_fee:u64 platform_fee:u64"
)
_TRADE = _TRADE_HEAD + " creator_fee:u64 share_fee:u64 trade_direction:u8 pool_status:u8 exact_in:bool"
_FIRST_TRADE = RecordLayout(_TRADE_HEAD + " share_fee:u64 trade_direction:u8 pool_status:u8")
_TRADE_TOLD = EVENT_CALL + anchor_event("TradeEvent")


def _buy(call: Call) -> Iterable[Fact]:
    told = _told_trade(call)
    yield from _trade(call, told, "user_quote_token", "user_base_token")
    if told is not None and told["pool_status"] == _MIGRATING:
        yield _step(call, "graduation", call.owner_of(call.account("user_quote_token")))


def _sell(call: Call) -> Iterable[Fact]:
    return _trade(call, _told_trade(call), "user_base_token", "user_quote_token")


def _told_trade(call: Call) -> Record | None:
    """The event of a trade, of either age; None where none was told."""
    told = call.event("TradeEvent")
    if told is None or "pool_status" in told:
        return told
    data = next((one.data for one in call.called if one.data.startswith(_TRADE_TOLD)), b"")
    return Record(_FIRST_TRADE, data, len(_TRADE_TOLD))


def _trade(call: Call, told: Record | None, source: str, destination: str) -> Iterable[Fact]:
    return pool_swap(
        call,
        pool=call.account("pool_state"),
        source=call.account(source),
        destination=call.account(destination),
        vaults=(call.account("base_vault"), call.account("quote_vault")),
        fees=_fees(told, call.account("quote_token_mint")) if told is not None else (),
        reserves=_curve(call, told) if told is not None else None,
    )


def _fees(told: Record, quote_mint: str) -> tuple[FeePart, ...]:
    return (
        *fee("protocol", quote_mint, told["protocol_fee"], INSIDE),
        *fee("platform", quote_mint, told["platform_fee"], INSIDE),
        *fee("creator", quote_mint, told.get("creator_fee"), INSIDE),
        *fee("referral", quote_mint, told["share_fee"], INSIDE),
    )


def _curve(call: Call, told: Record) -> tuple[Reserve, ...] | None:
    """The reserves of a constant product; None for any other curve. Of its base the curve counts what it has sold.

    Rounding both sides of a trade to whole units changes the product by less than the reserves' sum.
    """
    base = [told["virtual_base"] - told[f"real_base_{when}"] for when in ("before", "after")]
    quote = [told["virtual_quote"] + told[f"real_quote_{when}"] for when in ("before", "after")]
    change = base[1] * quote[1] - base[0] * quote[0]
    if min(base) <= 0 or abs(change) > max(base) + max(quote):
        return None
    return (
        Reserve(call.account("base_token_mint"), base[0], base[1], "virtual"),
        Reserve(call.account("quote_token_mint"), quote[0], quote[1], "virtual"),
    )


# --- the life of a token ---


def _launch(call: Call) -> Iterable[Fact]:
    yield _step(
        call,
        "launch",
        call.account("payer"),
        creator=call.account("creator"),
        name=call.args["name"],
        symbol=call.args["symbol"],
        uri=call.args["uri"],
        token_program_id=call.account("base_token_program"),
    )


def _migrate(call: Call) -> Iterable[Fact]:
    yield _step(call, "migration", call.account("payer"), pool=call.account("new_pool"))


def _step(call: Call, kind: str, wallet: str, pool: str = "", **more: str) -> TokenEvent:
    """A step of the life of the call's base token; the curve is its pool unless another is given."""
    mint, quote_mint = call.account("base_token_mint"), call.account("quote_token_mint")
    return token_event(call, kind, mint, wallet, pool=pool or call.account("pool_state"), quote_mint=quote_mint, **more)


# --- fees collected ---


_creator_fee = claiming("creator_fee_claim", accounts="recipient_token_account", wallet=holder_or("creator"))
_platform_fee = claiming(
    "platform_fee_claim", "pool_state", accounts="recipient_token_account", wallet=holder_or("platform_fee_wallet")
)
_platform_fee_of_vault = claiming(
    "platform_fee_claim", accounts="recipient_token_account", wallet=holder_or("platform_fee_wallet")
)
_protocol_fee = claiming(
    "protocol_fee_claim", "pool_state", accounts="recipient_token_account", wallet=holder_or("owner")
)


# --- layouts ---

_TRADE_ACCOUNTS = (
    "payer authority global_config platform_config pool_state user_base_token user_quote_token base_vault quote_vault"
    " base_token_mint quote_token_mint"
)
_IN = "amount_in:u64 minimum_amount_out:u64 share_fee_rate:u64"
_OUT = "amount_out:u64 maximum_amount_in:u64 share_fee_rate:u64"
_LAUNCH_ACCOUNTS = (
    "payer creator global_config platform_config authority pool_state base_token_mint quote_token_mint base_vault"
    " quote_vault"
)
_MINT = "decimals:u8 name:string symbol:string uri:string"
_COLLECT = "owner authority pool_state global_config quote_vault quote_mint recipient_token_account"

PROGRAM = Program(
    name="raydium_launchlab",
    role=VENUE,
    program_ids=("LanMV9sAd7wArD4vJFi2qDdfnVhFxYSUg6eADduJ3uj",),
    source="IDL of raydium_launchpad 0.2.0; launchpad/instrument.ts of raydium-io/raydium-sdk-V2",
    instructions=(
        instruction("buy_exact_in", _TRADE_ACCOUNTS, _IN, read=_buy),
        instruction("buy_exact_out", _TRADE_ACCOUNTS, _OUT, read=_buy),
        instruction("sell_exact_in", _TRADE_ACCOUNTS, _IN, read=_sell),
        instruction("sell_exact_out", _TRADE_ACCOUNTS, _OUT, read=_sell),
        instruction("initialize", _LAUNCH_ACCOUNTS + " metadata_account base_token_program", _MINT, read=_launch),
        instruction("initialize_v2", _LAUNCH_ACCOUNTS + " metadata_account base_token_program", _MINT, read=_launch),
        instruction("initialize_with_token_2022", _LAUNCH_ACCOUNTS + " base_token_program", _MINT, read=_launch),
        instruction(
            "migrate_to_amm",
            "payer base_token_mint quote_token_mint _ _ _ _ _ _ _ _ _ _ new_pool",
            read=_migrate,
        ),
        instruction(
            "migrate_to_cpswap",
            "payer base_token_mint quote_token_mint platform_config cpswap_program new_pool",
            read=_migrate,
        ),
        instruction(
            "claim_creator_fee",
            "creator fee_vault_authority creator_fee_vault recipient_token_account",
            read=_creator_fee,
        ),
        instruction(
            "claim_platform_fee",
            "platform_fee_wallet authority pool_state platform_config quote_vault recipient_token_account",
            read=_platform_fee,
        ),
        instruction(
            "claim_platform_fee_from_vault",
            "platform_fee_wallet fee_vault_authority platform_config platform_fee_vault recipient_token_account",
            read=_platform_fee_of_vault,
        ),
        instruction("collect_fee", _COLLECT, read=_protocol_fee),
        instruction("collect_migrate_fee", _COLLECT, read=_protocol_fee),
        *quiet(
            "claim_vested_token create_vesting_account create_platform_vesting_account create_config update_config"
            " create_platform_config update_platform_config create_platform_global_access close_platform_global_access"
            " update_platform_curve_param remove_platform_curve_param"
        ),
    ),
    events=(
        event("TradeEvent", _TRADE),
        event("PoolCreateEvent", "pool_state:pubkey creator:pubkey config:pubkey " + _MINT),
        event("CreateVestingEvent", "pool_state:pubkey beneficiary:pubkey share_amount:u64"),
        event("ClaimVestedEvent", "pool_state:pubkey beneficiary:pubkey claim_amount:u64"),
    ),
)

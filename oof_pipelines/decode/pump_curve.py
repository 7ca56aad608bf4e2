"""A trade on a pump.fun bonding curve: amounts, fees and reserves by its TradeEvent, and the lamports a sell pays out.

The event's amount is what enters or leaves the curve; every fee comes on top, so that a buyer pays amount + fees and a
seller receives amount − fees. `fee` is the protocol's and contains the buyback part, which another account receives.
Cashback takes the place of the creator's fee on some coins: the trader pays it like any other fee, into a program account
of his own from which he claims it later, so it is a positive part here and comes back as a claim.
"""

from collections.abc import Iterable

import msgspec
from solders.pubkey import Pubkey

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import ON_TOP, FeePart, Leg, Reserve
from oof_pipelines.decode.operations import MoveLamports, Operation
from oof_pipelines.decode.pool_swaps import fee
from oof_pipelines.decode.program import Arguments, EventLayout, event
from oof_pipelines.decode.records import Record

PUMP_PROGRAM_ID = "6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P"

_NO_KEY = "1" * 32
"""The key of zeros: a curve that is paired with SOL names no quote mint."""

# Events told no fee until May 2025: it was 1 %, rounded down in all recorded trades up to 2025-03-01T13:13:43Z and up from
# 2025-03-15T11:07:20Z on. A sell between the two may be a lamport off, which then shows as a residual.
_UNTOLD_FEE_PARTS = 100
_ROUNDS_UP_FROM_SECONDS = 1_742_036_840

TRADE_FIELDS = (
    "mint:pubkey sol_amount:u64 token_amount:u64 is_buy:bool user:pubkey timestamp:i64 virtual_sol_reserves:u64"
    " virtual_token_reserves:u64 real_sol_reserves:u64 real_token_reserves:u64 fee_recipient:pubkey fee_basis_points:u64"
    " fee:u64 creator:pubkey creator_fee_basis_points:u64 creator_fee:u64 track_volume:bool total_unclaimed_tokens:u64"
    " total_claimed_tokens:u64 current_sol_volume:u64 last_update_timestamp:i64 ix_name:string mayhem_mode:bool"
    " cashback_fee_basis_points:u64 cashback:u64 buyback_fee_basis_points:u64 buyback_fee:u64 shareholders:vec<[34]>"
    " quote_mint:pubkey quote_amount:u64 virtual_quote_reserves:u64 real_quote_reserves:u64 holder_rewards_bps:u64"
    " holder_rewards:u64 creator_fee_unclaimed:u64"
)
_POST_COMPLETE_FIELDS = (
    "user:pubkey mint:pubkey bonding_curve:pubkey quote_mint:pubkey timestamp:i64 base_out:u64 quote_in:u64"
    " fee_basis_points:u64 fee:u64 creator_fee_basis_points:u64 creator_fee:u64 buyback_fee:u64"
    " pool_base_reserves_before:u64 pool_quote_reserves_before:u64 pool_base_reserves_after:u64"
    " pool_quote_reserves_after:u64"
)


class CurveTrade(msgspec.Struct, frozen=True, gc=False):
    """One trade in base units. `fee_raw` is the protocol's with its buyback part; None where the event tells none."""

    mint: str
    quote_mint: str
    is_buy: bool
    token_raw: int
    quote_raw: int
    fee_raw: int | None
    creator_raw: int
    cashback_raw: int
    buyback_raw: int
    reserves: tuple[Reserve, ...]


def curve_trade(told: Record) -> CurveTrade:
    """What a TradeEvent of any version tells. LayoutError where even the fields of the first version are missing."""
    quote_mint = quote_mint_of(told)
    is_native = quote_mint == NATIVE_MINT
    quote_raw = told["sol_amount"] if is_native else told["quote_amount"]
    quote_after_raw = told["virtual_sol_reserves"] if is_native else told["virtual_quote_reserves"]
    token_raw, token_after_raw = told["token_amount"], told["virtual_token_reserves"]
    sign = 1 if told["is_buy"] else -1
    return CurveTrade(
        told["mint"],
        quote_mint,
        told["is_buy"],
        token_raw,
        quote_raw,
        told.get("fee", None),
        told.get("creator_fee"),
        told.get("cashback"),
        told.get("buyback_fee"),
        (
            Reserve(quote_mint, quote_after_raw - sign * quote_raw, quote_after_raw, "virtual"),
            Reserve(told["mint"], token_after_raw + sign * token_raw, token_after_raw, "virtual"),
        ),
    )


def quote_mint_of(told: Record) -> str:
    """The mint an event's coin is paired with: wrapped SOL where the event names none, as all did until 2026."""
    named: str = told.get("quote_mint", _NO_KEY)
    return NATIVE_MINT if named == _NO_KEY else named


def curve_address(mint: str) -> str:
    """The bonding curve of a coin: the program's address for the seeds "bonding-curve" and the mint."""
    seeds = [b"bonding-curve", bytes(Pubkey.from_string(mint))]
    return str(Pubkey.find_program_address(seeds, Pubkey.from_string(PUMP_PROGRAM_ID))[0])


# --- facts ---


def curve_legs(call: Call) -> Iterable[Leg]:
    """A leg for each trade that a call told: one, or a hop each of a route along several curves."""
    for one in call.events:
        if one.name == "TradeEvent":
            trade = curve_trade(one.record)
            yield _leg(call, one.record, trade, _fees(call, trade))
        elif one.name == "PostCompleteBuyEvent":
            yield _leg_after_completion(call, one.record)


def _leg(call: Call, told: Record, trade: CurveTrade, fees: tuple[FeePart, ...]) -> Leg:
    quote, token = (trade.quote_mint, trade.quote_raw), (trade.mint, trade.token_raw)
    (sold_mint, sold_raw), (bought_mint, bought_raw) = (quote, token) if trade.is_buy else (token, quote)
    return Leg(
        call.path,
        call.instruction.program_id,
        call.program.name,
        account_or(call, "bonding_curve") or curve_address(trade.mint),
        account_or(call, "user") or told["user"],
        sold_mint,
        sold_raw,
        bought_mint,
        bought_raw,
        trade.reserves,
        fees,
    )


def _leg_after_completion(call: Call, told: Record) -> Leg:
    """What the buy that filled the curve took beyond it, out of the tokens meant for the pool and at the pool's price."""
    quote_mint = quote_mint_of(told)
    trade = CurveTrade(
        told["mint"],
        quote_mint,
        True,
        told["base_out"],
        told["quote_in"],
        told["fee"],
        told["creator_fee"],
        0,
        told["buyback_fee"],
        (
            Reserve(quote_mint, told["pool_quote_reserves_before"], told["pool_quote_reserves_after"], "virtual"),
            Reserve(told["mint"], told["pool_base_reserves_before"], told["pool_base_reserves_after"], "virtual"),
        ),
    )
    return _leg(call, told, trade, _fees(call, trade))


def _fees(call: Call, trade: CurveTrade) -> tuple[FeePart, ...]:
    """Who is paid what on top. Where the call names no recipient, the curve keeps the fee until somebody sweeps it."""
    mint, fee_raw = trade.quote_mint, trade.fee_raw
    if fee_raw is None:
        # The recipient got it in the same call, by a transfer of the buyer or out of the curve.
        fee_raw = call.moved_lamports(call.account("fee_recipient"))
    return (
        *fee("protocol", mint, fee_raw - trade.buyback_raw, ON_TOP, _recipient(call, "fee_recipient")),
        *fee("buyback", mint, trade.buyback_raw, ON_TOP, _recipient(call, "buyback_fee_recipient")),
        *fee("creator", mint, trade.creator_raw, ON_TOP, _recipient(call, "creator_vault")),
        *fee("cashback", mint, trade.cashback_raw, ON_TOP, _recipient(call, "user_volume_accumulator")),
    )


def _recipient(call: Call, name: str) -> str:
    return account_or(call, name) or account_or(call, "bonding_curve")


def account_or(call: Call, name: str, default: str = "") -> str:
    """The account of a name, or `default` where the layout or the call has none."""
    return call.account(name) if name in call.layout.seats and call.has(name) else default


# --- what a sell pays by no instruction ---


def _payouts(told: Record, arguments: Arguments) -> list[Operation]:
    """The lamports a sell pays out of the curve, which no instruction shows: to the seller what the fees leave, and the
    fees to their recipients. Buyers pay by transfers, and curves paired with a token by token transfers.
    """
    if told["is_buy"] or quote_mint_of(told) != NATIVE_MINT or "bonding_curve" not in arguments.layout.seats:
        return []
    trade = curve_trade(told)
    fee_raw = _untold_fee_raw(trade, told["timestamp"]) if trade.fee_raw is None else trade.fee_raw
    shares = [
        ("user", trade.quote_raw - fee_raw - trade.creator_raw - trade.cashback_raw),
        ("fee_recipient", fee_raw - trade.buyback_raw),
        ("creator_vault", trade.creator_raw),
        ("user_volume_accumulator", trade.cashback_raw),
        ("buyback_fee_recipient", trade.buyback_raw),
    ]
    return [
        MoveLamports(arguments.account("bonding_curve"), arguments.account(name), lamports)
        for name, lamports in shares
        if lamports and name in arguments.layout.seats
    ]


def _untold_fee_raw(trade: CurveTrade, traded_at_seconds: int) -> int:
    rounds_up = traded_at_seconds >= _ROUNDS_UP_FROM_SECONDS
    return (trade.quote_raw + (_UNTOLD_FEE_PARTS - 1 if rounds_up else 0)) // _UNTOLD_FEE_PARTS


def _paid_to_wallet(told: Record, arguments: Arguments) -> list[Operation]:
    """Cashback in lamports leaves the trader's accumulator by no instruction; in tokens it leaves by a transfer."""
    named = arguments.account("quote_mint") if "quote_mint" in arguments.layout.seats else NATIVE_MINT
    if named != NATIVE_MINT or not told["amount"]:
        return []
    return [
        MoveLamports(arguments.account("user_volume_accumulator"), arguments.account("user"), told["amount"]),
    ]


def _into_pool(told: Record, arguments: Arguments) -> list[Operation]:
    """A full curve's lamports: the pool's part goes to the wrapped SOL account that seeds it, a fee to who pays for that."""
    if quote_mint_of(told) != NATIVE_MINT:
        return []
    curve = arguments.account("bonding_curve")
    name = "pool_authority_quote_account"
    seed = arguments.account(name if name in arguments.layout.seats else "pool_authority_wsol_account")
    return [
        MoveLamports(curve, seed, told["sol_amount"]),
        MoveLamports(curve, arguments.account("pool_authority"), told["pool_migration_fee"]),
    ]


def _swept(told: Record, arguments: Arguments) -> list[Operation]:
    if quote_mint_of(told) != NATIVE_MINT or not told["amount"]:
        return []
    return [MoveLamports(arguments.account("bonding_curve"), arguments.account("recipient"), told["amount"])]


CURVE_EVENTS: tuple[EventLayout, ...] = (
    event("TradeEvent", TRADE_FIELDS, debits=_payouts),
    event("PostCompleteBuyEvent", _POST_COMPLETE_FIELDS),
    event("CompleteEvent", "user:pubkey mint:pubkey bonding_curve:pubkey timestamp:i64 quote_mint:pubkey"),
    event(
        "CompletePumpAmmMigrationEvent",
        "user:pubkey mint:pubkey mint_amount:u64 sol_amount:u64 pool_migration_fee:u64 bonding_curve:pubkey timestamp:i64"
        " pool:pubkey quote_mint:pubkey",
        debits=_into_pool,
    ),
    event(
        "ClaimCashbackEvent",
        "user:pubkey amount:u64 timestamp:i64 total_claimed:u64 total_cashback_earned:u64",
        debits=_paid_to_wallet,
    ),
    event(
        "SweepBondingCurveFeeEvent",
        "timestamp:i64 mint:pubkey bonding_curve:pubkey quote_mint:pubkey recipient:pubkey amount:u64 bucket:u8",
        debits=_swept,
    ),
)
"""The events that tell of a curve's money. All but the last are in the program's IDL of May 2026; PostCompleteBuyEvent,
SweepBondingCurveFeeEvent and the last three fields of TradeEvent came with the upgrade of October 2026."""

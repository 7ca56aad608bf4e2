"""Moonshot (token_launchpad): coins sold from a bonding curve for SOL, by DEX Screener and Helio.

What a trade is for goes between the trader and the curve; two fees are paid on top of it, to DEX Screener and to Helio. A
buyer pays them beside it by System transfers. A seller gets lamports that the curve's account gives by no instruction: the
logged event says how many, and without it a sale cannot be read.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import ON_TOP, Fact, FeePart, Leg
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.operations import MoveLamports, Operation
from oof_pipelines.decode.pool_liquidity import token_event
from oof_pipelines.decode.pool_swaps import fee
from oof_pipelines.decode.program import VENUE, Arguments, Program, event, instruction, quiet
from oof_pipelines.decode.records import Record

_SELL = 1


def _sold_for_lamports(told: Record, arguments: Arguments) -> list[Operation]:
    """What the curve's account gave when somebody sold: the collateral, out of which both fees were paid."""
    if told["type"] != _SELL:
        return []
    curve = arguments.account("curve_account")
    dex_lamports, helio_lamports = told["dex_fee"], told["helio_fee"]
    return [
        MoveLamports(curve, arguments.account("sender"), told["collateral_amount"] - dex_lamports - helio_lamports),
        MoveLamports(curve, arguments.account("dex_fee"), dex_lamports),
        MoveLamports(curve, arguments.account("helio_fee"), helio_lamports),
    ]


def _buy(call: Call) -> Iterable[Fact]:
    bought_raw = call.moved(call.account("sender_token_account"), call.account("mint"))
    lamports = call.moved_lamports(call.account("curve_account"))
    if bought_raw <= 0 or lamports <= 0:
        return []
    return [_leg(call, (NATIVE_MINT, lamports), (call.account("mint"), bought_raw))]


def _sell(call: Call) -> Iterable[Fact]:
    sold_raw = -call.moved(call.account("sender_token_account"), call.account("mint"))
    if sold_raw <= 0:
        return []
    lamports = -call.moved_lamports(call.account("curve_account"))
    if lamports <= 0:
        raise LayoutError("a sale whose event is not recorded")
    return [_leg(call, (call.account("mint"), sold_raw), (NATIVE_MINT, lamports))]


def _leg(call: Call, sold: tuple[str, int], bought: tuple[str, int]) -> Leg:
    return Leg(
        call.path,
        call.instruction.program_id,
        call.program.name,
        call.account("curve_account"),
        call.owner_of(call.account("sender_token_account")),
        *sold,
        *bought,
        call.vault_reserves(call.account("curve_token_account")),
        _fees(call),
    )


def _fees(call: Call) -> tuple[FeePart, ...]:
    dex, helio = call.account("dex_fee"), call.account("helio_fee")
    return (
        *fee("protocol", NATIVE_MINT, call.moved_lamports(dex), ON_TOP, dex),
        *fee("platform", NATIVE_MINT, call.moved_lamports(helio), ON_TOP, helio),
    )


def _launch(call: Call) -> Iterable[Fact]:
    sender = call.account("sender")
    yield token_event(
        call,
        "launch",
        call.account("mint"),
        sender,
        pool=call.account("curve_account"),
        quote_mint=NATIVE_MINT,
        creator=sender,
        name=call.args["name"],
        symbol=call.args["symbol"],
        uri=call.args["uri"],
        token_program_id=call.account("token_program"),
    )


def _migrate(call: Call) -> Iterable[Fact]:
    """The curve's tokens and lamports go to the authority that makes a pool of them in a later transaction."""
    wallet = call.account("migration_authority")
    yield token_event(call, "migration", call.account("mint"), wallet, quote_mint=NATIVE_MINT)


_TRADE = "sender sender_token_account curve_account curve_token_account dex_fee helio_fee mint"
_TRADE_ARGUMENTS = "token_amount:u64 collateral_amount:u64 fixed_side:u8 slippage_bps:u64"

PROGRAM = Program(
    name="moonshot",
    role=VENUE,
    program_ids=("MoonCVVNZFSYkqNXP6bxHLPL6QQJiMagDL3qcqUQTrG",),
    source="Anchor IDL of token_launchpad 0.1.0; the log of recorded trades for what the fees are taken from",
    instructions=(
        instruction("buy", _TRADE, _TRADE_ARGUMENTS, read=_buy),
        instruction("sell", _TRADE, _TRADE_ARGUMENTS, read=_sell),
        instruction(
            "token_mint",
            "sender backend_authority curve_account mint mint_metadata curve_token_account config_account token_program",
            "name:string symbol:string uri:string decimals:u8 collateral_currency:u8 amount:u64 curve_type:u8"
            " migration_target:u8",
            read=_launch,
        ),
        instruction(
            "migrate_funds",
            "backend_authority migration_authority curve_account curve_token_account"
            " migration_authority_token_account mint dex_fee_account helio_fee_account",
            read=_migrate,
        ),
        *quiet("config_init config_update"),
    ),
    events=(
        event(
            "TradeEvent",
            "amount:u64 collateral_amount:u64 dex_fee:u64 helio_fee:u64 allocation:u64 curve:pubkey cost_token:pubkey"
            " sender:pubkey type:u8 label:string",
            debits=_sold_for_lamports,
        ),
        event(
            "MigrationEvent",
            "tokens_migrated:u64 tokens_burned:u64 collateral_migrated:u64 fee:u64 label:string",
        ),
    ),
)

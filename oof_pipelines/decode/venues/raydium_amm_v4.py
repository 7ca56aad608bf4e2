"""Raydium AMM v4: constant product pools that once kept part of their liquidity on an order book.

Amounts are the trader's transfers; the trade fee stays in the pool, inside what was sold. A pool's account keeps its rate,
which is 25 of 10,000 for every pool that nobody has set otherwise. The program logs what it computed a swap from
(`ray_log`); where those numbers come out at that rate, the fee is told, and nowhere else.

Reserves are what the vaults hold. While a pool had orders open it held more, and part of it is profit put aside.

Swaps take seventeen accounts, or eighteen with the target orders no longer in use; the trader's are the last three. A
later release also takes the accounts of a pool without a market: eight for a swap (tags 16 and 17), eleven to deposit or to
withdraw, nineteen to create a pool, ten to withdraw profit; the longer forms stay valid beside them.
"""

import base64
import binascii
import struct
from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, claims, holder_of, pool_created, pool_liquidity
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, Arguments, InstructionLayout, Program, instruction, quiet_tags

# --- swaps ---


def _swap(call: Call) -> Iterable[Fact]:
    source, destination = call.account("user_source"), call.account("user_destination")
    fee_raw = _trade_fee_raw(call, -call.moved(source), call.moved(destination))
    return pool_swap(
        call,
        pool=call.account("amm"),
        source=source,
        destination=destination,
        vaults=(call.account("coin_vault"), call.account("pc_vault")),
        fees=fee("lp", call.mint_of(source), fee_raw, INSIDE),
    )


_RAY_LOG = "Program log: ray_log: "
_SWAP_LOG = struct.Struct("<B7Q")
"""What was swapped exactly, both limits, direction, the trader's balance, the pool's coin and pc, what the pool computed."""
_EXACT_IN, _EXACT_OUT = 3, 4
_PC_TO_COIN = 1
_FEE_PARTS, _ALL_PARTS = 25, 10_000


def _trade_fee_raw(call: Call, sold_raw: int, bought_raw: int) -> int:
    """The fee of a swap of these amounts as the log proves it; 0 where it does not.

    The fee of an exact input is rounded up; for an exact output the input without fee is, then the one with it.
    """
    for kind, first, second, direction, coin_raw, pc_raw, result in _logged_swaps(call):
        pool_in, pool_out = (pc_raw, coin_raw) if direction == _PC_TO_COIN else (coin_raw, pc_raw)
        if not pool_in:
            continue
        if kind == _EXACT_IN and (first, result) == (sold_raw, bought_raw):
            fee_raw = _divided_up(sold_raw * _FEE_PARTS, _ALL_PARTS)
            paid_raw = sold_raw - fee_raw
            if pool_out * paid_raw // (pool_in + paid_raw) == bought_raw:
                return fee_raw
        elif kind == _EXACT_OUT and (second, result) == (bought_raw, sold_raw) and bought_raw < pool_out:
            paid_raw = _divided_up(pool_in * bought_raw, pool_out - bought_raw)
            if _divided_up(paid_raw * _ALL_PARTS, _ALL_PARTS - _FEE_PARTS) == sold_raw:
                return sold_raw - paid_raw
    return 0


def _divided_up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


def _logged_swaps(call: Call) -> Iterable[tuple[int, int, int, int, int, int, int]]:
    """All swaps logged in the transaction: kind, first and second amount, direction, coin, pc, result."""
    for message in call.scene.transaction.log_messages:
        if not message.startswith(_RAY_LOG):
            continue
        try:
            kind, first, second, direction, _, coin_raw, pc_raw, result = _SWAP_LOG.unpack_from(
                base64.b64decode(message[len(_RAY_LOG) :])
            )
        except (binascii.Error, struct.error):
            continue
        yield kind, first, second, direction, coin_raw, pc_raw, result


# --- liquidity ---


def _seats(call: Call, short: InstructionLayout) -> Arguments | Call:
    """The accounts by name: those of the short form where the call has just as many."""
    accounts = call.instruction.accounts
    return short.take(accounts, call.instruction.data) if len(accounts) == len(short.seats) else call


def _deposit(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD, _seats(call, _SHORT_DEPOSIT))


def _withdraw(call: Call) -> Iterable[Fact]:
    if len(call.instruction.accounts) >= _PADDED_WITHDRAW_ACCOUNTS:
        return _liquidity(call, REMOVE, _PADDED_WITHDRAW.take(call.instruction.accounts, call.instruction.data))
    return _liquidity(call, REMOVE, _seats(call, _SHORT_WITHDRAW))


def _liquidity(call: Call, kind: str, seats: Arguments | Call) -> Iterable[Fact]:
    accounts = (seats.account("user_coin"), seats.account("user_pc"))
    return pool_liquidity(
        call,
        kind,
        pool=seats.account("amm"),
        wallet=holder_of(call, accounts, seats.account("user_owner")),
        accounts=accounts,
        share_account=seats.account("user_lp"),
        share_mint=seats.account("lp_mint"),
    )


def _initialize(call: Call) -> Iterable[Fact]:
    seats = _seats(call, _SHORT_INITIALIZE)
    mint, quote_mint = base_and_quote(seats.account("coin_mint"), seats.account("pc_mint"))
    wallet = seats.account("user_owner")
    yield pool_created(call, pool=seats.account("amm"), mint=mint, quote_mint=quote_mint, wallet=wallet)
    yield from _liquidity(call, ADD, seats)


def _profit(call: Call) -> Iterable[Fact]:
    seats = _seats(call, _SHORT_PROFIT)
    accounts = (seats.account("coin_destination"), seats.account("pc_destination"))
    wallet = holder_of(call, accounts, seats.account("profit_owner"))
    return claims(call, "protocol_fee_claim", wallet=wallet, accounts=accounts, pool=seats.account("amm"))


# --- layouts ---


def _tag(number: int) -> bytes:
    return bytes([number])


_SWAP_FROM_END = (
    "coin_vault pc_vault market_program market market_bids market_asks market_event_queue"
    " market_coin_vault market_pc_vault market_vault_signer user_source user_destination user_owner"
)
_SWAP_V2 = "token_program amm amm_authority coin_vault pc_vault user_source user_destination user_owner"
_DEPOSIT = (
    "token_program amm amm_authority open_orders target_orders lp_mint coin_vault pc_vault market user_coin user_pc"
    " user_lp user_owner event_queue"
)
_WITHDRAW = "token_program amm amm_authority open_orders target_orders lp_mint coin_vault pc_vault"
_WITHDRAW_MARKET = (
    " market_program market market_coin_vault market_pc_vault market_vault_signer user_lp user_coin user_pc user_owner"
)
_INITIALIZE = "token_program ata_program system_program rent amm amm_authority"
_INITIALIZE_MINTS = " lp_mint coin_mint pc_mint coin_vault pc_vault target_orders amm_config create_fee_destination"
_INITIALIZE_USER = " market user_owner user_coin user_pc user_lp"
_PROFIT = "token_program amm amm_config amm_authority"
_PROFIT_ACCOUNTS = " coin_vault pc_vault coin_destination pc_destination profit_owner target_orders"

_SHORT_DEPOSIT = instruction(
    "deposit",
    "token_program amm amm_authority target_orders lp_mint coin_vault pc_vault user_coin user_pc user_lp user_owner",
    discriminator=_tag(3),
)
_SHORT_WITHDRAW = instruction(
    "withdraw",
    "token_program amm amm_authority target_orders lp_mint coin_vault pc_vault user_lp user_coin user_pc user_owner",
    discriminator=_tag(4),
)
# With 22 or 23 accounts two that are not used stand before the market's; the odd ones end with a referrer.
_PADDED_WITHDRAW_ACCOUNTS = 22
_PADDED_WITHDRAW = instruction("withdraw", _WITHDRAW + " _ _" + _WITHDRAW_MARKET, discriminator=_tag(4))
_SHORT_INITIALIZE = instruction(
    "initialize2", _INITIALIZE + _INITIALIZE_MINTS + _INITIALIZE_USER, discriminator=_tag(1)
)
_SHORT_PROFIT = instruction("withdraw_pnl", _PROFIT + _PROFIT_ACCOUNTS, discriminator=_tag(7))

_AMOUNTS_IN = "amount_in:u64 minimum_amount_out:u64"
_AMOUNTS_OUT = "max_amount_in:u64 amount_out:u64"
_QUIET_TAGS = {
    0: "initialize",
    2: "monitor_step",
    5: "migrate_to_open_book",
    6: "set_params",
    8: "withdraw_srm",
    10: "pre_initialize",
    12: "simulate_info",
    13: "admin_cancel_orders",
    14: "create_config_account",
    15: "update_config_account",
}

PROGRAM = Program(
    name="raydium_amm_v4",
    role=VENUE,
    program_ids=("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8",),
    source="IDL of raydium_amm 0.3.0; raydium-io/raydium-amm, program/src/instruction.rs and processor.rs (July 2026)",
    tag_bytes=1,
    instructions=(
        instruction("swap_base_in", "_ amm", _AMOUNTS_IN, discriminator=_tag(9), from_end=_SWAP_FROM_END, read=_swap),
        instruction(
            "swap_base_out", "_ amm", _AMOUNTS_OUT, discriminator=_tag(11), from_end=_SWAP_FROM_END, read=_swap
        ),
        instruction("swap_base_in_v2", _SWAP_V2, _AMOUNTS_IN, discriminator=_tag(16), read=_swap),
        instruction("swap_base_out_v2", _SWAP_V2, _AMOUNTS_OUT, discriminator=_tag(17), read=_swap),
        instruction(
            "initialize2",
            _INITIALIZE + " open_orders" + _INITIALIZE_MINTS + " market_program" + _INITIALIZE_USER,
            "nonce:u8 open_time:u64 init_pc_amount:u64 init_coin_amount:u64",
            discriminator=_tag(1),
            read=_initialize,
        ),
        instruction(
            "deposit",
            _DEPOSIT,
            "max_coin_amount:u64 max_pc_amount:u64 base_side:u64",
            discriminator=_tag(3),
            read=_deposit,
        ),
        instruction("withdraw", _WITHDRAW + _WITHDRAW_MARKET, "amount:u64", discriminator=_tag(4), read=_withdraw),
        instruction("withdraw_pnl", _PROFIT + " open_orders" + _PROFIT_ACCOUNTS, discriminator=_tag(7), read=_profit),
        *quiet_tags(_QUIET_TAGS),
    ),
)

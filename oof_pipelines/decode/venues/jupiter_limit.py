"""Jupiter limit orders, both programs: a maker's tokens wait in a reserve until somebody gives what he asks for.

Mostly they are filled in two calls of one transaction: `pre_flash_fill_order` lends the taker what the order sells, he trades
it wherever he likes, `flash_fill_order` takes what the order buys. The fill is at the second. Maker and taker are the
program's own words: the maker's is the order and its gain. A filled or cancelled order's rent goes back to its maker.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINTS
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, OrderFill
from oof_pipelines.decode.pool_swaps import fee
from oof_pipelines.decode.program import ORDERS, Program, anchor_instruction, event, instruction, quiet

_LEND = "pre_flash_fill_order"


def _fill(call: Call) -> Iterable[Fact]:
    """What left the reserve within this one call."""
    reserve = call.account("reserve")
    sold_mint = call.mint_of(reserve)
    yield from _filled(
        call, sold_mint, -call.moved(reserve, sold_mint), call.mint_of(call.account("taker_input_account"))
    )


def _flash_fill(call: Call) -> Iterable[Fact]:
    """What left the reserve when it was lent, before this call."""
    reserve = call.account("reserve")
    sold_mint = call.mint_of(reserve)
    yield from _filled(call, sold_mint, _lent_raw(call, reserve, sold_mint), call.account("output_mint"))


def _lent_raw(call: Call, reserve: str, mint: str) -> int:
    """What the latest call that lends took out of this order's reserve; nothing where there was none."""
    scene, order = call.scene, call.account("order")
    for at in range(scene.order_of(call.path) - 1, -1, -1):
        one = scene.instructions[at]
        is_lending = one.program_id == call.instruction.program_id and one.data.startswith(anchor_instruction(_LEND))
        if is_lending and order in one.accounts:
            return -scene.moved(reserve, at, scene.end_of(at), mint)
    return 0


def _filled(call: Call, sold_mint: str, sold_raw: int, bought_mint: str) -> Iterable[Fact]:
    maker = call.account("maker")
    bought_raw = _reached_raw(call, maker, bought_mint)
    if sold_raw > 0 and bought_raw > 0:
        yield OrderFill(
            call.path,
            call.instruction.program_id,
            call.program.name,
            call.account("order"),
            maker,
            call.account("taker"),
            sold_mint,
            sold_raw,
            bought_mint,
            bought_raw,
            _fees(call, bought_mint),
        )


def _reached_raw(call: Call, maker: str, mint: str) -> int:
    """What reached the maker's token account; SOL may reach the maker himself, beside rent, which is no part of it."""
    if call.has("maker_output_account"):
        raw = call.moved(call.account("maker_output_account"), mint)
        if raw > 0 or mint not in NATIVE_MINTS:
            return raw
    if mint not in NATIVE_MINTS:
        return 0
    moves = call.scene.moves_within(call.scene.order_of(call.path))
    return sum(
        move.delta_raw
        for move in moves
        if move.account == maker and move.asset == LAMPORTS_ASSET and move.kind != "rent" and not move.is_virtual
    )


def _fees(call: Call, mint: str) -> tuple[FeePart, ...]:
    parts: tuple[FeePart, ...] = ()
    for name, kind in (("fee_account", "platform"), ("referral", "referral")):
        if name in call.layout.seats and call.has(name):
            account = call.account(name)
            parts += fee(kind, mint, max(call.moved(account, mint), 0), INSIDE, account)
    return parts


_RENT = (("order", "maker"),)
_CREATED = "order_key:pubkey maker:pubkey input_mint:pubkey output_mint:pubkey"
_CANCELLED = event("CancelOrderEvent", "order_key:pubkey")

PROGRAMS = (
    Program(
        name="jupiter_limit",
        role=ORDERS,
        program_ids=("jupoNjAxXgZ4rjzxzPMP4oxduvQsQtZzyknqvzYNrNu",),
        source="Anchor IDL of the program as sevenlabs-hq/carbon's jupiter-limit-order-decoder has it",
        instructions=(
            instruction(
                "fill_order",
                "order reserve maker taker _ maker_output_account taker_input_account _ fee_account referral",
                read=_fill,
                closes=_RENT,
            ),
            instruction(
                "flash_fill_order",
                "order reserve maker taker maker_output_account _ _ fee_account referral _ _ output_mint",
                read=_flash_fill,
                closes=_RENT,
            ),
            instruction("cancel_order", "order _ maker", closes=_RENT),
            instruction("cancel_expired_order", "order _ maker", closes=_RENT),
            *quiet(f"initialize_order {_LEND} init_fee update_fee withdraw_fee"),
        ),
        events=(
            event("CreateOrderEvent", f"{_CREATED} in_amount:u64 out_amount:u64 expired_at:option<i64>"),
            _CANCELLED,
            event(
                "TradeEvent",
                "order_key:pubkey taker:pubkey remaining_in_amount:u64 remaining_out_amount:u64 in_amount:u64"
                " out_amount:u64",
            ),
        ),
    ),
    Program(
        name="jupiter_limit_v2",
        role=ORDERS,
        program_ids=("j1o2qRpjcyUwEvwtcfhEQefh773ZgjxcVRry7LDqg5X",),
        source="Anchor IDL of the program as sevenlabs-hq/carbon's jupiter-limit-order-2-decoder has it",
        instructions=(
            instruction(
                "flash_fill_order",
                "taker maker order reserve maker_output_account _ fee_account _ output_mint",
                read=_flash_fill,
                closes=_RENT,
            ),
            instruction("cancel_order", "_ maker order", closes=_RENT),
            *quiet(f"initialize_order {_LEND} update_fee withdraw_fee"),
        ),
        events=(
            event(
                "CreateOrderEvent",
                f"{_CREATED} input_token_program:pubkey output_token_program:pubkey making_amount:u64 taking_amount:u64"
                " expired_at:option<i64> fee_bps:u16 fee_account:pubkey",
            ),
            _CANCELLED,
            event(
                "TradeEvent",
                "order_key:pubkey taker:pubkey remaining_making_amount:u64 remaining_taking_amount:u64"
                " making_amount:u64 taking_amount:u64",
            ),
        ),
    ),
)

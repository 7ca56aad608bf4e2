"""Phoenix: an order book on chain. Swaps take from resting orders and settle at once; tags of one byte.

The program tells its events by calling its own `Log` instruction, not by Anchor's: a header, then events behind one byte
each. Amounts there are in lots, whose sizes only the market account knows; what a swap moved in quote tokens and the
summary's quote lots are the same amount, so their ratio gives the fee in tokens.

Who rests orders keeps his funds in the market. What he puts in or takes out is liquidity of his; an order that is filled
moves no token account of its maker and is no trade here. Instructions "with free funds" move nothing but such balances.
"""

from collections.abc import Iterable, Iterator

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.pool_liquidity import adding_and_removing, claiming, creating, first_owner, named
from oof_pipelines.decode.pool_swaps import either_way, fee
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet_tags
from oof_pipelines.decode.records import Record, RecordLayout

_LOG = 15
_HEADER_BYTES = 93
_FILL_SUMMARY = 6
_SUMMARY = RecordLayout(
    "index:u16 client_order_id:u128 total_base_lots_filled:u64 total_quote_lots_filled:u64 total_fee_in_quote_lots:u64"
)
_EVENT_BYTES = {
    2: 66,  # fill
    3: 42,  # place
    4: 34,  # reduce
    5: 58,  # evict
    _FILL_SUMMARY: 42,
    7: 10,  # fee
    8: 26,  # time in force
    9: 58,  # expired order
}
"""Sizes of the events behind their byte, by that byte: src/program/events.rs, Borsh."""


def _events(call: Call) -> Iterator[tuple[int, bytes]]:
    """The events the program logged from this call: (kind, data behind the kind). LayoutError for a kind not known."""
    height = call.instruction.stack_height + 1
    for one in call.called:
        if one.program_id != call.instruction.program_id or one.stack_height != height or one.data[:1] != bytes([_LOG]):
            continue
        position = _HEADER_BYTES
        while position < len(one.data):
            kind = one.data[position]
            size = _EVENT_BYTES.get(kind)
            if size is None or position + 1 + size > len(one.data):
                raise LayoutError(f"{len(one.data)} bytes of log, an event {kind} at {position}")
            yield kind, one.data[position + 1 : position + 1 + size]
            position += 1 + size


def _summary(call: Call) -> Record | None:
    """What the order took, in lots; None where the program logged no summary."""
    return next((Record(_SUMMARY, data, 0) for kind, data in _events(call) if kind == _FILL_SUMMARY), None)


def _taker_fee(call: Call) -> tuple[FeePart, ...]:
    """The market's fee in quote tokens: inside of what a buyer paid, and already off what a seller got.

    LayoutError where the lots do not divide what moved: then the summary is not of these transfers.
    """
    summary = _summary(call)
    if summary is None or not summary["total_quote_lots_filled"]:
        return ()
    account = call.account("quote_account")
    moved_raw, lots = abs(call.moved(account)), summary["total_quote_lots_filled"]
    if moved_raw % lots:
        raise LayoutError(f"{moved_raw} quote tokens are no whole lots of {lots}")
    return fee("protocol", call.mint_of(account), summary["total_fee_in_quote_lots"] * (moved_raw // lots), INSIDE)


_swap = either_way("market", accounts="base_account quote_account", vaults="base_vault quote_vault", fees=_taker_fee)
_put_in, _take_out = adding_and_removing("market", accounts="base_account quote_account", wallet=named("trader"))


def _limit_order(call: Call) -> Iterable[Fact]:
    """What the order locked. LayoutError where it crossed: it may have paid from the seat's funds and left a rest, and
    neither is told in tokens.
    """
    if any(call.moved(call.account(name)) > 0 for name in ("base_account", "quote_account")):
        raise LayoutError("a limit order that took from resting orders")
    return _put_in(call)


_initialize = creating("market", mints="base_mint quote_mint", wallet="market_creator")
_collect_fees = claiming("protocol_fee_claim", "market", accounts="fee_recipient", wallet=first_owner)

_FIRST = "phoenix_program log_authority market"
_ACCOUNTS = f"{_FIRST} trader base_account quote_account base_vault quote_vault token_program"
_ACCOUNTS_WITH_SEAT = f"{_FIRST} trader seat base_account quote_account base_vault quote_vault token_program"
_EVICTION = f"{_FIRST} market_authority trader seat base_account quote_account base_vault quote_vault token_program"


_QUIET_TAGS = {
    1: "swap_with_free_funds",
    3: "place_limit_order_with_free_funds",
    5: "reduce_order_with_free_funds",
    7: "cancel_all_orders_with_free_funds",
    9: "cancel_up_to_with_free_funds",
    11: "cancel_multiple_orders_by_id_with_free_funds",
    14: "request_seat",
    17: "place_multiple_post_only_orders_with_free_funds",
    101: "claim_authority",
    102: "name_successor",
    103: "change_market_status",
    104: "change_seat_status",
    105: "request_seat_authorized",
    109: "change_fee_recipient",
}

PROGRAM = Program(
    name="phoenix",
    role=VENUE,
    program_ids=("PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY",),
    source="src/program/instruction.rs, events.rs and event_recorder.rs of Ellipsis-Labs/phoenix-v1; recorded swaps",
    instructions=(
        instruction("swap", _ACCOUNTS, discriminator=b"\0", read=_swap),
        instruction("place_limit_order", _ACCOUNTS_WITH_SEAT, discriminator=b"\2", read=_limit_order),
        instruction("reduce_order", _ACCOUNTS, discriminator=b"\4", read=_take_out),
        instruction("cancel_all_orders", _ACCOUNTS, discriminator=b"\6", read=_take_out),
        instruction("cancel_up_to", _ACCOUNTS, discriminator=b"\x08", read=_take_out),
        instruction("cancel_multiple_orders_by_id", _ACCOUNTS, discriminator=b"\x0a", read=_take_out),
        instruction("withdraw_funds", _ACCOUNTS, discriminator=b"\x0c", read=_take_out),
        instruction("deposit_funds", _ACCOUNTS_WITH_SEAT, discriminator=b"\x0d", read=_put_in),
        instruction("place_multiple_post_only_orders", _ACCOUNTS_WITH_SEAT, discriminator=b"\x10", read=_put_in),
        instruction("evict_seat", _EVICTION, discriminator=bytes([106]), read=_take_out),
        instruction("force_cancel_orders", _EVICTION, discriminator=bytes([107]), read=_take_out),
        instruction(
            "collect_fees",
            f"{_FIRST} sweeper fee_recipient quote_vault",
            discriminator=bytes([108]),
            read=_collect_fees,
        ),
        instruction(
            "initialize_market",
            f"{_FIRST} market_creator base_mint quote_mint base_vault quote_vault",
            discriminator=bytes([100]),
            read=_initialize,
        ),
        instruction("log", "log_authority", discriminator=bytes([_LOG])),
        *quiet_tags(_QUIET_TAGS, f"{_FIRST} trader"),
    ),
    tag_bytes=1,
)

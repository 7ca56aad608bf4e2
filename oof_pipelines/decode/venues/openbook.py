"""Serum's order book, version 3, and its successor OpenBook: data are a version byte and a tag of four bytes; no events.

A taker's swap is two or three instructions: a new order that takes at once or is cancelled, which moves what he pays into
the market, and a settlement of his open orders, which moves out what he got and what was not used. The settlement is read
as the swap, with the orders before it; a referrer's part of the taker's fee leaves the market with it and stands as an
inside fee. Any other order may rest, so what it moves in, and what a settlement without such an order moves out, is
liquidity of its owner.
"""

from collections.abc import Iterable

from oof_pipelines.chain.transaction import Instruction
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact, FeePart, Leg, Reserve
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, claiming, first_owner, pool_liquidity
from oof_pipelines.decode.pool_swaps import either_way, fee_paid_to
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, instruction, quiet_tags

_IMMEDIATE_OR_CANCEL = 1
_PAYER_SEAT = 6
_ORDER_TYPE_AT, _ORDER_TYPE_END = 37, 41
"""Where the data of a new order of version 3 say its type: behind the tag, side, price, both quantities and self-trade."""


def _tag(number: int) -> bytes:
    return b"\0" + number.to_bytes(4, "little")


_SETTLE = _tag(5)
_NEW_ORDER = _tag(10)


# --- takers ---


def _is_of(one: Instruction, call: Call, tag: bytes) -> bool:
    """Whether an instruction is one of this program with a tag, on the same market and open orders."""
    return (
        one.program_id == call.instruction.program_id
        and one.data[: len(tag)] == tag
        and one.accounts[:2] == [call.account("market"), call.account("open_orders")]
    )


def _takes_at_once(data: bytes) -> bool:
    return int.from_bytes(data[_ORDER_TYPE_AT:_ORDER_TYPE_END], "little") == _IMMEDIATE_OR_CANCEL


def _orders_settled(call: Call) -> list[int]:
    """The orders since the last settlement, where each takes at once: their positions among the instructions."""
    orders = []
    for order in range(call.scene.order_of(call.path) - 1, -1, -1):
        one = call.scene.instructions[order]
        if _is_of(one, call, _SETTLE):
            break
        if _is_of(one, call, _NEW_ORDER):
            if not _takes_at_once(one.data):
                return []
            orders.append(order)
    return orders[::-1]


def _is_settled(call: Call) -> bool:
    later = call.scene.instructions[call.scene.order_of(call.path) + 1 :]
    return any(_is_of(one, call, _SETTLE) for one in later)


def _settle(call: Call) -> Iterable[Fact]:
    orders = _orders_settled(call)
    if not orders:
        return _funds(call, REMOVE, (call.account("user_coin"), call.account("user_pc")))
    return _taken(call, orders)


def _taken(call: Call, orders: list[int]) -> Iterable[Fact]:
    scene = call.scene
    payers = {account for order in orders for account in scene.instructions[order].accounts[_PAYER_SEAT:][:1]}
    if len(payers) != 1:
        raise LayoutError(f"{len(payers)} accounts pay for the orders of one settlement")
    (payer,) = payers
    sold_mint = call.mint_of(payer)
    paid_raw = -sum(scene.moved(payer, order, scene.end_of(order), sold_mint) for order in orders)
    users = {call.mint_of(one): one for one in (call.account("user_coin"), call.account("user_pc"))}
    bought_mint = next((mint for mint in users if mint != sold_mint), "")
    if not bought_mint or sold_mint not in users:
        raise LayoutError(f"a settlement of {list(users)} after orders paid in {sold_mint}")
    returned_raw, destination = call.moved(users[sold_mint], sold_mint), users[bought_mint]
    sold_raw, bought_raw = paid_raw - returned_raw, call.moved(destination, bought_mint)
    if sold_raw > 0 and bought_raw > 0:
        yield Leg(
            call.path,
            call.instruction.program_id,
            call.program.name,
            call.account("market"),
            call.owner_of(payer),
            sold_mint,
            sold_raw,
            bought_mint,
            bought_raw,
            _reserves(call, orders[0]),
            _referral(call),
        )


def _reserves(call: Call, first: int) -> tuple[Reserve, ...]:
    """What the market's vaults held before the first order and after the settlement."""
    before = {
        one: call.scene.before_raw(one, call.mint_of(one), first)
        for one in (call.account("coin_vault"), call.account("pc_vault"))
    }
    after = call.vault_reserves(*before)
    return tuple(Reserve(one.mint, raw, one.after_raw) for raw, one in zip(before.values(), after, strict=True))


def _referral(call: Call) -> tuple[FeePart, ...]:
    if not call.has("referrer_pc"):
        return ()
    account = call.account("referrer_pc")
    is_user = account in (call.account("user_coin"), call.account("user_pc"))
    return () if is_user else fee_paid_to(call, account, "referral")


_send_take = either_way("market", accounts="user_coin user_pc", vaults="coin_vault pc_vault")


# --- makers ---


def _funds(call: Call, kind: str, accounts: tuple[str, ...]) -> Iterable[Fact]:
    return pool_liquidity(call, kind, pool=call.account("market"), wallet=call.account("owner"), accounts=accounts)


def _order(call: Call) -> Iterable[Fact]:
    return _funds(call, ADD, (call.account("payer"),))


def _new_order(call: Call) -> Iterable[Fact]:
    """Nothing where a settlement follows that tells what the order took."""
    return [] if _takes_at_once(call.instruction.data) and _is_settled(call) else _order(call)


_sweep_fees = claiming("protocol_fee_claim", "market", accounts="fee_receiver", wallet=first_owner)


# --- layouts ---

_FIRST_ORDER = "market open_orders request_queue payer owner coin_vault pc_vault"
_ORDER = "market open_orders request_queue event_queue bids asks payer owner coin_vault pc_vault"
_ORDER_ARGS = (
    "side:u32 limit_price:u64 max_coin_quantity:u64 max_pc_quantity:u64 self_trade_behavior:u32 order_type:u32"
    " client_order_id:u64 limit:u16"
)
_QUIET_TAGS = {
    0: "initialize_market",
    2: "match_orders",
    3: "consume_events",
    4: "cancel_order",
    6: "cancel_order_by_client_id",
    7: "disable_market",
    11: "cancel_order_v2",
    12: "cancel_order_by_client_id_v2",
    15: "init_open_orders",
    16: "prune",
    17: "consume_events_permissioned",
    18: "cancel_orders_by_client_ids",
}


def _instructions() -> tuple[InstructionLayout, ...]:
    return (
        instruction("new_order", _FIRST_ORDER, discriminator=_tag(1), read=_order),
        instruction(
            "settle_funds",
            "market open_orders owner coin_vault pc_vault user_coin user_pc vault_signer token_program referrer_pc",
            discriminator=_SETTLE,
            read=_settle,
        ),
        instruction("sweep_fees", "market pc_vault authority fee_receiver", discriminator=_tag(8), read=_sweep_fees),
        instruction("new_order_v2", _FIRST_ORDER, discriminator=_tag(9), read=_order),
        instruction("new_order_v3", _ORDER, _ORDER_ARGS, discriminator=_NEW_ORDER, read=_new_order),
        instruction(
            "send_take",
            "market request_queue event_queue bids asks user_coin user_pc owner coin_vault pc_vault",
            discriminator=_tag(13),
            read=_send_take,
        ),
        instruction(
            "close_open_orders",
            "open_orders owner destination market",
            discriminator=_tag(14),
            closes=(("open_orders", "destination"),),
        ),
        instruction("replace_order_by_client_id", _ORDER, discriminator=_tag(19), read=_order),
        instruction("replace_orders_by_client_ids", _ORDER, discriminator=_tag(20), read=_order),
        *quiet_tags(_QUIET_TAGS, before=b"\0", tag_bytes=4),
    )


_SOURCE = "dex/src/instruction.rs of openbook-dex/program"

PROGRAMS = (
    Program(
        name="openbook",
        role=VENUE,
        program_ids=("srmqPvymJeFKQ4zGQed1GFppgkRHL9kaELCbyksJtPX",),
        source=f"{_SOURCE}; a recorded order with its settlement",
        instructions=_instructions(),
        tag_bytes=5,
    ),
    Program(
        name="serum_v3",
        role=VENUE,
        program_ids=("9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin",),
        source=f"{_SOURCE}; recorded orders",
        instructions=_instructions(),
        tag_bytes=5,
    ),
)

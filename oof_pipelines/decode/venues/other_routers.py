"""DFlow's and Titan's routers.

DFlow tells every hop and fee in events of the shape of Jupiter's, but names no token accounts: the sold mint is that of its
first hop, the bought one that of its last, the accounts those of the authority that gave and got them. A sponsor who trades
what a user handed him trades for the user, whose account then gives nothing within the route and is not named.

Titan names the accounts and tells nothing. Its newest instruction has one byte for a tag, so that is what tells its
instructions apart here; those of Anchor are recognised by all eight.
"""

from collections.abc import Iterable, Iterator

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, ON_TOP, Fact, FeePaid, FeePart, RouterCall, RouterHop
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.program import ROUTER, Program, anchor_instruction, event, instruction, quiet
from oof_pipelines.decode.router_calls import account_that_moved, direct_payments, router_call

_PLATFORM = "platform"
_TO_SPONSOR = "transfer_to_sponsor"
_TO_SPONSOR_TAG = anchor_instruction(_TO_SPONSOR)
_USER_SEAT, _SPONSOR_SEAT = 0, 2

# --- DFlow ---


def _dflow(call: Call) -> Iterable[Fact]:
    hops = list(_dflow_hops(call))
    if hops:
        yield _dflow_route(call, hops)
    yield from hops


def _dflow_hops(call: Call) -> Iterator[RouterHop]:
    for told in call.events:
        if told.name == "SwapEvent":
            record = told.record
            sold = (record["input_mint"], record["input_amount"])
            bought = (record["output_mint"], record["output_amount"])
            yield RouterHop(told.path or call.path, record["amm"], *sold, *bought)


def _dflow_route(call: Call, hops: list[RouterHop]) -> RouterCall:
    authority, sold_mint, bought_mint = call.account("authority"), hops[0].sold_mint, hops[-1].bought_mint
    sponsored = _sponsored_user(call, authority)
    destination = call.account("destination") if "destination" in call.layout.seats else ""
    return router_call(
        call,
        source="" if sponsored else account_that_moved(call, authority, sold_mint, -1),
        destination=destination or account_that_moved(call, authority, bought_mint, 1),
        authority=sponsored or authority,
        sold_mint=sold_mint,
        bought_mint=bought_mint,
        fees=tuple(
            FeePart(_PLATFORM, one.record["mint"], one.record["amount"], INSIDE, one.record["account"])
            for one in call.events
            if one.name == "FeeEvent" and one.record["amount"]
        ),
    )


def _sponsored_user(call: Call, authority: str) -> str:
    """Who last handed the authority what it sells, by the program's own instruction for that; '' where nobody did."""
    for one in reversed(call.scene.instructions[: call.scene.order_of(call.path)]):
        is_handing = one.program_id == call.instruction.program_id and one.data.startswith(_TO_SPONSOR_TAG)
        if is_handing and len(one.accounts) > _SPONSOR_SEAT and one.accounts[_SPONSOR_SEAT] == authority:
            return one.accounts[_USER_SEAT]
    return ""


def _fee_paid(call: Call) -> Iterator[FeePaid]:
    """A front end's fee, taken in a call of its own beside the trade."""
    real = [move for move in call.moves if not move.is_virtual and move.asset not in NATIVE_MINTS]
    for asset in dict.fromkeys(move.asset for move in real):
        givers = {move.owner for move in real if move.asset == asset and move.delta_raw < 0}
        taken = [move for move in real if move.asset == asset and move.delta_raw > 0]
        if len(givers) == 1 and len(taken) == 1:
            mint = NATIVE_MINT if asset == LAMPORTS_ASSET else asset
            part = FeePart(_PLATFORM, mint, taken[0].delta_raw, ON_TOP, taken[0].owner)
            yield FeePaid(call.path, givers.pop(), part)


_AUTHORITY = "_ _ _ authority"
_DESTINATION = f"{_AUTHORITY} destination"

_DFLOW = Program(
    name="dflow",
    role=ROUTER,
    program_ids=("DF1ow4tspfHX9JwWJsAb9epbkA8hmpSEAtxXy1V27QBH",),
    source="Anchor IDL of swap_orchestrator as sevenlabs-hq/carbon's dflow-aggregator-v4-decoder has it",
    instructions=(
        instruction("swap", _AUTHORITY, read=_dflow),
        instruction("swap2", _AUTHORITY, read=_dflow),
        instruction("swap_with_destination", _DESTINATION, read=_dflow),
        instruction("swap2_with_destination", _DESTINATION, read=_dflow),
        instruction("swap_with_destination_native", _DESTINATION, read=_dflow),
        instruction("swap2_with_destination_native", _DESTINATION, read=_dflow),
        instruction("transfer_fee", read=_fee_paid),
        *quiet(
            f"open_order fill_order close_order wrap_sol unwrap_sol transfer_sol {_TO_SPONSOR}"
            " close_empty_token_account create_referral_token_account_idempotent init_market_ledger_idempotent"
        ),
    ),
    events=(
        event("SwapEvent", "amm:pubkey input_mint:pubkey input_amount:u64 output_mint:pubkey output_amount:u64"),
        event("FeeEvent", "account:pubkey mint:pubkey amount:u64"),
    ),
)

# --- Titan ---


def _titan_anchor(call: Call) -> Iterable[Fact]:
    if not call.instruction.data.startswith(anchor_instruction(call.layout.name)):
        raise LayoutError(f"{call.layout.name} begins with other bytes than its discriminator")
    yield from _titan(call)


def _titan(call: Call) -> Iterable[Fact]:
    source, destination = call.account("source_account"), call.account("destination_account")
    atlas, trader = call.account("atlas"), call.owner_of(source)
    payments = direct_payments(call, _PLATFORM, but=(destination,))
    yield router_call(
        call,
        source=source,
        destination=destination,
        authority=call.account("authority"),
        fees=(part for part in payments if call.owner_of(part.recipient) not in (atlas, trader)),
    )


_ROUTE = "authority atlas _ source_account _ destination_account"

_TITAN = Program(
    name="titan",
    role=ROUTER,
    program_ids=("T1TANpTeScyeqVzzgNViGDNrkQ6qHz9KrSBS4aNXvGT",),
    source=(
        "Anchor IDL of titan_swap 0.1.0 (Titan-Pathfinder/titan-v2-cpi-example); the instruction of the one-byte tag by"
        " what it moved in recorded calls"
    ),
    instructions=(
        instruction("swap_route", _ROUTE, discriminator=anchor_instruction("swap_route")[:1], read=_titan_anchor),
        instruction("swap_route_v2", _ROUTE, discriminator=anchor_instruction("swap_route_v2")[:1], read=_titan_anchor),
        instruction(
            "route_of_one_byte",
            "_ authority atlas source_account destination_account",
            discriminator=b"\x2a",
            read=_titan,
        ),
        instruction("initialize", discriminator=anchor_instruction("initialize")[:1]),
    ),
    tag_bytes=1,
)

PROGRAMS = (_DFLOW, _TITAN)

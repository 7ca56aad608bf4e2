"""Programs made up for the decoder's own tests, so that no rule is tested by the leave of a real program's layout.

`pond` holds pools, `ferry` and `barge` are routers, `clerk` fills makers' orders. All are addressed by their names, as
hand-built transactions address everything. `declare` makes the decoder know them while a test runs.
"""

from collections.abc import Iterable

import pytest
from hand_ledger import address, key

from oof_pipelines.chain.replaced import replaced as replace
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, ON_TOP, Fact, Leg, OrderFill, RouterHop
from oof_pipelines.decode.operations import MoveLamports, Operation
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import (
    EVENT_CALL,
    ORDERS,
    ROUTER,
    VENUE,
    Arguments,
    Program,
    anchor_event,
    anchor_instruction,
    event,
    instruction,
    quiet,
)
from oof_pipelines.decode.programs import BY_ID, ROUTERS, VENUES
from oof_pipelines.decode.records import Record
from oof_pipelines.decode.router_calls import router_call


def _swap(call: Call) -> Iterable[Fact]:
    told = call.event("Swapped")
    charged_raw = told.get("fee_raw") if told is not None else 0
    destination = call.account("destination")
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=call.account("source"),
        destination=destination,
        vaults=(call.account("vault_in"), call.account("vault_out")),
        fees=fee("lp", call.mint_of(destination), charged_raw, INSIDE),
    )


def _swap_and_charge(call: Call) -> Iterable[Fact]:
    """What left the trader is what he sold and a fee beside it."""
    charged_raw = call.args["fee_raw"]
    for leg in _swap(call):
        assert isinstance(leg, Leg)
        fees = fee("protocol", leg.sold_mint, charged_raw, ON_TOP)
        yield replace(leg, sold_raw=leg.sold_raw - charged_raw, fees=fees)


def _pay(told: Record, arguments: Arguments) -> list[Operation]:
    return [MoveLamports(arguments.account("pool"), arguments.account("receiver"), told["lamports"])]


def _route(call: Call) -> Iterable[Fact]:
    yield router_call(call, source=call.account("source"), destination=call.account("destination"))
    for told in call.events:
        hop = told.record
        amounts = (hop["sold_mint"], hop["sold_raw"], hop["bought_mint"], hop["bought_raw"])
        yield RouterHop(told.path, hop["program"], *amounts)


def _fill(call: Call) -> Iterable[Fact]:
    order, maker, taker = (call.account(name) for name in ("order", "maker", "taker"))
    sold_mint, bought_mint = call.mint_of(call.account("source")), call.mint_of(call.account("destination"))
    amounts = (sold_mint, call.args["sold_raw"], bought_mint, call.args["bought_raw"])
    fees = fee("platform", bought_mint, call.args["fee_raw"], INSIDE)
    yield OrderFill(call.path, call.instruction.program_id, "clerk", order, maker, taker, *amounts, fees)


POND = Program(
    name="pond",
    role=VENUE,
    program_ids=(address("pond"),),
    source="made up",
    instructions=(
        instruction("swap", "pool source destination vault_in vault_out", "amount_in:u64", read=_swap),
        instruction(
            "swap_and_charge", "pool source destination vault_in vault_out", "fee_raw:u64", read=_swap_and_charge
        ),
        instruction("pay", "pool receiver", read=lambda _call: ()),
        instruction("leave", "ticket receiver", closes=(("ticket", "receiver"),)),
        *quiet("set_fee"),
    ),
    events=(
        event("Swapped", "pool:pubkey fee_raw:u64"),
        event("Paid", "lamports:u64", debits=_pay),
    ),
)
ROUTER_PROGRAMS = tuple(
    Program(
        name=name,
        role=ROUTER,
        program_ids=(address(name),),
        source="made up",
        instructions=(instruction("route", "source destination", read=_route), *quiet("lend")),
        events=(event("Hop", "program:pubkey sold_mint:pubkey sold_raw:u64 bought_mint:pubkey bought_raw:u64"),),
    )
    for name in ("ferry", "barge")
)
CLERK = Program(
    name="clerk",
    role=ORDERS,
    program_ids=(address("clerk"),),
    source="made up",
    instructions=(
        instruction(
            "fill", "order maker taker source destination", "sold_raw:u64 bought_raw:u64 fee_raw:u64", read=_fill
        ),
        *quiet("lend"),
    ),
)
PROGRAMS = (POND, *ROUTER_PROGRAMS, CLERK)


def declare(patched: pytest.MonkeyPatch) -> None:
    """The decoder knows the made-up programs until the patches are undone."""
    for program in PROGRAMS:
        for program_id in program.program_ids:
            patched.setitem(BY_ID, program_id, program)
            for role, names in ((VENUE, VENUES), (ROUTER, ROUTERS)):
                if program.role == role:
                    patched.setitem(names, program_id, program.name)


def u64(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(8, "little") for number in numbers)


def swap_data(amount_in_raw: int = 1) -> bytes:
    """pond's swap."""
    return anchor_instruction("swap") + u64(amount_in_raw)


def charge_data(fee_raw: int) -> bytes:
    """pond's swap with a fee beside what is sold."""
    return anchor_instruction("swap_and_charge") + u64(fee_raw)


def fill_data(sold_raw: int, bought_raw: int, fee_raw: int = 0) -> bytes:
    """clerk's fill."""
    return anchor_instruction("fill") + u64(sold_raw, bought_raw, fee_raw)


def paid_data(lamports: int) -> bytes:
    """pond telling itself that it paid."""
    return EVENT_CALL + anchor_event("Paid") + u64(lamports)


def swapped_data(pool: str, fee_raw: int) -> bytes:
    """pond telling itself what a swap cost."""
    return EVENT_CALL + anchor_event("Swapped") + key(pool) + u64(fee_raw)


def hop_data(program: str, sold: tuple[str, int], bought: tuple[str, int]) -> bytes:
    """A router telling itself of a hop: the program it called and (mint, base units) of both sides."""
    sides = b"".join(key(mint) + u64(amount_raw) for mint, amount_raw in (sold, bought))
    return EVENT_CALL + anchor_event("Hop") + key(program) + sides


ROUTE = anchor_instruction("route")
LEND = anchor_instruction("lend")

"""Raydium's router: one instruction that calls Raydium's pools one after another, and two that wrap and unwrap SOL.

The route of today (tags 0 and 1) lists five fixed accounts, then one group a hop: the pool's program, the trader's
accounts, the two mints, the pool's own accounts. For an exact input (tag 0) source and destination stand before the first
group; for an exact output (tag 1) the groups stand in reverse, each with the hop's input and output account, so that the
first group ends the route and the last one begins it. The route of 2023 (tag 8) lists a group a hop with both accounts; the
oldest one came in two instructions (tags 4 and 5), each a swap of its own into and out of the middle token.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact, RouterCall
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.program import ROUTER, Program, instruction

_POOL_PROGRAMS = frozenset(
    {
        "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8",  # AMM v4
        "5quBtoiQqxF9Jv6KYKctB59NT3gtJD2Y65kdnB1Uev3h",  # stable pools
        "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK",  # CLMM
        "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C",  # CPMM
    }
)
"""The programs a hop can begin with."""


def _route(call: Call, source: str, destination: str) -> Iterable[Fact]:
    """The facts of a route between two token accounts of the trader, given by address."""
    yield RouterCall(
        call.path,
        call.instruction.program_id,
        call.program.name,
        call.owner_of(source),
        source,
        destination,
        call.scene.mint_of(source),
        call.scene.mint_of(destination),
    )


def _exact_in(call: Call) -> Iterable[Fact]:
    return _route(call, call.account("source"), call.account("destination"))


def _exact_out(call: Call) -> Iterable[Fact]:
    groups = _hops(call, first=5)
    return _route(call, groups[-1][1], groups[0][2])


def _several_hops(call: Call) -> Iterable[Fact]:
    groups = _hops(call, first=2)
    return _route(call, groups[0][1], groups[-1][2])


def _second_half(call: Call) -> Iterable[Fact]:
    """Tag 5: the second half of the oldest route; with an amount behind the tag it wraps SOL instead."""
    return () if "lamports" in call.args else _exact_in(call)


def _hops(call: Call, first: int) -> list[list[str]]:
    """For each hop the pool's program and the two accounts behind it; LayoutError where there is none at `first`."""
    accounts = call.instruction.accounts
    starts = [seat for seat in range(first, len(accounts) - 2) if accounts[seat] in _POOL_PROGRAMS]
    if not starts or starts[0] != first:
        raise LayoutError(f"{call.layout.name} has no pool's program at account {first}")
    return [accounts[seat : seat + 3] for seat in starts]


_AMOUNTS = "amount_in:u64 amount_out:u64"
_HALF = "_ _ _ _ _ source destination"

PROGRAM = Program(
    name="raydium_router",
    role=ROUTER,
    program_ids=("routeUGWgWzqBWFcrCfv8tritsqukccJPu3q5GPP3xS",),
    source="tradeV2/instrument.ts of raydium-io/raydium-sdk-V2 (tags 0, 1, 4, 5) and of raydium-io/raydium-sdk (4, 5, 8)",
    tag_bytes=1,
    instructions=(
        instruction("swap_base_in", "_ _ _ _ user source destination", _AMOUNTS, discriminator=b"\x00", read=_exact_in),
        instruction("swap_base_out", "_ _ _ _ user", _AMOUNTS, discriminator=b"\x01", read=_exact_out),
        instruction("route_first_half", _HALF, _AMOUNTS, discriminator=b"\x04", read=_exact_in),
        # Once the second half of a route without arguments, today the wrapping of an amount.
        instruction("route_second_half", _HALF, "lamports:u64", discriminator=b"\x05", read=_second_half),
        instruction("unwrap_sol", discriminator=b"\x06"),
        instruction("route", "user", _AMOUNTS, discriminator=b"\x08", read=_several_hops),
    ),
)

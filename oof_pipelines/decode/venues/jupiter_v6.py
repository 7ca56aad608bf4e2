"""Jupiter aggregator v6: routes over other programs' pools.

A route names the trader's accounts; what left and what reached them is the trade. The program tells every hop in an event of
its own (`SwapEvent`), the second versions of its routes all hops in one (`SwapsEvent`), which names no pools' programs:
where it lists as many hops as the route called programs, they are those, in their order. A platform fee is told by
`FeeEvent`; the second versions pay it without a word, by token transfers of their own after that event: out of what was
bought, or once more out of the source.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, RouterHop
from oof_pipelines.decode.program import ROUTER, Program, event, instruction, quiet
from oof_pipelines.decode.records import Record, RecordLayout
from oof_pipelines.decode.router_calls import direct_payments, last_path, router_call, venue_calls

_PLATFORM = "platform"
_HOP = RecordLayout("input_mint:pubkey input_amount:u64 output_mint:pubkey output_amount:u64")


def _route(call: Call) -> Iterable[Fact]:
    """Between the trader's own accounts; `destination_token_account` is where what he bought is sent on to, if anywhere."""
    user_destination = call.account("user_destination_token_account")
    is_sent_on = call.has("destination_token_account")
    destination = call.account("destination_token_account") if is_sent_on else user_destination
    yield from _routed(call, "user_source_token_account", destination, (user_destination,))


def _shared_accounts_route(call: Call) -> Iterable[Fact]:
    """By way of the program's own accounts."""
    shared = (call.account("program_source_token_account"), call.account("program_destination_token_account"))
    yield from _routed(call, "source_token_account", call.account("destination_token_account"), shared)


def _routed(call: Call, source_name: str, destination: str, between: tuple[str, ...]) -> Iterable[Fact]:
    source = call.account(source_name)
    names = call.layout.seats
    yield router_call(
        call,
        source=source,
        destination=destination,
        authority=call.account("user_transfer_authority"),
        sold_mint=call.account("source_mint") if "source_mint" in names else "",
        bought_mint=call.account("destination_mint"),
        fees=_fees(call, source, destination, between),
    )
    yield from _hops(call)


def _fees(call: Call, source: str, destination: str, between: tuple[str, ...]) -> tuple[FeePart, ...]:
    """Platform fees; what went to an account of the trader's own is none."""
    parts = tuple(
        FeePart(_PLATFORM, one.record["mint"], one.record["amount"], INSIDE, one.record["account"])
        for one in call.events
        if one.name == "FeeEvent" and one.record["amount"]
    )
    swaps_told = next((one.path for one in call.events if one.name == "SwapsEvent" and one.path), "")
    if swaps_told:
        payers = (source, destination, *between)
        parts += direct_payments(call, _PLATFORM, payers=payers, but=(destination,), after_path=swaps_told)
    trader = call.owner_of(source)
    return tuple(part for part in parts if call.owner_of(part.recipient) != trader)


def _hops(call: Call) -> Iterable[RouterHop]:
    for told in call.events:
        if told.name == "SwapEvent":
            yield _hop(told.path or call.path, told.record["amm"], told.record)
        elif told.name == "SwapsEvent":
            yield from _hops_at_once(call, told.path or call.path, told.record["swap_events"])


def _hops_at_once(call: Call, path: str, told: list[bytes]) -> Iterable[RouterHop]:
    """The hops of one event, each where the call ended that it tells of; all at the event where the calls are not as many."""
    called = venue_calls(call)
    for index, data in enumerate(told):
        record = Record(_HOP, data, 0)
        if len(called) == len(told):
            yield _hop(last_path(call, called[index]), called[index].program_id, record)
        else:
            yield _hop(path, "", record)


def _hop(path: str, program_id: str, record: Record) -> RouterHop:
    return RouterHop(
        path,
        program_id,
        record["input_mint"],
        record["input_amount"],
        record["output_mint"],
        record["output_amount"],
    )


_ROUTE = "_ user_transfer_authority user_source_token_account user_destination_token_account destination_token_account"
_SHARED = (
    "_ _ user_transfer_authority source_token_account program_source_token_account program_destination_token_account"
    " destination_token_account source_mint destination_mint"
)
_ROUTE_V2 = (
    "user_transfer_authority user_source_token_account user_destination_token_account source_mint destination_mint"
    " _ _ destination_token_account"
)
_SHARED_V2 = _SHARED.removeprefix("_ ")

PROGRAM = Program(
    name="jupiter_v6",
    role=ROUTER,
    program_ids=("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4",),
    source="Anchor IDL of jupiter 0.1.0, and of the second versions as sevenlabs-hq/carbon's jupiter-swap-decoder has it",
    instructions=(
        instruction("route", f"{_ROUTE} destination_mint", read=_route),
        instruction("route_with_token_ledger", f"{_ROUTE} destination_mint", read=_route),
        instruction("exact_out_route", f"{_ROUTE} source_mint destination_mint", read=_route),
        instruction("shared_accounts_route", _SHARED, read=_shared_accounts_route),
        instruction("shared_accounts_route_with_token_ledger", _SHARED, read=_shared_accounts_route),
        instruction("shared_accounts_exact_out_route", _SHARED, read=_shared_accounts_route),
        instruction("route_v2", _ROUTE_V2, read=_route),
        instruction("exact_out_route_v2", _ROUTE_V2, read=_route),
        instruction("shared_accounts_route_v2", _SHARED_V2, read=_shared_accounts_route),
        instruction("shared_accounts_exact_out_route_v2", _SHARED_V2, read=_shared_accounts_route),
        *quiet(
            "set_token_ledger create_token_ledger create_token_account create_open_orders create_program_open_orders"
            " claim claim_token close_token"
        ),
        # How the older program described the swaps it called; they were never to be called themselves.
        *quiet(
            "mercurial_swap cykura_swap serum_swap saber_swap saber_add_decimals token_swap token_swap_v2 sencha_swap"
            " step_swap cropper_swap raydium_swap crema_swap lifinity_swap marinade_deposit marinade_unstake aldrin_swap"
            " aldrin_v2_swap whirlpool_swap invariant_swap meteora_swap goosefx_swap deltafi_swap balansol_swap"
            " marco_polo_swap dradex_swap lifinity_v2_swap raydium_clmm_swap phoenix_swap symmetry_swap"
            " helium_treasury_management_redeem_v0 goosefx_v2_swap perps_swap perps_add_liquidity perps_remove_liquidity"
            " meteora_dlmm_swap"
        ),
    ),
    events=(
        event("SwapEvent", "amm:pubkey input_mint:pubkey input_amount:u64 output_mint:pubkey output_amount:u64"),
        event("FeeEvent", "account:pubkey mint:pubkey amount:u64"),
        event("SwapsEvent", "swap_events:vec<[80]>"),
        event("CandidateSwapResults", "results:vec<[9]>"),
        event("BestSwapOutAmountViolation", "expected_out_amount:u64 out_amount:u64"),
    ),
)

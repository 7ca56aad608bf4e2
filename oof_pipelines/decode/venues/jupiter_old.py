"""Jupiter's programs before v6.

v2 and v3 make one swap an instruction and carry what it brought from one to the next in a token ledger; every instruction
names the trader's two accounts. Where a layout names them by the pool's two sides, the one that gave is the source. v4
makes a whole route an instruction and names but the destination; its source is the one other account that gave, and of
a circle the destination itself.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.program import ROUTER, InstructionLayout, Program, instruction, quiet
from oof_pipelines.decode.router_calls import router_call


def _swap(call: Call) -> Iterable[Fact]:
    yield router_call(
        call,
        source=call.account("source"),
        destination=call.account("destination"),
        authority=call.account("authority"),
    )


def _two_sided_swap(call: Call) -> Iterable[Fact]:
    first, second, authority = call.account("first_side"), call.account("second_side"), call.account("authority")
    for source, destination in ((first, second), (second, first)):
        if call.moved(source) < 0:
            yield router_call(call, source=source, destination=destination, authority=authority)


def _route(call: Call) -> Iterable[Fact]:
    authority, destination = call.account("authority"), call.account("destination")
    yield router_call(
        call, source=_source_of(call, authority, destination), destination=destination, authority=authority
    )


def _source_of(call: Call, owner: str, destination: str) -> str:
    """The owner's account that ended with fewer tokens, or the destination where it alone gave; '' where nothing tells."""
    moves = call.scene.moves_within(call.scene.order_of(call.path))
    accounts = dict.fromkeys(
        move.account
        for move in moves
        if move.owner == owner and move.asset != LAMPORTS_ASSET and move.account != destination and not move.is_virtual
    )
    gave = [account for account in accounts if call.moved(account) < 0]
    if not gave and any(move.account == destination and move.delta_raw < 0 and not move.is_virtual for move in moves):
        return destination
    return gave[0] if len(gave) == 1 else ""


_ARGS = "in_amount:option<u64> minimum_out_amount:u64 platform_fee_bps:u8"
_ONE_SWAP = {
    "mercurial_exchange": "_ _ _ _ authority source destination",
    "saber_exchange": "_ _ _ _ authority _ source _ destination",
    "saber_swap": "_ _ _ _ authority source _ destination",
    "saber_add_decimals_deposit": "_ _ _ _ authority source destination",
    "saber_add_decimals_withdraw": "_ _ _ _ authority destination source",
    "sencha_exchange": "_ _ _ authority source _ _ destination",
    "token_swap": "_ _ _ _ authority source _ _ destination",
    "step_token_swap": "_ _ _ _ authority source _ _ destination",
    "cropper_token_swap": "_ _ _ _ _ authority source _ _ destination",
    "raydium_swap": "_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ source destination authority",
    "raydium_swap_v2": "_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ source destination authority",
    "crema_token_swap": "_ _ _ source destination _ _ _ authority",
    "lifinity_token_swap": "_ _ _ authority source destination",
    "cykura_swap": "_ authority _ _ source destination",
}
_BY_SIDES = {
    "serum_swap": "_ _ _ _ _ _ _ _ _ authority _ first_side second_side",
    "aldrin_swap": "_ _ _ _ _ _ _ authority first_side second_side",
    "aldrin_v2_swap": "_ _ _ _ _ _ _ authority first_side second_side",
    "whirlpool_swap": "_ _ authority _ first_side _ second_side",
}
_SWAPS: tuple[InstructionLayout, ...] = (
    *(instruction(name, accounts, _ARGS, read=_swap) for name, accounts in _ONE_SWAP.items()),
    *(instruction(name, accounts, read=_two_sided_swap) for name, accounts in _BY_SIDES.items()),
    *quiet("risk_check_and_fee initialize_token_ledger set_token_ledger create_open_orders"),
)

PROGRAMS = (
    Program(
        name="jupiter_v2",
        role=ROUTER,
        program_ids=("JUP2jxvXaqu7NQY1GmNF4m1vodw12LVXYxbFL2uJvfo",),
        source="Anchor IDL of the program (debridge-finance/solana-tx-parser-public)",
        instructions=_SWAPS,
    ),
    Program(
        name="jupiter_v3",
        role=ROUTER,
        program_ids=("JUP3c2Uh3WA4Ng34tw6kPd2G4C5BB21Xo36Je1s32Ph",),
        source="the layouts of v2, whose names and seats recorded calls share; what v3 added is not known here",
        instructions=_SWAPS,
        is_proven=False,
    ),
    Program(
        name="jupiter_v4",
        role=ROUTER,
        program_ids=("JUP4Fb2cqiRUcaTHdrPC8h2gNsA2ETXiPDD33WcGuJB",),
        source="Anchor IDL of jupiter v4 (chrigeeel/mev-bot; the exact output swaps as Pinax's substreams have them)",
        instructions=(
            instruction("route", "_ authority destination", read=_route),
            instruction("whirlpool_swap_exact_output", _BY_SIDES["whirlpool_swap"], read=_two_sided_swap),
            instruction("raydium_swap_exact_output", _ONE_SWAP["raydium_swap_v2"], read=_swap),
            instruction("raydium_clmm_swap_exact_output", "_ authority _ _ source destination", read=_swap),
            *quiet(
                "create_open_orders create_open_order_v2 mercurial_swap cykura_swap serum_swap saber_swap"
                " saber_add_decimals token_swap sencha_swap step_swap cropper_swap raydium_swap crema_swap lifinity_swap"
                " marinade_deposit marinade_unstake aldrin_swap aldrin_v2_swap whirlpool_swap invariant_swap"
                " meteora_swap goosefx_swap deltafi_swap balansol_swap marco_polo_swap dradex_swap lifinity_v2_swap"
                " raydium_clmm_swap phoenix_swap claim_bonk"
            ),
        ),
        is_proven=False,
    ),
)

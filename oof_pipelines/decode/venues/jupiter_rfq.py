"""Jupiter's order engine: a user's swap against a market maker who quoted it, both signing.

The program's words are the other way round than ours: its taker is the user, who took the quote, its maker the market
maker. We call the user the maker of the fill, for it is his trade and his gain, and the market maker its taker.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact, OrderFill
from oof_pipelines.decode.program import ORDERS, Program, instruction


def _fill(call: Call) -> Iterable[Fact]:
    """Exactly the stated amounts change hands, to the token or, for SOL where an account is left out, the lamport."""
    yield OrderFill(
        call.path,
        call.instruction.program_id,
        call.program.name,
        "",
        call.account("user"),
        call.account("market_maker"),
        _as_sol(call.account("input_mint")),
        call.args["input_amount"],
        _as_sol(call.account("output_mint")),
        call.args["output_amount"],
    )


def _as_sol(mint: str) -> str:
    return NATIVE_MINT if mint in NATIVE_MINTS else mint


PROGRAM = Program(
    name="jupiter_rfq",
    role=ORDERS,
    program_ids=("61DFfeTKM7trxYcPQCM78bJ794ddZprZpAwAnLiwTpYH",),
    source="Anchor IDL and source of order_engine 0.1.0 (jup-ag/rfq-webhook-toolkit)",
    instructions=(
        instruction(
            "fill",
            "user market_maker _ _ _ _ input_mint _ output_mint",
            "input_amount:u64 output_amount:u64 expire_at:i64",
            read=_fill,
        ),
    ),
)

"""Jupiter DCA: a wallet's tokens in an account of the program, traded bit by bit by keepers.

`initiate_flash_fill` lends a keeper one cycle's tokens, he trades them, `fulfill_flash_fill` ends the fill and tells it. What
was bought then waits in the program's account until `transfer` or the end of the order. The maker is the wallet whose
order it is, the taker the keeper. What the order's account was opened with goes to the user or the keeper who closes it.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, OrderFill
from oof_pipelines.decode.pool_swaps import fee
from oof_pipelines.decode.program import ORDERS, Program, event, instruction, quiet


def _fulfilled(call: Call) -> Iterable[Fact]:
    """The fill as the program tells it: what it says was bought is what it kept for the user, its fee taken off."""
    told = call.event("Filled")
    if told is None:
        return
    yield OrderFill(
        call.path,
        call.instruction.program_id,
        call.program.name,
        told["dca_key"],
        told["user_key"],
        call.account("keeper"),
        told["input_mint"],
        told["in_amount"],
        told["output_mint"],
        told["out_amount"],
        fee("platform", told["fee_mint"], told["fee"], INSIDE, call.account("fee_account")),
    )


_FULFIL = "keeper _ _ _ _ _ _ _ fee_account"
_ORDER = "user_key:pubkey dca_key:pubkey"

PROGRAM = Program(
    name="jupiter_dca",
    role=ORDERS,
    program_ids=("DCA265Vj8a9CEuX1eb1LWRnDT7uK6q1xMipnNyatn23M",),
    source="Anchor IDL of the program as sevenlabs-hq/carbon's jupiter-dca-decoder has it",
    instructions=(
        instruction("fulfill_flash_fill", _FULFIL, "repay_amount:u64", read=_fulfilled),
        instruction("fulfill_dlmm_fill", _FULFIL, "repay_amount:u64", read=_fulfilled),
        instruction("close_dca", "user dca", closes=(("dca", "user"),)),
        instruction("end_and_close", "keeper dca _ _ _ _ user", closes=(("dca", "user"),)),
        *quiet("open_dca open_dca_v2 initiate_flash_fill initiate_dlmm_fill transfer deposit withdraw withdraw_fees"),
    ),
    events=(
        event(
            "Filled",
            f"{_ORDER} input_mint:pubkey output_mint:pubkey in_amount:u64 out_amount:u64 fee_mint:pubkey fee:u64",
        ),
        event("CollectedFee", f"{_ORDER} mint:pubkey amount:u64"),
        event("Withdraw", "dca_key:pubkey in_amount:u64 out_amount:u64 user_withdraw:bool"),
        event("Deposit", "dca_key:pubkey amount:u64"),
        event(
            "Opened",
            f"{_ORDER} in_deposited:u64 input_mint:pubkey output_mint:pubkey cycle_frequency:i64"
            " in_amount_per_cycle:u64 created_at:i64",
        ),
        event(
            "Closed",
            f"{_ORDER} in_deposited:u64 input_mint:pubkey output_mint:pubkey cycle_frequency:i64"
            " in_amount_per_cycle:u64 created_at:i64 total_in_withdrawn:u64 total_out_withdrawn:u64"
            " unfilled_amount:u64 user_closed:bool",
        ),
    ),
)

"""1DEX: constant product pools; a swap names the trader's accounts by direction.

Fees leave the vault of what was sold in the same call, to the pools' owner and to whoever referred the trader: inside.
Only the swap of an exact amount in is recorded; no layout of the rest is published.
"""

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import FeePart
from oof_pipelines.decode.pool_swaps import fee_paid_to, one_way
from oof_pipelines.decode.program import VENUE, Program, instruction


def _fee(call: Call, kind: str, name: str) -> tuple[FeePart, ...]:
    is_paid = call.has(name) and call.account(name) != call.account("user_source")
    return fee_paid_to(call, call.account(name), kind) if is_paid else ()


def _fees(call: Call) -> tuple[FeePart, ...]:
    return (*_fee(call, "protocol", "fee_account"), *_fee(call, "referral", "referrer_account"))


_swap = one_way(
    "pool_state", source="user_source", destination="user_destination", vaults="vault_in vault_out", fees=_fees
)


PROGRAM = Program(
    name="onedex",
    role=VENUE,
    program_ids=("DEXYosS6oEGvk8uCDayvwEZz4qEyDJRf9nFgYCaqPMTm",),
    source="a recorded swap; pool and vaults as in dex-trades-extended of Topledger/solana-programs",
    instructions=(
        instruction(
            "swap_exact_amount_in",
            "metadata_state pool_state pool_authority vault_in vault_out user user_source user_destination fee_account"
            " referrer_account",
            "amount_in:u64 minimum_amount_out:u64",
            read=_swap,
        ),
    ),
)

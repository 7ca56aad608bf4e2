"""1DEX: constant product pools; a swap names the trader's accounts by direction.

Fees leave the vault of what was sold in the same call, to the pools' owner and to whoever referred the trader: inside.
Only the swap of an exact amount in is recorded; no layout of the rest is published.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, Program, instruction


def _fee(call: Call, kind: str, name: str) -> tuple[FeePart, ...]:
    if not call.has(name):
        return ()
    account = call.account(name)
    fee_raw = call.moved(account) if account != call.account("user_source") else 0
    return fee(kind, call.mint_of(account), fee_raw, INSIDE, call.owner_of(account)) if fee_raw > 0 else ()


def _swap(call: Call) -> Iterable[Fact]:
    return pool_swap(
        call,
        pool=call.account("pool_state"),
        source=call.account("user_source"),
        destination=call.account("user_destination"),
        vaults=(call.account("vault_in"), call.account("vault_out")),
        fees=(*_fee(call, "protocol", "fee_account"), *_fee(call, "referral", "referrer_account")),
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

"""Lifinity v2: pools priced by an oracle. One swap layout, named by direction; no events.

The trade fee stays in the vaults; a part of it is minted as pool tokens for the pool's owner, which costs the trader nothing
more. Older and newer oracles only change the last accounts.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_liquidity
from oof_pipelines.decode.pool_swaps import pool_swap
from oof_pipelines.decode.program import VENUE, Program, instruction


def _swap(call: Call) -> Iterable[Fact]:
    return pool_swap(
        call,
        pool=call.account("amm"),
        source=call.account("source_info"),
        destination=call.account("destination_info"),
        vaults=(call.account("swap_source"), call.account("swap_destination")),
    )


def _liquidity(call: Call, kind: str, accounts: tuple[str, str], share_account: str) -> Iterable[Fact]:
    return pool_liquidity(
        call,
        kind,
        pool=call.account("amm"),
        wallet=call.owner_of(accounts[0]),
        accounts=accounts,
        share_account=share_account,
        share_mint=call.account("pool_mint"),
    )


def _deposit(call: Call) -> Iterable[Fact]:
    accounts = (call.account("source_a_info"), call.account("source_b_info"))
    return _liquidity(call, ADD, accounts, call.account("destination"))


def _withdraw(call: Call) -> Iterable[Fact]:
    accounts = (call.account("dest_token_a_info"), call.account("dest_token_b_info"))
    return _liquidity(call, REMOVE, accounts, call.account("source_info"))


PROGRAM = Program(
    name="lifinity_v2",
    role=VENUE,
    program_ids=("2wT8Yq49kHgDzXuPxZSaeLaH1qbmGXtEyPy64bL7aD3c",),
    source="IDL of lifinity_amm_v2, as in lifinity-amm-v2-decoder of sevenlabs-hq/carbon; recorded swaps",
    instructions=(
        instruction(
            "swap",
            "authority amm user_transfer_authority source_info destination_info swap_source swap_destination pool_mint"
            " fee_account token_program oracle_main_account oracle_sub_account oracle_pc_account",
            "amount_in:u64 minimum_amount_out:u64",
            read=_swap,
        ),
        instruction(
            "deposit_all_token_types",
            "amm authority user_transfer_authority_info source_a_info source_b_info token_a token_b pool_mint destination",
            "pool_token_amount:u64 maximum_token_a_amount:u64 maximum_token_b_amount:u64",
            read=_deposit,
        ),
        instruction(
            "withdraw_all_token_types",
            "amm authority user_transfer_authority_info source_info token_a token_b pool_mint dest_token_a_info"
            " dest_token_b_info",
            "pool_token_amount:u64 minimum_token_a_amount:u64 minimum_token_b_amount:u64",
            read=_withdraw,
        ),
    ),
)

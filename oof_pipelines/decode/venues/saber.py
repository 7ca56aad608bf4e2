"""Saber's stable-swap: pools of two like tokens; tags of one byte, no events.

The trade fee stays in the vault that pays; the admin's part of it leaves to his account in the same call and is an inside
fee of the token bought. `withdraw_one` takes one of the two tokens out.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact, FeePart
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import REMOVE, adding_and_removing, changing, first_owner, pool_created
from oof_pipelines.decode.pool_swaps import fee_paid_to, one_way
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet_tags


def _admin_fee(call: Call) -> tuple[FeePart, ...]:
    account = call.account("admin_fee_account")
    return fee_paid_to(call, account, "protocol") if account != call.account("user_destination") else ()


_swap = one_way(
    "pool", source="user_source", destination="user_destination", vaults="pool_source pool_destination", fees=_admin_fee
)
_SHARE = "share_account share_mint"
_deposit, _withdraw = adding_and_removing("pool", accounts="user_a user_b", wallet=first_owner, share=_SHARE)
_withdraw_one = changing(REMOVE, "pool", accounts="user_token", wallet=first_owner, share=_SHARE)


def _initialize(call: Call) -> Iterable[Fact]:
    mint, quote_mint = base_and_quote(call.account("mint_a"), call.account("mint_b"))
    wallet = call.owner_of(call.account("share_account"))
    yield pool_created(call, pool=call.account("pool"), mint=mint, quote_mint=quote_mint, wallet=wallet)


_QUIET_TAGS = {
    100: "ramp_a",
    101: "stop_ramp_a",
    102: "pause",
    103: "unpause",
    104: "set_fee_account",
    105: "apply_new_admin",
    106: "commit_new_admin",
    107: "set_new_fees",
}

PROGRAM = Program(
    name="saber",
    role=VENUE,
    program_ids=("SSwpkEEcbUqx4vtoEByFjSkhKdCT862DNVb52nZg1UZ",),
    source="stable-swap-client/src/instruction.rs of saber-hq/stable-swap; recorded swaps",
    instructions=(
        instruction(
            "initialize",
            "pool _ admin _ _ mint_a vault_a mint_b vault_b share_mint share_account",
            discriminator=b"\0",
            read=_initialize,
        ),
        instruction(
            "swap",
            "pool _ user user_source pool_source pool_destination user_destination admin_fee_account",
            "amount_in:u64 minimum_amount_out:u64",
            discriminator=b"\1",
            read=_swap,
        ),
        instruction(
            "deposit",
            "pool _ user user_a user_b vault_a vault_b share_mint share_account",
            "token_a_amount:u64 token_b_amount:u64 min_mint_amount:u64",
            discriminator=b"\2",
            read=_deposit,
        ),
        instruction(
            "withdraw",
            "pool _ user share_mint share_account vault_a vault_b user_a user_b",
            "pool_token_amount:u64 minimum_token_a_amount:u64 minimum_token_b_amount:u64",
            discriminator=b"\3",
            read=_withdraw,
        ),
        instruction(
            "withdraw_one",
            "pool _ user share_mint share_account base_vault quote_vault user_token",
            "pool_token_amount:u64 minimum_token_amount:u64",
            discriminator=b"\4",
            read=_withdraw_one,
        ),
        *quiet_tags(_QUIET_TAGS),
    ),
    tag_bytes=1,
)

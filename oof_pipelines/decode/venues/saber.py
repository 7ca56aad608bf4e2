"""Saber's stable-swap: pools of two like tokens; tags of one byte, no events.

The trade fee stays in the vault that pays; the admin's part of it leaves to his account in the same call and is an inside
fee of the token bought. `withdraw_one` takes one of the two tokens out.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_created, pool_liquidity
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, instruction


def _swap(call: Call) -> Iterable[Fact]:
    destination, fee_account = call.account("user_destination"), call.account("admin_fee_account")
    fees: tuple[FeePart, ...] = ()
    if fee_account != destination and (fee_raw := call.moved(fee_account)) > 0:
        fees = fee("protocol", call.mint_of(fee_account), fee_raw, INSIDE, call.owner_of(fee_account))
    return pool_swap(
        call,
        pool=call.account("pool"),
        source=call.account("user_source"),
        destination=destination,
        vaults=(call.account("pool_source"), call.account("pool_destination")),
        fees=fees,
    )


def _liquidity(call: Call, kind: str, *names: str) -> Iterable[Fact]:
    accounts = tuple(call.account(name) for name in names)
    return pool_liquidity(
        call,
        kind,
        pool=call.account("pool"),
        wallet=call.owner_of(accounts[0]),
        accounts=accounts,
        share_account=call.account("share_account"),
        share_mint=call.account("share_mint"),
    )


def _deposit(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD, "user_a", "user_b")


def _withdraw(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE, "user_a", "user_b")


def _withdraw_one(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE, "user_token")


def _initialize(call: Call) -> Iterable[Fact]:
    mint, quote_mint = base_and_quote(call.account("mint_a"), call.account("mint_b"))
    wallet = call.owner_of(call.account("share_account"))
    yield pool_created(call, pool=call.account("pool"), mint=mint, quote_mint=quote_mint, wallet=wallet)


def _quiet(*named_tags: tuple[str, int]) -> tuple[InstructionLayout, ...]:
    return tuple(instruction(name, discriminator=bytes([tag])) for name, tag in named_tags)


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
        *_quiet(
            ("ramp_a", 100),
            ("stop_ramp_a", 101),
            ("pause", 102),
            ("unpause", 103),
            ("set_fee_account", 104),
            ("apply_new_admin", 105),
            ("commit_new_admin", 106),
            ("set_new_fees", 107),
        ),
    ),
    tag_bytes=1,
)

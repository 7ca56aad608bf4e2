"""Manifest: an order book without a seat fee; tags of one byte. A swap takes from resting orders in one call.

Traders who rest orders keep their funds in the market: what they put in and take out is liquidity of theirs, and a resting
order that is filled moves no token account. The fills that a swap logs say who that was; they are no trade of a wallet here.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_created, pool_liquidity
from oof_pipelines.decode.pool_swaps import either_way_swap
from oof_pipelines.decode.program import VENUE, Program, instruction


def _swap(call: Call) -> Iterable[Fact]:
    return either_way_swap(
        call,
        pool=call.account("market"),
        accounts=(call.account("trader_base"), call.account("trader_quote")),
        vaults=(call.account("base_vault"), call.account("quote_vault")),
    )


def _funds(call: Call, kind: str, place: str) -> Iterable[Fact]:
    account = call.account("trader_token")
    return pool_liquidity(call, kind, pool=call.account(place), wallet=call.owner_of(account), accounts=(account,))


def _deposit(call: Call) -> Iterable[Fact]:
    return _funds(call, ADD, "market")


def _withdraw(call: Call) -> Iterable[Fact]:
    return _funds(call, REMOVE, "market")


def _global_deposit(call: Call) -> Iterable[Fact]:
    return _funds(call, ADD, "global")


def _global_withdraw(call: Call) -> Iterable[Fact]:
    return _funds(call, REMOVE, "global")


def _create_market(call: Call) -> Iterable[Fact]:
    mint, quote_mint = base_and_quote(call.account("base_mint"), call.account("quote_mint"))
    yield pool_created(
        call, pool=call.account("market"), mint=mint, quote_mint=quote_mint, wallet=call.account("payer")
    )


_SWAP_ACCOUNTS = "market system_program trader_base trader_quote base_vault quote_vault token_program_base base_mint"
_SWAP_ARGUMENTS = "in_atoms:u64 out_atoms:u64 is_base_in:bool is_exact_in:bool"
_AMOUNT = "amount_atoms:u64"

PROGRAM = Program(
    name="manifest",
    role=VENUE,
    program_ids=("MNFSTqtC93rEfYHB6hF82sKdZpUDFWkViLByLd1k1Ms",),
    source="client/idl/manifest.json of CKS-Systems/manifest; recorded swaps",
    instructions=(
        instruction(
            "create_market",
            "payer market system_program base_mint quote_mint",
            discriminator=b"\0",
            read=_create_market,
        ),
        instruction("claim_seat", discriminator=b"\1"),
        instruction("deposit", "payer market trader_token vault", _AMOUNT, discriminator=b"\2", read=_deposit),
        instruction("withdraw", "payer market trader_token vault", _AMOUNT, discriminator=b"\3", read=_withdraw),
        instruction("swap", f"payer {_SWAP_ACCOUNTS}", _SWAP_ARGUMENTS, discriminator=b"\4", read=_swap),
        instruction("expand", discriminator=b"\5"),
        instruction("batch_update", discriminator=b"\6"),
        instruction("global_create", discriminator=b"\7"),
        instruction("global_add_trader", discriminator=b"\x08"),
        instruction(
            "global_deposit",
            "payer global mint global_vault trader_token",
            _AMOUNT,
            discriminator=b"\x09",
            read=_global_deposit,
        ),
        instruction(
            "global_withdraw",
            "payer global mint global_vault trader_token",
            _AMOUNT,
            discriminator=b"\x0a",
            read=_global_withdraw,
        ),
        instruction("global_evict", discriminator=b"\x0b"),
        instruction("global_clean", discriminator=b"\x0c"),
        instruction("swap_v2", f"payer owner {_SWAP_ACCOUNTS}", _SWAP_ARGUMENTS, discriminator=b"\x0d", read=_swap),
    ),
    tag_bytes=1,
)

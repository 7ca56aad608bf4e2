"""Manifest: an order book without a seat fee; tags of one byte. A swap takes from resting orders in one call.

Traders who rest orders keep their funds in the market: what they put in and take out is liquidity of theirs, and a resting
order that is filled moves no token account. The fills that a swap logs say who that was; they are no trade of a wallet here.
"""

from oof_pipelines.decode.pool_liquidity import adding_and_removing, creating, first_owner
from oof_pipelines.decode.pool_swaps import either_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = either_way("market", accounts="trader_base trader_quote", vaults="base_vault quote_vault")
_deposit, _withdraw = adding_and_removing("market", accounts="trader_token", wallet=first_owner)
_global_deposit, _global_withdraw = adding_and_removing("global", accounts="trader_token", wallet=first_owner)
_create_market = creating("market", mints="base_mint quote_mint", wallet="payer")

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

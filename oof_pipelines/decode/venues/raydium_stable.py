"""Raydium's stable-swap AMM: pools of like tokens that rest part of their liquidity on a Serum market; tags of one byte.

A swap names the trader's accounts by direction; its vaults stand where the recorded call has them, one seat before those
of the published layout. What the pool keeps on the market shows nowhere in a call, so the reserves
are the vaults' alone.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import adding_and_removing, named, pool_created
from oof_pipelines.decode.pool_swaps import one_way
from oof_pipelines.decode.program import VENUE, Program, instruction

_swap = one_way("pool", source="user_source", destination="user_destination", vaults="coin_vault pc_vault")
_deposit, _withdraw = adding_and_removing(
    "pool", accounts="user_coin user_pc", wallet=named("user"), share="user_share share_mint"
)


def _initialize(call: Call) -> Iterable[Fact]:
    mint, quote_mint = base_and_quote(call.account("coin_mint"), call.account("pc_mint"))
    wallet = call.owner_of(call.account("share_account"))
    yield pool_created(call, pool=call.account("pool"), mint=mint, quote_mint=quote_mint, wallet=wallet)


_SWAP = (
    "_ pool authority open_orders coin_vault pc_vault _ serum_program serum_market bids asks event_queue"
    " market_coin_vault market_pc_vault market_vault_signer user_source user_destination user"
)

PROGRAM = Program(
    name="raydium_stable",
    role=VENUE,
    program_ids=("5quBtoiQqxF9Jv6KYKctB59NT3gtJD2Y65kdnB1Uev3h",),
    source="raydium-stable-swap-decoder of sevenlabs-hq/carbon; a recorded swap_base_in",
    instructions=(
        instruction(
            "initialize",
            "_ pool authority open_orders share_mint coin_mint pc_mint coin_vault pc_vault withdraw_queue share_account",
            "nonce:u8 open_time:u64",
            discriminator=b"\0",
            read=_initialize,
        ),
        instruction(
            "deposit",
            "_ pool authority open_orders target_orders share_mint coin_vault pc_vault serum_market user_coin user_pc"
            " user_share user",
            "max_coin_amount:u64 max_pc_amount:u64 base_side:u64",
            discriminator=b"\3",
            read=_deposit,
        ),
        instruction(
            "withdraw",
            "_ pool authority open_orders target_orders share_mint coin_vault pc_vault withdraw_queue temp_share"
            " serum_program serum_market market_coin_vault market_pc_vault market_vault_signer user_share user_coin"
            " user_pc user",
            "amount:u64",
            discriminator=b"\4",
            read=_withdraw,
        ),
        instruction("swap_base_in", _SWAP, "amount_in:u64 minimum_amount_out:u64", discriminator=b"\x09", read=_swap),
        instruction("pre_initialize", args="nonce:u8", discriminator=b"\x0a"),
        instruction("swap_base_out", _SWAP, "max_amount_in:u64 amount_out:u64", discriminator=b"\x0b", read=_swap),
    ),
    tag_bytes=1,
)

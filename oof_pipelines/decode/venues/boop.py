"""Boop: a launchpad with a bonding curve against native SOL. Its events are only logged.

The curve's SOL lies in an account of its own, the fees in a wrapped account; both are paid by transfers of lamports. A leg
counts what the curve and the fee account got or gave, so that rent for new accounts stays out. The fee is inside: a buyer's
lamports contain it, a seller gets what is left of it.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, Leg, TokenEvent
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import token_event
from oof_pipelines.decode.pool_swaps import fee
from oof_pipelines.decode.program import VENUE, Program, event, instruction, quiet


def _leg(call: Call, account: str, sold: tuple[str, int], bought: tuple[str, int], fee_lamports: int) -> Iterable[Leg]:
    if sold[1] <= 0 or bought[1] <= 0:
        return
    yield Leg(
        call.path,
        call.instruction.program_id,
        call.program.name,
        call.account("bonding_curve"),
        call.owner_of(account),
        *sold,
        *bought,
        reserves=call.vault_reserves(call.account("bonding_curve_vault")),
        fees=fee("protocol", NATIVE_MINT, fee_lamports, INSIDE, call.account("trading_fees_vault")),
    )


def _buy(call: Call) -> Iterable[Fact]:
    account, mint = call.account("recipient_token_account"), call.account("mint")
    fee_lamports = call.moved(call.account("trading_fees_vault"), NATIVE_MINT)
    sold_lamports = call.moved_lamports(call.account("bonding_curve_sol_vault")) + fee_lamports
    return _leg(call, account, (NATIVE_MINT, sold_lamports), (mint, call.moved(account, mint)), fee_lamports)


def _sell(call: Call) -> Iterable[Fact]:
    account, mint = call.account("seller_token_account"), call.account("mint")
    fee_lamports = call.moved(call.account("trading_fees_vault"), NATIVE_MINT)
    bought_lamports = -call.moved_lamports(call.account("bonding_curve_sol_vault")) - fee_lamports
    return _leg(call, account, (mint, -call.moved(account, mint)), (NATIVE_MINT, bought_lamports), fee_lamports)


def _step(call: Call, kind: str, mint: str, wallet: str, pool: str = "") -> TokenEvent:
    told = {name: call.args.get(name, "") for name in ("name", "symbol", "uri")}
    return token_event(call, kind, mint, wallet, pool=pool, quote_mint=NATIVE_MINT, **told)


def _create_token(call: Call) -> Iterable[Fact]:
    yield _step(call, "launch", call.account("mint"), call.account("payer"))


def _graduate(call: Call) -> Iterable[Fact]:
    yield _step(call, "graduation", call.account("mint"), call.account("operator"), call.account("bonding_curve"))


def _create_pool(call: Call) -> Iterable[Fact]:
    mint, _ = base_and_quote(call.account("token_0_mint"), call.account("token_1_mint"))
    yield _step(call, "migration", mint, call.account("operator"), call.account("pool_state"))


_NAMES = "salt:u64 name:string symbol:string uri:string"
_RAYDIUM_POOL = (
    "cpmm_program amm_config authority pool_state token_0_mint token_1_mint lp_mint vault_authority bonding_curve"
    " bonding_curve_vault bonding_curve_wsol_vault creator_lp_token token_0_vault token_1_vault create_pool_fee"
    " observation_state operator"
)

PROGRAM = Program(
    name="boop",
    role=VENUE,
    program_ids=("boop8hVGQGqehUK2iVEMEnMrL5RbjywRzHKBmBE7ry4",),
    source="boop-decoder of sevenlabs-hq/carbon; a recorded sell",
    instructions=(
        instruction(
            "buy_token",
            "mint bonding_curve trading_fees_vault bonding_curve_vault bonding_curve_sol_vault recipient_token_account"
            " buyer",
            "buy_amount:u64 amount_out_min:u64",
            read=_buy,
        ),
        instruction(
            "sell_token",
            "mint bonding_curve trading_fees_vault bonding_curve_vault bonding_curve_sol_vault seller_token_account"
            " seller recipient",
            "sell_amount:u64 amount_out_min:u64",
            read=_sell,
        ),
        instruction("create_token", "config metadata mint payer", _NAMES, read=_create_token),
        instruction("create_token_fallback", "config metadata mint payer", _NAMES, read=_create_token),
        instruction(
            "graduate",
            "mint wsol protocol_fee_recipient token_distributor token_distributor_token_account vault_authority"
            " bonding_curve_sol_vault bonding_curve bonding_curve_vault bonding_curve_wsol_account operator",
            read=_graduate,
        ),
        instruction("create_raydium_pool", _RAYDIUM_POOL, read=_create_pool),
        instruction("create_raydium_random_pool", _RAYDIUM_POOL, read=_create_pool),
        instruction(
            "create_meteora_pool",
            "operator config vault_authority cp_amm_config pool_authority pool_state position position_nft_mint"
            " position_nft_account token_0_mint token_1_mint",
            read=_create_pool,
        ),
        *quiet(
            "add_operators cancel_authority_transfer close_bonding_curve_vault collect_meteora_trading_fees"
            " collect_trading_fees complete_authority_transfer deploy_bonding_curve deploy_bonding_curve_fallback"
            " deposit_into_raydium initialize initiate_authority_transfer lock_raydium_liquidity remove_operators"
            " split_trading_fees swap_sol_for_tokens_on_raydium swap_tokens_for_sol_on_raydium toggle_paused"
            " update_config"
        ),
    ),
    events=(
        event(
            "TokenSoldEvent",
            "mint:pubkey amount_in:u64 amount_out:u64 swap_fee:u64 seller:pubkey recipient:pubkey",
        ),
        event(
            "TokenBoughtEvent",
            "mint:pubkey amount_in:u64 amount_out:u64 swap_fee:u64 buyer:pubkey recipient:pubkey",
        ),
    ),
)

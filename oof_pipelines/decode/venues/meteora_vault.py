"""Meteora's dynamic vaults: one token each, lent out to strategies; pools of DAMM v1 keep their tokens in them.

A pool's own deposits and withdrawals are parts of its swaps and say nothing more. A wallet that deposits for itself holds
the vault's token, which is a position as a pool's share is.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, pool_liquidity
from oof_pipelines.decode.program import OTHER, Program, event, instruction, quiet


def _deposit(call: Call) -> Iterable[Fact]:
    return _own(call, ADD)


def _withdraw(call: Call) -> Iterable[Fact]:
    return _own(call, REMOVE)


def _own(call: Call, kind: str) -> Iterable[Fact]:
    """Only where token and share are of one owner: on behalf of a pool they are the trader's and the pool's."""
    token, share = call.account("user_token"), call.account("user_lp")
    wallet = call.owner_of(token)
    if wallet != call.owner_of(share):
        return []
    return pool_liquidity(
        call,
        kind,
        pool=call.account("vault"),
        wallet=wallet,
        accounts=(token,),
        share_account=share,
        share_mint=call.account("lp_mint"),
    )


_ACCOUNTS = "vault token_vault lp_mint user_token user_lp user"
_WITHDRAW = "unmint_amount:u64 min_out_amount:u64"

PROGRAM = Program(
    name="meteora_vault",
    role=OTHER,
    program_ids=("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi",),
    source="Anchor IDL of dynamic_vault 0.9.1 (MeteoraAg/dynamic-bonding-curve, idls/dynamic_vault.json)",
    instructions=(
        instruction("deposit", _ACCOUNTS, "token_amount:u64 minimum_lp_token_amount:u64", read=_deposit),
        instruction("withdraw", _ACCOUNTS, _WITHDRAW, read=_withdraw),
        instruction("withdraw2", _ACCOUNTS, _WITHDRAW, read=_withdraw),
        instruction(
            "withdraw_directly_from_strategy",
            "vault strategy reserve strategy_program collateral_vault token_vault lp_mint fee_vault user_token user_lp"
            " user",
            _WITHDRAW,
            read=_withdraw,
        ),
        *quiet(
            "add_strategy claim_rewards collect_dust deposit_strategy enable_vault get_unlocked_amount initialize"
            " initialize_idle_vault initialize_strategy remove_strategy remove_strategy2 set_operator transfer_admin"
            " transfer_fee_vault update_locked_profit_degradation withdraw_strategy"
        ),
    ),
    events=(
        event("AddLiquidity", "lp_mint_amount:u64 token_amount:u64"),
        event("RemoveLiquidity", "lp_unmint_amount:u64 token_amount:u64"),
        event("TotalAmount", "total_amount:u64"),
        event("StrategyDeposit", "strategy_type:u8 token_amount:u64"),
        event("StrategyWithdraw", "strategy_type:u8 collateral_amount:u64 estimated_token_amount:u64"),
        event("ClaimReward", "strategy_type:u8 token_amount:u64 mint_account:pubkey"),
        event("PerformanceFee", "lp_mint_more:u64"),
        event("ReportLoss", "strategy:pubkey loss:u64"),
    ),
)

"""BonkSwap: constant product pools with accounts in the pool's order of mints; no events.

A referrer may be paid from the trade in the same call: an inside fee. Liquidity is kept in a provider account, not in a
token. Only failed swaps are recorded, which show the seats but no amounts.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.pool_liquidity import ADD, REMOVE, claims, pool_created, pool_liquidity
from oof_pipelines.decode.pool_swaps import either_way_swap, fee
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet


def _swap(call: Call) -> Iterable[Fact]:
    accounts = (call.account("swapper_x"), call.account("swapper_y"))
    referrers = (call.account("referrer_x"), call.account("referrer_y"))
    paid = [(one, call.moved(one)) for one in referrers if one not in accounts]
    fees = [fee("referral", call.mint_of(one), raw, INSIDE, call.owner_of(one)) for one, raw in paid if raw > 0]
    return either_way_swap(
        call,
        pool=call.account("pool"),
        accounts=accounts,
        vaults=(call.account("pool_x"), call.account("pool_y")),
        fees=tuple(part for parts in fees for part in parts),
    )


def _liquidity(call: Call, kind: str) -> Iterable[Fact]:
    accounts = (call.account("owner_x"), call.account("owner_y"))
    return pool_liquidity(call, kind, pool=call.account("pool"), wallet=call.account("owner"), accounts=accounts)


def _add(call: Call) -> Iterable[Fact]:
    return _liquidity(call, ADD)


def _remove(call: Call) -> Iterable[Fact]:
    return _liquidity(call, REMOVE)


def _withdraw_lp_fee(call: Call) -> Iterable[Fact]:
    accounts = (call.account("owner_x"), call.account("owner_y"))
    return claims(call, "lp_fee_claim", wallet=call.account("owner"), accounts=accounts, pool=call.account("pool"))


def _create_pool(call: Call) -> Iterable[Fact]:
    mint, quote_mint = base_and_quote(call.account("token_x"), call.account("token_y"))
    wallet = call.account("owner")
    yield pool_created(call, pool=call.account("pool"), mint=mint, quote_mint=quote_mint, wallet=wallet)
    yield from _liquidity(call, ADD)


PROGRAM = Program(
    name="bonkswap",
    role=VENUE,
    program_ids=("BSwp6bEBihVLdqJRKGgzjcGLHkcTuzmSo1TQkHepzH8p",),
    source="bonkswap-decoder of sevenlabs-hq/carbon",
    instructions=(
        instruction(
            "swap",
            "state pool token_x token_y pool_x pool_y swapper_x swapper_y swapper referrer_x referrer_y referrer",
            "delta_in:u64 price_limit:u128 x_to_y:bool",
            read=_swap,
        ),
        instruction(
            "add_tokens",
            "state pool farm provider token_x token_y token_marco token_project_first token_project_second owner_x owner_y"
            " pool_x pool_y owner_marco owner_project_first owner_project_second _ _ _ owner",
            "delta_x:u64 delta_y:u64",
            read=_add,
        ),
        instruction(
            "create_provider",
            "pool farm provider token_x token_y pool_x pool_y owner_x owner_y owner",
            "token_x_amount:u64 token_y_amount:u64 bump:u8",
            read=_add,
        ),
        instruction(
            "withdraw_shares",
            "state pool farm provider token_x token_y token_marco token_project_first token_project_second pool_x pool_y"
            " _ _ _ owner_x owner_y _ _ _ owner",
            "shares:u64",
            read=_remove,
        ),
        instruction(
            "withdraw_lp_fee",
            "state pool provider token_x token_y owner_x owner_y pool_x pool_y owner",
            read=_withdraw_lp_fee,
        ),
        instruction("create_pool", "state pool token_x token_y pool_x pool_y owner_x owner_y owner", read=_create_pool),
        *quiet(
            "add_supply close_pool create_dual_farm create_farm create_state create_triple_farm reset_farm update_fees"
            " update_reward_tokens withdraw_buyback withdraw_mercanti_fee withdraw_project_fee withdraw_rewards"
        ),
    ),
    is_proven=False,
)

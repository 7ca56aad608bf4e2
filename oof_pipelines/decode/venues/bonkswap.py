"""BonkSwap: constant product pools with accounts in the pool's order of mints; no events.

A referrer may be paid from the trade in the same call: an inside fee. Liquidity is kept in a provider account, not in a
token. Only failed swaps are recorded, which show the seats but no amounts.
"""

from collections.abc import Iterable

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Fact, FeePart
from oof_pipelines.decode.pool_liquidity import adding_and_removing, claiming, creating, named
from oof_pipelines.decode.pool_swaps import either_way, fee_paid_to
from oof_pipelines.decode.program import VENUE, Program, instruction, quiet


def _referral_fees(call: Call) -> tuple[FeePart, ...]:
    traders = (call.account("swapper_x"), call.account("swapper_y"))
    referrers = (call.account("referrer_x"), call.account("referrer_y"))
    return tuple(part for one in referrers if one not in traders for part in fee_paid_to(call, one, "referral"))


_swap = either_way("pool", accounts="swapper_x swapper_y", vaults="pool_x pool_y", fees=_referral_fees)
_add, _remove = adding_and_removing("pool", accounts="owner_x owner_y", wallet=named("owner"))
_withdraw_lp_fee = claiming("lp_fee_claim", "pool", accounts="owner_x owner_y", wallet=named("owner"))
_created = creating("pool", mints="token_x token_y", wallet="owner")


def _create_pool(call: Call) -> Iterable[Fact]:
    yield from _created(call)
    yield from _add(call)


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

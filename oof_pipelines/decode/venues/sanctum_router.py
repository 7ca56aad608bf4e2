"""Sanctum's stake-pool router: one liquid staking token, or SOL, against another through the stake pools themselves.

No pool of the router's own stands behind a swap: it burns one pool's token and has another's minted. A leg's `pool` is the
mint of the liquid token it is about (the one bought, or the one sold where SOL is bought), which belongs to one stake pool.
The router's fee leaves what was bought to a token account of its own: inside. A withdrawal fee of the pool is part of what
was sold. Staked SOL that goes through a stake account takes two instructions: `prefund_withdraw_stake` splits it off and
`deposit_stake` turns it into the other token; the deposit is read as the swap, with what the withdrawal took.
"""

from collections.abc import Iterable

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, Leg
from oof_pipelines.decode.pool_liquidity import claiming, first_owner
from oof_pipelines.decode.pool_swaps import fee, pool_swap
from oof_pipelines.decode.program import VENUE, InstructionLayout, Program, instruction

_PREFUND_WITHDRAW_STAKE = b"\6"
_WITHDRAWAL_SOURCE = 1
_WITHDRAWAL_STAKE = 2


def _router_fee(call: Call) -> tuple[FeePart, ...]:
    account = call.account("fee_account")
    fee_raw = call.moved(account)
    return fee("protocol", call.mint_of(account), fee_raw, INSIDE, account) if fee_raw > 0 else ()


def _swap(call: Call) -> Iterable[Fact]:
    source, destination = call.account("source"), call.account("destination")
    source_mint, destination_mint = call.account("source_mint"), call.account("destination_mint")
    liquid_mint = source_mint if destination_mint == NATIVE_MINT else destination_mint
    return pool_swap(call, pool=liquid_mint, source=source, destination=destination, fees=_router_fee(call))


def _deposit_stake(call: Call) -> Iterable[Fact]:
    """Nothing where the stake account is the user's own: he staked, he did not trade."""
    withdrawal = _withdrawal_before(call)
    destination = call.account("destination")
    bought_mint, bought_raw = call.account("destination_mint"), call.moved(destination)
    if withdrawal is None or bought_raw <= 0:
        return
    source, sold_mint, sold_raw = withdrawal
    yield Leg(
        call.path,
        call.instruction.program_id,
        call.program.name,
        bought_mint,
        call.owner_of(source),
        sold_mint,
        sold_raw,
        bought_mint,
        bought_raw,
        fees=_router_fee(call),
    )


def _withdrawal_before(call: Call) -> tuple[str, str, int] | None:
    """(account, mint, base units) of the router's last withdrawal into this call's stake account."""
    scene, stake_account = call.scene, call.account("stake_account")
    for order in range(scene.order_of(call.path) - 1, -1, -1):
        one = scene.instructions[order]
        is_withdrawal = one.program_id == call.instruction.program_id and one.data[:1] == _PREFUND_WITHDRAW_STAKE
        if not is_withdrawal or len(one.accounts) <= _WITHDRAWAL_STAKE:
            continue
        if one.accounts[_WITHDRAWAL_STAKE] == stake_account:
            source = one.accounts[_WITHDRAWAL_SOURCE]
            mint = scene.mint_of(source)
            sold_raw = -scene.moved(source, order, scene.end_of(order), mint)
            return (source, mint, sold_raw) if mint and sold_raw > 0 else None
    return None


_withdraw_fees = claiming("protocol_fee_claim", accounts="withdraw_to", wallet=first_owner)


def _tagged(name: str, tag: int, accounts: str = "", args: str = "") -> InstructionLayout:
    return instruction(name, accounts, args, discriminator=bytes([tag]))


_VIA_STAKE = "user source destination bridge_stake fee_account source_mint destination_mint"

PROGRAM = Program(
    name="sanctum_router",
    role=VENUE,
    program_ids=("stkitrT1Uoy18Dk1fTrgPw8W6MVzoCfYoAFT4MLsmhq",),
    source="interfaces/stakedex_interface/idl.json of igneous-labs/stakedex-sdk; a recorded withdrawal, a recorded pair",
    instructions=(
        instruction(
            "stake_wrapped_sol",
            "user source destination wsol_bridge_in sol_bridge_out fee_account destination_mint source_mint",
            "amount:u64",
            discriminator=b"\0",
            read=_swap,
        ),
        instruction("swap_via_stake", _VIA_STAKE, discriminator=b"\1", read=_swap),
        _tagged("create_fee_token_account", 2),
        _tagged("close_fee_token_account", 3),
        instruction(
            "withdraw_fees", "admin fee_token_account withdraw_to mint", discriminator=b"\4", read=_withdraw_fees
        ),
        instruction(
            "deposit_stake",
            "user stake_account destination fee_account destination_mint",
            discriminator=b"\5",
            read=_deposit_stake,
        ),
        _tagged("prefund_withdraw_stake", 6, "user source stake_account source_mint"),
        instruction("prefund_swap_via_stake", _VIA_STAKE, discriminator=b"\7", read=_swap),
        instruction(
            "withdraw_wrapped_sol",
            "user source destination fee_account source_mint destination_mint",
            "amount:u64",
            discriminator=b"\x08",
            read=_swap,
        ),
    ),
    tag_bytes=1,
)

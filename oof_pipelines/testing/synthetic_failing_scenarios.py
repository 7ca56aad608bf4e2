"""Scenarios that land and fail: the fee is paid, nothing else moves.

Each is refused by a real program or by the runtime's own rules, so its error is the true one.
"""

from solders.compute_budget import set_compute_unit_limit

from oof_pipelines.testing.synthetic_instructions import create_associated_account, memo, transfer, transfer_checked
from oof_pipelines.testing.synthetic_system_scenarios import compute_budget, send_lamports, tip
from oof_pipelines.testing.synthetic_world import LAMPORTS_A_SOL, Plan, World

# 150 for the instruction that sets the limit; of the rest a memo needs twice as many, for logging its signer and text.
_TOO_FEW_COMPUTE_UNITS = 400


def overdraw_sol(world: World) -> Plan | None:
    """A System transfer of more than the wallet has, behind one that would have worked."""
    payer = world.payer()
    if payer is None:
        return None
    first, second = world.other_wallets(payer, 2)
    too_much = world.ledger.lamports(payer.address) + world.amount(LAMPORTS_A_SOL)
    instructions = [send_lamports(payer, second.address, too_much)]
    if world.chance(2):
        instructions.insert(0, send_lamports(payer, first.address, world.amount(LAMPORTS_A_SOL // 10)))
    return Plan(payer, instructions, is_failure=True)


def overdraw_tokens(world: World) -> Plan | None:
    """A token transfer of more than the account holds, with a priority fee and a tip that is not paid either."""
    holding = world.holding([mint for mint in world.issued_mints() if not mint.fee_bps])
    if holding is None or world.spendable_lamports(holding.wallet) == 0:
        return None
    (receiver,) = world.other_wallets(holding.wallet, 1)
    mint, wallet = holding.mint, holding.wallet
    if not world.has_associated(receiver.address, mint):
        return None
    overdraft = transfer_checked(
        holding.account,
        mint.address,
        world.associated(receiver.address, mint),
        wallet.address,
        holding.amount_raw + world.amount(10**6),
        mint.decimals,
        mint.token_program,
    )
    return Plan(wallet, [*compute_budget(world), tip(world, wallet), overdraft], is_failure=True)


def fail_after_creation(world: World) -> Plan | None:
    """A token account is created, with inner instructions, and then undone because the transfer into it fails."""
    holding = world.holding([mint for mint in world.issued_mints() if not mint.fee_bps])
    if holding is None or world.spendable_lamports(holding.wallet) == 0:
        return None
    wallet, mint, stranger = holding.wallet.address, holding.mint, world.stranger.address
    too_much_raw = holding.amount_raw + world.amount(10**6)
    instructions = [
        create_associated_account(wallet, stranger, mint.address, mint.token_program),
        transfer(holding.account, world.associated(stranger, mint), wallet, too_much_raw, mint.token_program),
    ]
    return Plan(holding.wallet, instructions, is_failure=True)


def leave_below_rent(world: World) -> Plan | None:
    """All instructions succeed, but an account would end below the rent-exempt minimum: the runtime says no."""
    payer = world.payer()
    if payer is None:
        return None
    lamports = world.amount(world.ledger.rent_lamports(0) - 1)
    return Plan(payer, [send_lamports(payer, world.stranger.address, lamports)], is_failure=True)


def run_out_of_compute(world: World) -> Plan | None:
    """A memo under a limit that does not reach to its end."""
    payer = world.payer()
    if payer is None:
        return None
    text = f"this costs more than it may: {world.amount(10**9)}"
    limit = set_compute_unit_limit(_TOO_FEW_COMPUTE_UNITS)
    return Plan(payer, [limit, memo(text, payer.address)], is_failure=True)

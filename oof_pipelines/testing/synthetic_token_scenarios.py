"""Scenarios of the token programs: mints, SPL Token and Token-2022 movements, wrapped SOL.

A scenario draws from the world and returns a plan, or None where the chain is not yet in a state that allows it.
"""

from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateAccountParams,
    CreateAccountWithSeedParams,
    create_account,
    create_account_with_seed,
)

from oof_pipelines.testing.synthetic_instructions import (
    MINT_BYTES,
    MINT_WITH_TRANSFER_FEE_BYTES,
    NATIVE_MINT,
    TOKEN_ACCOUNT_BYTES,
    TOKEN_PROGRAM,
    approve,
    burn,
    close_account,
    create_associated_account,
    initialize_account,
    initialize_mint,
    initialize_transfer_fee,
    mint_to,
    set_account_owner,
    sync_native,
    transfer,
    transfer_checked,
    transfer_checked_with_fee,
    withdraw_withheld,
)
from oof_pipelines.testing.synthetic_system_scenarios import compute_budget, send_lamports, tip
from oof_pipelines.testing.synthetic_world import LAMPORTS_A_SOL, Actor, Holding, Mint, Plan, World

_ISSUE_MOST_RAW = 10**13
_SUPPLY_CEILING_RAW = 10**16
_WRAP_MOST_LAMPORTS = 5 * LAMPORTS_A_SOL
# An associated account of a mint with fees: account type at 165, ImmutableOwner (bare header), TransferFeeAmount.
_WITHHELD_FEE = slice(174, 182)


def open_mint(world: World) -> Plan | None:
    """Create the next mint of the cast; one of them takes a fee of every transfer."""
    mint = next((mint for mint in world.mints if world.ledger.mint(mint.address) is None), None)
    if mint is None or mint.signer is None:
        return None
    issuer = world.issuer.address
    space = MINT_WITH_TRANSFER_FEE_BYTES if mint.fee_bps else MINT_BYTES
    instructions = [_allocate(world, world.issuer, mint.signer, space, mint.token_program)]
    if mint.fee_bps:
        instructions.append(initialize_transfer_fee(mint.address, issuer, mint.fee_bps, mint.maximum_fee_raw))
    instructions.append(initialize_mint(mint.address, mint.decimals, issuer, mint.token_program))
    return Plan(world.issuer, instructions, [mint.signer])


def issue_tokens(world: World) -> Plan | None:
    """MintTo a wallet, creating its account first where it has none."""
    mints = world.issued_mints()
    if not mints:
        return None
    mint = world.dice.choice(mints)
    state = world.ledger.mint(mint.address)
    if state is None or state.supply_raw > _SUPPLY_CEILING_RAW:
        return None
    owner = world.dice.choice(world.wallets).address
    amount_raw = world.amount(_ISSUE_MOST_RAW if mint.decimals else 1_000)
    minting = mint_to(mint.address, world.associated(owner, mint), world.issuer.address, amount_raw, mint.token_program)
    return Plan(world.issuer, [*_account_for(world, world.issuer, owner, mint), minting])


def transfer_tokens(world: World) -> Plan | None:
    """Move part of a holding to one or two wallets; now and then sponsored, delegated or with a tip."""
    holding = world.holding([*world.issued_mints(), world.wrapped_sol])
    if holding is None:
        return None
    receivers = world.other_wallets(holding.wallet, world.dice.choice((1, 1, 1, 2)))
    payer = world.payer() if world.chance(6) else holding.wallet
    if payer is None or world.spendable_lamports(payer) == 0:
        return None
    instructions = compute_budget(world) if world.chance(2) else []
    most = holding.amount_raw // len(receivers)
    if most == 0:
        return None
    for receiver in receivers:
        instructions += _account_for(world, payer, receiver.address, holding.mint)
        instructions.append(_move(world, holding, receiver.address, world.amount(most)))
    if world.chance(5):
        instructions.append(tip(world, payer))
    return Plan(payer, instructions, [holding.wallet])


def transfer_by_delegate(world: World) -> Plan | None:
    """The owner approves another wallet, which moves the tokens in the same transaction and pays the fee."""
    holding = world.holding([mint for mint in world.issued_mints() if not mint.fee_bps])
    if holding is None:
        return None
    delegate, receiver = world.other_wallets(holding.wallet, 2)
    if world.spendable_lamports(delegate) == 0:
        return None
    mint, program = holding.mint, holding.mint.token_program
    amount_raw = world.amount(holding.amount_raw)
    destination = world.associated(receiver.address, mint)
    instructions = [
        *_account_for(world, delegate, receiver.address, mint),
        approve(holding.account, delegate.address, holding.wallet.address, amount_raw, program),
        transfer_checked(
            holding.account, mint.address, destination, delegate.address, amount_raw, mint.decimals, program
        ),
    ]
    return Plan(delegate, instructions, [holding.wallet])


def burn_tokens(world: World) -> Plan | None:
    """Burn part of a holding, seldom all of it."""
    holding = world.holding(world.issued_mints())
    if holding is None or world.spendable_lamports(holding.wallet) == 0:
        return None
    most = holding.amount_raw if world.chance(8) else max(1, holding.amount_raw // 10)
    wallet, mint = holding.wallet, holding.mint
    instruction = burn(holding.account, mint.address, wallet.address, world.amount(most), mint.token_program)
    return Plan(wallet, [instruction])


def empty_and_close(world: World) -> Plan | None:
    """Move a whole holding to another wallet and close the account, its rent going back to the owner."""
    # An account that holds withheld fees cannot be closed, so the mint with fees is left out.
    holding = world.holding([mint for mint in world.issued_mints() if not mint.fee_bps])
    if holding is None or world.spendable_lamports(holding.wallet) == 0:
        return None
    wallet = holding.wallet
    (receiver,) = world.other_wallets(wallet, 1)
    instructions = [
        *_account_for(world, wallet, receiver.address, holding.mint),
        _move(world, holding, receiver.address, holding.amount_raw),
        close_account(holding.account, wallet.address, wallet.address, holding.mint.token_program),
    ]
    return Plan(wallet, instructions)


def hand_over_account(world: World) -> Plan | None:
    """Fill a new token account and give the account itself away: SetAuthority instead of a transfer to the receiver."""
    holding = world.holding([mint for mint in world.issued_mints() if mint.token_program == TOKEN_PROGRAM])
    free = [account for account in world.hand_over_accounts if world.ledger.lamports(account.address) == 0]
    if holding is None or not free or world.spendable_lamports(holding.wallet) == 0:
        return None
    wallet, account = holding.wallet, free[0]
    (receiver,) = world.other_wallets(wallet, 1)
    instructions = [
        _allocate(world, wallet, account, TOKEN_ACCOUNT_BYTES, TOKEN_PROGRAM),
        initialize_account(account.address, holding.mint.address, wallet.address, TOKEN_PROGRAM),
        transfer(holding.account, account.address, wallet.address, world.amount(holding.amount_raw), TOKEN_PROGRAM),
        set_account_owner(account.address, receiver.address, wallet.address, TOKEN_PROGRAM),
    ]
    return Plan(wallet, instructions, [account])


def collect_hand_over(world: World) -> Plan | None:
    """The receiver of such an account moves its tokens to the associated account and closes it."""
    for keypair in world.hand_over_accounts:
        state = world.ledger.token_account(keypair.address)
        if state is None:
            continue
        owner = world.wallet_of(state.owner)
        if world.spendable_lamports(owner) == 0:
            continue
        mint = next(mint for mint in world.mints if mint.address == state.mint)
        destination = world.associated(owner.address, mint)
        instructions = [
            *_account_for(world, owner, owner.address, mint),
            transfer(keypair.address, destination, owner.address, state.amount_raw, TOKEN_PROGRAM),
            close_account(keypair.address, owner.address, owner.address, TOKEN_PROGRAM),
        ]
        return Plan(owner, instructions)
    return None


def collect_transfer_fees(world: World) -> Plan | None:
    """The issuer takes the fees withheld in wallets' accounts."""
    mint = next((mint for mint in world.issued_mints() if mint.fee_bps), None)
    if mint is None:
        return None
    accounts = [world.associated(wallet.address, mint) for wallet in world.wallets]
    sources = [account for account in accounts if any(world.ledger.data(account)[_WITHHELD_FEE])]
    if not sources:
        return None
    issuer = world.issuer.address
    collecting = withdraw_withheld(mint.address, world.associated(issuer, mint), issuer, sources[:4])
    return Plan(world.issuer, [*_account_for(world, world.issuer, issuer, mint), collecting])


def wrap_sol(world: World) -> Plan | None:
    """Fund a wallet's wrapped SOL account, created where there is none, and synchronise it."""
    payer = world.payer()
    if payer is None:
        return None
    lamports = world.amount(min(_WRAP_MOST_LAMPORTS, world.spendable_lamports(payer)))
    account = world.associated(payer.address, world.wrapped_sol)
    instructions = [
        *_account_for(world, payer, payer.address, world.wrapped_sol),
        send_lamports(payer, account, lamports),
        sync_native(account),
    ]
    return Plan(payer, instructions)


def unwrap_sol(world: World) -> Plan | None:
    """Close a wrapped SOL account: the wrapped lamports and the rent come back."""
    holding = world.holding([world.wrapped_sol])
    if holding is None or world.spendable_lamports(holding.wallet) == 0:
        return None
    owner = holding.wallet.address
    return Plan(holding.wallet, [close_account(holding.account, owner, owner, TOKEN_PROGRAM)])


def pass_through_wrapped_sol(world: World) -> Plan | None:
    """A wrapped SOL account that lives and dies inside one transaction, as swap front ends make them."""
    payer = world.payer()
    if payer is None:
        return None
    owner, seed = payer.address, "wrap"
    account = Pubkey.create_with_seed(owner, seed, TOKEN_PROGRAM)
    lamports = world.amount(min(_WRAP_MOST_LAMPORTS, world.spendable_lamports(payer)))
    parameters = CreateAccountWithSeedParams(
        from_pubkey=owner,
        to_pubkey=account,
        base=owner,
        seed=seed,
        lamports=world.ledger.rent_lamports(TOKEN_ACCOUNT_BYTES) + lamports,
        space=TOKEN_ACCOUNT_BYTES,
        owner=TOKEN_PROGRAM,
    )
    (receiver,) = world.other_wallets(payer, 1)
    destination = world.associated(receiver.address, world.wrapped_sol)
    instructions = [
        *_account_for(world, payer, receiver.address, world.wrapped_sol),
        create_account_with_seed(parameters),
        initialize_account(account, NATIVE_MINT, owner, TOKEN_PROGRAM),
        transfer(account, destination, owner, world.amount(lamports), TOKEN_PROGRAM),
        close_account(account, owner, owner, TOKEN_PROGRAM),
    ]
    return Plan(payer, instructions)


def _allocate(world: World, payer: Actor, account: Actor, space: int, program: Pubkey) -> Instruction:
    parameters = CreateAccountParams(
        from_pubkey=payer.address,
        to_pubkey=account.address,
        lamports=world.ledger.rent_lamports(space),
        space=space,
        owner=program,
    )
    return create_account(parameters)


def _account_for(world: World, payer: Actor, owner: Pubkey, mint: Mint) -> list[Instruction]:
    """Creation of an associated account; where it exists nothing, or one time in four a create that finds it there."""
    exists = world.has_associated(owner, mint)
    if exists and not world.chance(4):
        return []
    is_idempotent = exists or world.chance(2)
    return [
        create_associated_account(payer.address, owner, mint.address, mint.token_program, is_idempotent=is_idempotent)
    ]


def _move(world: World, holding: Holding, receiver: Pubkey, amount_raw: int) -> Instruction:
    """One of the three transfer instructions, whichever the mint allows."""
    mint, owner = holding.mint, holding.wallet.address
    destination = world.associated(receiver, mint)
    if mint.fee_bps and world.chance(2):
        fee_raw = mint.transfer_fee_raw(amount_raw)
        return transfer_checked_with_fee(
            holding.account, mint.address, destination, owner, amount_raw, mint.decimals, fee_raw
        )
    if mint.fee_bps or world.chance(2):
        return transfer_checked(
            holding.account, mint.address, destination, owner, amount_raw, mint.decimals, mint.token_program
        )
    return transfer(holding.account, destination, owner, amount_raw, mint.token_program)

"""Scenarios of the System program and its neighbours: SOL, seeds, nonces, tips, memos, address lookup tables.

A scenario draws from the world and returns a plan, or None where the chain is not yet in a state that allows it.
"""

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import (
    AdvanceNonceAccountParams,
    CreateAccountWithSeedParams,
    CreateLookupTableParams,
    ExtendLookupTableParams,
    TransferParams,
    TransferWithSeedParams,
    WithdrawNonceAccountParams,
    advance_nonce_account,
    create_account_with_seed,
    create_lookup_table,
    create_nonce_account,
    extend_lookup_table,
    transfer_with_seed,
    withdraw_nonce_account,
)
from solders.system_program import transfer as system_transfer

from oof_pipelines.testing.synthetic_instructions import memo
from oof_pipelines.testing.synthetic_world import JITO_TIP_ACCOUNTS, LAMPORTS_A_SOL, Actor, Plan, World

_SEEDS = ("savings", "rent", "holiday")
_MEMOS = ("gm", "invoice 20417", "for the pizza", "zażółć gęślą jaźń", "order=77;ref=oof", "🫡")
_NONCE_BYTES = 80
_MOST_TRANSFER_LAMPORTS = 20 * LAMPORTS_A_SOL
_MOST_TIP_LAMPORTS = 2_000_000
_POOR_LAMPORTS = 10 * LAMPORTS_A_SOL
_COMPUTE_UNIT_LIMIT = 400_000


def send_lamports(source: Actor, destination: Pubkey, lamports: int) -> Instruction:
    """A System transfer."""
    return system_transfer(
        TransferParams(from_pubkey=source.address, to_pubkey=destination, lamports=lamports),
    )


def compute_budget(world: World) -> list[Instruction]:
    """A compute-unit limit and a price that makes a priority fee of up to 800,000 lamports."""
    return [set_compute_unit_limit(_COMPUTE_UNIT_LIMIT), set_compute_unit_price(world.amount(2_000_000))]


def tip(world: World, payer: Actor) -> Instruction:
    """A transfer to one of the tip accounts."""
    return send_lamports(payer, world.dice.choice(JITO_TIP_ACCOUNTS), world.amount(_MOST_TIP_LAMPORTS))


def transfer_sol(world: World) -> Plan | None:
    """One to three System transfers from a wallet to others, or to the exchange."""
    payer = world.payer()
    if payer is None:
        return None
    count = world.dice.choice((1, 1, 1, 2, 3))
    targets = [wallet.address for wallet in world.other_wallets(payer, count)]
    if world.chance(5):
        targets[0] = world.exchange.address
    most = min(_MOST_TRANSFER_LAMPORTS, world.spendable_lamports(payer)) // count
    if most == 0:
        return None
    return Plan(payer, [send_lamports(payer, target, world.amount(most)) for target in targets])


def transfer_sol_with_tip(world: World) -> Plan | None:
    """A System transfer that buys its place: compute budget and a tip."""
    payer = world.payer()
    if payer is None:
        return None
    (target,) = world.other_wallets(payer, 1)
    most = min(_MOST_TRANSFER_LAMPORTS, max(1, world.spendable_lamports(payer) // 2))
    payment = send_lamports(payer, target.address, world.amount(most))
    return Plan(payer, [*compute_budget(world), payment, tip(world, payer)])


def withdraw_from_exchange(world: World) -> Plan | None:
    """The exchange pays the poorest wallet; always when that wallet is poor, otherwise now and then."""
    poorest = min(world.wallets, key=lambda wallet: world.ledger.lamports(wallet.address))
    if world.ledger.lamports(poorest.address) > _POOR_LAMPORTS and not world.chance(4):
        return None
    lamports = 20 * LAMPORTS_A_SOL + world.amount(100 * LAMPORTS_A_SOL)
    return Plan(world.exchange, [send_lamports(world.exchange, poorest.address, lamports)])


def open_seed_account(world: World) -> Plan | None:
    """CreateAccountWithSeed: a System account derived from a wallet and a word."""
    payer, seed, address = _seed_account(world)
    if payer is None or world.ledger.lamports(address) > 0:
        return None
    parameters = CreateAccountWithSeedParams(
        from_pubkey=payer.address,
        to_pubkey=address,
        base=payer.address,
        seed=seed,
        lamports=world.ledger.rent_lamports(0) + world.amount(LAMPORTS_A_SOL // 2),
        space=0,
        owner=SYSTEM_PROGRAM,
    )
    return Plan(payer, [create_account_with_seed(parameters)])


def drain_seed_account(world: World) -> Plan | None:
    """TransferWithSeed of everything: the account is gone afterwards."""
    payer, seed, address = _seed_account(world)
    lamports = world.ledger.lamports(address)
    if payer is None or lamports == 0:
        return None
    (target,) = world.other_wallets(payer, 1)
    parameters = TransferWithSeedParams(
        from_pubkey=address,
        from_base=payer.address,
        from_seed=seed,
        from_owner=SYSTEM_PROGRAM,
        to_pubkey=target.address,
        lamports=lamports,
    )
    return Plan(payer, [transfer_with_seed(parameters)])


def _seed_account(world: World) -> tuple[Actor | None, str, Pubkey]:
    wallet = world.dice.choice(world.wallets)
    seed = world.dice.choice(_SEEDS)
    address = Pubkey.create_with_seed(wallet.address, seed, SYSTEM_PROGRAM)
    return (wallet if world.spendable_lamports(wallet) > 0 else None), seed, address


def open_nonce(world: World) -> Plan | None:
    """CreateAccount and InitializeNonceAccount; the new account signs too."""
    payer, nonce = _nonce(world)
    if payer is None or world.ledger.lamports(nonce.address) > 0:
        return None
    rent = world.ledger.rent_lamports(_NONCE_BYTES)
    instructions = create_nonce_account(payer.address, nonce.address, payer.address, rent)
    world.nonce_slots[nonce.address] = world.ledger.slot
    return Plan(payer, list(instructions), [nonce])


def transfer_by_nonce(world: World) -> Plan | None:
    """A transfer under a durable nonce instead of a recent blockhash."""
    payer, nonce = _nonce(world)
    if payer is None or not _is_nonce_ready(world, nonce.address):
        return None
    # A nonce account is version u32, state u32, authority, then the stored hash.
    stored = Hash.from_bytes(world.ledger.data(nonce.address)[40:72])
    (target,) = world.other_wallets(payer, 1)
    parameters = AdvanceNonceAccountParams(nonce_pubkey=nonce.address, authorized_pubkey=payer.address)
    payment = send_lamports(payer, target.address, world.amount(world.spendable_lamports(payer)))
    world.nonce_slots[nonce.address] = world.ledger.slot
    return Plan(payer, [advance_nonce_account(parameters), payment], nonce=stored)


def close_nonce(world: World) -> Plan | None:
    """WithdrawNonceAccount of everything: the nonce account is gone afterwards."""
    payer, nonce = _nonce(world)
    if payer is None or not _is_nonce_ready(world, nonce.address):
        return None
    parameters = WithdrawNonceAccountParams(
        nonce_pubkey=nonce.address,
        authorized_pubkey=payer.address,
        to_pubkey=payer.address,
        lamports=world.ledger.lamports(nonce.address),
    )
    return Plan(payer, [withdraw_nonce_account(parameters)])


def _nonce(world: World) -> tuple[Actor | None, Actor]:
    index = world.dice.randrange(len(world.nonces))
    wallet = world.wallets[index]
    return (wallet if world.spendable_lamports(wallet) > 0 else None), world.nonces[index]


def _is_nonce_ready(world: World, nonce: Pubkey) -> bool:
    """A nonce may be used when it exists and was not stored under the blockhash of this very slot."""
    return world.ledger.lamports(nonce) > 0 and world.nonce_slots[nonce] < world.ledger.slot


def write_memo(world: World) -> Plan | None:
    """A signed memo, alone or beside a transfer."""
    payer = world.payer()
    if payer is None:
        return None
    instructions = [memo(world.dice.choice(_MEMOS), payer.address)]
    if world.chance(2):
        (target,) = world.other_wallets(payer, 1)
        most = min(_MOST_TRANSFER_LAMPORTS, world.spendable_lamports(payer))
        instructions.insert(0, send_lamports(payer, target.address, world.amount(most)))
    return Plan(payer, instructions)


def open_lookup_table(world: World) -> Plan | None:
    """Create and fill the one address lookup table; later v0 messages load from it."""
    if world.table is not None:
        return None
    recent_slot = world.ledger.slot - 1
    world.ledger.remember_slot_hash(recent_slot)
    issuer = world.issuer.address
    create, address = create_lookup_table(
        CreateLookupTableParams(authority_address=issuer, payer_address=issuer, recent_slot=recent_slot)
    )
    addresses = [wallet.address for wallet in world.wallets] + list(JITO_TIP_ACCOUNTS) + [world.exchange.address]
    extend = extend_lookup_table(
        ExtendLookupTableParams(
            payer_address=issuer, lookup_table_address=address, authority_address=issuer, new_addresses=addresses
        )
    )
    world.table, world.table_slot = AddressLookupTableAccount(address, addresses), world.ledger.slot
    return Plan(world.issuer, [create, extend])


def pay_many(world: World) -> Plan | None:
    """A wallet pays four others at once, the sort of message lookup tables are for."""
    payer = world.payer()
    if payer is None or world.spendable_lamports(payer) < LAMPORTS_A_SOL:
        return None
    lamports = world.amount(LAMPORTS_A_SOL // 4)
    targets = world.other_wallets(payer, 4)
    return Plan(payer, [send_lamports(payer, target.address, lamports) for target in targets])

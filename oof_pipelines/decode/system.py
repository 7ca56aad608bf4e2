"""The System program: accounts are made, funded, given away. Layout: SystemInstruction, bincode, a u32 tag first."""

from oof_pipelines.chain.transaction import Instruction
from oof_pipelines.decode.layout import Fields, account
from oof_pipelines.decode.operations import GiveToProgram, MoveLamports, Operation

PROGRAM_IDS = ("11111111111111111111111111111111",)

_CREATE_ACCOUNT = 0
_ASSIGN = 1
_TRANSFER = 2
_CREATE_ACCOUNT_WITH_SEED = 3
_WITHDRAW_NONCE = 5
_ALLOCATE_WITH_SEED = 9
_ASSIGN_WITH_SEED = 10
_TRANSFER_WITH_SEED = 11
_CREATE_ACCOUNT_ALLOW_PREFUND = 13


def decode(accounts: list[str], data: bytes) -> list[Operation]:
    """Operations of one instruction; none for those that move nothing (nonce advance, allocate). Raises LayoutError."""
    fields = Fields(data)
    tag = fields.u32()
    if tag == _TRANSFER:
        return [MoveLamports(account(accounts, 0), account(accounts, 1), fields.u64())]
    if tag == _CREATE_ACCOUNT:
        lamports, _space, owner = fields.u64(), fields.u64(), fields.pubkey()
        return _create(account(accounts, 0), account(accounts, 1), lamports, owner)
    if tag == _CREATE_ACCOUNT_WITH_SEED:
        _base, _seed = fields.pubkey(), fields.bytes(fields.u64())
        lamports, _space, owner = fields.u64(), fields.u64(), fields.pubkey()
        return _create(account(accounts, 0), account(accounts, 1), lamports, owner)
    if tag == _ASSIGN:
        return [GiveToProgram(account(accounts, 0), fields.pubkey())]
    if tag == _ALLOCATE_WITH_SEED:
        _base, _seed, _space = fields.pubkey(), fields.bytes(fields.u64()), fields.u64()
        return [GiveToProgram(account(accounts, 0), fields.pubkey())]
    if tag == _ASSIGN_WITH_SEED:
        _base, _seed = fields.pubkey(), fields.bytes(fields.u64())
        return [GiveToProgram(account(accounts, 0), fields.pubkey())]
    if tag == _WITHDRAW_NONCE:
        return [MoveLamports(account(accounts, 0), account(accounts, 1), fields.u64(), kind="nonce")]
    if tag == _TRANSFER_WITH_SEED:
        return [MoveLamports(account(accounts, 0), account(accounts, 2), fields.u64())]
    if tag == _CREATE_ACCOUNT_ALLOW_PREFUND:
        lamports, _space, owner = fields.u64(), fields.u64(), fields.pubkey()
        if lamports == 0:  # an account that was paid for before needs no funder
            return [GiveToProgram(account(accounts, 0), owner)]
        return _create(account(accounts, 1), account(accounts, 0), lamports, owner)
    return []


def is_nonce_withdrawal(instruction: Instruction) -> bool:
    """Whether this System instruction takes lamports out of a nonce account."""
    if instruction.parsed is not None:
        return instruction.parsed.get("type") == "withdrawFromNonce"
    return instruction.data[:4] == _WITHDRAW_NONCE.to_bytes(4, "little")


def _create(funder: str, created: str, lamports: int, owner: str) -> list[Operation]:
    return [MoveLamports(funder, created, lamports, kind="rent"), GiveToProgram(created, owner)]

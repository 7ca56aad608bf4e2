"""The Stake program: lamports of stake accounts. Layout: StakeInstruction, bincode, a u32 tag first."""

from oof_pipelines.decode.layout import Fields, account
from oof_pipelines.decode.operations import MoveLamports, Operation

PROGRAM_IDS = ("Stake11111111111111111111111111111111111111",)

STAKE_ACCOUNT_RENT_LAMPORTS = 2_282_880
"""Rent exemption of the 200 bytes of a stake account, (200 + 128) × 3,480 × 2: what it holds beside its stake."""

_SPLIT = 3
_WITHDRAW = 4
_MERGE = 7
_MOVE_STAKE = 16
_MOVE_LAMPORTS = 17


def decode(accounts: list[str], data: bytes) -> list[Operation]:
    """Operations of one instruction; delegating and authorising move nothing. Raises LayoutError."""
    fields = Fields(data)
    tag = fields.u32()
    if tag in (_SPLIT, _WITHDRAW, _MOVE_STAKE, _MOVE_LAMPORTS):
        return [MoveLamports(account(accounts, 0), account(accounts, 1), fields.u64(), kind="stake")]
    if tag == _MERGE:
        return [MoveLamports(account(accounts, 1), account(accounts, 0), None, kind="stake")]
    return []

"""The Vote program: votes move nothing, withdrawals and deposits do. Layout: VoteInstruction, bincode, a u32 tag first."""

from oof_pipelines.decode.layout import Fields, account
from oof_pipelines.decode.operations import MoveLamports, Operation

PROGRAM_IDS = ("Vote111111111111111111111111111111111111111",)

_WITHDRAW = 3
_DEPOSIT_DELEGATOR_REWARDS = 19


def decode(accounts: list[str], data: bytes) -> list[Operation]:
    """Operations of one instruction. Raises LayoutError."""
    fields = Fields(data)
    tag = fields.u32()
    if tag == _WITHDRAW:
        return [MoveLamports(account(accounts, 0), account(accounts, 1), fields.u64())]
    if tag == _DEPOSIT_DELEGATOR_REWARDS:
        return [MoveLamports(account(accounts, 1), account(accounts, 0), fields.u64())]
    return []

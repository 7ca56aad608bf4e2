"""The Vote program: votes move nothing, a validator's withdrawal does. Layout: VoteInstruction, bincode, a u32 tag first."""

from oof_pipelines.decode.layout import Fields, account
from oof_pipelines.decode.operations import MoveLamports, Operation

PROGRAM_IDS = ("Vote111111111111111111111111111111111111111",)

_WITHDRAW = 3


def decode(accounts: list[str], data: bytes) -> list[Operation]:
    """Operations of one instruction. Raises LayoutError."""
    fields = Fields(data)
    if fields.u32() == _WITHDRAW:
        return [MoveLamports(account(accounts, 0), account(accounts, 1), fields.u64())]
    return []

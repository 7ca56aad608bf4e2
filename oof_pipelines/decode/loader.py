"""The upgradeable loader: the rent of buffers and programs. Layout: UpgradeableLoaderInstruction, bincode, a u32 tag first.

Source: agave's solana-loader-v3-interface (tags, account order) and its processor: a buffer is drained to the payer before
the program's data account is paid for, an upgrade leaves the buffer's lamports to the spill account.
"""

from oof_pipelines.decode.layout import Fields, account
from oof_pipelines.decode.operations import CloseProgramAccount, Operation

PROGRAM_IDS = ("BPFLoaderUpgradeab1e11111111111111111111111",)

_DEPLOY = 2
_UPGRADE = 3
_CLOSE = 5
# Tag → the seats of the account that is emptied and of the one that gets its lamports.
_EMPTIED = {_DEPLOY: (3, 0), _UPGRADE: (2, 3), _CLOSE: (0, 1)}


def decode(accounts: list[str], data: bytes) -> list[Operation]:
    """Operations of one instruction; writing, setting authorities and extending move nothing. Raises LayoutError."""
    seats = _EMPTIED.get(Fields(data).u32())
    if seats is None:
        return []
    return [CloseProgramAccount(account(accounts, seats[0]), account(accounts, seats[1]))]

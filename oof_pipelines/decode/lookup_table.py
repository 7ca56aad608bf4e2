"""The address lookup table program: the rent of a table that is closed. Layout: ProgramInstruction, bincode, a u32 tag first.

Source: agave's solana-address-lookup-table-interface (CloseLookupTable: table, authority, recipient).
"""

from oof_pipelines.decode.layout import Fields, account
from oof_pipelines.decode.operations import CloseProgramAccount, Operation

PROGRAM_IDS = ("AddressLookupTab1e1111111111111111111111111",)

_CLOSE = 4
_TABLE_SEAT, _RECIPIENT_SEAT = 0, 2


def decode(accounts: list[str], data: bytes) -> list[Operation]:
    """Operations of one instruction; creating pays its rent through System. Raises LayoutError."""
    if Fields(data).u32() != _CLOSE:
        return []
    return [CloseProgramAccount(account(accounts, _TABLE_SEAT), account(accounts, _RECIPIENT_SEAT))]

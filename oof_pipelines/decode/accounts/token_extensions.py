"""Extensions of Token-2022: what follows a mint or token account, each a type, a length and that many bytes.

Layout: solana-program/token-2022, interface/src/extension (ExtensionType, and a module for each). The base account is
padded to 165 bytes, byte 165 says what it is (1 a mint, 2 a token account), and the entries begin at 166.
"""

from collections.abc import Iterator

from oof_pipelines.decode.layout import LayoutError

TYPE_AT = 165
_ENTRIES_AT = 166
IS_MINT, IS_ACCOUNT = 1, 2
MULTISIG_BYTES = 355
"""A multisig is told by its size alone; an extended account of that size is padded past it."""

EXTENSION_NAMES = (
    "uninitialized",
    "transfer_fee_config",
    "transfer_fee_amount",
    "mint_close_authority",
    "confidential_transfer_mint",
    "confidential_transfer_account",
    "default_account_state",
    "immutable_owner",
    "memo_transfer",
    "non_transferable",
    "interest_bearing_config",
    "cpi_guard",
    "permanent_delegate",
    "non_transferable_account",
    "transfer_hook",
    "transfer_hook_account",
    "confidential_transfer_fee_config",
    "confidential_transfer_fee_amount",
    "metadata_pointer",
    "token_metadata",
    "group_pointer",
    "token_group",
    "group_member_pointer",
    "token_group_member",
    "confidential_mint_burn",
    "scaled_ui_amount",
    "pausable",
    "pausable_account",
)


def is_extended(data: bytes, base_bytes: int, kind: int) -> bool | None:
    """Whether data of a token program are an account of `kind` with extensions; False without any; None for neither."""
    if len(data) == base_bytes:
        return False
    if len(data) > TYPE_AT and len(data) != MULTISIG_BYTES and data[TYPE_AT] == kind:
        return True
    return None


def extensions_of(data: bytes) -> dict[str, bytes]:
    """Name → value of each extension, in the order of the account. Raises `LayoutError` where an entry is cut."""
    return dict(_entries(data))


def _entries(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = _ENTRIES_AT
    while at + 2 <= len(data):
        number = int.from_bytes(data[at : at + 2], "little")
        if number == 0:
            return
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "little")
        if at + 4 > len(data) or end > len(data):
            raise LayoutError(f"extension {number} ends at {end} of {len(data)} bytes")
        name = EXTENSION_NAMES[number] if number < len(EXTENSION_NAMES) else f"extension_{number}"
        yield name, data[at + 4 : end]
        at = end

"""What a transaction pays to land: base fee, priority fee, and the accounts that take Jito tips."""

from oof_pipelines.chain.body import COMPUTE_BUDGET_PROGRAM_ID
from oof_pipelines.chain.transaction import OUTER, Instruction, ParsedTransaction
from oof_pipelines.decode.layout import Fields, LayoutError

SIGNATURE_FEE_LAMPORTS = 5_000
TIP_ACCOUNTS = frozenset(
    {
        "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
        "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
        "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
        "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
        "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
        "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
        "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
        "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
    }
)
"""Jito's eight tip accounts (getTipAccounts)."""

# Programs whose instructions carry signatures that are charged as the message's own are; the first byte counts them.
_PRECOMPILES = frozenset(
    {
        "Ed25519SigVerify111111111111111111111111111",
        "KeccakSecp256k11111111111111111111111111111",
        "Secp256r1SigVerify1111111111111111111111111",
    }
)

# ComputeBudgetInstruction, Borsh, a u8 tag first. The first was replaced by the other two in 2022.
_REQUEST_UNITS_AND_FEE = 0
_SET_UNIT_LIMIT = 2
_SET_UNIT_PRICE = 3
_MAX_UNITS = 1_400_000
_MICRO_LAMPORTS = 1_000_000


def network_fee(transaction: ParsedTransaction) -> tuple[int, int]:
    """(base, priority) in lamports; they add up to the fee charged, of a failed transaction too.

    Who sets a limit and a price pays ceil(price × limit / 1,000,000) beside the signatures (agave's
    `get_prioritization_fee`); who sets no price pays no priority fee, whatever a signature cost at the time. Without a
    limit the default depends on the release (200,000 units an instruction, 3,000 for a builtin one since 2025), so there
    the signatures tell the two apart.
    """
    charged = transaction.fee_lamports
    limit: int | None = None
    price = asked_lamports = 0
    for instruction in transaction.instructions:
        if instruction.program_id == COMPUTE_BUDGET_PROGRAM_ID and instruction.path[1] == OUTER:
            tag, value = _budget_setting(instruction)
            if tag == _SET_UNIT_LIMIT:
                limit = min(value, _MAX_UNITS)
            elif tag == _SET_UNIT_PRICE:
                price = value
            elif tag == _REQUEST_UNITS_AND_FEE:
                asked_lamports = value
    if price == 0:
        priority_lamports = asked_lamports
    elif limit is not None:
        priority_lamports = -(-price * limit // _MICRO_LAMPORTS)
    else:
        priority_lamports = max(0, charged - _signature_count(transaction) * SIGNATURE_FEE_LAMPORTS)
    priority_lamports = min(priority_lamports, charged)
    return charged - priority_lamports, priority_lamports


def _budget_setting(instruction: Instruction) -> tuple[int, int]:
    """(tag, value) of a Compute Budget instruction; tag -1 for one without a value that concerns the fee."""
    fields = Fields(instruction.data)
    try:
        tag = fields.u8()
        if tag == _REQUEST_UNITS_AND_FEE:
            _units, value = fields.u32(), fields.u32()
        elif tag == _SET_UNIT_LIMIT:
            value = fields.u32()
        elif tag == _SET_UNIT_PRICE:
            value = fields.u64()
        else:
            return -1, 0
    except LayoutError:
        return -1, 0
    return tag, value


def _signature_count(transaction: ParsedTransaction) -> int:
    count = transaction.signer_count
    for instruction in transaction.instructions:
        if instruction.path[1] == OUTER and instruction.program_id in _PRECOMPILES and instruction.data:
            count += instruction.data[0]
    return count

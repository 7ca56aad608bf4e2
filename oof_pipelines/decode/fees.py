"""What a transaction pays to land: base fee, priority fee, and the accounts that take Jito tips."""

from oof_pipelines.chain.transaction import OUTER, ParsedTransaction

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


def network_fee(transaction: ParsedTransaction) -> tuple[int, int]:
    """(base, priority) in lamports; they add up to the fee charged."""
    signatures = transaction.signer_count
    for instruction in transaction.instructions:
        if instruction.path[1] == OUTER and instruction.program_id in _PRECOMPILES and instruction.data:
            signatures += instruction.data[0]
    base_lamports = min(transaction.fee_lamports, signatures * SIGNATURE_FEE_LAMPORTS)
    return base_lamports, transaction.fee_lamports - base_lamports

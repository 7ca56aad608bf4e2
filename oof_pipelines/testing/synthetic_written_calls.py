"""Calls of the System, token and associated-token programs, each with what it does to the written ledger."""

from struct import pack

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer

from oof_pipelines.testing import synthetic_instructions as encode
from oof_pipelines.testing.synthetic_world import Actor, Mint
from oof_pipelines.testing.synthetic_written_ledger import WRAPPED_SOL
from oof_pipelines.testing.synthetic_written_transaction import TransactionWriter

_TOKEN_ACCOUNT_BYTES = {encode.TOKEN_PROGRAM: 165, encode.TOKEN_2022_PROGRAM: 170}
_CREATE_ACCOUNT = 0
_ACCOUNT_DATA_SIZE, _IMMUTABLE_OWNER = 21, 22


def send_lamports(writer: TransactionWriter, source: Pubkey, destination: Pubkey, lamports: int) -> None:
    """A System transfer."""
    params = TransferParams(from_pubkey=source, to_pubkey=destination, lamports=lamports)
    writer.builtin(transfer(params))
    writer.ledger.move_lamports(source, destination, lamports)


def open_associated(writer: TransactionWriter, owner: Pubkey, mint: Mint, payer: Pubkey | None = None) -> Pubkey:
    """CreateIdempotent: nothing is called where the account exists already. `payer` pays, the transaction's unless named."""
    ledger = writer.ledger
    account = ledger.associated(owner, mint)
    payer = writer.payer.address if payer is None else payer
    program = mint.token_program
    accounts = [
        AccountMeta(payer, True, True),
        AccountMeta(account, False, True),
        AccountMeta(owner, False, False),
        AccountMeta(mint.address, False, False),
        AccountMeta(SYSTEM_PROGRAM, False, False),
        AccountMeta(program, False, False),
    ]
    with writer.call(Instruction(encode.ASSOCIATED_TOKEN_PROGRAM, b"\x01", accounts), "CreateIdempotent"):
        if ledger.holding(account) is not None:
            return account
        size = Instruction(program, pack("<BH", _ACCOUNT_DATA_SIZE, 7), [AccountMeta(mint.address, False, False)])
        with writer.call(size, "Instruction: GetAccountDataSize", units=1_569):
            pass
        space = _TOKEN_ACCOUNT_BYTES[program]
        data = pack("<IQQ32s", _CREATE_ACCOUNT, ledger.rent_lamports(program), space, bytes(program))
        new = [AccountMeta(payer, True, True), AccountMeta(account, True, True)]
        writer.builtin(Instruction(SYSTEM_PROGRAM, data, new))
        writer.log("Program log: Initialize the associated token account")
        immutable = Instruction(program, bytes([_IMMUTABLE_OWNER]), [AccountMeta(account, False, True)])
        with writer.call(immutable, "Instruction: InitializeImmutableOwner", units=1_405):
            pass
        initialize = encode.initialize_account(account, mint.address, owner, program)
        with writer.call(initialize, "Instruction: InitializeAccount3", units=3_158):
            ledger.open_account(payer, account, owner, mint)
    return account


def send_tokens(
    writer: TransactionWriter, source: Pubkey, destination: Pubkey, authority: Pubkey, mint: Mint, amount_raw: int
) -> None:
    """TransferChecked."""
    instruction = encode.transfer_checked(
        source, mint.address, destination, authority, amount_raw, mint.decimals, mint.token_program
    )
    with writer.call(instruction, "Instruction: TransferChecked", units=6_200):
        writer.ledger.move_tokens(source, destination, amount_raw)


def send_tokens_unchecked(
    writer: TransactionWriter, source: Pubkey, destination: Pubkey, authority: Pubkey, mint: Mint, amount_raw: int
) -> None:
    """Transfer, which names no mint: what programs of before 2023 call."""
    instruction = encode.transfer(source, destination, authority, amount_raw, mint.token_program)
    with writer.call(instruction, "Instruction: Transfer", units=4_645):
        writer.ledger.move_tokens(source, destination, amount_raw)


def mint_tokens(writer: TransactionWriter, mint: Mint, account: Pubkey, authority: Pubkey, amount_raw: int) -> None:
    """MintTo."""
    instruction = encode.mint_to(mint.address, account, authority, amount_raw, mint.token_program)
    with writer.call(instruction, "Instruction: MintTo", units=4_500):
        writer.ledger.mint_tokens(account, amount_raw)


def burn_tokens(writer: TransactionWriter, mint: Mint, account: Pubkey, owner: Pubkey, amount_raw: int) -> None:
    """Burn."""
    instruction = encode.burn(account, mint.address, owner, amount_raw, mint.token_program)
    with writer.call(instruction, "Instruction: Burn", units=4_700):
        writer.ledger.mint_tokens(account, -amount_raw)


def close_account(writer: TransactionWriter, account: Pubkey, owner: Pubkey, token_program: Pubkey) -> None:
    """CloseAccount: the owner gets the lamports."""
    with writer.call(
        encode.close_account(account, owner, owner, token_program), "Instruction: CloseAccount", units=2_915
    ):
        writer.ledger.close_account(account, owner)


def wrap_sol(writer: TransactionWriter, owner: Actor, lamports: int) -> Pubkey:
    """Open the owner's account for wrapped SOL and fill it; returns it. `lamports` may be 0: an empty one to be paid into."""
    account = open_associated(writer, owner.address, WRAPPED_SOL)
    if lamports:
        send_lamports(writer, owner.address, account, lamports)
        with writer.call(encode.sync_native(account), "Instruction: SyncNative", units=3_045):
            writer.ledger.sync_native(account)
    return account


def unwrap_sol(writer: TransactionWriter, owner: Actor) -> None:
    """Close the owner's account for wrapped SOL: all its lamports are his again."""
    account = writer.ledger.associated(owner.address, WRAPPED_SOL)
    close_account(writer, account, owner.address, WRAPPED_SOL.token_program)


def event_call(
    writer: TransactionWriter, program: Pubkey, event_authority: Pubkey, event: bytes, *, is_logged: bool
) -> None:
    """An Anchor program tells an event by calling itself; `is_logged` where it also writes it to the log."""
    if is_logged:
        writer.log_data(event)
    with writer.call(
        Instruction(program, EVENT_CALL + event, [AccountMeta(event_authority, False, False)]), units=2_009
    ):
        pass


EVENT_CALL = bytes.fromhex("e445a52e51cb9a1d")
"""How data of a self-call begin: sha256("anchor:event")[:8], reversed."""

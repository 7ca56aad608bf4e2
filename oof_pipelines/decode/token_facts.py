"""What a transaction shows of tokens: the decimals of a mint and the program it belongs to."""

import msgspec

from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.token import PROGRAM_IDS

_MOST_DECIMALS = 255


class TokenFact(msgspec.Struct, frozen=True, gc=False):
    """A mint as one transaction shows it. `token_program` is '' where no balance and no instruction tells it."""

    mint: str
    decimals: int
    token_program: str


def token_facts_of(transaction: ParsedTransaction, decimals: dict[str, int]) -> list[TokenFact]:
    """A fact for each mint of `decimals`, in their order: the program as the balances state it, else as it was called.

    A mint keeps its decimals in one byte; a recording that states others is damaged and tells nothing of the mint.
    """
    stated = {
        balance.mint: balance.program_id
        for balance in transaction.pre_tokens + transaction.post_tokens
        if balance.program_id
    }
    return [
        TokenFact(mint, places, stated.get(mint) or _called_program(transaction, mint))
        for mint, places in decimals.items()
        if 0 <= places <= _MOST_DECIMALS
    ]


def _called_program(transaction: ParsedTransaction, mint: str) -> str:
    for instruction in transaction.instructions:
        if instruction.program_id in PROGRAM_IDS and mint in named_accounts(instruction):
            return instruction.program_id
    return ""


def named_accounts(instruction: Instruction) -> list[str]:
    """What an instruction names: its accounts, or every text among a node's words for it."""
    if instruction.parsed is None:
        return instruction.accounts
    info = instruction.parsed.get("info")
    return [value for value in info.values() if isinstance(value, str)] if isinstance(info, dict) else []

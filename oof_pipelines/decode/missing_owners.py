"""Whose the token accounts of an old recording are: nodes named no owners in balances before the end of 2021.

An account's owner signs for what leaves it, so the authority of the first instruction that spends from it is its owner (a
delegate would be too, which the recordings since then show to be rare); the creation of an associated account names its
wallet; and an associated account of a signer's has an address that can be derived.
"""

from itertools import product

from solders.pubkey import Pubkey

from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.token import PROGRAM_IDS as TOKEN_PROGRAM_IDS

_ASSOCIATED_PROGRAM_ID = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
# TokenInstruction's tag → the seat of the authority; the account is the first.
_AUTHORITY_SEATS = {3: 2, 4: 2, 6: 1, 8: 2, 9: 2, 12: 3, 15: 2}
_ACCOUNT_WORDS = ("source", "account")
_AUTHORITY_WORDS = ("authority", "multisigAuthority", "owner", "multisigOwner")


def with_owners(transaction: ParsedTransaction) -> ParsedTransaction:
    """The transaction with the owners of token accounts that its balances do not name, as far as anything tells them."""
    balances = (*transaction.pre_tokens, *transaction.post_tokens)
    lacking = {balance.account: balance.mint for balance in balances if not balance.owner and balance.account}
    if not lacking:
        return transaction
    owners = _owners(transaction, lacking)
    before, after = (
        [replaced(one, owner=one.owner or owners.get(one.account)) for one in side]
        for side in (transaction.pre_tokens, transaction.post_tokens)
    )
    return replaced(transaction, pre_tokens=before, post_tokens=after)


def _owners(transaction: ParsedTransaction, lacking: dict[str, str]) -> dict[str, str]:
    """Account → owner; `lacking` is account → mint. What nothing tells of is left out."""
    found: dict[str, str] = {}
    for one in transaction.instructions:
        account, owner = _told_by(one)
        if account in lacking and owner:
            found.setdefault(account, owner)
    for (account, mint), signer in product(lacking.items(), transaction.signers):
        if account not in found and account in _associated(signer, mint):
            found[account] = signer
    return found


def _told_by(instruction: Instruction) -> tuple[str, str]:
    """(account, owner) as an instruction has them, '' where it tells of none."""
    accounts, data = instruction.accounts, instruction.data
    info = (instruction.parsed or {}).get("info")
    words = info if isinstance(info, dict) else {}
    if instruction.program_id == _ASSOCIATED_PROGRAM_ID:
        if words:
            return _word(words, ("account",)), _word(words, ("wallet",))
        return (accounts[1], accounts[2]) if len(accounts) > 2 else ("", "")
    if instruction.program_id not in TOKEN_PROGRAM_IDS:
        return "", ""
    if words:
        return _word(words, _ACCOUNT_WORDS), _word(words, _AUTHORITY_WORDS)
    seat = _AUTHORITY_SEATS.get(data[0]) if data else None
    return (accounts[0], accounts[seat]) if seat is not None and len(accounts) > seat else ("", "")


def _word(words: dict[str, object], names: tuple[str, ...]) -> str:
    return next((value for name in names if isinstance(value := words.get(name), str)), "")


def _associated(wallet: str, mint: str) -> list[str]:
    """The addresses of a wallet's associated accounts of a mint, by each token program; none where one is no address."""
    try:
        seeds = bytes(Pubkey.from_string(wallet)), bytes(Pubkey.from_string(mint))
        program = Pubkey.from_string(_ASSOCIATED_PROGRAM_ID)
        token_programs = [bytes(Pubkey.from_string(one)) for one in TOKEN_PROGRAM_IDS]
    except ValueError:
        return []
    return [str(Pubkey.find_program_address([seeds[0], one, seeds[1]], program)[0]) for one in token_programs]

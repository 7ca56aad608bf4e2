"""What a transaction's token instructions say of mints: initialised with which authorities, authorities changed since.

Sources: the TokenInstruction of solana-program/token (InitializeMint 0, SetAuthority 6, InitializeMint2 20, Batch 255) and
of token-2022, which has the same tags; for jsonParsed the words of agave's parse_token.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from oof_pipelines.chain.moves import path_text
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction
from oof_pipelines.decode.layout import Fields, LayoutError, account
from oof_pipelines.decode.token import PROGRAM_IDS

_INITIALIZE_MINT = 0
_SET_AUTHORITY = 6
_INITIALIZE_MINT_2 = 20
_BATCH = 255
_TAGS = frozenset({_INITIALIZE_MINT, _SET_AUTHORITY, _INITIALIZE_MINT_2, _BATCH})

_TO_MINT = 0
_TO_FREEZE = 1

_INITIALIZE_WORDS = frozenset({"initializeMint", "initializeMint2"})
_WORDS = _INITIALIZE_WORDS | {"setAuthority"}
_AUTHORITY_WORDS = {"mintTokens": _TO_MINT, "freezeAccount": _TO_FREEZE}


class MintChange(msgspec.Struct, frozen=True, gc=False):
    """One instruction on a mint. Authorities are '' where there is none from here on, None where it does not say.

    `decimals` is None but where the mint is initialised.
    """

    path: str
    token_program: str
    mint: str
    decimals: int | None
    mint_authority: str | None
    freeze_authority: str | None


def mint_changes(transaction: ParsedTransaction) -> list[MintChange]:
    """Every initialisation of a mint and change of its authorities, in call order; what fits no layout says nothing."""
    changes: list[MintChange] = []
    for one in transaction.instructions:
        if one.program_id not in PROGRAM_IDS:
            continue
        try:
            if one.parsed is not None:
                kind = str(one.parsed.get("type"))
                if kind in _WORDS:
                    changes += _in_words(one, kind, one.parsed.get("info"))
            elif one.data and one.data[0] in _TAGS:
                changes += _in_bytes(one, one.accounts, one.data)
        except LayoutError:
            continue
    return changes


def _in_bytes(one: Instruction, accounts: list[str], data: bytes) -> Iterator[MintChange]:
    fields = Fields(data, 1)
    if data[0] in (_INITIALIZE_MINT, _INITIALIZE_MINT_2):
        decimals, mint_authority = fields.u8(), fields.pubkey()
        yield _change(one, account(accounts, 0), decimals, mint_authority, _optional_key(fields))
    elif data[0] == _SET_AUTHORITY:
        kind = fields.u8()
        if kind in (_TO_MINT, _TO_FREEZE):
            yield _authority_set(one, account(accounts, 0), kind, _optional_key(fields))
    elif data[0] == _BATCH:
        yield from _in_batch(one, accounts, fields)


def _in_batch(one: Instruction, accounts: list[str], fields: Fields) -> Iterator[MintChange]:
    """Several instructions in one, as decode/token.py reads them: none nests."""
    first = 0
    while not fields.is_at_end:
        account_count, size = fields.u8(), fields.u8()
        data = fields.bytes(size)
        if data and data[0] in _TAGS and data[0] != _BATCH:
            yield from _in_bytes(one, accounts[first : first + account_count], data)
        first += account_count


def _optional_key(fields: Fields) -> str:
    """A COption of a key: a byte that says whether one follows; '' where none does.

    The byte may be missing altogether: old clients end the data with it where there is no key.
    """
    return fields.pubkey() if not fields.is_at_end and fields.u8() else ""


def _in_words(one: Instruction, kind: str, info: Any) -> Iterator[MintChange]:
    if not isinstance(info, dict):
        return
    mint = info.get("mint")
    if not isinstance(mint, str) or not mint:
        return
    if kind in _INITIALIZE_WORDS:
        decimals = info.get("decimals")
        if not isinstance(decimals, int) or isinstance(decimals, bool) or not 0 <= decimals <= 255:
            raise LayoutError("decimals that are no byte")
        yield _change(one, mint, decimals, _word_key(info, "mintAuthority"), _word_key(info, "freezeAuthority"))
    elif kind == "setAuthority" and info.get("authorityType") in _AUTHORITY_WORDS:
        to = _AUTHORITY_WORDS[info["authorityType"]]
        yield _authority_set(one, mint, to, _word_key(info, "newAuthority"))


def _word_key(info: dict[str, Any], name: str) -> str:
    value = info.get(name)
    return value if isinstance(value, str) else ""


def _authority_set(one: Instruction, mint: str, kind: int, key: str) -> MintChange:
    return _change(one, mint, None, key if kind == _TO_MINT else None, key if kind == _TO_FREEZE else None)


def _change(
    one: Instruction, mint: str, decimals: int | None, mint_authority: str | None, freeze_authority: str | None
) -> MintChange:
    return MintChange(path_text(one.path), one.program_id, mint, decimals, mint_authority, freeze_authority)

"""jsonParsed: a node's own words for well-known programs instead of accounts and data, turned into the same operations.

Source: the parsers of agave's transaction-status (parse_system, parse_token and its extensions, parse_stake, parse_vote,
parse_bpf_loader, parse_address_lookup_table).
"""

from collections.abc import Callable
from typing import Any

from oof_pipelines.chain.body import MAX_LAMPORTS
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.operations import (
    BurnTokens,
    ChangeOwner,
    CloseAccount,
    CloseProgramAccount,
    CollectWithheld,
    GiveToProgram,
    MintTokens,
    MoveConfidential,
    MoveLamports,
    MoveTokens,
    OpenMint,
    OpenTokenAccount,
    Operation,
    SyncNative,
    UnwrapLamports,
)
from oof_pipelines.decode.token import TOKEN_2022_PROGRAM_ID

Info = dict[str, Any]


def decode_words(parsed: dict[str, Any], program: str) -> list[Operation]:
    """Operations of a parsed instruction; none for words that move nothing. `program` is a name of the
    registry. Raises LayoutError where the words lack what their type needs.
    """
    info = parsed.get("info")
    decoder = _WORDS.get((program, str(parsed.get("type"))))
    if decoder is None or not isinstance(info, dict):
        return []
    try:
        return decoder(info)
    except (KeyError, TypeError, ValueError) as error:
        raise LayoutError(f"{parsed.get('type')}: {error!r}") from None


def _address(info: Info, name: str) -> str:
    value = info[name]
    if not isinstance(value, str) or not value:
        raise LayoutError(f"{name} is no address")
    return value


def _whole(value: Any) -> int:
    """A u64, which the words give as a number or as its digits."""
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else value
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MAX_LAMPORTS:
        raise LayoutError("an amount that is no u64")
    return number


def _create(info: Info) -> list[Operation]:
    created = _address(info, "newAccount")
    lamports = _whole(info["lamports"])
    return [
        MoveLamports(_address(info, "source"), created, lamports, kind="rent"),
        GiveToProgram(created, _address(info, "owner")),
    ]


def _assign(info: Info) -> list[Operation]:
    return [GiveToProgram(_address(info, "account"), _address(info, "owner"))]


def _transfer_lamports(info: Info) -> list[Operation]:
    return [MoveLamports(_address(info, "source"), _address(info, "destination"), _whole(info["lamports"]))]


def _withdraw_nonce(info: Info) -> list[Operation]:
    return [
        MoveLamports(
            _address(info, "nonceAccount"), _address(info, "destination"), _whole(info["lamports"]), kind="nonce"
        )
    ]


def _amount(info: Info) -> int:
    if "amount" in info:
        return _whole(info["amount"])
    return _whole(info["tokenAmount"]["amount"])


def _transfer_tokens(info: Info) -> list[Operation]:
    fee = info.get("feeAmount")
    fee_raw = _whole(fee["amount"]) if isinstance(fee, dict) else None
    return [
        MoveTokens(
            _address(info, "source"),
            _address(info, "destination"),
            _amount(info),
            _address(info, "mint") if "mint" in info else None,
            fee_raw,
        )
    ]


def _open_account(info: Info) -> list[Operation]:
    return [OpenTokenAccount(_address(info, "account"), _address(info, "mint"), _address(info, "owner"))]


def _open_mint(info: Info) -> list[Operation]:
    decimals = _whole(info["decimals"])
    if decimals > 255:
        raise LayoutError("decimals that are no byte")
    return [OpenMint(_address(info, "mint"), decimals)]


def _mint(info: Info) -> list[Operation]:
    return [MintTokens(_address(info, "mint"), _address(info, "account"), _amount(info))]


def _burn(info: Info) -> list[Operation]:
    return [BurnTokens(_address(info, "mint"), _address(info, "account"), _amount(info))]


def _close(info: Info) -> list[Operation]:
    return [CloseAccount(_address(info, "account"), _address(info, "destination"))]


def _sync(info: Info) -> list[Operation]:
    return [SyncNative(_address(info, "account"))]


def _set_authority(info: Info) -> list[Operation]:
    if info.get("authorityType") != "accountOwner" or not info.get("newAuthority"):
        return []
    return [ChangeOwner(_address(info, "account"), _address(info, "newAuthority"))]


def _withdraw_excess(info: Info) -> list[Operation]:
    return [MoveLamports(_address(info, "source"), _address(info, "destination"), None, kind="excess")]


def _unwrap(info: Info) -> list[Operation]:
    amount = info.get("amount")
    return [
        UnwrapLamports(
            _address(info, "source"), _address(info, "destination"), None if amount is None else _whole(amount)
        )
    ]


def _collect(info: Info) -> list[Operation]:
    return [CollectWithheld(_address(info, "mint"), _address(info, "feeRecipient"))]


def _deposit_confidential(info: Info) -> list[Operation]:
    return [MoveConfidential(_confidential_account(info), None, -_whole(info["amount"]))]


def _withdraw_confidential(info: Info) -> list[Operation]:
    return [MoveConfidential(_confidential_account(info), None, _whole(info["amount"]))]


def _confidential_account(info: Info) -> str:
    # Nodes before 2025 name the accounts by a layout with a destination, so that only the first is what it is called.
    return _address(info, "account" if "account" in info else "source")


def _reallocate(info: Info) -> list[Operation]:
    return [GiveToProgram(_address(info, "account"), TOKEN_2022_PROGRAM_ID)]


def _split(info: Info) -> list[Operation]:
    return [
        MoveLamports(
            _address(info, "stakeAccount"), _address(info, "newSplitAccount"), _whole(info["lamports"]), kind="stake"
        )
    ]


def _withdraw_stake(info: Info) -> list[Operation]:
    return [
        MoveLamports(
            _address(info, "stakeAccount"), _address(info, "destination"), _whole(info["lamports"]), kind="stake"
        )
    ]


def _merge(info: Info) -> list[Operation]:
    return [MoveLamports(_address(info, "source"), _address(info, "destination"), None, kind="stake")]


def _move_stake(info: Info) -> list[Operation]:
    return [
        MoveLamports(_address(info, "source"), _address(info, "destination"), _whole(info["lamports"]), kind="stake")
    ]


def _empty(info: Info, emptied: str, recipient: str) -> list[Operation]:
    return [CloseProgramAccount(_address(info, emptied), _address(info, recipient))]


def _withdraw_vote(info: Info) -> list[Operation]:
    return [MoveLamports(_address(info, "voteAccount"), _address(info, "destination"), _whole(info["lamports"]))]


_WORDS: dict[tuple[str, str], Callable[[Info], list[Operation]]] = {
    ("system", "createAccount"): _create,
    ("system", "createAccountWithSeed"): _create,
    ("system", "assign"): _assign,
    ("system", "assignWithSeed"): _assign,
    ("system", "allocateWithSeed"): _assign,
    ("system", "transfer"): _transfer_lamports,
    ("system", "transferWithSeed"): _transfer_lamports,
    ("system", "withdrawFromNonce"): _withdraw_nonce,
    ("token", "initializeMint"): _open_mint,
    ("token", "initializeMint2"): _open_mint,
    ("token", "initializeAccount"): _open_account,
    ("token", "initializeAccount2"): _open_account,
    ("token", "initializeAccount3"): _open_account,
    ("token", "transfer"): _transfer_tokens,
    ("token", "transferChecked"): _transfer_tokens,
    ("token", "transferCheckedWithFee"): _transfer_tokens,
    ("token", "mintTo"): _mint,
    ("token", "mintToChecked"): _mint,
    ("token", "burn"): _burn,
    ("token", "burnChecked"): _burn,
    ("token", "closeAccount"): _close,
    ("token", "syncNative"): _sync,
    ("token", "setAuthority"): _set_authority,
    ("token", "withdrawExcessLamports"): _withdraw_excess,
    ("token", "unwrapLamports"): _unwrap,
    ("token", "withdrawWithheldTokensFromMint"): _collect,
    ("token", "withdrawWithheldTokensFromAccounts"): _collect,
    ("token", "depositConfidentialTransfer"): _deposit_confidential,
    ("token", "withdrawConfidentialTransfer"): _withdraw_confidential,
    ("token", "reallocate"): _reallocate,
    ("stake", "split"): _split,
    ("stake", "withdraw"): _withdraw_stake,
    ("stake", "merge"): _merge,
    ("stake", "moveStake"): _move_stake,
    ("stake", "moveLamports"): _move_stake,
    ("vote", "withdraw"): _withdraw_vote,
    ("loader", "deployWithMaxDataLen"): lambda info: _empty(info, "bufferAccount", "payerAccount"),
    ("loader", "upgrade"): lambda info: _empty(info, "bufferAccount", "spillAccount"),
    ("loader", "close"): lambda info: _empty(info, "account", "recipient"),
    ("lookup_table", "closeLookupTable"): lambda info: _empty(info, "lookupTableAccount", "recipient"),
}

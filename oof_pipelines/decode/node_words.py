"""jsonParsed: a node's own words for well-known programs instead of accounts and data, turned into the same operations.

Source: the parsers of agave's transaction-status (parse_system, parse_token and its extensions, parse_stake, parse_vote).
"""

from collections.abc import Callable
from typing import Any

from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.operations import (
    BurnTokens,
    ChangeOwner,
    CloseAccount,
    CollectWithheld,
    GiveToProgram,
    MintTokens,
    MoveLamports,
    MoveTokens,
    OpenMint,
    OpenTokenAccount,
    Operation,
    SyncNative,
    UnwrapLamports,
)

Info = dict[str, Any]


def decode_words(parsed: dict[str, Any], program: str) -> list[Operation]:
    """Operations of a parsed instruction; none for words that move nothing. `program` is 'system', 'token', 'stake'
    or 'vote'. Raises LayoutError where the words lack what their type needs.
    """
    info = parsed.get("info")
    decoder = _WORDS.get((program, str(parsed.get("type"))))
    if decoder is None or not isinstance(info, dict):
        return []
    try:
        return decoder(info)
    except (KeyError, TypeError, ValueError) as error:
        raise LayoutError(f"{parsed.get('type')}: {error!r}") from None


def _create(info: Info) -> list[Operation]:
    created = info["newAccount"]
    lamports = int(info["lamports"])
    return [MoveLamports(info["source"], created, lamports, kind="rent"), GiveToProgram(created, info["owner"])]


def _assign(info: Info) -> list[Operation]:
    return [GiveToProgram(info["account"], info["owner"])]


def _transfer_lamports(info: Info) -> list[Operation]:
    return [MoveLamports(info["source"], info["destination"], int(info["lamports"]))]


def _withdraw_nonce(info: Info) -> list[Operation]:
    return [MoveLamports(info["nonceAccount"], info["destination"], int(info["lamports"]))]


def _amount(info: Info) -> int:
    if "amount" in info:
        return int(info["amount"])
    return int(info["tokenAmount"]["amount"])


def _transfer_tokens(info: Info) -> list[Operation]:
    fee = info.get("feeAmount")
    fee_raw = int(fee["amount"]) if isinstance(fee, dict) else None
    return [MoveTokens(info["source"], info["destination"], _amount(info), info.get("mint"), fee_raw)]


def _open_account(info: Info) -> list[Operation]:
    return [OpenTokenAccount(info["account"], info["mint"], info["owner"])]


def _open_mint(info: Info) -> list[Operation]:
    return [OpenMint(info["mint"], int(info["decimals"]))]


def _mint(info: Info) -> list[Operation]:
    return [MintTokens(info["mint"], info["account"], _amount(info))]


def _burn(info: Info) -> list[Operation]:
    return [BurnTokens(info["mint"], info["account"], _amount(info))]


def _close(info: Info) -> list[Operation]:
    return [CloseAccount(info["account"], info["destination"])]


def _sync(info: Info) -> list[Operation]:
    return [SyncNative(info["account"])]


def _set_authority(info: Info) -> list[Operation]:
    if info.get("authorityType") != "accountOwner" or not info.get("newAuthority"):
        return []
    return [ChangeOwner(info["account"], info["newAuthority"])]


def _withdraw_excess(info: Info) -> list[Operation]:
    return [MoveLamports(info["source"], info["destination"], None, kind="excess")]


def _unwrap(info: Info) -> list[Operation]:
    amount = info.get("amount")
    return [UnwrapLamports(info["source"], info["destination"], None if amount is None else int(amount))]


def _collect(info: Info) -> list[Operation]:
    return [CollectWithheld(info["mint"], info["feeRecipient"])]


def _split(info: Info) -> list[Operation]:
    return [MoveLamports(info["stakeAccount"], info["newSplitAccount"], int(info["lamports"]), kind="stake")]


def _withdraw_stake(info: Info) -> list[Operation]:
    return [MoveLamports(info["stakeAccount"], info["destination"], int(info["lamports"]), kind="stake")]


def _merge(info: Info) -> list[Operation]:
    return [MoveLamports(info["source"], info["destination"], None, kind="stake")]


def _move_stake(info: Info) -> list[Operation]:
    return [MoveLamports(info["source"], info["destination"], int(info["lamports"]), kind="stake")]


def _withdraw_vote(info: Info) -> list[Operation]:
    return [MoveLamports(info["voteAccount"], info["destination"], int(info["lamports"]))]


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
    ("stake", "split"): _split,
    ("stake", "withdraw"): _withdraw_stake,
    ("stake", "merge"): _merge,
    ("stake", "moveStake"): _move_stake,
    ("stake", "moveLamports"): _move_stake,
    ("vote", "withdraw"): _withdraw_vote,
}

"""getTokenAccountsByOwner, answered from the token balances that recorded transactions left behind."""

from typing import Any

import msgspec

from oof_pipelines.chain.body import read_body
from oof_pipelines.testing.recorded_node.chain_view import View
from oof_pipelines.testing.recorded_node.json_rpc import commitment_of, config, invalid_params, pubkey_param, required
from oof_pipelines.testing.recorded_node.ledger import Entry
from oof_pipelines.testing.recorded_node.transaction_methods import with_context

TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - a public address
TOKEN_2022_PROGRAM = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105 - a public address
_PROGRAM_NAMES = {TOKEN_PROGRAM: "spl-token", TOKEN_2022_PROGRAM: "spl-token-2022"}
_WRAPPED_SOL = "So11111111111111111111111111111111111111112"
_ACCOUNT_BYTES = 165
_RENT_EXEMPT_EPOCH = 2**64 - 1


class _Balance(msgspec.Struct, rename="camel"):
    account_index: int
    mint: str
    ui_token_amount: msgspec.Raw
    owner: str | None = None
    program_id: str | None = None


class _Meta(msgspec.Struct, rename="camel"):
    post_balances: list[int] = []
    pre_token_balances: list[_Balance] | None = None
    post_token_balances: list[_Balance] | None = None
    err: Any = None


class _Body(msgspec.Struct):
    meta: _Meta | None = None


class _Amount(msgspec.Struct):
    amount: str


_body_decoder = msgspec.json.Decoder(_Body)
_amount_decoder = msgspec.json.Decoder(_Amount)


def get_token_accounts_by_owner(view: View, params: list[Any]) -> bytes:
    """Token accounts as the last visible transaction that lists each of them left it, in the jsonParsed shape.

    A balance without an `owner` (old recordings) belongs to nobody here. Delegates and close authorities are in no
    balance list and so not shown.
    """
    owner = pubkey_param(required(params, 0))
    wanted = _filter(required(params, 1))
    options = config(params, 2)
    commitment = commitment_of(options, is_processed_allowed=True)
    if options.get("encoding", "jsonParsed") != "jsonParsed":
        raise invalid_params("Invalid params: only encoding jsonParsed is served, because only balances are recorded.")
    accounts: dict[str, tuple[_Balance, int]] = {}
    ledger = view.chain.ledger
    end = ledger.end_position(view.slot_count(commitment))
    for position in ledger.positions_of_owner(owner):
        if position >= end:
            break
        entry = ledger.entries[position]
        if view.has_slot(entry.slot, commitment):
            _apply(view, entry, owner, accounts)
    value = [
        _account(pubkey, owner, balance, lamports)
        for pubkey, (balance, lamports) in sorted(accounts.items())
        if wanted in (balance.mint, balance.program_id or TOKEN_PROGRAM)
    ]
    return with_context(view, commitment, value)


def _filter(value: Any) -> str:
    if isinstance(value, dict) and value.get("mint") is not None:
        return pubkey_param(value["mint"])
    if isinstance(value, dict) and value.get("programId") is not None:
        program_id = pubkey_param(value["programId"])
        if program_id not in _PROGRAM_NAMES:
            raise invalid_params("Invalid param: unrecognized Token program id")
        return program_id
    raise invalid_params("Invalid params: expected a filter with `mint` or `programId`.")


def _apply(view: View, entry: Entry, owner: str, accounts: dict[str, tuple[_Balance, int]]) -> None:
    body = view.chain.ledger.read_body(entry, "json")
    meta = _body_decoder.decode(body).meta
    if meta is None:
        return
    keys = read_body(body).account_keys
    after = {balance.account_index: balance for balance in meta.post_token_balances or []}
    for balance in meta.pre_token_balances or []:
        is_listed = balance.account_index in after
        if not is_listed and meta.err is None and balance.account_index < len(keys):
            accounts.pop(keys[balance.account_index], None)
    for index, balance in after.items():
        if index >= len(keys):
            continue
        if balance.owner == owner:
            lamports = meta.post_balances[index] if index < len(meta.post_balances) else 0
            accounts[keys[index]] = (balance, lamports)
        elif balance.owner is not None:
            accounts.pop(keys[index], None)


def _account(pubkey: str, owner: str, balance: _Balance, lamports: int) -> dict[str, Any]:
    program_id = balance.program_id or TOKEN_PROGRAM
    is_native = balance.mint == _WRAPPED_SOL
    info: dict[str, Any] = {
        "isNative": is_native,
        "mint": balance.mint,
        "owner": owner,
        "state": "initialized",
        "tokenAmount": balance.ui_token_amount,
    }
    if is_native:
        reserve_raw = lamports - int(_amount_decoder.decode(balance.ui_token_amount).amount)
        info["rentExemptReserve"] = {
            "amount": str(reserve_raw),
            "decimals": 9,
            "uiAmount": reserve_raw / 10**9,
            "uiAmountString": f"{reserve_raw // 10**9}.{reserve_raw % 10**9:09}".rstrip("0").rstrip("."),
        }
    return {
        "account": {
            "data": {
                "parsed": {"info": info, "type": "account"},
                "program": _PROGRAM_NAMES.get(program_id, program_id),
                "space": _ACCOUNT_BYTES,
            },
            "executable": False,
            "lamports": lamports,
            "owner": program_id,
            "rentEpoch": _RENT_EXEMPT_EPOCH,
            "space": _ACCOUNT_BYTES,
        },
        "pubkey": pubkey,
    }

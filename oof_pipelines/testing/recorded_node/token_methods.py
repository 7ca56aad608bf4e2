"""getTokenAccountsByOwner, answered from the token balances that recorded transactions left behind."""

import base64
import struct
from typing import Any

import msgspec

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.body import read_body
from oof_pipelines.testing.recorded_node.chain_view import View
from oof_pipelines.testing.recorded_node.json_rpc import commitment_of, config, invalid_params, pubkey_param, required
from oof_pipelines.testing.recorded_node.known_tip import known_tip_slot
from oof_pipelines.testing.recorded_node.ledger import Entry
from oof_pipelines.testing.recorded_node.transaction_methods import with_context

TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"  # noqa: S105 - a public address
TOKEN_2022_PROGRAM = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"  # noqa: S105 - a public address
_PROGRAM_NAMES = {TOKEN_PROGRAM: "spl-token", TOKEN_2022_PROGRAM: "spl-token-2022"}
_WRAPPED_SOL = "So11111111111111111111111111111111111111112"
_ACCOUNT_BYTES = 165
# spl-token, state.rs: mint, owner, amount, delegate, state, is_native (a reserve), delegated amount, close authority; an
# option is four bytes, 1 for there is one, and the value.
_ACCOUNT = struct.Struct("<32s32sQ4x32xB4s8s8x4x32x")
_INITIALIZED = 1
_SOME = b"\1\0\0\0"
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
    """Token accounts as the last visible transaction that lists each of them left it, in jsonParsed or base64.

    A balance without an `owner` (old recordings) belongs to nobody here. Delegates and close authorities are in no
    balance list and so not shown, and neither are extensions of Token-2022.
    """
    owner = pubkey_param(required(params, 0))
    wanted = _filter(required(params, 1))
    options = config(params, 2)
    commitment = commitment_of(options, is_processed_allowed=True)
    encoding = options.get("encoding", "jsonParsed")
    if encoding not in ("jsonParsed", "base64"):
        raise invalid_params("Invalid params: only the encodings jsonParsed and base64 are served.")
    part = _data_slice(options.get("dataSlice"))
    tip_slot = known_tip_slot(view, commitment, options, f"getTokenAccountsByOwner {owner}")
    accounts: dict[str, tuple[_Balance, int]] = {}
    ledger = view.chain.ledger
    end = ledger.end_position(view.slot_count(commitment))
    for position in ledger.positions_of_owner(owner):
        if position >= end:
            break
        entry = ledger.entries[position]
        if entry.slot <= tip_slot and view.has_slot(entry.slot, commitment):
            _apply(view, entry, owner, accounts)
    value = [
        _account(pubkey, owner, balance, lamports)
        if encoding == "jsonParsed"
        else _binary_account(pubkey, owner, balance, lamports, part)
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


def _data_slice(value: Any) -> slice:
    """Which bytes of the data are asked for; all where nothing is said."""
    if value is None:
        return slice(None)
    given = (value.get("offset"), value.get("length")) if isinstance(value, dict) else ()
    bounds = [one for one in given if isinstance(one, int) and not isinstance(one, bool) and one >= 0]
    if len(bounds) != 2:
        raise invalid_params("Invalid params: expected a data slice with `offset` and `length`.")
    offset, length = bounds
    return slice(offset, offset + length)


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


def _binary_account(pubkey: str, owner: str, balance: _Balance, lamports: int, part: slice) -> dict[str, Any]:
    amount_raw = int(_amount_decoder.decode(balance.ui_token_amount).amount)
    is_native = balance.mint == _WRAPPED_SOL
    data = _ACCOUNT.pack(
        decode_base58(balance.mint),
        decode_base58(owner),
        amount_raw,
        _INITIALIZED,
        _SOME if is_native else b"",
        max(0, lamports - amount_raw).to_bytes(8, "little") if is_native else b"",
    )
    return _keyed(pubkey, balance, lamports, [base64.b64encode(data[part]).decode(), "base64"])


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
    data = {
        "parsed": {"info": info, "type": "account"},
        "program": _PROGRAM_NAMES.get(program_id, program_id),
        "space": _ACCOUNT_BYTES,
    }
    return _keyed(pubkey, balance, lamports, data)


def _keyed(pubkey: str, balance: _Balance, lamports: int, data: Any) -> dict[str, Any]:
    return {
        "account": {
            "data": data,
            "executable": False,
            "lamports": lamports,
            "owner": balance.program_id or TOKEN_PROGRAM,
            "rentEpoch": _RENT_EXEMPT_EPOCH,
            "space": _ACCOUNT_BYTES,
        },
        "pubkey": pubkey,
    }

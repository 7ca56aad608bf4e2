"""Damage done to bodies: what a broken node, a careless recorder or an attacker might hand in.

Pure: all chance comes from the `Random` that is passed in.
"""

import json
from random import Random
from struct import pack
from typing import Any

from hand_ledger import PROGRAMS

from oof_pipelines.chain.base58 import decode_base58, encode_base58

_KNOWN = [PROGRAMS[name] for name in ("system", "token", "token22", "ata", "stake", "vote", "budget")]
_NATIVE = [PROGRAMS["wsol"], PROGRAMS["wsol22"]]
_ODD_VALUES: list[Any] = [
    None, True, 0, 1, -1, 2**31, 2**63, 2**64 - 1, 2**64, 10**30, 1.5, "", "0", "-1", "1e9", "é", "1" * 90, [], {}, [[]]
]  # fmt: skip
_ODD_NUMBERS = [0, 1, 2, 5_000, 2**32 - 1, 2**63, 2**64 - 1]


def random_data(dice: Random) -> bytes:
    """Instruction data that looks like something: a tag of a known program, then fields that are often extreme."""
    parts = [bytes([dice.choice([*range(48), 255])])]
    if dice.random() < 0.4:
        parts = [pack("<I", dice.randrange(21))]
    elif dice.random() < 0.3:
        parts.append(bytes([dice.randrange(8)]))
    for _ in range(dice.randrange(5)):
        number = dice.choice(_ODD_NUMBERS) if dice.random() < 0.3 else dice.randrange(10_000)
        parts.append(
            dice.choice([pack("<Q", number), pack("<I", number % 2**32), bytes([number % 256]), dice.randbytes(32)])
        )
    return b"".join(parts)


def mutate(raw_body: bytes, dice: Random) -> bytes:
    """The body with a few things changed; most results are JSON of the right shape, some are nothing at all."""
    try:
        body = json.loads(raw_body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or dice.random() < 0.03:
        cut = dice.randrange(len(raw_body) + 1)
        return raw_body[:cut] + dice.randbytes(dice.randrange(4)) + raw_body[cut + 1 :]
    for _ in range(dice.choice([1, 1, 1, 2, 3, 5])):
        dice.choice(_MUTATORS)(body, dice)
    return json.dumps(body).encode()


def _instructions(body: dict[str, Any]) -> list[dict[str, Any]]:
    transaction = body.get("transaction")
    message = transaction.get("message") if isinstance(transaction, dict) else None
    outer = message.get("instructions") if isinstance(message, dict) else None
    meta = body.get("meta")
    groups = meta.get("innerInstructions") if isinstance(meta, dict) else None
    found = list(outer) if isinstance(outer, list) else []
    for group in groups if isinstance(groups, list) else []:
        inner = group.get("instructions") if isinstance(group, dict) else None
        found += inner if isinstance(inner, list) else []
    return [one for one in found if isinstance(one, dict)]


def _change_data(body: dict[str, Any], dice: Random) -> None:
    instructions = _instructions(body)
    if not instructions:
        return
    one = dice.choice(instructions)
    how = dice.randrange(4)
    try:
        data = bytearray(decode_base58(one["data"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        data = bytearray()
    if how == 0 or not data:
        one["data"] = encode_base58(random_data(dice))
        return
    if how == 1:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif how == 2:
        del data[dice.randrange(len(data)) :]
    else:
        data[0] = dice.randrange(256)
    one["data"] = encode_base58(bytes(data))


def _change_accounts(body: dict[str, Any], dice: Random) -> None:
    instructions = [one for one in _instructions(body) if isinstance(one.get("accounts"), list)]
    if instructions:
        accounts = dice.choice(instructions)["accounts"]
        if accounts and dice.random() < 0.7:
            accounts[dice.randrange(len(accounts))] = dice.choice([*range(8), 200, -1])
        elif accounts and dice.random() < 0.5:
            accounts.pop()
        else:
            accounts.append(dice.randrange(8))


def _change_program(body: dict[str, Any], dice: Random) -> None:
    instructions = _instructions(body)
    if instructions:
        one = dice.choice(instructions)
        one.pop("programIdIndex", None)
        one["programId"] = dice.choice(_KNOWN)


def _add_instruction(body: dict[str, Any], dice: Random) -> None:
    accounts = [dice.randrange(8) for _ in range(dice.randrange(5))]
    made = {"programId": dice.choice(_KNOWN), "accounts": accounts, "data": encode_base58(random_data(dice))}
    meta = body.get("meta")
    transaction = body.get("transaction")
    message = transaction.get("message") if isinstance(transaction, dict) else None
    outer = message.get("instructions") if isinstance(message, dict) else None
    if isinstance(outer, list) and dice.random() < 0.5:
        outer.insert(dice.randrange(len(outer) + 1), made)
    elif isinstance(meta, dict) and isinstance(meta.get("innerInstructions"), list):
        meta["innerInstructions"].append({"index": dice.randrange(3), "instructions": [made]})


def _drop_instruction(body: dict[str, Any], dice: Random) -> None:
    meta = body.get("meta")
    groups = meta.get("innerInstructions") if isinstance(meta, dict) else None
    if isinstance(groups, list) and groups:
        groups.pop(dice.randrange(len(groups)))


def _change_balance(body: dict[str, Any], dice: Random) -> None:
    meta = body.get("meta")
    side = dice.choice(["preBalances", "postBalances"])
    if isinstance(meta, dict) and isinstance(meta.get(side), list) and meta[side]:
        meta[side][dice.randrange(len(meta[side]))] = dice.choice(_ODD_NUMBERS)


def _change_token_balance(body: dict[str, Any], dice: Random) -> None:
    meta = body.get("meta")
    rows = meta.get(dice.choice(["preTokenBalances", "postTokenBalances"])) if isinstance(meta, dict) else None
    if not isinstance(rows, list):
        return
    if not rows or dice.random() < 0.2:
        amount = {"amount": str(dice.choice(_ODD_NUMBERS)), "decimals": 6}
        rows.append({"accountIndex": dice.randrange(10), "mint": dice.choice(_NATIVE), "uiTokenAmount": amount})
        return
    row = dice.choice(rows)
    if isinstance(row, dict) and isinstance(row.get("uiTokenAmount"), dict):
        row["uiTokenAmount"]["amount"] = str(dice.choice(_ODD_NUMBERS))
        if dice.random() < 0.3:
            row["mint"] = dice.choice(_NATIVE)
        if dice.random() < 0.3:
            row["accountIndex"] = dice.randrange(-1, 12)


def _change_error(body: dict[str, Any], dice: Random) -> None:
    if isinstance(body.get("meta"), dict):
        body["meta"]["err"] = dice.choice([None, {"InstructionError": [0, {"Custom": 1}]}, "AccountInUse"])


def _change_fee(body: dict[str, Any], dice: Random) -> None:
    if isinstance(body.get("meta"), dict):
        body["meta"]["fee"] = dice.choice(_ODD_NUMBERS)


def _change_anything(body: dict[str, Any], dice: Random) -> None:
    """Some leaf or branch becomes an odd value, or goes."""
    place: Any = body
    while True:
        steps = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not steps:
            return
        step = dice.choice(steps)
        child = place[step]
        if not isinstance(child, dict | list) or dice.random() < 0.1:
            break
        place = child
    if dice.random() < 0.3:
        del place[step]
    else:
        place[step] = dice.choice(_ODD_VALUES)


_MUTATORS = (
    _change_data,
    _change_data,
    _change_data,
    _change_accounts,
    _change_accounts,
    _change_program,
    _add_instruction,
    _add_instruction,
    _drop_instruction,
    _change_balance,
    _change_token_balance,
    _change_token_balance,
    _change_error,
    _change_fee,
    _change_anything,
)

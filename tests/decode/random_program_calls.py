"""Random calls of every program that is declared: the right discriminators with whatever accounts, data, events and logs.

Pure: all chance comes from the `Random` that is passed in.
"""

import base64
from random import Random

from hand_ledger import PROGRAMS as NAMES
from hand_ledger import Call, address, body
from token_calls import burn, mint_to, send

from oof_pipelines.decode.program import EVENT_CALL, Program
from oof_pipelines.decode.programs import PROGRAMS

_WALLETS = ("alice", "bob", "pda1", "pda2")
_MINTS = ("usdc", "meme", "wsol")
_TOKEN_ACCOUNTS = tuple(f"a{number}" for number in range(12))
_ACCOUNTS = (*_WALLETS, *_TOKEN_ACCOUNTS, "wsol", "system")
_MOST_NESTED = 2
# A name for each address of a program, so that hand-built transactions can call it.
_BY_NAME = {f"{program.name}/{one}": (program, one) for program in PROGRAMS for one in program.program_ids}


def random_body(dice: Random) -> bytes:
    """A transaction of one to three calls; its balances after have nothing to do with what it does."""
    known = {name: one for name, (_, one) in _BY_NAME.items()}
    NAMES.update(known)
    try:
        calls = [_call(dice) for _ in range(dice.randrange(1, 4))]
        logs = _logs(dice, calls, 1) if dice.random() < 0.5 else None
        return body(_table(dice), calls, _table(dice), logs=logs)
    finally:
        for name in known:
            del NAMES[name]


def _table(dice: Random) -> str:
    lines = ["alice 1000000000", "bob 500000"]
    for account in _TOKEN_ACCOUNTS:
        if dice.random() < 0.8:
            amount_raw = dice.choice([0, dice.randrange(10**6), 2**64 - 1])
            token = f"{dice.choice(_MINTS)} {amount_raw} {dice.choice(_WALLETS)}"
            lines.append(f"{account} {2_039_280 + dice.randrange(10**6)} {token}")
    return "\n".join(lines)


def _fields(dice: Random) -> bytes:
    """Bytes that may be fields: noise, small numbers, nothing but zeros."""
    number = dice.randrange(10**6).to_bytes(8, "little")
    return dice.choice([dice.randbytes(dice.randrange(100)), number * dice.randrange(30), bytes(dice.randrange(80))])


def _event(dice: Random, program: Program) -> bytes:
    tag = dice.choice(program.events).discriminator if program.events else b""
    return tag + _fields(dice) + _fields(dice)


def _call(dice: Random, depth: int = 0) -> Call:
    name = dice.choice(list(_BY_NAME))
    program, _ = _BY_NAME[name]
    data = dice.choice(program.instructions).discriminator + _fields(dice)
    accounts = " ".join(dice.choice(_ACCOUNTS) for _ in range(dice.choice([0, 3, 10, 30, 40])))
    return Call(name, accounts, data, calls=[_within(dice, name, depth) for _ in range(dice.randrange(6))])


def _within(dice: Random, caller: str, depth: int) -> Call:
    one, other = dice.choice(_TOKEN_ACCOUNTS), dice.choice(_TOKEN_ACCOUNTS)
    kind = dice.random()
    if kind < 0.2 and depth < _MOST_NESTED:
        return _call(dice, depth + 1)
    if kind < 0.4:
        return Call(caller, "alice", EVENT_CALL + _event(dice, _BY_NAME[caller][0]))
    if kind < 0.5:
        return dice.choice([mint_to(dice.choice(_MINTS), one, 5), burn(one, dice.choice(_MINTS), 5)])
    return send(one, other, dice.randrange(5_000))


def _logs(dice: Random, calls: list[Call], height: int) -> list[str]:
    lines = []
    for call in calls:
        lines.append(f"Program {address(call.program)} invoke [{height}]")
        lines += _logs(dice, call.calls, height + 1)
        if call.program in _BY_NAME and dice.random() < 0.5:
            told = _event(dice, _BY_NAME[call.program][0])
            lines.append(f"Program data: {base64.b64encode(told).decode()}")
        lines.append(f"Program {address(call.program)} success")
    return lines[: dice.choice([len(lines), dice.randrange(len(lines) + 1)])]

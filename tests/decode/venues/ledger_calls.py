"""Calls of venues' programs in transactions that an accountant can read: accounts, balances and amounts as plain words.

Token accounts are a table of `account mint owner amount`; what a call does is one line an instruction: `source →
destination amount`, with ` fee N` where the token withholds it, `mint account amount` or `burn account amount`. The balances
after it follow from both. Fields are `type:value` words.
"""

import base64
import struct
from collections.abc import Iterable
from unittest import mock

import hand_ledger
from hand_ledger import Call, body, key
from layout_checks import layout_named
from token_calls import burn, mint_to, send
from venue_facts import ReadTransaction, read

from oof_pipelines.decode.book import Booked
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.program import EVENT_CALL, InstructionLayout, Program, anchor_event

RENT_LAMPORTS = 2_039_280
_INTEGERS = {f"{sign}{bits}": (bits // 8, sign == "i") for sign in "ui" for bits in (8, 16, 32, 64, 128)}


# --- bytes of arguments and events ---


def packed(words: str) -> bytes:
    """Borsh bytes of `type:value` words: integers, bool (0 or 1), `pubkey:NAME` ('none' is all zeros), `string:TEXT`,
    `bytes:HEX`.
    """
    return b"".join(_packed(*word.split(":", 1)) for word in words.split())


def _packed(kind: str, value: str) -> bytes:
    if kind == "pubkey":
        return bytes(32) if value == "none" else key(value)
    if kind == "string":
        return struct.pack("<I", len(value)) + value.encode()
    if kind == "bytes":
        return bytes.fromhex(value)
    if kind == "bool":
        return struct.pack("<?", int(value))
    size, is_signed = _INTEGERS[kind]
    return int(value).to_bytes(size, "little", signed=is_signed)


def event_data(name: str, words: str) -> bytes:
    """An event as it is logged."""
    return anchor_event(name) + packed(words)


def event_call(name: str, words: str) -> bytes:
    """The data of the call by which a program tells itself an event."""
    return EVENT_CALL + event_data(name, words)


# --- transactions ---


def run(before: str, calls: list[Call], after: str) -> tuple[Booked, list[Fact]]:
    """A transaction of whole tables booked and read; every call has to be known and read."""
    found = read(body(before, calls, after))
    assert found.reading.unknown == []
    return found.booked, found.facts


def seated(layout: InstructionLayout, count: int = 0) -> list[str]:
    """A call's accounts in order, each named as its seat; unnamed ones are `spareN`. `count` where it is not the least."""
    least = max(max(layout.seats.values(), default=-1) + 1, -min(layout.seats.values(), default=0))
    names = [f"spare{index}" for index in range(max(count, least))]
    for name, seat in layout.seats.items():
        names[seat] = name
    return names


def craft(
    program: Program,
    name: str,
    tokens: str,
    does: str,
    *,
    args: str = "",
    accounts: list[str] | None = None,
    logged: Iterable[tuple[str, str]] = (),
    told: Iterable[tuple[str, str]] = (),
    said: Iterable[str] = (),
    lamports: str = "",
    lamports_after: str = "",
) -> ReadTransaction:
    """One call of an instruction of a program.

    `logged` and `told` are what it tells, (name, words as of `packed`), the first in its log, the second by calling
    itself; `said` are more lines of its log. `lamports` are lines `account lamports` of accounts that hold no tokens.
    """
    layout = layout_named(program, name)
    before = [line.split() for line in tokens.strip().splitlines()]
    held = {row[0]: list(row) for row in before}
    inner = [_did(line.split(), held) for line in does.strip().splitlines()]
    inner += [Call(program.name, "", event_call(one, words)) for one, words in told]
    with mock.patch.dict(hand_ledger.PROGRAMS, {program.name: program.program_ids[0]}):
        data = layout.discriminator + packed(args)
        call = Call(program.name, " ".join(accounts or seated(layout)), data, calls=inner)
        raw = body(
            f"payer 9000\n{_token_lines(before)}\n{lamports}",
            [call],
            f"payer 4000\n{_token_lines(list(held.values()))}\n{lamports_after or lamports}",
            logs=_log_lines(program.program_ids[0], logged, said),
        )
    return read(raw)


def _log_lines(program_id: str, logged: Iterable[tuple[str, str]], said: Iterable[str]) -> list[str] | None:
    """A call's log, none where it holds nothing."""
    lines = [f"Program data: {base64.b64encode(event_data(*one)).decode()}" for one in logged] + [*said]
    return [f"Program {program_id} invoke [1]", *lines, f"Program {program_id} success"] if lines else None


def _token_lines(rows: list[list[str]]) -> str:
    """Rows of account, mint, owner and amount as the lines that `body` takes."""
    return "\n".join(f"{account} {RENT_LAMPORTS} {mint} {raw} {owner}" for account, mint, owner, raw in rows)


def _did(words: list[str], held: dict[str, list[str]]) -> Call:
    """The token program's instruction of a line; `held` is changed as it changes balances."""
    if words[0] in ("mint", "burn"):
        _, account, amount = words
        mint = held[account][1]
        _add(held, account, int(amount) if words[0] == "mint" else -int(amount))
        return mint_to(mint, account, int(amount)) if words[0] == "mint" else burn(account, mint, int(amount))
    source, _, destination, amount, *fee = words
    withheld_raw = int(fee[1]) if fee else 0
    _add(held, source, -int(amount))
    _add(held, destination, int(amount) - withheld_raw)
    if not fee:
        return send(source, destination, int(amount))
    mint = held[source][1]
    data = bytes([26, 1]) + struct.pack("<QBQ", int(amount), 0, withheld_raw)
    return Call("token22", f"{source} {mint} {destination} payer", data)


def _add(held: dict[str, list[str]], account: str, delta_raw: int) -> None:
    held[account][3] = str(int(held[account][3]) + delta_raw)

"""One call of a pool's program, hand-built from what its layout says: accounts are named by their seats, data by their types.

Token accounts are a table of `account mint owner amount`; what the call does is one line an instruction: `source →
destination amount`, with ` fee N` where the token withholds it, `mint account amount` or `burn account amount`. The balances
after it follow from both.
"""

import base64
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from unittest import mock

import hand_ledger
from hand_ledger import Call, body, key
from recorded_bodies import Recorded
from token_calls import burn, mint_to, send

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.book import Booked, book_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.program import EVENT_CALL, InstructionLayout, Program, anchor_event
from oof_pipelines.decode.reading import Reading, read_facts

RENT_LAMPORTS = 2_039_280
_INTEGERS = {f"{sign}{bits}": (bits // 8, sign == "i") for sign in "ui" for bits in (8, 16, 32, 64, 128)}


def layout_named(program: Program, name: str) -> InstructionLayout:
    """The declared layout of an instruction."""
    return next(one for one in program.instructions if one.name == name)


def seated(layout: InstructionLayout, count: int = 0) -> list[str]:
    """A call's accounts in order, each named as its seat; unnamed ones are `spareN`. `count` where it is not the least."""
    least = max(max(layout.seats.values(), default=-1) + 1, -min(layout.seats.values(), default=0))
    names = [f"spare{index}" for index in range(max(count, least))]
    for name, seat in layout.seats.items():
        names[seat] = name
    return names


def packed(words: str) -> bytes:
    """Borsh bytes of `type:value` words: integers, bool, `pubkey:NAME`, `string:TEXT`."""
    parts = []
    for word in words.split():
        kind, _, value = word.partition(":")
        if kind == "pubkey":
            parts.append(key(value))
        elif kind == "string":
            parts.append(struct.pack("<I", len(value)) + value.encode())
        elif kind == "bool":
            parts.append(bytes([value == "1"]))
        else:
            size, is_signed = _INTEGERS[kind]
            parts.append(int(value).to_bytes(size, "little", signed=is_signed))
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Crafted:
    """What a hand-built transaction was booked as, and what its calls said."""

    booked: Booked
    reading: Reading

    @property
    def facts(self) -> list[Fact]:
        """What was said, where every call could be read."""
        assert self.booked.unread == self.reading.unread == [], self.reading.unread
        return self.reading.facts


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
) -> Crafted:
    """One call of an instruction of a program.

    `logged` and `told` are its events, (name, words as of `packed`), the first in its log, the second by calling itself;
    `said` are more lines of its log. `lamports` are lines `account lamports` of accounts that hold no tokens.
    """
    layout = layout_named(program, name)
    before = [line.split() for line in tokens.strip().splitlines()]
    held = {row[0]: list(row) for row in before}
    inner = [_did(line.split(), held) for line in does.strip().splitlines()]
    data = layout.discriminator + packed(args)
    inner += [Call(program.name, "", EVENT_CALL + anchor_event(one) + packed(words)) for one, words in told]
    with mock.patch.dict(hand_ledger.PROGRAMS, {program.name: program.program_ids[0]}):
        call = Call(program.name, " ".join(accounts or seated(layout)), data, calls=inner)
        raw = body(
            f"payer 9000\n{_token_lines(before)}\n{lamports}",
            [call],
            f"payer 4000\n{_token_lines(list(held.values()))}\n{lamports_after or lamports}",
        )
    result = json.loads(raw)
    if logged or said:
        told_data = [base64.b64encode(anchor_event(one) + packed(words)).decode() for one, words in logged]
        program_id = program.program_ids[0]
        result["meta"]["logMessages"] = [
            f"Program {program_id} invoke [1]",
            *(f"Program data: {one}" for one in told_data),
            *said,
            f"Program {program_id} success",
        ]
    return read_body_facts(json.dumps(result).encode())


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


def read_body_facts(raw: bytes) -> Crafted:
    """A body booked and read."""
    transaction = parse_transaction(raw)
    booked = book_transaction(transaction)
    return Crafted(booked, read_facts(Scene(transaction, booked.moves)))


def recorded_facts(recorded: Recorded, program: Program) -> list[Fact]:
    """What a program said in a recorded transaction."""
    facts = read_body_facts(recorded.body).facts
    return [one for one in facts if program.name in (getattr(one, "venue", ""), getattr(one, "router", ""))]

"""Routers' and orders' tests: what their decoders say of a recording, and calls within calls made by hand."""

import base64
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from crafted_bodies import SLOT, TOKEN, address, signature_of, token_transfer
from recorded_bodies import Recorded

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.chain.moves import LAMPORTS_ASSET
from oof_pipelines.chain.transaction import OUTER, Instruction, ParsedTransaction, TokenBalance, parse_transaction
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Fact, OrderFill, RouterCall, RouterHop
from oof_pipelines.decode.program import EVENT_CALL, Program, anchor_event
from oof_pipelines.decode.reading import read_facts

PAYER = address("payer")
_RICH_LAMPORTS = 10**12
_TRANSFER = 3


@dataclass
class Made:
    """A call with the calls it makes."""

    program: str
    accounts: list[str]
    data: bytes
    calls: Sequence["Made"] = ()


def pays(source: str, destination: str, amount_raw: int) -> Made:
    """A plain token transfer."""
    return Made(*token_transfer(source, destination, PAYER, amount_raw))


def venue(name: str, *calls: Made) -> Made:
    """A call of a program nobody decodes."""
    return Made(address(f"venue {name}"), [], b"\0", calls)


def record(name: str, *fields: str | int | bytes) -> bytes:
    """An event: addresses by name, whole numbers as u64, bytes as they are."""
    return anchor_event(name) + b"".join(_packed(one) for one in fields)


def _packed(one: str | int | bytes) -> bytes:
    if isinstance(one, str):
        return decode_base58(one)
    return struct.pack("<Q", one) if isinstance(one, int) else one


def tells(program: Program, told: bytes) -> Made:
    """An event told by a call of itself."""
    return Made(program.program_ids[0], [address("event authority")], EVENT_CALL + told)


def called(
    program: Program, name: str, accounts: dict[str, str], *calls: Made, arguments: bytes = b"", extra: int = 30
) -> Made:
    """An instruction of a program by its layout; seats that are not named hold the program itself, as absent ones do."""
    layout = next(one for one in program.instructions if one.name == name)
    seats = [program.program_ids[0]] * (max(layout.seats.values(), default=-1) + 1)
    for seat, one in accounts.items():
        seats[layout.seats[seat]] = one
    rest = [address(f"account {index}") for index in range(extra)]
    return Made(program.program_ids[0], [*seats, *rest], layout.discriminator + arguments, calls)


@dataclass
class MadeTransaction:
    """Outer calls, and token accounts: account → (mint, owner, base units before)."""

    calls: Sequence[Made]
    tokens: dict[str, tuple[str, str, int]]
    logged: Sequence[bytes] = ()
    emptied: dict[str, str] = field(default_factory=dict)

    def parsed(self) -> ParsedTransaction:
        """`emptied` accounts end without lamports, which their receivers have then; `logged` are of the first call."""
        instructions = [one for outer, made in enumerate(self.calls) for one in _flat(made, outer)]
        amounts = {account: row[2] for account, row in self.tokens.items()}
        for one in instructions:
            if one.program_id == TOKEN and one.data[0] == _TRANSFER:
                moved = struct.unpack_from("<Q", one.data, 1)[0]
                amounts[one.accounts[0]] -= moved
                amounts[one.accounts[1]] += moved
        keys = list(dict.fromkeys([PAYER, *self.tokens, *(key for one in instructions for key in one.accounts)]))
        before = dict.fromkeys(keys, _RICH_LAMPORTS)
        after = dict(before)
        for account, receiver in self.emptied.items():
            after[receiver] += after[account]
            after[account] = 0
        return ParsedTransaction(
            signature=signature_of("made"),
            slot=SLOT,
            block_time_s=None,
            tx_index=None,
            version="0",
            error=None,
            fee_lamports=0,
            signer_count=1,
            keys=keys,
            instructions=instructions,
            pre_lamports=list(before.values()),
            post_lamports=list(after.values()),
            pre_tokens=[_balance(account, row, row[2]) for account, row in self.tokens.items()],
            post_tokens=[_balance(account, row, amounts[account]) for account, row in self.tokens.items()],
            log_messages=self._logs(instructions),
            compute_units_consumed=None,
        )

    def _logs(self, instructions: list[Instruction]) -> list[str]:
        first = instructions[0].program_id
        return [
            f"Program {first} invoke [1]",
            *(f"Program data: {base64.b64encode(data).decode()}" for data in self.logged),
            f"Program {first} success",
        ]

    def facts(self) -> list[Fact]:
        return facts_of(self.parsed())


def _flat(made: Made, outer: int) -> Iterator[Instruction]:
    inner = iter(range(1_000))

    def walk(one: Made, height: int) -> Iterator[Instruction]:
        path = (outer, OUTER) if height == 1 else (outer, next(inner))
        yield Instruction(path, height, one.program, one.accounts, one.data)
        for child in one.calls:
            yield from walk(child, height + 1)

    return walk(made, 1)


def _balance(account: str, row: tuple[str, str, int], amount_raw: int) -> TokenBalance:
    return TokenBalance(account, row[0], row[1], amount_raw, 6, TOKEN)


# --- what is said of a transaction ---


def facts_of(transaction: ParsedTransaction) -> list[Fact]:
    """All facts; no call may be unread or unknown."""
    reading = read_facts(Scene(transaction, book_transaction(transaction).moves))
    assert not reading.unread
    return reading.facts


def said(recording: Recorded, programs: Sequence[Program]) -> list[Fact]:
    """Calls, hops and fills of routers and orders; none of their calls may be unread."""
    transaction = parse_transaction(recording.body)
    scene = Scene(transaction, book_transaction(transaction).moves)
    reading = read_facts(scene)
    ids = {program_id for program in programs for program_id in program.program_ids}
    assert not [path for path in reading.unread if scene.instructions[scene.order_of(path)].program_id in ids]
    spans = [(order, scene.end_of(order)) for order, one in enumerate(scene.instructions) if one.program_id in ids]
    return [
        fact
        for fact in reading.facts
        if isinstance(fact, RouterCall | RouterHop | OrderFill)
        and any(start <= scene.order_of(fact.path) < end for start, end in spans)
    ]


@dataclass(frozen=True, slots=True)
class Measured:
    """A route with what the book says of its accounts and its hops and fees in all, by mint.

    `bought_raw` is by how much the destination grew, `reached_raw` all that came in, tokens or a wallet's lamports.
    """

    signature: str
    call: RouterCall
    sold_raw: int
    bought_raw: int
    reached_raw: int
    hops: list[RouterHop]
    told: Counter[str]
    fees: Counter[str]


def measured_routes(recorded: Sequence[Recorded], program: Program) -> list[Measured]:
    """Every recorded route of a router that succeeded, each transaction once."""
    found, seen = [], set()
    for one in recorded:
        if not any(program_id.encode() in one.body for program_id in program.program_ids):
            continue
        transaction = parse_transaction(one.body)
        if transaction.signature in seen or transaction.is_failed:
            continue
        seen.add(transaction.signature)
        scene = Scene(transaction, book_transaction(transaction).moves)
        facts = read_facts(scene).facts
        calls = [fact for fact in facts if isinstance(fact, RouterCall) and fact.router == program.name]
        found += [_measured(scene, call, facts) for call in calls]
    return found


def _measured(scene: Scene, call: RouterCall, facts: list[Fact]) -> Measured:
    start = scene.order_of(call.path)
    end = scene.end_of(start)
    hops = [fact for fact in facts if isinstance(fact, RouterHop) and start <= scene.order_of(fact.path) < end]
    told: Counter[str] = Counter()
    for hop in hops:
        told[hop.sold_mint] -= hop.sold_raw
        told[hop.bought_mint] += hop.bought_raw
    fees: Counter[str] = Counter()
    for part in call.fees:
        fees[part.mint] += part.amount_raw
    sold_raw = -scene.moved(call.source_account, start, end, call.sold_mint)
    bought_raw = scene.moved(call.destination_account, start, end, call.bought_mint)
    asset = call.bought_mint if scene.is_token_account(call.destination_account) else LAMPORTS_ASSET
    reached_raw = sum(
        max(move.delta_raw, 0)
        for move in scene.moves_within(start)
        if move.account == call.destination_account and move.asset == asset
    )
    return Measured(scene.transaction.signature, call, sold_raw, bought_raw, reached_raw, hops, told, fees)

"""Facts of one venue: out of a recorded transaction, and out of a call that is made by hand after a program's layout."""

import json
import struct

from crafted_bodies import TOKEN, Crafted, address, token_transfer
from recorded_bodies import Recorded

from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.reading import Reading, read_facts

OWNER = address("owner")
VENUE = address("venue authority")
_U64 = struct.Struct("<Q")
_MINT_TO = 7
_BURN = 8


def reading_of(transaction: ParsedTransaction) -> Reading:
    return read_facts(Scene(transaction, book_transaction(transaction).moves))


def facts_of(recorded: Recorded, venue: str) -> list[Fact]:
    """What the programs of a venue did in a recorded transaction."""
    facts = reading_of(parse_transaction(recorded.body)).facts
    return [one for one in facts if getattr(one, "venue", "") == venue]


def u64(*numbers: int) -> bytes:
    return b"".join(_U64.pack(number) for number in numbers)


def moved(source: str, destination: str, amount_raw: int) -> tuple[str, list[str], bytes]:
    """The token program's transfer between two accounts of a crafted call, by their names."""
    return token_transfer(address(source), address(destination), OWNER, amount_raw)


def nested(call: tuple[str, list[str], bytes]) -> "Nested":
    """A call made by the call before it, one deeper than the others."""
    return Nested(call)


class Nested(tuple[str, list[str], bytes]):
    """(program, accounts, data) of a call one level deeper."""


def minted(mint: str, account: str, amount_raw: int) -> tuple[str, list[str], bytes]:
    return TOKEN, [address(mint), address(account), VENUE], bytes([_MINT_TO]) + u64(amount_raw)


def burned(mint: str, account: str, amount_raw: int) -> tuple[str, list[str], bytes]:
    return TOKEN, [address(account), address(mint), OWNER], bytes([_BURN]) + u64(amount_raw)


def crafted_reading(
    program_id: str,
    accounts: str,
    data: bytes,
    *,
    users: dict[str, str],
    vaults: dict[str, str],
    calls: list[tuple[str, list[str], bytes]],
    before_raw: int = 1_000_000,
) -> Reading:
    """A call of a program with `accounts` by name and the token program's `calls` in it.

    `users` and `vaults` are token accounts (account → mint, by name) of the wallet `OWNER` and of the venue; each holds
    `before_raw` base units at first.
    """
    nets: dict[str, int] = {}
    for program, seats, body in calls:
        if program == TOKEN:
            for account, sign in _signs(seats, body):
                nets[account] = nets.get(account, 0) + sign * _U64.unpack(body[1:9])[0]
    owned = [(name, mint, OWNER) for name, mint in users.items()] + [
        (name, mint, VENUE) for name, mint in vaults.items()
    ]
    body = Crafted(
        f"{program_id} {data.hex()}",
        {address("payer"): (10_000, 5_000)},
        {
            address(name): (address(mint), owner, before_raw, before_raw + nets.get(address(name), 0))
            for name, mint, owner in owned
        },
        [(program_id, [address(name) for name in accounts.split()], data), *calls],
    ).body()
    return reading_of(
        parse_transaction(_called_by_the_first(body, [3 if isinstance(one, Nested) else 2 for one in calls]))
    )


def _signs(seats: list[str], body: bytes) -> list[tuple[str, int]]:
    if body[0] == _MINT_TO:
        return [(seats[1], 1)]
    if body[0] == _BURN:
        return [(seats[0], -1)]
    return [(seats[0], -1), (seats[1], 1)]


def _called_by_the_first(body: bytes, heights: list[int]) -> bytes:
    """The same transaction with all instructions but the first called by the first, at those heights."""
    result = json.loads(body)
    first, *others = result["transaction"]["message"]["instructions"]
    result["transaction"]["message"]["instructions"] = [first]
    inner = [one | {"stackHeight": height} for one, height in zip(others, heights, strict=True)]
    result["meta"]["innerInstructions"] = [{"index": 0, "instructions": inner}]
    return json.dumps(result).encode()

"""Facts of a transaction: what is read, what is counted as unknown or unread, and what a failed one says."""

from collections.abc import Iterable

import pytest
from hand_ledger import address
from made_up_programs import POND, paid_data, swap_data, swapped_data
from scenes import Stage, holding, moved

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.facts import Fact, Leg
from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.program import EVENT_CALL, VENUE, Program, instruction
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.decode.reading import Reading, UnknownCall, has_known_program, read_facts

pytestmark = pytest.mark.usefixtures("made_up_programs")

SEATS = "pool au am pu pm"
MOVES = [
    moved("0.0", "au", -400, "usdc", "alice"),
    moved("0.0", "pu", 400, "usdc", "pda"),
    moved("0.1", "pm", -70, "meme", "pda"),
    moved("0.1", "am", 70, "meme", "alice"),
]
Calls = list[tuple[str, int, str, str, bytes]]


def reading(data: bytes, *more: tuple[str, int, str, str, bytes], seats: str = SEATS) -> Reading:
    """What is read of pond's call with these data, its two transfers, and more calls."""
    calls: Calls = [("0", 1, "pond", seats, data), ("0.0", 2, "token", "", b""), ("0.1", 2, "token", "", b""), *more]
    return read_facts(Stage(calls, MOVES, before=[holding("pu", "usdc", 9_000, "pda")]).scene())


def test_a_call_is_read_by_its_layout() -> None:
    found = reading(swap_data())
    (leg,) = found.facts
    assert isinstance(leg, Leg)
    assert (leg.path, leg.venue, leg.pool, leg.trader) == ("0", "pond", address("pool"), address("alice"))
    assert (leg.sold_raw, leg.bought_raw) == (400, 70)
    assert (found.unknown, found.unread) == ([], [])


def test_a_discriminator_that_no_layout_has_is_counted_as_unknown() -> None:
    found = reading(b"\1\2\3\4\5\6\7\x08and arguments")
    assert found.unknown == [UnknownCall("0", address("pond"), "0102030405060708")]
    assert (found.facts, found.unread) == ([], [])
    assert reading(b"\1\2").unknown == [UnknownCall("0", address("pond"), "0102")], "shorter than a discriminator"
    assert reading(b"").unknown == [UnknownCall("0", address("pond"), "")]


def test_an_event_that_is_not_declared_is_counted_as_unknown_by_its_own_tag() -> None:
    told = ("0.2", 2, "pond", "", EVENT_CALL + b"\x09\2\3\4\5\6\7\x08and fields")
    found = reading(swap_data(), told)
    assert found.unknown == [UnknownCall("0.2", address("pond"), "0902030405060708")]
    assert len(found.facts) == 1
    assert reading(swap_data(), ("0.2", 2, "pond", "", paid_data(7))).unknown == []


def test_events_of_a_program_that_declares_none_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        BY_ID, address("pond"), Program("pond", VENUE, (address("pond"),), "made up", POND.instructions)
    )
    assert reading(swap_data(), ("0.2", 2, "pond", "", paid_data(7))).unknown == []


@pytest.mark.parametrize("seats", ["", "pool", "pool au am pu"])
def test_a_call_whose_accounts_are_too_few_is_unread(seats: str) -> None:
    found = reading(swap_data(), seats=seats)
    assert (found.facts, found.unknown, found.unread) == ([], [], ["0"])


def test_an_event_that_is_cut_short_says_what_it_has() -> None:
    found = reading(swap_data(), ("0.2", 2, "pond", "", swapped_data("pool", 7)[:-8]))
    (leg,) = found.facts
    assert isinstance(leg, Leg)
    assert leg.fees == ()


def test_a_reader_that_fails_midway_has_said_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(call: Call) -> Iterable[Fact]:
        yield Leg(call.path, "", "", "", "", "", 1, "", 1)
        raise LayoutError("midway")

    swap = instruction("swap", "pool", read=read)
    monkeypatch.setitem(BY_ID, address("pond"), Program("pond", VENUE, (address("pond"),), "made up", (swap,)))
    found = reading(swap_data())
    assert (found.facts, found.unread) == ([], ["0"])


def test_quiet_calls_are_neither_read_nor_unknown() -> None:
    quiet = next(one for one in POND.instructions if one.name == "set_fee")
    found = reading(quiet.discriminator, seats="")
    assert (found.facts, found.unknown, found.unread) == ([], [], [])


def test_facts_stand_in_the_order_of_calls() -> None:
    calls: Calls = [("0", 1, "pond", SEATS, swap_data()), ("0.0", 2, "token", "", b""), ("0.1", 2, "token", "", b"")]
    calls += [("1", 1, "pond", SEATS, swap_data()), ("1.0", 2, "pond", SEATS, swap_data())]
    again = [moved("1.0", "au", -5, "usdc", "alice"), moved("1.0", "am", 1, "meme", "alice")]
    found = read_facts(Stage(calls, [*MOVES, *again]).scene())
    assert [fact.path for fact in found.facts] == ["0", "1", "1.0"]


def test_only_successful_transactions_with_a_program_we_decode_are_looked_into() -> None:
    calls: Calls = [("0", 1, "program", "", b""), ("0.0", 2, "pond", "", b"no layout")]
    assert has_known_program(Stage(calls).transaction())
    assert not has_known_program(Stage(calls[:1]).transaction())
    assert not has_known_program(Stage(calls, error="failed").transaction())
    assert [one.path for one in decode_transaction(Stage(calls).transaction()).unknown] == ["0.0"]
    failed = decode_transaction(Stage(calls, error="failed").transaction())
    assert (failed.facts, failed.unknown, failed.unread) == ([], [], [])

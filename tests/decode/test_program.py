"""What a decoder file declares: seats by name, layouts by discriminator and slot, events, and what is refused."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_programs import u64

from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.program import (
    EVENT_CALL,
    VENUE,
    InstructionLayout,
    Program,
    anchor_event,
    anchor_instruction,
    event,
    instruction,
    is_event_call,
    quiet,
)
from oof_pipelines.decode.programs import BY_ID, PROGRAMS, ROUTERS, VENUES, declared_programs


def program(*instructions: InstructionLayout, tag_bytes: int = 1, **changes: object) -> Program:
    return Program("made_up", VENUE, ("id",), "made up", instructions, tag_bytes=tag_bytes, **changes)  # type: ignore[arg-type]


# --- discriminators ---


def test_discriminators_follow_from_names_as_anchor_makes_them() -> None:
    """Known ones: PumpSwap's buy, and the tag under which every Anchor program calls itself to tell an event."""
    assert anchor_instruction("buy") == bytes.fromhex("66063d1201daebea")
    assert anchor_event("TradeEvent") == hashlib.sha256(b"event:TradeEvent").digest()[:8]
    assert hashlib.sha256(b"anchor:event").digest()[:8][::-1] == EVENT_CALL
    assert is_event_call(EVENT_CALL + b"whatever")
    assert not is_event_call(EVENT_CALL[:7])


def test_quiet_instructions_are_declared_and_not_read() -> None:
    first, second = quiet("create_pool set_fee")
    assert (first.name, first.discriminator, first.read) == ("create_pool", anchor_instruction("create_pool"), None)
    assert second.discriminator == anchor_instruction("set_fee")


# --- accounts and arguments ---


def test_accounts_are_found_by_name_from_the_front_and_from_the_end() -> None:
    layout = instruction("swap", "pool _ user", "amount:u64", discriminator=b"\1", from_end="memo _ referrer")
    accounts = ["P", "x", "U", "optional", "M", "y", "R"]
    found = layout.take(accounts, b"\1" + u64(7))
    assert [found.account(name) for name in ("pool", "user", "memo", "referrer")] == ["P", "U", "M", "R"]
    assert found.args["amount"] == 7
    assert "_" not in layout.seats
    shorter = layout.take(accounts[:3] + accounts[4:], b"\1" + u64(7))
    assert [shorter.account(name) for name in ("memo", "referrer")] == ["M", "R"], "whatever stands between"


@pytest.mark.parametrize("accounts", [[], ["P"], ["P", "x"], ["P", "x", ""]])
def test_an_account_that_is_missing_or_not_recorded_is_said_so(accounts: list[str]) -> None:
    found = instruction("swap", "pool _ user", discriminator=b"\1").take(accounts, b"\1")
    with pytest.raises(LayoutError, match=f"swap has {len(accounts)} accounts, user is missing"):
        found.account("user")


def test_one_seat_from_the_end_does_not_reach_beyond_the_front() -> None:
    found = instruction("swap", discriminator=b"\1", from_end="first second").take(["only"], b"\1")
    assert found.account("second") == "only"
    with pytest.raises(LayoutError, match="first is missing"):
        found.account("first")


def test_a_seat_that_the_layout_has_not_is_missing_too() -> None:
    """An event's debits may be asked of a call whose layout nobody expected it from."""
    with pytest.raises(LayoutError, match="swap has 1 accounts, user is missing"):
        instruction("swap", "pool", discriminator=b"\1").take(["P"], b"\1").account("user")


# --- layouts by slot ---


OLD = instruction("swap", "pool", discriminator=b"\1")
NEW = instruction("swap_with_memo", "memo pool", discriminator=b"\1", from_slot=100)
NEWEST = instruction("swap_again", "memo pool", discriminator=b"\1", from_slot=200)


@pytest.mark.parametrize(
    ("slot", "name"),
    [
        (0, "swap"),
        (99, "swap"),
        (100, "swap_with_memo"),
        (199, "swap_with_memo"),
        (200, "swap_again"),
        (10**9, "swap_again"),
        (None, "swap_again"),
    ],
)
def test_the_slot_picks_among_layouts_of_one_discriminator(slot: int | None, name: str) -> None:
    for order in ((OLD, NEW, NEWEST), (NEWEST, OLD, NEW)):
        found = program(*order).layout_of(b"\1data", slot)
        assert found is not None
        assert found.name == name


def test_before_the_first_layout_its_own_counts() -> None:
    found = program(NEW, NEWEST).layout_of(b"\1", 5)
    assert found is NEW, "older data are read by the oldest layout there is, or not at all"


@given(st.integers(0, 300), st.permutations([OLD, NEW, NEWEST]))
def test_a_slot_never_picks_a_layout_of_its_future(slot: int, order: list[InstructionLayout]) -> None:
    found = program(*order).layout_of(b"\1", slot)
    assert found is not None
    assert found.from_slot <= slot
    assert not [one for one in order if found.from_slot < one.from_slot <= slot]


@pytest.mark.parametrize("data", [b"", b"\2", b"\2\1"])
def test_data_that_no_layout_begins_like_have_none(data: bytes) -> None:
    assert program(OLD).layout_of(data, 1) is None


# --- what is refused ---


def test_two_layouts_of_one_discriminator_and_slot_are_refused() -> None:
    other = instruction("other", discriminator=b"\1")
    with pytest.raises(ValueError, match=r"made_up: \['swap', 'other'\] share a discriminator and a slot"):
        program(OLD, other)
    program(OLD, NEW, instruction("other", discriminator=b"\2"))


@pytest.mark.parametrize(("discriminator", "tag_bytes"), [(b"", 1), (b"\1\2", 1), (b"\1", 8), (None, 1)])
def test_a_discriminator_of_another_length_is_refused(discriminator: bytes | None, tag_bytes: int) -> None:
    length = 8 if discriminator is None else len(discriminator)
    with pytest.raises(ValueError, match=f"made_up.swap: a discriminator of {length} bytes"):
        program(instruction("swap", discriminator=discriminator), tag_bytes=tag_bytes)


# --- events ---


TOLD = event("Swapped", "amount:u64 fee_raw:u64", discriminator=b"\1\2\3\4\5\6\7\x08")


def test_an_event_is_read_of_a_self_call_and_of_a_log() -> None:
    telling = program(OLD, events=(TOLD,))
    data = TOLD.discriminator + u64(9, 4)
    called, logged = telling.event_of(EVENT_CALL + data), telling.logged_event_of(data)
    for found in (called, logged):
        assert found is not None
        assert found[0] is TOLD
        assert (found[1]["amount"], found[1]["fee_raw"]) == (9, 4)


def test_what_is_no_event_or_none_that_is_declared_is_none() -> None:
    telling = program(OLD, events=(TOLD,))
    data = TOLD.discriminator + u64(9, 4)
    assert telling.event_of(data) is None, "no self-call"
    assert telling.logged_event_of(EVENT_CALL + data) is None, "no log"
    assert telling.event_of(EVENT_CALL + b"another tag") is None
    assert telling.event_of(EVENT_CALL) is None
    assert telling.logged_event_of(b"") is None


def test_an_event_of_an_older_version_ends_early() -> None:
    found = program(OLD, events=(TOLD,)).event_of(EVENT_CALL + TOLD.discriminator + u64(9))
    assert found is not None
    assert found[1]["amount"] == 9
    assert found[1].get("fee_raw", 5) == 5


def test_only_events_that_say_so_change_balances() -> None:
    assert not program(OLD, events=(TOLD,)).has_debits
    assert program(OLD, events=(TOLD, event("Paid", "", debits=lambda _told, _arguments: []))).has_debits


# --- all that are declared ---


def test_every_address_has_one_owner_and_a_role() -> None:
    assert len(BY_ID) == sum(len(one.program_ids) for one in PROGRAMS)
    assert len({one.name for one in PROGRAMS}) == len(PROGRAMS)
    assert not VENUES.keys() & ROUTERS.keys()
    assert VENUES["pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"] == "pumpswap"
    assert ROUTERS["JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4"] == "jupiter_v6"


def test_a_package_whose_modules_declare_nothing_or_the_same_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made_up_venues"
    folder.mkdir()
    (folder / "__init__.py").touch()
    text = (
        "from oof_pipelines.decode.program import Program\nPROGRAM = Program('{0}', 'venue', ('id',), 'made up', ())\n"
    )
    (folder / "first.py").write_text(text.format("first"))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [one.name for one in declared_programs([str(folder)], "made_up_venues")] == ["first"]
    (folder / "second.py").write_text(text.format("second"))
    with pytest.raises(ValueError, match="second and first both own id"):
        declared_programs([str(folder)], "made_up_venues")
    (folder / "empty.py").touch()
    with pytest.raises(ValueError, match=r"made_up_venues\.empty declares neither PROGRAM nor PROGRAMS"):
        declared_programs([str(folder)], "made_up_venues")

"""Accounts that end with nothing: whose lamports they were, where no instruction says so, told by a ledger."""

import struct

import pytest
from hand_ledger import PROGRAMS, Call, action_lines, decode_all, names_of, squeeze

from oof_pipelines.chain.moves import RESIDUAL_PATH
from oof_pipelines.decode.decoded import Decoded

PROGRAMS |= {
    "loader": "BPFLoaderUpgradeab1e11111111111111111111111",
    "tables": "AddressLookupTab1e1111111111111111111111111",
}


def decode(before: str, calls: list[Call], after: str) -> tuple[Decoded, dict[str, str]]:
    return decode_all(before, calls, after), names_of(before, calls, after, "program", "other")


def rents(decoded: Decoded, names: dict[str, str]) -> list[tuple[str, str, str, int]]:
    """(path, from, to, lamports) of what is booked as rent that came back."""
    moves = [move for move in decoded.moves if move.kind == "rent"]
    pairs = zip(moves[::2], moves[1::2], strict=True)
    return [(gave.path, names[gave.account], names[got.account], got.delta_raw) for gave, got in pairs]


def has_residual(decoded: Decoded) -> bool:
    return any(move.path == RESIDUAL_PATH for move in decoded.moves)


def test_one_account_emptied_and_one_that_gained_as_much() -> None:
    before = "alice 10000\n pdaorder 7000\n"
    after = "alice 12000\n pdaorder 0\n"
    decoded, names = decode(before, [Call("program", "alice pdaorder", b"\1")], after)
    assert rents(decoded, names) == [("0", "pdaorder", "alice", 7000)]
    assert not has_residual(decoded)
    closing = [line for line in action_lines(decoded, names) if "account_close" in line]
    assert closing == squeeze("0 account_close pdaorder → alice lamports 7000")


def test_two_of_different_amounts_find_their_receivers() -> None:
    before = "alice 10000\n bob 1\n pdaone 7000\n pdatwo 600\n"
    after = "alice 5600\n bob 7001\n pdaone 0\n pdatwo 0\n"
    decoded, names = decode(before, [Call("program", "alice bob pdaone pdatwo", b"\1")], after)
    assert sorted(rents(decoded, names)) == [("0", "pdaone", "bob", 7000), ("0", "pdatwo", "alice", 600)]
    assert not has_residual(decoded)


def test_several_that_went_to_one() -> None:
    before = "alice 10000\n pdaone 700\n pdatwo 700\n"
    after = "alice 6400\n pdaone 0\n pdatwo 0\n"
    decoded, names = decode(before, [Call("program", "alice pdaone pdatwo", b"\1")], after)
    assert sorted(rents(decoded, names)) == [("0", "pdaone", "alice", 700), ("0", "pdatwo", "alice", 700)]


@pytest.mark.parametrize(
    ("before", "accounts", "after"),
    [
        # not emptied: a payment, not a closing; whose call it was is another's matter, and here none was given bob
        ("alice 10000\n pdaorder 7000\n bob 5\n", "alice pdaorder", "alice 5000\n pdaorder 1\n bob 7004\n"),
        # emptied, but the other gained less: something else took a part
        ("alice 10000\n pdaorder 7000\n bob 5\n", "alice pdaorder", "alice 11000\n pdaorder 0\n bob 1005\n"),
        # no call had both
        ("alice 10000\n pdaorder 7000\n bob 5\n", "pdaorder", "alice 5000\n pdaorder 0\n bob 7005\n"),
        # two emptied of as much and two that gained as much: who got whose is anybody's guess
        (
            "alice 10000\n bob 5\n pdaone 700\n pdatwo 700\n",
            "alice bob pdaone pdatwo",
            "alice 5700\n bob 705\n pdaone 0\n pdatwo 0\n",
        ),
    ],
)
def test_whatever_leaves_a_doubt_stays_unexplained(before: str, accounts: str, after: str) -> None:
    decoded, names = decode(before, [Call("program", accounts, b"\1")], after)
    assert rents(decoded, names) == []
    assert has_residual(decoded)


def test_a_program_that_is_read_whole_is_not_believed_to_have_closed_anything() -> None:
    before = "alice 10000\n bob 7000\n"
    memo = struct.pack("<IQ", 2, 0)
    decoded, names = decode(before, [Call("system", "alice bob", memo)], "alice 12000\n bob 0\n")
    assert rents(decoded, names) == []
    assert has_residual(decoded)


WORDS = {
    2: ("deployWithMaxDataLen", {"payerAccount": "alice", "bufferAccount": "pdabuffer"}),
    3: ("upgrade", {"spillAccount": "alice", "bufferAccount": "pdabuffer"}),
    5: ("close", {"recipient": "alice", "account": "pdabuffer"}),
}


@pytest.mark.parametrize(
    ("tag", "accounts"),
    [(2, "alice pdadata pdaprogram pdabuffer"), (3, "pdadata pdaprogram pdabuffer alice"), (5, "pdabuffer alice bob")],
)
def test_the_loader_gives_back_a_buffers_rent(tag: int, accounts: str) -> None:
    before = "alice 10000\n pdabuffer 7000\n other 3\n pdamore 9\n"
    # Something else is unexplained, so that only the loader's own words can tell.
    after = "alice 12001\n pdabuffer 0\n other 2\n pdamore 9\n"
    call = Call("loader", accounts, struct.pack("<I", tag), WORDS[tag])
    decoded, names = decode(before, [call], after)
    assert rents(decoded, names) == [("0", "pdabuffer", "alice", 7000)]


def test_the_loaders_other_instructions_move_nothing() -> None:
    for tag in (0, 1, 4, 6, 7):
        call = Call("loader", "pdabuffer alice", struct.pack("<I", tag))
        decoded, names = decode("alice 10000\n pdabuffer 7\n", [call], "alice 5000\n pdabuffer 7\n")
        assert rents(decoded, names) == []
        assert not decoded.unread


def test_a_closed_lookup_table_gives_its_rent_to_the_recipient() -> None:
    before = "alice 10000\n pdatable 7000\n bob 5\n other 3\n"
    after = "alice 5001\n pdatable 0\n bob 7005\n other 2\n"
    words = (
        "closeLookupTable",
        {"lookupTableAccount": "pdatable", "lookupTableAuthority": "alice", "recipient": "bob"},
    )
    call = Call("tables", "pdatable alice bob", struct.pack("<I", 4), words)
    decoded, names = decode(before, [call], after)
    assert rents(decoded, names) == [("0", "pdatable", "bob", 7000)]

"""One call as its decoder sees it: what it called, what it told and logged, what moved within it, what pools held."""

import base64

import pytest
from hand_ledger import address
from hypothesis import given
from hypothesis import strategies as st
from made_up_programs import POND, paid_data, swap_data, swapped_data
from scenes import Stage, holding, moved, withheld

from oof_pipelines.chain.moves import NATIVE_MINT, path_text
from oof_pipelines.decode.call import Call, Scene
from oof_pipelines.decode.facts import Reserve
from oof_pipelines.decode.layout import LayoutError

SEATS = "pool source destination vault_in vault_out"
USDC, MEME = address("usdc"), address("meme")


def call_at(scene: Scene, path: str) -> Call:
    """pond's call at a path."""
    order = scene.order_of(path)
    one = scene.instructions[order]
    layout = POND.layout_of(one.data, None)
    assert layout is not None
    return Call(scene, order, POND, layout.take(one.accounts, one.data))


def paths(call: Call) -> list[str]:
    return [path_text(one.path) for one in call.called]


# --- who called whom ---


NESTED = [
    ("0", 1, "program", "", b""),
    ("1", 1, "program", "", b""),
    ("1.0", 2, "pond", SEATS, swap_data()),
    ("1.1", 3, "token", "", b""),
    ("1.2", 4, "program", "", b""),
    ("1.3", 3, "token", "", b""),
    ("1.4", 2, "pond", SEATS, swap_data()),
    ("2", 1, "pond", SEATS, swap_data()),
]


@pytest.mark.parametrize(
    ("path", "last"),
    [("0", "0"), ("1", "1.4"), ("1.0", "1.3"), ("1.1", "1.2"), ("1.2", "1.2"), ("1.4", "1.4"), ("2", "2")],
)
def test_a_call_ends_where_the_next_of_its_height_begins(path: str, last: str) -> None:
    scene = Stage(NESTED).scene()
    assert scene.path_of(scene.end_of(scene.order_of(path)) - 1) == last


def test_what_a_call_called_is_all_below_it() -> None:
    scene = Stage(NESTED).scene()
    assert paths(call_at(scene, "1.0")) == ["1.1", "1.2", "1.3"]
    assert paths(call_at(scene, "1.4")) == []


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_calls_lie_within_each_other_or_apart(heights: list[int]) -> None:
    """Whatever heights a recording claims."""
    calls = [(f"0.{number}" if number else "0", height, "program", "", b"") for number, height in enumerate(heights)]
    scene = Stage(calls).scene()
    spans = [(order, scene.end_of(order)) for order in range(len(heights))]
    for start, end in spans:
        assert start < end <= len(heights)
        assert all(heights[inner] > heights[start] for inner in range(start + 1, end))
        assert end == len(heights) or heights[end] <= heights[start]


# --- events ---


def test_events_are_those_the_program_told_itself_from_this_very_call() -> None:
    scene = Stage(
        [
            ("0", 1, "pond", SEATS, swap_data()),
            ("0.0", 2, "program", "", b""),
            ("0.1", 3, "pond", SEATS, swap_data()),
            ("0.2", 4, "pond", "", swapped_data("inner", 1)),
            ("0.3", 2, "pond", "", swapped_data("pool", 2)),
            ("0.4", 2, "program", "", swapped_data("foreign", 3)),
            ("0.5", 2, "pond", "", paid_data(4)),
        ]
    ).scene()
    outer, inner = call_at(scene, "0"), call_at(scene, "0.1")
    assert [(one.name, one.path) for one in outer.events] == [("Swapped", "0.3"), ("Paid", "0.5")]
    assert [(one.record["pool"], one.path) for one in inner.events] == [(address("inner"), "0.2")]
    told, missing = outer.event("Swapped"), inner.event("Paid")
    assert told is not None
    assert told["fee_raw"] == 2
    assert missing is None


def data_line(data: bytes) -> str:
    return f"Program data: {base64.b64encode(data).decode()}"


def invoked(program: str, height: int) -> str:
    return f"Program {address(program)} invoke [{height}]"


def succeeded(program: str) -> str:
    return f"Program {address(program)} success"


LOGGED = swapped_data("pool", 7)[8:]
TWO_CALLS = [
    ("0", 1, "budget", "", b""),
    ("1", 1, "program", "", b""),
    ("1.0", 2, "pond", SEATS, swap_data()),
    ("1.1", 3, "token", "", b""),
    ("1.2", 2, "pond", SEATS, swap_data()),
]
LOGS = [
    invoked("budget", 1),
    succeeded("budget"),
    invoked("program", 1),
    invoked("pond", 2),
    "Program log: Instruction: Swap",
    invoked("token", 3),
    succeeded("token"),
    data_line(LOGGED),
    succeeded("pond"),
    data_line(b"of the program itself"),
    invoked("pond", 2),
    data_line(swapped_data("pool", 8)[8:]),
    succeeded("pond"),
    succeeded("program"),
]


def logged_fees(logs: list[str], calls: list[tuple[str, int, str, str, bytes]] | None = None) -> list[list[int]]:
    """Fees of the events that pond's calls logged, call by call."""
    scene = Stage(calls or TWO_CALLS, logs=logs).scene()
    ponds = [path_text(one.path) for one in scene.instructions if one.program_id == address("pond")]
    return [[one.record["fee_raw"] for one in call_at(scene, path).events] for path in ponds]


def test_what_was_only_logged_is_told_where_it_was_logged() -> None:
    assert logged_fees(LOGS) == [[7], [8]]
    scene = Stage(TWO_CALLS, logs=LOGS).scene()
    assert scene.logs.of(1) == [b"of the program itself"]
    assert [one.path for one in call_at(scene, "1.0").events] == [""]


def test_an_event_that_was_told_both_ways_is_one() -> None:
    calls = [*TWO_CALLS[:4], ("1.2", 3, "pond", "", swapped_data("pool", 7))]
    logs = [*LOGS[:8], invoked("pond", 3), succeeded("pond"), succeeded("pond"), succeeded("program")]
    scene = Stage(calls, logs=logs).scene()
    assert [(one.name, one.path) for one in call_at(scene, "1.0").events] == [("Swapped", "1.2")]


@pytest.mark.parametrize(
    ("kept", "fees"), [(14, [[7], [8]]), (11, [[7], []]), (8, [[7], []]), (7, [[], []]), (0, [[], []])]
)
def test_logs_that_a_node_cut_short_tell_what_is_left(kept: int, fees: list[list[int]]) -> None:
    assert logged_fees([*LOGS[:kept], "Log truncated"]) == fees


def test_a_program_that_checks_signatures_has_no_line_in_the_log() -> None:
    calls = [("0", 1, "ed25519", "", b""), *[(_later(path), *rest) for path, *rest in TWO_CALLS]]
    assert logged_fees(LOGS, calls) == [[7], [8]]  # type: ignore[arg-type]


def _later(path: str) -> str:
    outer, dot, inner = path.partition(".")
    return f"{int(outer) + 1}{dot}{inner}"


def test_a_log_of_other_calls_is_not_read() -> None:
    of_others = [invoked("program", 1), invoked("other", 2), data_line(LOGGED)]
    assert logged_fees(of_others) == [[], []]
    too_deep = [invoked("budget", 1), succeeded("budget"), invoked("program", 2), data_line(LOGGED)]
    assert logged_fees(too_deep) == [[], []]


def test_what_a_program_says_of_its_success_ends_no_call() -> None:
    for said in ("Program log: swap was a success", "Program log: attempt 1 failed: slippage"):
        logs = [*LOGS[:7], said, *LOGS[7:]]
        assert logged_fees(logs) == [[7], [8]], said


@pytest.mark.parametrize("broken", ["Program data: ", "Program data: ???", "Program data: AAA", "Program data: AQ=="])
def test_data_that_are_no_event_are_none(broken: str) -> None:
    assert logged_fees([*LOGS[:7], broken, *LOGS[8:]]) == [[], [8]]


# --- what moved ---


MOVED = [
    moved("1.1", "source", -100, "usdc", "alice"),
    moved("1.1", "vault_in", 98, "usdc", "pda"),
    withheld("1.1", 2, "usdc"),
    moved("1.3", "vault_out", -40, "meme", "pda"),
    moved("1.3", "destination", 40, "meme", "alice"),
    moved("2", "source", -5, "usdc", "alice"),
    moved("2", "vault_in", 5, "usdc", "pda"),
    moved("1.2", "pool", -70),
    moved("1.2", "alice", 70),
]


def test_only_what_moved_within_a_call_is_its_own() -> None:
    scene = Stage(NESTED, MOVED).scene()
    first, last = call_at(scene, "1.0"), call_at(scene, "2")
    assert (first.moved(address("source")), last.moved(address("source"))) == (-100, -5)
    assert (first.moved(address("destination"), MEME), last.moved(address("destination"), MEME)) == (40, 0)
    assert first.moved(address("source"), MEME) == 0
    assert first.moved(address("stranger")) == 0
    assert (first.moved_lamports(address("pool")), last.moved_lamports(address("pool"))) == (-70, 0)
    assert scene.move_paths(1) == ("1.1", "1.2", "1.3")
    assert [move.delta_raw for move in scene.moves_within(7)] == [-5, 5]


def test_reserves_are_what_vaults_held_when_a_call_began_and_ended() -> None:
    before = [holding("vault_in", "usdc", 1_000, "pda"), holding("vault_out", "meme", 500, "pda")]
    scene = Stage(NESTED, MOVED, before=before).scene()
    vaults = address("vault_in"), address("vault_out")
    assert call_at(scene, "1.0").vault_reserves(*vaults) == (Reserve(USDC, 1_000, 1_098), Reserve(MEME, 500, 460))
    assert call_at(scene, "2").vault_reserves(*vaults) == (Reserve(USDC, 1_098, 1_103), Reserve(MEME, 460, 460))
    assert call_at(scene, "2").vault_reserves(address("no token account")) == ()


def test_a_vault_that_was_opened_meanwhile_held_nothing() -> None:
    scene = Stage(NESTED, MOVED, after=[holding("vault_in", "usdc", 103, "pda")]).scene()
    assert call_at(scene, "1.0").vault_reserves(address("vault_in")) == (Reserve(USDC, 0, 98),)


def test_what_a_token_withheld_is_counted_within_the_call() -> None:
    moves = [*MOVED, withheld("2", 9, "usdc"), withheld("fee", 50, "usdc"), withheld("residual", 60, "usdc")]
    scene = Stage(NESTED, moves).scene()
    first = call_at(scene, "1.0")
    assert (first.withheld_raw(USDC), first.withheld_raw(MEME)) == (2, 0)
    assert call_at(scene, "2").withheld_raw(USDC) == 9
    assert first.withheld_raw(NATIVE_MINT) == 0


def test_mints_and_owners_are_those_of_the_first_move_then_of_the_balances() -> None:
    after = [holding("idle", "meme", 1, "bob"), holding("old", "meme", 1, "")]
    before = [holding("source", "meme", 1, "bob"), holding("idle", "usdc", 1, "alice")]
    scene = Stage(NESTED, MOVED, before=before, after=after).scene()
    assert (scene.mint_of(address("source")), scene.owner_of(address("source"))) == (USDC, address("alice"))
    assert (scene.mint_of(address("idle")), scene.owner_of(address("idle"))) == (USDC, address("alice"))
    assert (scene.mint_of(address("old")), scene.owner_of(address("old"))) == (MEME, address("old"))
    assert (scene.mint_of(address("pool")), scene.owner_of(address("pool"))) == ("", address("pool"))
    assert scene.is_token_account(address("idle"))
    assert not scene.is_token_account(address("pool"))
    with pytest.raises(LayoutError, match="is not recorded"):
        call_at(scene, "2").mint_of(address("pool"))


def test_an_optional_account_is_left_out_by_the_programs_own_address() -> None:
    calls = [("0", 1, "pond", "pool source pond", swap_data())]
    call = call_at(Stage(calls).scene(), "0")
    assert [call.has(name) for name in ("pool", "destination", "vault_in")] == [True, False, False]
    with pytest.raises(LayoutError, match="vault_in is missing"):
        call.account("vault_in")

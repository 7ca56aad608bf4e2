"""What `oof positions` makes of its lines: their order, lines that are there twice, files, pipes and bytes, refused lines."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.cli import main

SOL = "So11111111111111111111111111111111111111112"
COIN, OTHER = "Coin", "Other"
BUY, SALE = ((SOL, 100), (COIN, 10)), ((COIN, 10), (SOL, 120))
A_MOVE = {"owner": "Anna", "asset": "lamports", "delta_raw": "-5"}
KNOWN, UNKNOWN = [("10", "known")], [("10", "unknown")]


def route(
    path: str, pair: tuple[tuple[str, int], tuple[str, int]], trader: str = "Anna", **more: Any
) -> dict[str, Any]:
    (sold_mint, sold_raw), (bought_mint, bought_raw) = pair
    amounts = {
        "sold_mint": sold_mint,
        "sold_raw": str(sold_raw),
        "bought_mint": bought_mint,
        "bought_raw": str(bought_raw),
    }
    return {"path": path, "trader": trader, **amounts, **more}


def line(signature: str, place: tuple[int | None, int | None], *routes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"signature": signature, "slot": place[0], "tx_index": place[1], "routes": routes, **more}


def fee(amount_raw: int, mint: str = SOL, side: str = "on_top") -> list[dict[str, str]]:
    return [{"mint": mint, "amount_raw": str(amount_raw), "fee_side": side}]


def as_bytes(*lines: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


def ask(data: bytes, *options: str) -> Result:
    return CliRunner().invoke(main, ["positions", "--actions", "-", *options], input=data)


def rows(*lines: dict[str, Any], wallet: str = "Anna") -> list[dict[str, Any]]:
    result = ask(as_bytes(*lines), "--json", "--wallet", wallet)
    assert result.exit_code == 0, result.output
    return [json.loads(text) for text in result.stdout.splitlines()]


def sold(*lines: dict[str, Any]) -> list[tuple[str, str]]:
    """(units, basis) of Anna's sales of COIN."""
    (row,) = [row for row in rows(*lines) if row["mint"] == COIN]
    return [(one["qty_raw"], one["basis_status"]) for one in row["realized"]]


def fault(one: dict[str, Any]) -> str:
    """The one line that says why a line was refused; the good one beside it counts."""
    result = ask(as_bytes(one, line("good", (1, 1), route("0", BUY))), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["open"][0]["signature"] == "good"
    (text,) = result.stderr.splitlines()
    return text


# --- order ---


@pytest.mark.parametrize("tx_index", [4, None])
def test_where_places_are_equal_paths_order_as_numbers(tx_index: int | None) -> None:
    buy, sale = line("z", (1, tx_index), route("3.9", BUY)), line("a", (1, tx_index), route("3.10", SALE))
    assert sold(sale, buy) == sold(buy, sale) == KNOWN


def test_where_paths_are_equal_too_signatures_order() -> None:
    assert sold(line("b", (1, 4), route("2", SALE)), line("a", (1, 4), route("02", BUY))) == KNOWN
    assert sold(line("a", (1, 4), route("2", SALE)), line("b", (1, 4), route("2", BUY))) == UNKNOWN


def test_an_unknown_place_is_behind_the_known_ones_of_its_slot() -> None:
    assert sold(line("a", (1, None), route("1", SALE)), line("b", (1, 900), route("7", BUY))) == KNOWN
    assert sold(line("a", (1, None), route("1", BUY)), line("b", (2, 0), route("0", SALE))) == KNOWN


def test_routes_alone_are_ordered_each_by_itself() -> None:
    """The sale at 5 stands between the two routes of the other transaction."""
    split = line("z", (1, None), route("6", SALE), route("2", BUY))
    assert sold(split, line("a", (1, None), route("5", SALE))) == [("10", "known"), ("10", "unknown")]
    (row,) = rows(split, line("a", (1, None), route("5", SALE)))
    assert [one["signature"] for one in row["realized"]] == ["a", "z"]


def test_with_moves_a_transaction_stays_together_at_its_first_path() -> None:
    moves = [{"owner": "Anna", "asset": COIN, "delta_raw": "0"}]
    together = line("z", (1, None), route("6", SALE), route("2", BUY), moves=moves)
    (row,) = rows(together, line("a", (1, None), route("5", SALE)))
    assert [(one["signature"], one["basis_status"]) for one in row["realized"]] == [("z", "known"), ("a", "unknown")]
    assert [one["signature"] for one in rows(together, line("a", (1, None), route("1", SALE)))[0]["realized"]] == [
        "a",
        "z",
    ]


def test_an_unknown_slot_is_behind_all_others() -> None:
    buy, sale = line("z", (2**40, None), route("9", BUY)), line("a", (None, 0), route("0", SALE))
    assert sold(sale, buy) == KNOWN
    assert sold(line("a", (None, None), route("2", BUY)), line("z", (None, 7), route("3", SALE))) == UNKNOWN


LINES = [
    line("p", (1, 1), route("0", BUY), route("1.2", ((COIN, 3), (OTHER, 8)))),
    line("q", (1, 1), route("1.10", SALE), route("0.1", ((SOL, 7), (COIN, 9)))),
    line("r", (1, None), route("0", ((COIN, 2), (SOL, 5))), moves=[{"owner": "Anna", "asset": COIN, "delta_raw": "1"}]),
    line("s", (1, None), route("4", ((OTHER, 4), (SOL, 5)))),
    line("t", (None, None), route("4", SALE)),
    line("u", (2, 0), route("11", BUY), route("9", ((COIN, 1), (SOL, 1)))),
    line("u", (2, None), route("12", SALE)),
]


@given(st.permutations(LINES))
def test_the_order_of_the_lines_says_nothing(lines: list[dict[str, Any]]) -> None:
    assert rows(*lines) == rows(*LINES)


# --- the same twice ---


def test_the_first_of_a_signature_and_path_counts_whoever_trades_there() -> None:
    buy = route("2", BUY)
    for again in (route("2", BUY, "Bert"), route("2", ((SOL, 5), (OTHER, 5))), route("02", ((SOL, 1), (COIN, 1)))):
        for lines in ([line("x", (1, 1), buy), line("x", (1, 1), again)], [line("x", (1, 1), buy, again)]):
            (row,) = map(json.loads, ask(as_bytes(*lines), "--json").stdout.splitlines())
            assert (row["wallet"], row["mint"], row["open"][0]["cost_raw"]) == ("Anna", COIN, "100")


def test_a_known_place_counts_whichever_line_tells_it() -> None:
    """Without it the buy would be behind the sale, whose path is smaller."""
    told, untold = line("z", (1, 2), route("9", BUY)), line("z", (1, None), route("9", BUY))
    nowhere = line("z", (None, None), route("9", BUY))
    sale = line("a", (1, 3), route("1", SALE))
    for lines in ((told, untold), (untold, told), (nowhere, untold, told), (told, nowhere)):
        assert sold(*lines, sale) == KNOWN
    assert sold(nowhere, untold, sale) == UNKNOWN


def test_a_slot_and_the_place_in_it_come_from_one_line_where_one_knows_both() -> None:
    lines = line("z", (9, None), route("9", BUY)), line("z", (1, 2), route("9", BUY))
    assert sold(*lines, line("a", (1, 3), route("1", SALE))) == KNOWN


def test_an_empty_list_of_moves_is_as_none() -> None:
    assert rows(line("x", (1, 1), route("0", BUY), moves=[]))[0]["open"][0]["qty_raw"] == "10"
    # One that says what moved says that these units were somebody else's.
    assert rows(line("x", (1, 1), route("0", BUY), moves=[A_MOVE]))[0]["open"] == []


# --- where lines come from ---


def test_a_bad_byte_is_one_fault_in_a_file_and_on_standard_input(tmp_path: Path) -> None:
    good = as_bytes(line("x", (1, 1), route("0", BUY)))
    for bad in (b"\xff\n", good.replace(b"Anna", b"Ann\xe4"), good.replace(b'{"sig', b'{"note": "\xe4", "sig')):
        data = good + bad + as_bytes(line("y", (2, 1), route("0", SALE)))
        file = tmp_path / "actions.ndjson"
        file.write_bytes(data)
        for source, given_bytes in (("-", data), (str(file), b"")):
            result = CliRunner().invoke(main, ["positions", "--actions", source, "--json"], input=given_bytes)
            assert result.exit_code == 1
            assert json.loads(result.stdout)["realized"][0]["cost_raw"] == "100"
            (told,) = result.stderr.splitlines()
            assert told.startswith(f"{source}:2: no UTF-8 text: byte ")


def test_letters_of_all_scripts_are_kept() -> None:
    one = line("x", (1, 1), route("0", BUY, "Zoë"))
    result = ask(json.dumps(one, ensure_ascii=False).encode(), "--json")
    assert json.loads(result.stdout)["wallet"] == "Zoë"


def test_a_pipe_is_read_as_a_file_is() -> None:
    reader, writer = os.pipe()
    os.write(writer, as_bytes(line("x", (1, 1), route("0", BUY))))
    os.close(writer)
    try:
        result = CliRunner().invoke(main, ["positions", "--actions", f"/dev/fd/{reader}", "--json"])
    finally:
        os.close(reader)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["open"][0]["qty_raw"] == "10"


def test_a_folder_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["positions", "--actions", str(tmp_path)])
    assert result.exit_code == 1
    assert f"--actions: {tmp_path} is no file" in result.output


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + as_bytes(line("x", (1, 1), route("0", BUY)))
    file = tmp_path / "actions.ndjson"
    file.write_bytes(data)
    for source in ("-", str(file)):
        result = CliRunner().invoke(main, ["positions", "--actions", source, "--json"], input=data)
        assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


# --- what is refused ---


@pytest.mark.parametrize("path", ["1_0", " 1", "+3", "-1", "\u0661", "", "1.", ".1", "1..2", "1e3", "fee", "1\n"])
def test_a_path_is_digits_between_dots(path: str) -> None:
    assert fault(line("x", (1, 1), route(path, BUY))) == f"-:1: routes: {path!r} is no path"


def test_a_fee_of_less_than_nothing_is_named() -> None:
    for side in ("on_top", "inside"):
        told = fault(line("x", (1, 1), route("0", BUY, fees=fee(-500, side=side))))
        assert told == "-:1: fees: amount_raw: -500 is less than nothing"


def test_a_fee_of_more_units_than_were_bought_is_named() -> None:
    told = fault(line("x", (1, 1), route("0", BUY, fees=fee(7, COIN) + fee(4, COIN))))
    assert told == "-:1: fees: 11 on top are more than the bought_raw of 10"
    assert rows(line("x", (1, 1), route("0", BUY, fees=fee(11, COIN, "inside"))))[0]["open"][0]["qty_raw"] == "10"


def test_a_bots_fee_may_be_more_than_dust_was_sold_for() -> None:
    (row,) = rows(line("x", (1, 1), route("0", BUY)), line("y", (2, 1), route("0", SALE, fees=fee(500))))
    assert [(one["qty_raw"], one["proceeds_raw"], one["cost_raw"]) for one in row["realized"]] == [("10", "0", "100")]


def test_what_is_nested_too_deeply_is_a_fault() -> None:
    deep = b'{"x": ' + b"[" * 100_000 + b"\n"
    result = ask(deep + as_bytes(line("x", (1, 1), route("0", BUY))), "--json")
    assert (result.exit_code, len(result.stdout.splitlines())) == (1, 1)
    assert result.stderr == "-:1: no decoded transaction: nested too deeply\n"


# --- SOL by its names ---


@pytest.mark.parametrize("name", ["lamports", SOL, "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9"])
def test_sol_is_one_money_by_each_of_its_names(name: str) -> None:
    buys = (
        line("x", (1, 1), route("0", BUY, fees=fee(3, name))),
        line("y", (2, 1), route("0", ((name, 50), (COIN, 10)))),
    )
    sale = line("z", (3, 1), route("0", ((COIN, 20), (SOL, 120)), fees=fee(7, name)))
    (row,) = rows(*buys, sale)
    assert [(one["proceeds_raw"], one["cost_mint"], one["cost_raw"]) for one in row["realized"]] == [
        ("113", SOL, "153")
    ]


# --- as text ---


def test_the_text_has_a_block_a_holding_in_columns() -> None:
    lines = line("x" * 88, (1, 1), route("0", BUY)), line("y", (2, 1), route("3.10", ((COIN, 12), (OTHER, 7))))
    result = ask(as_bytes(*lines, line("x" * 88, (1, 1), route("1", BUY, "[bold]\x1b[2J"))))
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Anna  Coin",
        "      signature  path  units  proceeds  cost  paid in                                      basis",
        f"sold  y          3.10     10         5   100  {SOL}  known",
        f"sold  y          3.10      2         2     ?  {'':43}  unknown",
        "",
        "Anna  Other",
        "      signature  path  units  proceeds  cost  paid in  basis",
        "held  y          3.10      7              12  Coin     known",
        "",
        "[bold]\\x1b[2J  Coin",
        "      signature             path  units  proceeds  cost  paid in                                      basis",
        f"held  {'x' * 19}…  1        10             100  {SOL}  known",
        "",
    ]


def test_help_says_where_lines_without_a_slot_go() -> None:
    text = " ".join(CliRunner().invoke(main, ["positions", "--help"]).stdout.split())
    assert "A slot that is null comes behind all others" in text

"""`oof positions` as a user calls it: lines in any order, amounts as text or numbers, lines that are none, real trades."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from oof_pipelines.cli import main

SOL = "So11111111111111111111111111111111111111112"
COIN = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"
SWAPS_A_FILE = 50


def line(slot: int, sold: tuple[str, Any], bought: tuple[str, Any], **more: Any) -> dict[str, Any]:
    route = {"path": "2", "trader": "Anna", "sold_mint": sold[0], "sold_raw": sold[1]}
    route |= {"bought_mint": bought[0], "bought_raw": bought[1]}
    return {"signature": f"sig{slot}", "slot": slot, "tx_index": 1, "block_time": 5, "routes": [route], **more}


def ask(tmp_path: Path, *lines: dict[str, Any] | str, options: tuple[str, ...] = ("--json",)) -> Result:
    file = tmp_path / "actions.ndjson"
    file.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines))
    return CliRunner().invoke(main, ["positions", "--actions", str(file), *options])


def test_a_line_a_wallet_and_mint(tmp_path: Path) -> None:
    result = ask(tmp_path, line(2, (COIN, "4"), (SOL, "60")), line(1, (SOL, 100), (COIN, 10)))
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "wallet": "Anna",
        "mint": COIN,
        "realized": [
            {
                "signature": "sig2",
                "path": "2",
                "qty_raw": "4",
                "proceeds_mint": SOL,
                "proceeds_raw": "60",
                "cost_mint": SOL,
                "cost_raw": "40",
                "basis_status": "known",
            }
        ],
        "open": [{"signature": "sig1", "path": "2", "qty_raw": "6", "cost_mint": SOL, "cost_raw": "60"}],
    }


def rows_of(result: Result) -> dict[str, Any]:
    """The one line, parsed."""
    assert result.exit_code == 0, result.output
    (text,) = result.stdout.splitlines()
    return json.loads(text)


def test_a_line_has_these_fields_in_this_order(tmp_path: Path) -> None:
    result = ask(tmp_path, line(1, (SOL, 100), (COIN, 10)), line(2, (COIN, 4), (SOL, 60)))
    assert result.stdout == (
        f'{{"wallet": "Anna", "mint": "{COIN}", "realized": [{{"signature": "sig2", "path": "2", "qty_raw": "4", '
        f'"proceeds_mint": "{SOL}", "proceeds_raw": "60", "cost_mint": "{SOL}", "cost_raw": "40", '
        f'"basis_status": "known"}}], "open": [{{"signature": "sig1", "path": "2", "qty_raw": "6", '
        f'"cost_mint": "{SOL}", "cost_raw": "60"}}]}}\n'
    )


def test_the_fields_the_issue_names_are_enough(tmp_path: Path) -> None:
    """No fees, no moves, no success: without moves, routes alone count."""
    bare = line(1, (SOL, "100"), (COIN, "10"))
    assert set(bare) == {"signature", "slot", "tx_index", "block_time", "routes"}
    assert rows_of(ask(tmp_path, bare))["open"][0]["qty_raw"] == "10"


def test_with_moves_what_came_and_went_beside_the_routes_counts(tmp_path: Path) -> None:
    moves = [{"owner": "Anna", "asset": COIN, "delta_raw": "15"}, {"owner": "Anna", "asset": SOL, "delta_raw": "-100"}]
    result = ask(tmp_path, line(1, (SOL, 100), (COIN, 10), moves=moves), line(2, (COIN, 6), (SOL, 60)))
    row = rows_of(result)
    # What came in beside the route came before it.
    assert [(one["qty_raw"], one["basis_status"], one["cost_raw"]) for one in row["realized"]] == [
        ("5", "unknown", None),
        ("1", "known", "10"),
    ]
    assert [(one["qty_raw"], one["cost_raw"]) for one in row["open"]] == [("9", "90")]


def test_a_line_for_every_wallet_and_mint_and_none_for_sol(tmp_path: Path) -> None:
    other = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
    berts = line(3, (SOL, 7), (COIN, 1))
    berts["routes"][0]["trader"] = "Bert"
    lines = line(1, (SOL, 100), (COIN, 10)), line(2, (COIN, 4), (other, 60)), berts, line(4, (COIN, 1), (SOL, 9))
    result = ask(tmp_path, *lines)
    found = [json.loads(text) for text in result.stdout.splitlines()]
    assert [(one["wallet"], one["mint"]) for one in found] == [("Anna", COIN), ("Anna", other), ("Bert", COIN)]


def test_a_sale_over_lots_paid_in_different_mints_is_split_in_the_order_of_the_lots(tmp_path: Path) -> None:
    usdc = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
    lines = line(1, (SOL, 40), (COIN, 4)), line(2, (usdc, 9), (COIN, 4)), line(3, (SOL, 44), (COIN, 4))
    result = ask(tmp_path, *lines, line(4, (COIN, 13), (SOL, 130)), options=("--json", "--wallet", "Anna"))
    (coin,) = [one for one in map(json.loads, result.stdout.splitlines()) if one["mint"] == COIN]
    assert [
        (one["qty_raw"], one["proceeds_raw"], one["cost_mint"], one["cost_raw"], one["basis_status"])
        for one in coin["realized"]
    ] == [("8", "80", SOL, "84", "known"), ("4", "40", usdc, "9", "known"), ("1", "10", None, None, "unknown")]
    assert coin["open"] == []


def test_rows_are_in_the_order_of_sales_and_lots(tmp_path: Path) -> None:
    lines = [line(slot, (SOL, 10), (COIN, 5)) for slot in (3, 1, 2)] + [
        line(slot, (COIN, 1), (SOL, 3)) for slot in (6, 5)
    ]
    row = rows_of(ask(tmp_path, *lines))
    assert [one["signature"] for one in row["realized"]] == ["sig5", "sig6"]
    assert [one["signature"] for one in row["open"]] == ["sig1", "sig2", "sig3"]


def test_costs_add_up_to_what_was_paid_to_the_unit(tmp_path: Path) -> None:
    sales = [line(slot, (COIN, 1), (SOL, 1)) for slot in (2, 3, 4, 5)]
    row = rows_of(ask(tmp_path, line(1, (SOL, 100), (COIN, 7)), *sales))
    costs = [int(one["cost_raw"]) for one in row["realized"]]
    assert costs == [14, 14, 14, 15]
    assert sum(costs) + int(row["open"][0]["cost_raw"]) == 100


def test_the_order_is_slot_then_place_then_path_as_numbers(tmp_path: Path) -> None:
    """Each sale would be unknown before the buy that it follows."""
    buy, sale = line(1, (SOL, 100), (COIN, 10)), line(1, (COIN, 10), (SOL, 120))
    buy["routes"][0]["path"], sale["routes"][0]["path"] = "3.9", "3.10"
    one = {**buy, "routes": [*sale["routes"], *buy["routes"]]}
    assert rows_of(ask(tmp_path, one))["realized"][0]["basis_status"] == "known"
    later = {**sale, "signature": "a", "tx_index": 10}
    assert rows_of(ask(tmp_path, later, {**buy, "signature": "b", "tx_index": 9}))["open"] == []
    assert rows_of(ask(tmp_path, {**later, "slot": 2, "tx_index": 0}, buy))["open"] == []


def test_a_trade_is_read_once_a_signature_and_path(tmp_path: Path) -> None:
    buy = line(1, (SOL, 100), (COIN, 10))
    row = rows_of(ask(tmp_path, buy, buy, {**buy, "routes": [*buy["routes"], *buy["routes"]]}))
    assert [(one["qty_raw"], one["cost_raw"]) for one in row["open"]] == [("10", "100")]


def test_amounts_of_all_digits_are_kept(tmp_path: Path) -> None:
    units, lamports = 2**64 - 1, 2**63 + 11
    row = rows_of(ask(tmp_path, line(1, (SOL, str(lamports)), (COIN, str(units))), line(2, (COIN, "1"), (SOL, "1"))))
    assert row["realized"][0]["cost_raw"] == str(lamports // units)
    assert (row["open"][0]["qty_raw"], row["open"][0]["cost_raw"]) == (
        str(units - 1),
        str(lamports - lamports // units),
    )


def test_a_sale_without_a_lot_has_no_cost(tmp_path: Path) -> None:
    (row,) = json.loads(ask(tmp_path, line(2, (COIN, "4"), (SOL, "60"))).stdout)["realized"]
    assert (row["basis_status"], row["cost_mint"], row["cost_raw"]) == ("unknown", None, None)


def test_a_failed_transaction_trades_nothing(tmp_path: Path) -> None:
    result = ask(tmp_path, line(1, (SOL, "100"), (COIN, "10"), success=False))
    assert (result.exit_code, result.stdout) == (0, "")


def test_what_is_no_line_is_named_and_the_others_count(tmp_path: Path) -> None:
    good = line(1, (SOL, "100"), (COIN, "10"))
    bad = line(2, (SOL, "1.5"), (COIN, "10"))
    undecoded = {"file": "x.json", "error": "no JSON"}
    result = ask(tmp_path, good, "{", bad, undecoded, line(3, (SOL, -1), (COIN, "1")))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["open"][0]["qty_raw"] == "10"
    faults = result.stderr.splitlines()
    assert [fault.split(":")[1] for fault in faults] == ["2", "3", "4", "5"]
    assert "'1.5' is no whole number of base units" in faults[1]
    assert "not decoded: no JSON" in faults[2]
    assert "less than nothing" in faults[3]


def test_the_table_names_what_is_held(tmp_path: Path) -> None:
    result = ask(tmp_path, line(1, (SOL, "100"), (COIN, "10")), options=())
    assert "held" in result.stdout
    assert "100" in result.stdout


def test_a_file_that_is_not_there_is_named() -> None:
    result = CliRunner().invoke(main, ["positions", "--actions", "nowhere.ndjson"])
    assert result.exit_code == 1
    assert "--actions: nowhere.ndjson is no file" in result.output


def test_real_trades_give_what_an_independent_count_gives(tmp_path: Path, fixtures_dir: Path) -> None:
    """Bought = sold + held for every trader and mint, and the cost of what was sold and held is what was paid."""
    for file in sorted((fixtures_dir / "swaps_by_mint").glob("*.json")):
        recorded = json.loads(file.read_text())
        lines, bought, paid, sold_units, got = (
            [],
            defaultdict(int),
            defaultdict(int),
            defaultdict(int),
            defaultdict(int),
        )
        for number, swap in enumerate(recorded["swaps"]):
            wallet = swap["trader"]
            coin_raw, sol_raw = round(swap["tokens"] * 10**6), round(swap["sol"] * 10**9)
            is_buy = swap["side"] == "buy"
            pair = (
                ((SOL, str(sol_raw)), (COIN, str(coin_raw))) if is_buy else ((COIN, str(coin_raw)), (SOL, str(sol_raw)))
            )
            one = line(number, *pair)
            one["routes"][0]["trader"] = wallet
            lines.append(one)
            (bought if is_buy else sold_units)[wallet] += coin_raw
            (paid if is_buy else got)[wallet] += sol_raw
        assert len(lines) > SWAPS_A_FILE
        result = ask(tmp_path, *reversed(lines))
        assert result.exit_code == 0, result.output
        seen = set()
        for text in result.stdout.splitlines():
            row = json.loads(text)
            wallet = row["wallet"]
            seen.add(wallet)
            known = [one for one in row["realized"] if one["basis_status"] == "known"]
            held = sum(int(one["qty_raw"]) for one in row["open"])
            assert sum(int(one["qty_raw"]) for one in known) + held == bought[wallet]
            assert sum(int(one["qty_raw"]) for one in row["realized"]) == sold_units[wallet]
            assert sum(int(one["cost_raw"]) for one in [*known, *row["open"]]) == paid[wallet]
            assert sum(int(one["proceeds_raw"]) for one in row["realized"]) == got[wallet]
        assert seen == bought.keys() | sold_units.keys()

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

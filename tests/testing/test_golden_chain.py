"""The golden wallet: true encodings that mean what the story means, the same bytes for a seed, the same plot for all."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from solders.rpc.responses import GetTransactionResp
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.slot_clock import fits_cluster
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.commands.synth import synth
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.facts import Liquidity
from oof_pipelines.decode.gaps import find_gaps
from oof_pipelines.decode.routes import Route
from oof_pipelines.pricing.reference import ReferencePrices
from oof_pipelines.storage.kline_files import KlineFiles
from oof_pipelines.testing import golden_answers, golden_moments
from oof_pipelines.testing.golden_chain import GoldenWallet, tell, write_golden
from oof_pipelines.testing.golden_market import StoryError, StoryMarket, sol_usd_cents
from oof_pipelines.testing.golden_moments import KINDS
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.recording_files import ANSWERS

PLOT = {"S2E": 3, "BHD": 2, "BadRoute": 2, "Idle": 1, "Rug": 2}
PLACES = 18


@pytest.fixture(scope="module")
def golden() -> GoldenWallet:
    return tell(1)


@pytest.fixture(scope="module")
def other() -> GoldenWallet:
    return tell(2)


@pytest.fixture(scope="module")
def decoded(golden: GoldenWallet) -> list[Decoded]:
    return [decode_transaction(parse_transaction(one.to_json_bytes())) for one in golden.transactions]


def on_top_raw(route: Route, mint: str) -> int:
    return sum(fee.amount_raw for fee in route.fees if fee.side == "on_top" and fee.mint == mint)


# --- encodings ---


def test_every_transaction_is_decoded_whole_and_adds_up(decoded: list[Decoded]) -> None:
    for one in decoded:
        assert conservation_faults(one.transaction, one.moves) == []
        assert (one.has_residual, one.unread, one.unknown) == (False, [], [])
    assert list(find_gaps([one.transaction for one in decoded])) == []


def test_the_owners_routes_are_the_trades_the_story_means(golden: GoldenWallet, decoded: list[Decoded]) -> None:
    owners = set(golden.answers["owner_set"]["wallets"])
    told = [
        (
            one.transaction.signature,
            route.trader,
            route.legs[0].pool,
            route.sold_raw + on_top_raw(route, route.sold_mint),
            route.bought_raw - on_top_raw(route, route.bought_mint),
        )
        for one in decoded
        for route in one.routes
        if route.trader in owners
    ]
    meant = [(one.signature, one.wallet, one.pool, one.paid_raw, one.got_raw) for one in golden.diary.swaps]
    assert told == meant
    assert len(meant) > 100


def test_every_trade_is_one_route_of_one_leg_and_nobody_elses(decoded: list[Decoded]) -> None:
    for one in decoded:
        for route in one.routes:
            assert (route.trader, route.recipient, len(route.legs)) == (one.transaction.fee_payer, "", 1)
        assert len(one.routes) <= 1
    venues = Counter(route.venue for one in decoded for route in one.routes)
    assert set(venues) == {"raydium_amm_v4", "raydium_cpmm", "pumpswap", "pumpfun"}
    kinds = [fact.kind for one in decoded for fact in one.facts if isinstance(fact, Liquidity)]
    assert kinds == ["liquidity_add", "liquidity_remove"]


def test_failed_transactions_trade_nothing(golden: GoldenWallet, decoded: list[Decoded]) -> None:
    failed = [one for one in decoded if one.transaction.is_failed]
    assert len(failed) == golden.answers["costs"]["failed_transactions"] == 5
    assert all(one.routes == [] and one.transaction.pre_tokens == one.transaction.post_tokens for one in failed)


def test_every_signature_is_true_and_every_packet_fits(golden: GoldenWallet) -> None:
    versions = Counter()
    for one in golden.transactions:
        wire = base64.b64decode(one.result["transaction"][0])
        transaction = VersionedTransaction.from_bytes(wire)
        assert all(transaction.verify_with_results())
        assert str(transaction.signatures[0]) == one.signature
        assert len(wire) <= 1_232
        versions[one.result["version"]] += 1
    assert min(versions["legacy"], versions[0]) > 300


@pytest.mark.parametrize("encoding", ["base64", "json"])
def test_a_client_library_takes_the_results(golden: GoldenWallet, encoding: str) -> None:
    for one in golden.transactions[::9]:
        raw = one.to_json_bytes(encoding).decode()  # type: ignore[arg-type]
        response = GetTransactionResp.from_json(f'{{"jsonrpc":"2.0","id":1,"result":{raw}}}')
        assert isinstance(response, GetTransactionResp)
        assert response.value is not None
        assert (response.value.slot, response.value.block_time) == (one.slot, one.block_time_s)


def test_it_lasts_four_years_in_the_order_of_slots(golden: GoldenWallet) -> None:
    places = [(one.slot, one.index_in_slot) for one in golden.transactions]
    assert all(earlier < later for earlier, later in pairwise(places))
    assert any(index for _, index in places), "no two transactions share a slot"
    times = {one.slot: one.block_time_s for one in golden.transactions}
    assert all(times[one.slot] == one.block_time_s for one in golden.transactions), "a slot has one time"
    assert all(fits_cluster(slot, at_s or 0, "mainnet-beta") for slot, at_s in times.items()), "a store would refuse it"
    first, last = (datetime.fromtimestamp(golden.transactions[end].block_time_s or 0, UTC) for end in (0, -1))
    assert 4 * 365 <= (last - first).days <= 4 * 366 + 1
    assert golden.answers["as_of"] == last.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert 1_500 <= len(golden.transactions) <= 3_000
    assert len({(one.block_time_s or 0) // 86_400 for one in golden.transactions}) <= 250


# --- answers ---


def test_the_plot_is_the_same_whatever_the_seed(golden: GoldenWallet, other: GoldenWallet) -> None:
    assert golden.answers["wallet"] != other.answers["wallet"]
    for one in (golden.answers, other.answers):
        for owner in (one, one["owner_set"]):
            assert owner["moments"] == PLOT
            assert {kind: len(found) for kind, found in owner["moment_signatures"].items()} == PLOT
            assert owner["episodes"] == sum(owner["episodes_by_mint"].values())
            assert max(owner["episodes_by_mint"].values()) == 3
    assert golden.answers["episodes"] == other.answers["episodes"]
    assert [near["what"] for near in golden.answers["near_misses"]] == [
        near["what"] for near in other.answers["near_misses"]
    ]
    shared = {one.signature for one in golden.transactions} & {one.signature for one in other.transactions}
    assert shared == set()
    assert golden.answers["realized_pnl_usd"] != other.answers["realized_pnl_usd"]


def test_near_misses_are_near_and_misses(golden: GoldenWallet, other: GoldenWallet) -> None:
    for answers in (golden.answers, other.answers):
        assert {near["kind"] for near in answers["near_misses"]} == set(KINDS)
        moments = {one for found in answers["moment_signatures"].values() for one in found}
        for near in answers["near_misses"]:
            value, threshold = float(near["value"]), float(near["threshold"])
            share = value / threshold
            # A rug is what closes at or below its share, everything else what reaches its threshold.
            assert 1 < share <= 1.08 if near["what"] == "close_share" else 0.9 <= share < 1
            assert near["signature"] not in moments


def test_answers_are_text_to_the_last_place(golden: GoldenWallet) -> None:
    answers = golden.answers
    amounts = [answers["realized_pnl_usd"], answers["unknown_basis_proceeds_usd"]]
    amounts += answers["realized_pnl_usd_by_mint"].values()
    amounts += [one[name] for one in answers["extremes"].values() for name in one if name.endswith("_usd")]
    assert all(len(amount.partition(".")[2]) == PLACES for amount in amounts)
    extremes = answers["extremes"]
    assert set(extremes) == {"top_win", "top_loss", *KINDS}
    assert float(extremes["top_win"]["realized_pnl_usd"]) > 0 > float(extremes["top_loss"]["realized_pnl_usd"])
    assert extremes["S2E"]["signature"] == extremes["top_win"]["signature"], "the moonshot was sold too early"
    assert answers["exits"]["exchange_transfer"] == answers["exits"]["burn"] == 1
    assert any(int(one["in_pools"]) for one in answers["open_raw"].values())


def test_two_wallets_of_one_owner_know_more_than_one(golden: GoldenWallet) -> None:
    alone, both = golden.answers, golden.answers["owner_set"]
    assert alone["wallets"] == [alone["wallet"]] == both["wallets"][:1]
    assert float(both["unknown_basis_proceeds_usd"]) < float(alone["unknown_basis_proceeds_usd"])
    assert float(both["realized_pnl_usd"]) > float(alone["realized_pnl_usd"])


@pytest.mark.parametrize(
    ("threshold", "changed"),
    [("S2E_SHARE", 10), ("BHD_SHARE", 10), ("BAD_ROUTE_SHARE", 10), ("IDLE_USD", 10_000), ("RUG_HOURS", 22)],
)
def test_a_story_that_does_not_come_out_is_not_told(
    monkeypatch: pytest.MonkeyPatch, threshold: str, changed: int
) -> None:
    monkeypatch.setattr(golden_moments, threshold, changed)
    with pytest.raises(StoryError, match="plot"):
        tell(1)


def test_a_plan_names_what_is_missing() -> None:
    plan = golden_answers.Plan()
    plan.expect("S2E", "that sale")
    with pytest.raises(StoryError, match=r"S2E: the plot's \['that sale'\] are missing"):
        golden_answers.check_plan(plan, {kind: [] for kind in KINDS})


# --- prices ---


def test_the_price_of_sol_is_known_whenever_somebody_trades(golden: GoldenWallet, tmp_path: Path) -> None:
    (tmp_path / "SOLUSDT_1m.csv").write_text("\n".join(golden.klines) + "\n", encoding="utf-8")
    prices = ReferencePrices(KlineFiles(str(tmp_path / "*.csv")).prices(0, 2**40))
    for one in golden.transactions:
        at_s = one.block_time_s or 0
        for second in (at_s, at_s - at_s % 60):
            price = prices.at(second)
            assert price is not None
            assert int(price.price_usd * 100) == sol_usd_cents(at_s)


def test_trades_that_would_not_be_believed_are_no_story() -> None:
    def market(*fills: tuple[int, int, str]) -> StoryMarket:
        made = StoryMarket()
        for number, (base_raw, quote_raw, signer) in enumerate(fills):
            made.record("coin", (6, 6), 10**18, number * 60, (base_raw, quote_raw), signer)
        return made

    market((10**6, 10**7, "a"), (10**6, 4 * 10**7, "a")).check()
    with pytest.raises(StoryError, match="dust"):
        market((10**6, 10**6, "a")).check()
    with pytest.raises(StoryError, match="stands alone"):
        market((10**6, 10**7, "a"), (10**6, 6 * 10**7, "a")).check()
    uneven = market((10**6, 10**7, "a"))
    uneven.record("coin", (6, 6), 10**18, 30, (10**6, 2 * 10**7), "b")
    with pytest.raises(StoryError, match="too far apart"):
        uneven.check()


# --- files ---


def digest(folder: Path) -> str:
    """Of every file's name and content."""
    told = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            told.update(str(path.relative_to(folder)).encode() + hashlib.sha256(path.read_bytes()).digest())
    return told.hexdigest()


def test_the_same_seed_writes_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    result = CliRunner().invoke(synth, ["golden", "--out", str(tmp_path / "one"), "--seed", "3"])
    assert result.exit_code == 0, result.output
    script = "import sys; from oof_pipelines.cli import main; sys.argv[0] = 'oof'; main()"
    subprocess.run(
        [sys.executable, "-c", script, "synth", "golden", "--out", str(tmp_path / "two"), "--seed", "3"],
        check=True,
        capture_output=True,
        timeout=120,
        env=os.environ | {"PYTHONHASHSEED": "17"},
    )
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_the_recorded_node_serves_the_folder_and_names_the_answers(tmp_path: Path) -> None:
    told = write_golden(tmp_path, seed=4)
    result = CliRunner().invoke(synth, ["golden", "--out", str(tmp_path), "--seed", "4"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert told.answers["wallet"] in result.stdout
    heard: list[tuple[str, str]] = []
    ledger = load_ledger(tmp_path, on_skip=lambda path, reason: heard.append((Path(path).name, reason)))
    assert heard == [("answers.json", ANSWERS)]
    assert len(ledger.entries) == len(told.transactions)
    answers = json.loads((tmp_path / "answers.json").read_bytes())
    assert answers == told.answers
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".json"} == {"klines", "settings.env"}


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = CliRunner().invoke(synth, ["golden", "--out", str(tmp_path / "file" / "below")])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: cannot write into")

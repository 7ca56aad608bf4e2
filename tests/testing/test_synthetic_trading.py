"""The trading chain for volume: swaps of many wallets on four venues, decoded whole, the same bytes for the same options."""

import base64
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.commands.synth import synth
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.decode.gaps import find_gaps
from oof_pipelines.testing.synthetic_chain import DEFAULT_START_SLOT, DEFAULT_START_TIME_S, SyntheticTransaction
from oof_pipelines.testing.synthetic_trading import USDC, generate_trading

COUNT, WALLETS, DAYS = 900, 25, 4
MONEY = {NATIVE_MINT, str(USDC.address)}


def trading(seed: int, wallets: int = WALLETS, count: int = COUNT) -> list[SyntheticTransaction]:
    made = generate_trading(
        seed, wallets, count, start_slot=DEFAULT_START_SLOT, start_time_s=DEFAULT_START_TIME_S, days=DAYS
    )
    return list(made)


@pytest.fixture(scope="module")
def chain() -> list[SyntheticTransaction]:
    return trading(5)


@pytest.fixture(scope="module")
def decoded(chain: list[SyntheticTransaction]) -> list[Decoded]:
    return [decode_transaction(parse_transaction(one.to_json_bytes())) for one in chain]


def test_everything_is_decoded_whole_and_nothing_is_missing(decoded: list[Decoded]) -> None:
    for one in decoded:
        assert conservation_faults(one.transaction, one.moves) == []
        assert (one.has_residual, one.unread, one.unknown) == (False, [], [])
    assert list(find_gaps([one.transaction for one in decoded])) == []


def test_many_wallets_trade_on_four_venues_both_ways(decoded: list[Decoded]) -> None:
    routes = [route for one in decoded for route in one.routes]
    assert set(Counter(route.venue for route in routes)) == {"pumpfun", "pumpswap", "raydium_amm_v4", "raydium_cpmm"}
    assert len({route.trader for route in routes}) == WALLETS
    assert len(routes) > COUNT * 3 // 4
    sales = sum(route.bought_mint in MONEY for route in routes)
    assert len(routes) // 4 < sales < len(routes) * 3 // 4
    assert {route.sold_mint for route in routes} | {route.bought_mint for route in routes} >= MONEY
    failed = sum(one.transaction.is_failed for one in decoded)
    assert COUNT // 60 < failed < COUNT // 10


def test_nobody_sells_what_he_did_not_get(decoded: list[Decoded]) -> None:
    held: dict[tuple[str, str], int] = defaultdict(int)
    for one in decoded:
        for move in one.moves:
            if not move.is_virtual and move.asset not in (*MONEY, "lamports"):
                held[move.owner, move.asset] += move.delta_raw
        for route in one.routes:
            for mint in {route.sold_mint, route.bought_mint} - MONEY:
                assert held[route.trader, mint] >= 0


def test_signatures_are_true_and_places_rise(chain: list[SyntheticTransaction]) -> None:
    for one in chain:
        transaction = VersionedTransaction.from_bytes(base64.b64decode(one.result["transaction"][0]))
        assert all(transaction.verify_with_results())
    places = [(one.slot, one.index_in_slot) for one in chain]
    assert all(earlier < later for earlier, later in pairwise(places))
    assert any(one.block_time_s is None for one in chain)
    days = {one.block_time_s // 86_400 for one in chain if one.block_time_s is not None}
    assert len(days) == DAYS


def test_the_same_options_write_the_same_bytes(chain: list[SyntheticTransaction]) -> None:
    assert [one.to_json_bytes() for one in trading(5)] == [one.to_json_bytes() for one in chain]
    shared = {one.signature for one in trading(6)} & {one.signature for one in chain}
    assert shared == set()


@pytest.mark.parametrize(("wallets", "count"), [(1, 40), (500, 40), (3, 0)])
def test_any_number_of_wallets(wallets: int, count: int) -> None:
    made = trading(1, wallets, count)
    assert len(made) == count
    signers = {
        str(VersionedTransaction.from_bytes(base64.b64decode(one.result["transaction"][0])).message.account_keys[0])
        for one in made
    }
    assert len(signers) <= wallets
    with pytest.raises(ValueError, match="wallets must be at least 1"):
        trading(1, 0, count)


def test_the_command_writes_it(tmp_path: Path) -> None:
    arguments = [
        "chain",
        "--out",
        str(tmp_path),
        "--wallets",
        "7",
        "--transactions",
        "30",
        "--seed",
        "9",
        "--days",
        "4",
    ]
    result = CliRunner().invoke(synth, arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"30 transactions in {tmp_path}\n"
    made = {one.signature: one.to_json_bytes() for one in trading(9, 7, 30)}
    assert {path.stem: path.read_bytes() for path in tmp_path.iterdir()} == made

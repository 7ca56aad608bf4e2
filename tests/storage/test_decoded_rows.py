"""Decoded rows: what each column holds, exactly, and back from Parquet as it went in."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from crafted_bodies import LARGEST_U64, largest_amounts
from hypothesis import given
from hypothesis import strategies as st
from told_trades import told_rows

from oof_pipelines.chain.moves import RESIDUAL_PATH, log_idx
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.interfaces import StoredTransaction
from oof_pipelines.storage.parquet.decoded_rows import Place, Row, first_facts, frames_of, opening_balances, rows_of
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, TOKEN_FACTS
from oof_pipelines.storage.parquet.store import ParquetStore

AT = datetime(2026, 2, 13, 23, 59, 59, tzinfo=UTC)


def place_of(row: StoredTransaction) -> Place:
    return Place(row.signature, row.slot, row.tx_index, row.block_time)


def decoded_rows() -> list[tuple[StoredTransaction, Decoded]]:
    rows = [*told_rows(), largest_amounts().stored()]
    return [(row, row.decoded) for row in rows if row.decoded is not None]


def all_frames() -> dict[str, pl.DataFrame]:
    rows: dict[str, list[Row]] = {name: [] for name in DECODED_DATASETS}
    for stored, decoded in decoded_rows():
        for name, its_rows in rows_of(place_of(stored), decoded).items():
            rows[name] += its_rows
    return frames_of(rows)


def test_actions_say_what_was_decoded() -> None:
    for stored, decoded in decoded_rows():
        rows = frames_of(rows_of(place_of(stored), decoded))["actions"].rows(named=True)
        assert len(rows) == len(decoded.actions)
        for row, action in zip(rows, decoded.actions, strict=True):
            assert row == {
                "id": action.id,
                "signature": stored.signature,
                "slot": stored.slot,
                "tx_index": stored.tx_index,
                "block_time": stored.block_time,
                "log_idx": log_idx(action.path),
                "path": action.path,
                "program_id": action.program_id,
                "venue": action.venue,
                "kind": action.kind,
                "wallet": action.wallet,
                "counterparty": action.counterparty,
                "asset": action.asset,
                "amount_raw": Decimal(action.amount_raw),
                "bought_asset": action.bought_asset,
                "bought_raw": Decimal(action.bought_raw),
                "paths": list(action.paths),
            }


def test_moves_carry_the_balance_they_leave_and_end_where_the_chain_ends() -> None:
    checked = 0
    for stored, decoded in decoded_rows():
        rows = frames_of(rows_of(place_of(stored), decoded))["moves"].rows(named=True)
        held = {key: Decimal(amount) for key, amount in opening_balances(decoded.transaction).items()}
        for seq, (row, move) in enumerate(zip(rows, decoded.moves, strict=True)):
            assert (row["seq"], row["log_idx"], row["is_virtual"]) == (seq, log_idx(move.path), move.is_virtual)
            told = (row["account"], row["owner"], row["asset"], row["delta_raw"], row["kind"], row["path"])
            assert told == (move.account, move.owner, move.asset, move.delta_raw, move.kind, move.path)
            if move.is_virtual:
                assert row["balance_raw"] is None
                continue
            key = move.account, move.asset
            held[key] = held.get(key, Decimal(0)) + row["delta_raw"]
            assert row["balance_raw"] == held[key]
        transaction = decoded.transaction
        ends = dict(zip(transaction.keys, transaction.post_lamports, strict=True))
        for account, lamports in ends.items():
            assert held[account, "lamports"] == lamports
            checked += 1
        for balance in transaction.post_tokens:
            assert held[balance.account, balance.mint] == balance.amount_raw
            checked += 1
    assert checked > 300


def test_participants_are_one_row_a_wallet_with_every_role() -> None:
    for stored, decoded in decoded_rows():
        rows = frames_of(rows_of(place_of(stored), decoded))["participants"].rows(named=True)
        assert len({row["wallet"] for row in rows}) == len(rows)
        found = {(row["wallet"], role) for row in rows for role in row["roles"]}
        assert found == {(one.wallet, one.role) for one in decoded.participants}
        assert rows[0]["wallet"] == stored.fee_payer
        assert rows[0]["roles"][:2] == ["fee_payer", "signer"]


def test_frames_have_their_schemas_filled_or_empty() -> None:
    empty = frames_of({name: [] for name in DECODED_DATASETS})
    for name, frame in all_frames().items():
        dataset = DECODED_DATASETS[name]
        assert frame.schema == empty[name].schema == pl.Schema(dataset.columns)
        assert frame.height > 0
        dataset.schema.validate(empty[name])
        if name != "token_facts":
            dataset.schema.validate(frame)


def test_the_largest_amounts_survive_parquet(tmp_path: Path) -> None:
    stored = largest_amounts().stored()
    assert stored.decoded is not None
    store = ParquetStore(tmp_path)
    frames = frames_of(rows_of(place_of(stored), stored.decoded))
    for name, frame in frames.items():
        store.write(name, stored.day, frame)
        assert DECODED_DATASETS[name].arrange(frame).equals(_read(store, name, stored)), name
    moves = _read(store, "moves", stored)
    assert moves["delta_raw"].to_list().count(Decimal(LARGEST_U64)) == 2
    assert moves["delta_raw"].to_list().count(Decimal(-LARGEST_U64)) == 2
    assert moves["balance_raw"].to_list().count(Decimal(LARGEST_U64)) == 2
    amounts = _read(store, "actions", stored)["amount_raw"].to_list()
    assert amounts.count(Decimal(LARGEST_U64)) == 2
    assert sum(amounts) == 2 * LARGEST_U64 + 5_000


def _read(store: ParquetStore, name: str, stored: StoredTransaction) -> pl.DataFrame:
    frame = store.read(name, stored.day)
    assert frame is not None
    return frame


@given(st.lists(st.integers(-(10**38) + 1, 10**38 - 1), min_size=1))
def test_amounts_are_exact_to_38_digits(amounts: list[int]) -> None:
    rows: dict[str, list[Row]] = {name: [] for name in DECODED_DATASETS}
    rows["moves"] = [_move(amount) for amount in amounts]
    assert [int(amount) for amount in frames_of(rows)["moves"]["delta_raw"]] == amounts


@pytest.mark.parametrize("amount", [10**38, -(10**38), 2**127, 2**200])
def test_an_amount_too_large_is_refused_and_never_wrapped(amount: int) -> None:
    rows: dict[str, list[Row]] = {name: [] for name in DECODED_DATASETS}
    rows["moves"] = [_move(1), _move(amount)]
    with pytest.raises((OverflowError, pl.exceptions.PolarsError, TypeError)):
        frames_of(rows)


def _move(amount: int) -> Row:
    return ("s", 1, None, AT, 0, 0, "0", "account", "owner", "lamports", amount, None, "transfer", False)


def test_places_in_a_transaction_ascend_with_its_instructions() -> None:
    paths = ["fee", "0", "0.0", "0.1", "1", "1.254", "2", "300.65000", RESIDUAL_PATH]
    places = [log_idx(path) for path in paths]
    assert places == sorted(set(places))
    assert (places[0], places[-1]) == (-1, 2**31 - 1)


def facts(*rows: tuple[str, int, str, int, str]) -> pl.DataFrame:
    """(mint, decimals, program, slot, signature) each."""
    values = [(mint, decimals, program, slot, AT, signature) for mint, decimals, program, slot, signature in rows]
    return pl.DataFrame(values, schema=TOKEN_FACTS.columns, orient="row")


def test_the_first_to_show_a_mint_is_kept_and_its_program_from_the_first_that_tells() -> None:
    found = first_facts(
        facts(
            ("m", 6, "later", 9, "c"),
            ("m", 6, "", 3, "b"),
            ("m", 6, "program", 5, "a"),
            ("n", 9, "", 4, "d"),
            ("n", 9, "", 2, "e"),
        )
    )
    expected = facts(("m", 6, "program", 3, "b"), ("n", 9, "", 2, "e"))
    assert TOKEN_FACTS.arrange(found).equals(expected)


@given(st.permutations(range(8)), st.lists(st.sampled_from(["", "p", "q"]), min_size=8, max_size=8))
def test_the_order_of_facts_does_not_show(order: list[int], programs: list[str]) -> None:
    rows = [(f"m{n % 3}", n % 4, programs[n], n // 2, f"s{n}") for n in range(8)]
    shuffled = first_facts(facts(*(rows[n] for n in order)))
    assert TOKEN_FACTS.arrange(shuffled).equals(TOKEN_FACTS.arrange(first_facts(facts(*rows))))
    assert shuffled["mint"].is_unique().all()


def test_no_fact_at_all_stays_none() -> None:
    empty: Any = facts()
    assert first_facts(empty).is_empty()
    assert first_facts(empty).schema == pl.Schema(TOKEN_FACTS.columns)

"""The feed's decoded rows: written with the body, exact, taken back with it, and equal to what the fold decodes."""

import logging
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from crafted_bodies import LARGEST_U64, SLOT, Crafted, address, largest_amounts, signature_of
from decoded_home import (
    Served,
    decode_all,
    fold_all,
    keep,
    raw_frame,
    select,
    served_rows,
    synthetic_rows,
    use_inbox,
)
from told_trades import told_rows

from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.facts import Liquidity, TokenEvent
from oof_pipelines.market.mint_instructions import mint_changes
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.schemas import TOLD_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres.hot_rows import ACTION_COLUMNS, action_row
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.workflows import prepare as prepare_module
from oof_pipelines.workflows.decode_day import decode_frame
from oof_pipelines.workflows.decoded_checks import compare_with_hot
from oof_pipelines.workflows.decoder_version import decoder_version

HOT_TABLES = ("actions", "participants", "hot_moves", "hot_token_facts", *(f"hot_{name}" for name in TOLD_DATASETS))


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def rows_of_signature(url: str, signature: str) -> dict[str, int]:
    return {table: select(url, f"select count(*) from {table} where sig = '{signature}'")[0][0] for table in HOT_TABLES}


def hot(url: str) -> Served:
    return {table: rows for table, rows in served_rows(url).items() if table in HOT_TABLES}


def test_the_body_and_its_decoded_rows_are_written_together(url: str) -> None:
    keep(url, told_rows(), is_final=False)
    for row in told_rows():
        assert row.decoded is not None
        assert rows_of_signature(url, row.signature) == {
            "actions": len(row.decoded.actions),
            "participants": len({one.wallet for one in row.decoded.participants}),
            "hot_moves": len(row.decoded.moves),
            "hot_token_facts": len(row.decoded.decimals),
            "hot_swaps": sum(1 + len(route.legs) for route in row.decoded.routes),
            "hot_fee_parts": sum(len(r.fees) + sum(len(leg.fees) for leg in r.legs) for r in row.decoded.routes),
            "hot_liquidity": sum(len(fact.amounts) for fact in row.decoded.facts if isinstance(fact, Liquidity)),
            "hot_token_events": sum(isinstance(fact, TokenEvent) for fact in row.decoded.facts),
            # A trade and the pool's state for each leg.
            "hot_market_events": 2 * sum(len(route.legs) for route in row.decoded.routes)
            + sum(isinstance(fact, Liquidity | TokenEvent) for fact in row.decoded.facts)
            + (0 if row.is_failed else len(mint_changes(row.decoded.transaction))),
            "hot_anchor_events": len(row.decoded.anchor_events),
        }
    failed = {row.signature for row in synthetic_rows() if row.is_failed}
    flagged = select(url, """select distinct sig from actions where flags_json @> '{"failed": true}'""")
    assert {sig for (sig,) in flagged} == failed
    assert failed


@pytest.mark.parametrize("is_one_batch", [False, True])
def test_of_a_transaction_in_two_slots_only_the_first_body_leaves_rows(url: str, is_one_batch: bool) -> None:
    # Two sources may hear it on two forks, where it did not do the same. Finality finds out which of them is true.
    by_size = sorted(told_rows(), key=lambda row: len(row.decoded.moves) if row.decoded else 0)
    first, other = by_size[0], by_size[-1]
    forked = replace(other, signature=first.signature, slot=first.slot + 1)

    async def both(inbox: PostgresInbox) -> None:
        if is_one_batch:
            assert await inbox.store([first, forked], []) == (1, 0)
        else:
            assert await inbox.store([first], []) == (1, 0)
            assert await inbox.store([forked], []) == (0, 0)

    async def first_alone(inbox: PostgresInbox) -> None:
        await inbox.retract(first.signature, "to see what the first leaves alone")
        assert await inbox.store([first], []) == (1, 0)

    def kept() -> tuple[Served, list[tuple[Any, ...]]]:
        logs = "select l.slot, l.program_id, l.logs, t.slot from raw_logs l join tx_raw t on t.sig = l.signature"
        return hot(url), select(url, logs)

    use_inbox(url, both)
    left = kept()
    use_inbox(url, first_alone)
    assert kept() == left


def test_writing_again_changes_nothing(url: str) -> None:
    keep(url, told_rows())
    before = hot(url)
    assert all(before.values())

    async def again(inbox: PostgresInbox) -> None:
        assert await inbox.store(told_rows(), []) == (0, 0)

    use_inbox(url, again)
    assert hot(url) == before


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
@pytest.mark.usefixtures("telling")
def test_hot_rows_are_what_the_fold_decodes(url: str, zone: str, tmp_path: Path) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(f"alter database \"{url.rpartition('/')[2]}\" set timezone = '{zone}'".encode())
    rows = [*told_rows(), largest_amounts().stored()]
    keep(url, rows)
    days = fold_all(url, ParquetStore(tmp_path))
    assert len(days) == 3
    with PostgresServedRows(url) as served:
        for day in days:
            of_day = [row for row in rows if row.day == day]
            frames, _ = decode_frame(raw_frame(of_day))
            found = served.hot_rows(day)
            check = compare_with_hot(found, frames)
            assert check.has_passed, check.detail
            assert check.detail == f"{len(of_day)} transactions compared"
            for name, frame in found.items():
                # A mint is seen by several transactions, and is one fact of the day.
                assert frame.height == frames[name].height or name == "token_facts"
                assert frame.schema == frames[name].schema


@pytest.mark.parametrize("second", [0, 1, 43_200, 86_398])
def test_hot_rows_are_of_the_whole_utc_day_where_clocks_change(url: str, second: int, tmp_path: Path) -> None:
    """In Los Angeles 8 March 2026 has 23 hours, and its change falls into the UTC day of the same date."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        name = url.rpartition("/")[2]
        connection.execute(f"alter database \"{name}\" set timezone = 'America/Los_Angeles'".encode())
    keep(url, [largest_amounts().stored()])
    fold_all(url, ParquetStore(tmp_path))
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        for table in ("tx_raw", "actions"):
            connection.execute(
                f"update {table} set ts = timestamptz '2026-03-08T00:00Z' + %s * interval '1 second'".encode(),
                (second,),
            )
    with PostgresServedRows(url) as served:
        (day,) = served.days_waiting(decoder_version())
        assert day.isoformat() == "2026-03-08"
        assert served.hot_rows(day)["moves"].height == 6


def test_only_final_and_folded_rows_are_compared(url: str, tmp_path: Path) -> None:
    rows = [row for row in synthetic_rows() if row.day == synthetic_rows()[0].day]
    keep(url, rows[:5])
    keep(url, rows[5:9], is_final=False)
    (day,) = fold_all(url, ParquetStore(tmp_path))
    keep(url, rows[9:12])
    with PostgresServedRows(url) as served:
        assert served.days_waiting(decoder_version()) == {day: 5}
        assert set(served.hot_rows(day)["participants"]["signature"]) == {row.signature for row in rows[:5]}


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("actions", "set amount_raw = amount_raw + 1"),
        ("actions", "set wallet = 'nobody'"),
        ("actions", "set paths = paths || '9'::text"),
        ("hot_moves", "set balance_raw = null"),
        ("hot_moves", "set delta_raw = delta_raw - 1"),
        ("participants", "set roles = '{signer,fee_payer}'"),
        ("hot_swaps", "set bought_raw = bought_raw + 1"),
        ("hot_fee_parts", "set side = 'inside'"),
        ("hot_liquidity", "set wallet = 'nobody'"),
        ("hot_token_events", "set name = name || 'x'"),
        ("hot_market_events", "set base_raw = coalesce(base_raw, 0) + 1"),
        ("hot_market_events", "set is_buy = not coalesce(is_buy, false)"),
    ],
)
@pytest.mark.usefixtures("telling")
def test_a_tampered_hot_row_is_found_and_replaced(url: str, table: str, change: str, tmp_path: Path) -> None:
    rows = [row for row in told_rows() if row.day == told_rows()[0].day]
    keep(url, rows)
    store = ParquetStore(tmp_path / "calm")
    fold_all(url, store)
    victim = rows[7].signature
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        place = {"actions": "id", "hot_moves": "seq", "participants": "wallet"}.get(table, "ctid")
        first = f"(select min({place}) from {table} where sig = %s)"
        changed = connection.execute(f"update {table} {change} where sig = %s and {place} = {first}", (victim, victim))  # type: ignore[arg-type]
        assert changed.rowcount == 1
    (report,) = decode_all(url, store)
    (check,) = [check for check in report.checks if not check.has_passed]
    assert (check.name, check.is_blocking) == ("feed_agrees", False)
    assert check.detail == f"1 of {len(rows)} transactions compared differ, e.g. {victim}"
    frames, _ = decode_frame(raw_frame(rows))
    served = select(url, "select id, wallet, amount_raw, paths from actions order by id")
    assert served == sorted(frames["actions"].select("id", "wallet", "amount_raw", "paths").rows())
    roles = select(url, 'select sig, wallet, roles from participants order by sig collate "C", wallet collate "C"')
    assert roles == sorted(frames["participants"].select("signature", "wallet", "roles").rows())


def test_the_largest_amounts_survive_exactly(url: str) -> None:
    keep(url, [largest_amounts().stored()])
    actions = select(url, "select kind, mint, amount_raw, amount_dec from actions order by log_idx")
    mint = address("mint")
    assert actions == [
        ("fee", "lamports", Decimal(5_000), Decimal("0.000005")),
        ("transfer", "lamports", Decimal(LARGEST_U64), Decimal("18446744073.709551615")),
        ("transfer", mint, Decimal(LARGEST_U64), Decimal("18446744073709.551615")),
    ]
    moves = select(url, "select delta_raw, balance_raw from hot_moves order by seq")
    assert (
        moves[2:]
        == [
            (Decimal(-LARGEST_U64), Decimal(0)),
            (Decimal(LARGEST_U64), Decimal(LARGEST_U64)),
        ]
        * 2
    )


@pytest.mark.parametrize(
    ("decimals", "whole"),
    [
        (0, Decimal(LARGEST_U64)),
        (9, Decimal("18446744073.709551615")),
        (18, Decimal("18.446744073709551615")),
        (19, None),
        (255, None),
    ],
)
def test_whole_tokens_are_exact_or_unknown(url: str, decimals: int, whole: Decimal | None, tmp_path: Path) -> None:
    keep(url, [largest_amounts(decimals=decimals).stored()])
    query = f"select amount_dec from actions where mint = '{address('mint')}'"
    assert select(url, query) == [(whole,)]
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    (report,) = decode_all(url, store)
    assert all(check.has_passed for check in report.checks)
    assert select(url, query) == [(whole,)]


@pytest.mark.parametrize(
    ("amount_raw", "decimals", "whole"),
    [
        (10**20 - 1, 0, Decimal(10**20 - 1)),
        (10**20, 0, None),
        (10**38 - 1, 18, Decimal("99999999999999999999.999999999999999999")),
        (10**38, 18, None),
        (1, 18, Decimal("0.000000000000000001")),
        (5, -5, None),
        (5, 300, None),
        (5, None, None),
    ],
)
def test_what_the_column_cannot_hold_is_unknown_and_the_rest_exact(
    url: str, amount_raw: int, decimals: int | None, whole: Decimal | None
) -> None:
    mint, known = address("mint"), {} if decimals is None else {address("mint"): decimals}
    row = ("i", "s", 1, None, None, 0, "0", "p", "", "transfer", "w", "", mint, amount_raw, "", 0, ["0"])
    found = action_row(row, known, False)[ACTION_COLUMNS.split(", ").index("amount_dec")]
    assert found == whole
    with psycopg.connect(url, connect_timeout=10) as connection:
        (kept,) = connection.execute("select %s::numeric(38, 18)", (found,)).fetchall()
    assert kept == (whole,)


def test_sums_beyond_a_u64_keep_no_body_out(url: str, tmp_path: Path) -> None:
    payer = address("payer")
    crafted = Crafted("much", {payer: (10_000, 5_000)} | {address(n): (0, LARGEST_U64) for n in range(8)})
    keep(url, [crafted.stored()])
    query = "select amount_raw, amount_dec from actions where kind = 'residual'"
    expected = [(Decimal(8 * LARGEST_U64), Decimal(8 * LARGEST_U64).scaleb(-9))]
    assert select(url, query) == expected
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    (report,) = decode_all(url, store)
    assert all(check.has_passed for check in report.checks)
    assert select(url, query) == expected


def test_a_body_that_the_decoder_fails_on_is_stored_without_decoded_rows(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    crafted = largest_amounts()
    real = prepare_module.decode_transaction

    def faulty(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
        if parsed.signature == crafted.signature:
            raise KeyError("a fault in a decoder")
        return real(parsed)

    monkeypatch.setattr(prepare_module, "decode_transaction", faulty)
    with caplog.at_level(logging.ERROR):
        stored = crafted.stored()
    assert stored.decoded is None
    assert [record.getMessage() for record in caplog.records] == ["decoding failed"]
    keep(url, [stored, largest_amounts("fine").stored()])
    assert set(rows_of_signature(url, crafted.signature).values()) == {0}
    assert rows_of_signature(url, signature_of("fine"))["hot_moves"] == 6
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    (report,) = decode_all(url, store)
    (check,) = [check for check in report.checks if not check.has_passed]
    assert (check.name, check.detail) == ("everything_decoded", f"1 of 2 failed, e.g. {crafted.signature}")
    assert select(url, "select transactions, decoded from decoded_days") == [(2, 1)]
    assert select(url, "select count(*) from tx_raw where object_key is not null") == [(2,)]
    monkeypatch.undo()
    (mended,) = decode_all(url, store)
    assert all(check.has_passed for check in mended.checks)
    assert rows_of_signature(url, crafted.signature)["actions"] == 3


def test_a_row_of_a_decoded_day_is_not_touched_by_the_feed(url: str, tmp_path: Path) -> None:
    keep(url, [largest_amounts().stored()])
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    decode_all(url, store)
    before = served_rows(url)

    async def again(inbox: PostgresInbox) -> None:
        await inbox.store([largest_amounts(decimals=2).stored()], [])

    use_inbox(url, again)
    assert served_rows(url) == before
    assert before["hot_moves"] == before["hot_token_facts"] == []


# --- what is taken back ---


def corrections(url: str) -> list[tuple[Any, ...]]:
    columns = "sig, slot, reason, detail, actions_removed, moves_removed"
    return select(url, f"select {columns} from corrections order by id")


@pytest.mark.usefixtures("telling")
def test_a_vanished_transaction_takes_all_that_was_derived_and_leaves_a_correction(url: str) -> None:
    vanishing, staying = largest_amounts("vanishing").stored(), largest_amounts("staying").stored()
    keep(url, [staying], is_final=False)
    without = served_rows(url)
    keep(url, [vanishing], is_final=False)
    assert all(count > 0 for count in rows_of_signature(url, vanishing.signature).values())

    async def retract(inbox: PostgresInbox) -> None:
        await inbox.retract(vanishing.signature, "left the chain")
        await inbox.retract(vanishing.signature, "left the chain")

    use_inbox(url, retract)
    assert served_rows(url) == without
    assert vanishing.decoded is not None
    actions = len(vanishing.decoded.actions)
    assert corrections(url) == [(vanishing.signature, SLOT, "vanished", "left the chain", actions, 6)]
    assert select(url, "select count(*) from inbox_transactions") == [(1,)]
    assert select(url, "select signature from raw_logs") == [(staying.signature,)]
    assert select(url, "select signature, reason, body_zstd from quarantine") == [
        (vanishing.signature, "vanished", vanishing.body_zstd)
    ]


def test_a_moved_slot_takes_all_back_and_the_new_body_brings_its_own(url: str) -> None:
    old, new = largest_amounts("moving").stored(), largest_amounts("moving", slot=SLOT + 9).stored()
    keep(url, [old], is_final=False)

    async def move(inbox: PostgresInbox) -> None:
        await inbox.move_slot(old.signature, SLOT + 9)

    use_inbox(url, move)
    assert all(rows == [] for rows in served_rows(url).values())
    assert corrections(url) == [(old.signature, SLOT, "moved_slot", f"landed again in slot {SLOT + 9}", 3, 6)]
    keep(url, [new])
    assert rows_of_signature(url, old.signature)["hot_moves"] == 6
    assert select(url, "select distinct slot from actions") == [(SLOT + 9,)]
    assert len(corrections(url)) == 1


@pytest.mark.parametrize("is_decoded", [False, True])
def test_a_final_transaction_is_not_taken_back(url: str, is_decoded: bool, tmp_path: Path) -> None:
    row = largest_amounts("final").stored()
    keep(url, [row])
    if is_decoded:
        store = ParquetStore(tmp_path)
        fold_all(url, store)
        decode_all(url, store)
    before = served_rows(url)

    async def take_back(inbox: PostgresInbox) -> None:
        await inbox.retract(row.signature, "left the chain")
        await inbox.move_slot(row.signature, SLOT + 9)

    use_inbox(url, take_back)
    assert served_rows(url) == before
    assert corrections(url) == []


def test_a_correction_counts_what_there_was_where_nothing_was_decoded(url: str) -> None:
    plain = replace(largest_amounts("plain").stored(), decoded=None)
    keep(url, [plain], is_final=False)

    async def retract(inbox: PostgresInbox) -> None:
        await inbox.retract(plain.signature, "gone")

    use_inbox(url, retract)
    assert corrections(url) == [(plain.signature, SLOT, "vanished", "gone", 0, 0)]

"""Serving rows: a day's files replace exactly that day's rows, whole or not at all, and restore a database made anew."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from crafted_bodies import LARGEST_U64, SLOT, address, largest_amounts
from decoded_home import (
    Served,
    decode_all,
    file_bytes,
    fold_all,
    keep,
    select,
    served_rows,
    update_all,
    use_inbox,
)
from told_trades import telling_decoder, told_rows

from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.interfaces import ListedSignature
from oof_pipelines.settings import load_settings
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS, TOLD_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.storage.postgres import served_rows as served_rows_module
from oof_pipelines.storage.postgres.inbox import PostgresInbox
from oof_pipelines.storage.postgres.locks import PartitionIsBusyError, partition_lock
from oof_pipelines.storage.postgres.migrate import migrate
from oof_pipelines.storage.postgres.served_rows import PostgresServedRows
from oof_pipelines.workflows import prepare as prepare_module
from oof_pipelines.workflows.decode_day import DECODED, decode_day
from oof_pipelines.workflows.decoder_version import decoder_version
from oof_pipelines.workflows.fold import InvalidPartitionError

pytestmark = pytest.mark.usefixtures("telling")

ROWS = told_rows()
FIRST, SECOND = sorted({row.day for row in ROWS})
ROWS_OF_FIRST = [row for row in ROWS if row.day == FIRST]
STEPS = ["read", "decode", "validate", *(f"write {name}" for name in DECODED_DATASETS), "publish", "done"]


class KilledError(Exception):
    """What a killed process looks like from inside."""


@pytest.fixture
def url(database_url: str) -> str:
    migrate(database_url, load_settings({}).migrations_folder)
    return database_url


def empty(url: str) -> None:
    """Make the database anew."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("drop schema public cascade; create schema public")
    migrate(url, load_settings({}).migrations_folder)


def execute(url: str, statement: str, *parameters: object) -> int:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        return connection.execute(statement.encode(), parameters or None).rowcount


def decode(
    url: str, store: ParquetStore, day: Any = FIRST, at_step: Callable[[str], None] = lambda _step: None
) -> None:
    with PostgresServedRows(url) as served:
        decode_day(store, served, day, at_step=at_step)


def filled(url: str, folder: Path) -> ParquetStore:
    """Both days stored, folded and decoded."""
    keep(url, ROWS)
    store = ParquetStore(folder)
    fold_all(url, store)
    decode_all(url, store)
    return store


def of_signatures(served: Served, signatures: set[str]) -> Served:
    """Rows that name one of `signatures` in any column."""
    return {table: [row for row in rows if signatures & {str(cell) for cell in row}] for table, rows in served.items()}


def test_decoding_serves_what_the_files_hold_and_lets_go_of_hot_rows(url: str, tmp_path: Path) -> None:
    store = filled(url, tmp_path)
    served = served_rows(url)
    for table in ("hot_moves", "hot_token_facts", *(f"hot_{name}" for name in TOLD_DATASETS)):
        assert served[table] == [], table
    assert select(url, "select count(*) from tx_raw where not is_decoded") == [(0,)]
    for day in (FIRST, SECOND):
        frames = {name: store.read(name, day) for name in DECODED_DATASETS}
        actions, participants, facts = (frames[name] for name in ("actions", "participants", "token_facts"))
        assert actions is not None
        assert participants is not None
        assert facts is not None
        columns = "id, sig, slot, ts, log_idx, path, program_id, venue, kind, wallet, counterparty, mint, amount_raw, "
        columns += "bought_mint, bought_raw, paths"
        in_day = f"ts >= '{day}T00:00Z' and ts < '{day}T24:00Z'"
        found = select(url, f"select {columns} from actions where {in_day}")
        assert sorted(found) == sorted(actions.drop("tx_index").rows())
        found = select(url, f"select sig, wallet, roles from participants join tx_raw using (sig) where {in_day}")
        assert sorted(found) == sorted(participants.select("signature", "wallet", "roles").rows())
        columns = "mint, decimals, token_program, first_slot, first_block_time, first_sig"
        found = select(url, f"select {columns} from token_sightings where day = '{day}'")
        assert sorted(found) == sorted(facts.rows())
        events = frames["token_events"]
        assert events is not None
        assert events.height > 50
        columns = ", ".join(events.columns).replace("signature", "sig").replace("block_time", "ts")
        found = select(url, f"select {columns} from token_events where day = '{day}'")
        assert sorted(found, key=repr) == sorted(events.rows(), key=repr)
    counts = select(
        url, "select transactions, decoded, conserved, actions_sha256, decoder_version from decoded_days order by day"
    )
    digests = [hashlib.sha256(store.path("actions", day).read_bytes()).hexdigest() for day in (FIRST, SECOND)]
    assert counts == [(30, 30, 30, digest, decoder_version()) for digest in digests]


def test_decoding_again_writes_no_row_anew(url: str, tmp_path: Path) -> None:
    store = filled(url, tmp_path)
    queries = [
        f"select ctid::text, xmin::text from {table} order by 1" for table in ("actions", "participants", "tx_raw")
    ]
    before, rows_before, files_before = (
        [select(url, query) for query in queries],
        served_rows(url),
        file_bytes(tmp_path),
    )
    decode_all(url, store)
    assert [select(url, query) for query in queries] == before
    assert served_rows(url) == rows_before
    assert file_bytes(tmp_path) == files_before


def test_exactly_the_days_rows_are_replaced(url: str, tmp_path: Path) -> None:
    store = filled(url, tmp_path)
    calm = served_rows(url)
    provisional = replace(largest_amounts("provisional").stored(), block_time=ROWS_OF_FIRST[0].block_time)
    keep(url, [provisional], is_final=False)
    victim, other = ROWS_OF_FIRST[3].signature, next(row for row in ROWS if row.day == SECOND).signature
    columns = "log_idx, slot, ts, program_id, kind, mint, path, venue, wallet, counterparty, amount_raw, bought_mint, "
    columns += "bought_raw, paths"
    stale = f"insert into actions (id, sig, {columns}) select 'stale' || sig, sig, {columns} from actions "
    stale += "where sig in (%s, %s) and log_idx = -1"
    assert execute(url, stale, victim, other) == 2
    assert (
        execute(
            url, "insert into participants values (%s, 'nobody', '{owner}'), (%s, 'nobody', '{owner}')", victim, other
        )
        == 2
    )
    for column, value in (
        ("wallet", "'x'"),
        ("amount_raw", "1"),
        ("flags_json", "'{\"odd\": 1}'"),
        ("amount_dec", "null"),
    ):
        assert execute(
            url,
            f"update actions set {column} = {value} where id = (select min(id) from actions where sig = %s)",
            victim,
        )
    assert execute(url, "delete from actions where id = (select max(id) from actions where sig = %s)", victim) == 1
    assert execute(url, "update participants set roles = '{owner}' where sig in (%s, %s)", victim, other) >= 2
    assert execute(url, "update token_sightings set decimals = 77") > 2
    tampered = served_rows(url)
    decode(url, store, FIRST)
    found = served_rows(url)
    of_first = {row.signature for row in ROWS_OF_FIRST}
    assert of_signatures(found, of_first | {str(FIRST)}) == of_signatures(calm, of_first | {str(FIRST)})
    others = {row.signature for row in ROWS if row.day == SECOND} | {str(SECOND), provisional.signature}
    assert of_signatures(found, others) == of_signatures(tampered, others), "nothing else is touched"
    assert of_signatures(found, others) != of_signatures(calm, others)
    assert len(of_signatures(found, {provisional.signature})["hot_moves"]) == 6
    decode(url, store, SECOND)
    execute(url, "delete from tx_raw where not is_final")
    assert served_rows(url) == calm


def test_a_mended_decoder_takes_out_what_is_no_more_and_brings_what_is_new(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(url, tmp_path)
    update_all(url, store)
    calm, files = served_rows(url), file_bytes(tmp_path)

    def fees_alone(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
        decoded = telling_decoder(parsed)
        fees = [one for one in decoded.actions if one.kind == "fee"]
        return replaced(decoded, actions=fees, routes=[], facts=[])

    monkeypatch.setattr(prepare_module, "decode_transaction", fees_alone)
    decode(url, store, FIRST)
    kinds = f"select distinct kind from actions where ts < '{SECOND}T00:00Z'"
    assert select(url, kinds) == [("fee",)]
    lagging = update_all(url, store)
    assert lagging
    left = [store.read("wallet_actions", bucket) for bucket in store.buckets("wallet_actions")]
    rows = [row for frame in left if frame is not None for row in frame.select("kind", "block_time").rows()]
    assert {kind for kind, at in rows if at.date() == FIRST} == {"fee"}
    assert len({kind for kind, at in rows if at.date() == SECOND}) > 1
    monkeypatch.undo()
    decode(url, store, FIRST)
    update_all(url, store)
    assert served_rows(url) == calm
    assert file_bytes(tmp_path) == files


def test_a_late_body_stays_hot_until_its_day_is_decoded_again(url: str, tmp_path: Path) -> None:
    late = ROWS_OF_FIRST[-1]
    keep(url, [row for row in ROWS if row != late])
    store = ParquetStore(tmp_path / "late")
    fold_all(url, store)
    decode_all(url, store)
    keep(url, [late])
    fold_all(url, store)
    with PostgresServedRows(url) as served:
        assert served.days_waiting(decoder_version()) == {FIRST: 1}
        assert served.days_decoded() == {FIRST, SECOND}
    assert select(url, "select distinct sig from hot_moves") == [(late.signature,)]
    decode(url, store, FIRST)
    found = served_rows(url)
    with PostgresServedRows(url) as served:
        assert served.days_waiting(decoder_version()) == {}
    empty(url)
    filled(url, tmp_path / "calm")
    assert served_rows(url) == found
    assert file_bytes(tmp_path / "calm") == file_bytes(tmp_path / "late")


def test_a_database_made_anew_is_restored_from_files_alone(url: str, tmp_path: Path) -> None:
    store = filled(url, tmp_path)
    update_all(url, store)
    calm, files = served_rows(url), file_bytes(tmp_path)
    empty(url)
    decode_all(url, store)
    assert served_rows(url) == calm
    update_all(url, store)
    assert file_bytes(tmp_path) == files

    async def listen(inbox: PostgresInbox) -> None:
        listed = [ListedSignature(row.signature, row.slot) for row in ROWS]
        assert await inbox.enqueue(listed, "repair") == 0, "what is stored is never fetched again"

    use_inbox(url, listen)


def test_a_feed_that_was_faster_than_the_restoration_changes_nothing(url: str, tmp_path: Path) -> None:
    """After the loss of the database a feed stores again what the files hold."""
    store = filled(url, tmp_path)
    calm, files = served_rows(url), file_bytes(tmp_path)
    empty(url)
    keep(url, ROWS[:20], is_final=False)
    decode_all(url, store)

    async def finalise(inbox: PostgresInbox) -> None:
        await inbox.mark_final([row.signature for row in ROWS])

    use_inbox(url, finalise)
    fold_all(url, store)
    assert file_bytes(tmp_path) == files
    assert served_rows(url) == calm
    assert select(url, "select count(*) from inbox_transactions") == [(0,)]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_doing_it_again_ends_the_same(url: str, step: str, tmp_path: Path) -> None:
    def kill(at: str) -> None:
        if at == step:
            raise KilledError

    keep(url, ROWS_OF_FIRST[:20])
    store = ParquetStore(tmp_path / "killed")
    fold_all(url, store)
    decode(url, store)
    keep(url, ROWS_OF_FIRST[20:])
    fold_all(url, store)
    before = served_rows(url)
    with pytest.raises(KilledError):
        decode(url, store, at_step=kill)
    assert (served_rows(url) == before) == (step != "done")
    decode(url, store)
    found, files = served_rows(url), file_bytes(store.root)
    empty(url)
    keep(url, ROWS_OF_FIRST)
    calm = ParquetStore(tmp_path / "calm")
    fold_all(url, calm)
    decode(url, calm)
    assert found == served_rows(url)
    assert files == file_bytes(calm.root)


@pytest.mark.parametrize(
    ("place", "step"), [(PostgresServedRows, "_stage"), (served_rows_module, "replace_day_tables")]
)
def test_publishing_is_whole_or_not_at_all(
    url: str, place: Any, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(url, ROWS)
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    before = served_rows(url)
    real = getattr(place, step)

    def cut(*arguments: Any) -> None:
        real(*arguments)
        raise KilledError

    monkeypatch.setattr(place, step, cut)
    with pytest.raises(KilledError):
        decode(url, store)
    assert served_rows(url) == before
    monkeypatch.undo()
    decode(url, store)
    with PostgresServedRows(url) as served:
        assert served.days_decoded() == {FIRST}


def test_a_book_that_does_not_add_up_leaves_files_and_rows(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(url, tmp_path)
    rows, files = served_rows(url), file_bytes(tmp_path)

    def forgetful(parsed: ParsedTransaction, _programs: object = ()) -> Decoded:
        decoded = telling_decoder(parsed)
        return replaced(decoded, moves=decoded.moves[1:], actions=[])

    monkeypatch.setattr(prepare_module, "decode_transaction", forgetful)
    with pytest.raises(InvalidPartitionError, match="conservation: 30 do not; "):
        decode(url, store)
    assert (served_rows(url), file_bytes(tmp_path)) == (rows, files)


def test_the_largest_amounts_are_served_exactly(url: str, tmp_path: Path) -> None:
    row = largest_amounts(tx_index=2**31 - 1).stored()
    keep(url, [row])
    store = ParquetStore(tmp_path)
    fold_all(url, store)
    empty(url)
    decode(url, store, row.day)
    amounts = select(url, "select amount_raw::text, amount_dec::text from actions where kind = 'transfer'")
    assert amounts == [
        (str(LARGEST_U64), "18446744073.709551615000000000"),
        (str(LARGEST_U64), "18446744073709.551615000000000000"),
    ]
    assert select(url, "select moved_lamports from decoded_days") == [(LARGEST_U64,)]
    columns = "sig, slot, ts, status, size_bytes, tx_index, is_block_time_estimated, is_final, is_decoded"
    assert select(url, f"select {columns} from tx_raw") == [
        (row.signature, SLOT, row.block_time, "ok", len(row.body_zstd), 2**31 - 1, False, True, True)
    ]


def test_token_facts_are_the_earliest_of_all_days(url: str, tmp_path: Path) -> None:
    mint = address("mint")
    later, sooner = largest_amounts("later", slot=SLOT + 1_000_000), largest_amounts("sooner")
    store = ParquetStore(tmp_path)
    for crafted in (later, sooner):
        keep(url, [crafted.stored()])
        fold_all(url, store)
        decode(url, store, crafted.stored().day)
        facts = select(url, f"select decimals, first_slot, first_sig from token_facts where mint = '{mint}'")
        assert facts == [(6, crafted.slot, crafted.signature)]
    assert select(url, "select count(*) from token_sightings") == [(2,)]


def test_a_day_has_one_decoder(url: str) -> None:
    with PostgresServedRows(url) as served, psycopg.connect(url, autocommit=True, connect_timeout=10) as other:
        with served.lock(DECODED, FIRST):
            wanted = partition_lock(other, DECODED, FIRST.isoformat(), timeout_seconds=1)
            with pytest.raises(PartitionIsBusyError, match=f"decoded {FIRST}"), wanted:
                pass
        with partition_lock(other, DECODED, FIRST.isoformat(), timeout_seconds=1):
            pass


def test_no_statement_runs_for_ever(url: str) -> None:
    with PostgresServedRows(url) as served:
        assert served._connection.execute("show statement_timeout").fetchall() == [("1h",)]


def test_a_day_waits_again_when_another_decoder_failed_on_some_of_it(url: str, tmp_path: Path) -> None:
    filled(url, tmp_path)
    with psycopg.connect(url, autocommit=True) as connection, PostgresServedRows(url) as served:
        assert served.days_of_other_decoders(decoder_version()) == []
        assert served.days_of_other_decoders("another") == [FIRST, SECOND]
        assert served.days_waiting("another") == {}, "what came out whole is not decoded again by itself"
        connection.execute("update decoded_days set decoded = decoded - 2 where day = %s", (FIRST,))
        assert served.days_waiting("another") == {FIRST: 2}
        assert served.days_waiting(decoder_version()) == {}, "the same decoder would only fail again"

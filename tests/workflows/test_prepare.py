"""From a body to a row, or to quarantine with its reason."""

import json
from datetime import UTC, date, datetime

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from memory_chain import FIRST_SLOT, PAYER, PROGRAM, body_of, signature_of

from oof_pipelines.chain.body import MAX_SLOT, QuarantineReason
from oof_pipelines.chain.compression import compress_body, decompress_body
from oof_pipelines.chain.slot_clock import estimate_block_time_s
from oof_pipelines.interfaces import QuarantinedTransaction, StoredTransaction
from oof_pipelines.workflows.prepare import FetchedBody, lacks_block_time, prepare

NAME = signature_of("one")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def prepared(known_block_time_s: int | None = None, cluster: str = "mainnet-beta", **changes: object) -> object:
    body = body_of(NAME, FIRST_SLOT, **changes)
    return prepare(FetchedBody(NAME, body, known_block_time_s), FIRST_SLOT + 1, cluster, NOW)


def test_a_good_body_becomes_a_row() -> None:
    row = prepared(transactionIndex=5)
    body = body_of(NAME, FIRST_SLOT, transactionIndex=5)
    assert row == StoredTransaction(
        signature=NAME,
        slot=FIRST_SLOT,
        tx_index=5,
        block_time=datetime.fromtimestamp(estimate_block_time_s(FIRST_SLOT), UTC),
        is_block_time_estimated=False,
        version="legacy",
        is_failed=False,
        fee_lamports=5000,
        fee_payer=PAYER,
        program_ids=(PROGRAM,),
        lead_program_id=PROGRAM,
        is_simple_vote=False,
        logs=(f"Program {PROGRAM} invoke [1]",),
        body_zstd=compress_body(body),
    )
    assert decompress_body(row.body_zstd) == body


@given(st.integers(-(86_400 * 2), 86_400 * 2))
def test_the_day_is_that_of_utc(shift_s: int) -> None:
    time_s = estimate_block_time_s(FIRST_SLOT) + shift_s
    row = prepared(blockTime=time_s)
    assert isinstance(row, StoredTransaction)
    assert row.day == date(1970, 1, 1).fromordinal(date(1970, 1, 1).toordinal() + time_s // 86_400)


def test_a_missing_time_is_asked_for_then_estimated() -> None:
    estimate_s = estimate_block_time_s(FIRST_SLOT)
    asked = prepared(known_block_time_s=estimate_s + 7, blockTime=None)
    assert isinstance(asked, StoredTransaction)
    assert (int(asked.block_time.timestamp()), asked.is_block_time_estimated) == (estimate_s + 7, False)
    estimated = prepared(blockTime=None)
    assert isinstance(estimated, StoredTransaction)
    assert (int(estimated.block_time.timestamp()), estimated.is_block_time_estimated) == (estimate_s, True)
    stated = prepared(known_block_time_s=0)
    assert isinstance(stated, StoredTransaction), "what the body says wins"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"meta": None}, QuarantineReason.MISSING_META),
        ({"slot": None}, QuarantineReason.MISSING_SLOT),
        ({"version": 1}, QuarantineReason.UNKNOWN_VERSION),
        ({"blockTime": 1_657_486_664}, QuarantineReason.OTHER_CLUSTER),
        ({"blockTime": 10**30}, QuarantineReason.OTHER_CLUSTER),
        ({"blockTime": None, "slot": MAX_SLOT}, QuarantineReason.OTHER_CLUSTER),
        ({"transaction": None}, QuarantineReason.UNREADABLE_MESSAGE),
    ],
)
def test_what_cannot_be_stored_is_kept_with_its_reason(changes: dict[str, object], reason: QuarantineReason) -> None:
    refused = prepared(**changes)
    assert isinstance(refused, QuarantinedTransaction)
    assert (refused.signature, refused.slot, refused.reason) == (NAME, FIRST_SLOT + 1, reason)
    assert refused.detail
    assert refused.body_zstd is not None
    assert json.loads(decompress_body(refused.body_zstd)) == json.loads(body_of(NAME, FIRST_SLOT, **changes))


def test_a_far_slot_without_a_time_is_refused_on_every_cluster() -> None:
    refused = prepared(cluster="localnet", blockTime=None, slot=MAX_SLOT)
    assert isinstance(refused, QuarantinedTransaction)


def test_another_signature_is_quarantined_under_the_one_asked_for() -> None:
    refused = prepare(FetchedBody(NAME, body_of(signature_of("two"), FIRST_SLOT)), FIRST_SLOT, "mainnet-beta", NOW)
    assert isinstance(refused, QuarantinedTransaction)
    assert (refused.signature, refused.reason) == (NAME, QuarantineReason.SIGNATURE_MISMATCH)


def test_only_a_body_without_a_time_is_asked_after() -> None:
    assert lacks_block_time(body_of(NAME, FIRST_SLOT, blockTime=None)) == FIRST_SLOT
    assert lacks_block_time(body_of(NAME, FIRST_SLOT)) is None
    assert lacks_block_time(b"not json") is None
    assert lacks_block_time(body_of(NAME, FIRST_SLOT, blockTime=None, slot=None)) is None


@given(st.binary(max_size=500))
def test_bodies_come_back_unchanged_and_always_as_the_same_bytes(body: bytes) -> None:
    assert decompress_body(compress_body(body)) == body
    assert compress_body(body) == compress_body(bytes(body))


@given(st.binary(max_size=200))
def test_nothing_a_body_holds_raises(body: bytes) -> None:
    refused = prepare(FetchedBody(NAME, body), FIRST_SLOT, "mainnet-beta", NOW)
    assert isinstance(refused, QuarantinedTransaction)


def test_a_body_that_is_not_ours_does_not_decompress() -> None:
    with pytest.raises(zstandard.ZstdError):
        decompress_body(b"not zstd")


@pytest.mark.parametrize(("hours_ahead", "is_stored"), [(0, True), (1, True), (2, False), (24 * 365, False)])
def test_a_time_that_has_not_come_is_quarantined(hours_ahead: int, is_stored: bool) -> None:
    stated_s = estimate_block_time_s(FIRST_SLOT)
    now = datetime.fromtimestamp(stated_s - hours_ahead * 3_600, UTC)
    row = prepare(FetchedBody(NAME, body_of(NAME, FIRST_SLOT)), FIRST_SLOT, "mainnet-beta", now)
    assert isinstance(row, StoredTransaction) is is_stored
    assert is_stored or row.reason == QuarantineReason.IN_THE_FUTURE

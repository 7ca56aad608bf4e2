"""Events of wallets as rows and back, exactly, and through Parquet."""

from pathlib import Path

import msgspec
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.positions.events import KINDS, PositionEvent
from oof_pipelines.storage.parquet.decoded_rows import frames_of
from oof_pipelines.storage.parquet.event_schemas import POSITION_EVENTS, WALLET_EVENTS
from oof_pipelines.storage.parquet.position_event_rows import position_events_in, position_row
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore
from oof_pipelines.workflows.wallet_slices import event_rows

_AMOUNTS = st.integers(0, 10**37)
_TEXT = st.text("abc123", max_size=6)
_DECIMALS = st.none() | st.integers(0, 255)
_EVENTS = st.builds(
    PositionEvent,
    signature=_TEXT,
    slot=st.integers(0, 2**62),
    tx_index=st.none() | st.integers(0, 2**31 - 2),
    block_time_s=st.integers(0, 4_102_444_800),
    log_idx=st.integers(-1, 2**31 - 1),
    path=_TEXT,
    seq=st.integers(0, 2**31 - 1),
    wallet=_TEXT,
    kind=st.sampled_from(KINDS),
    mint=_TEXT,
    decimals=_DECIMALS,
    qty_raw=_AMOUNTS,
    other_mint=_TEXT,
    other_decimals=_DECIMALS,
    other_raw=st.none() | _AMOUNTS,
    counterparty=_TEXT,
    venue=_TEXT,
    network_fee_lamports=_AMOUNTS,
    tip_lamports=_AMOUNTS,
    rent_lamports=st.integers(-(10**18), 10**18),
)


def frame_of(events: list[PositionEvent]) -> pl.DataFrame:
    rows = {
        name: [position_row(e) for e in events] if name == POSITION_EVENTS.name else [] for name in DECODED_DATASETS
    }
    return frames_of(rows)[POSITION_EVENTS.name]


def test_the_columns_are_the_fields_but_for_the_time() -> None:
    fields = [field.name for field in msgspec.structs.fields(PositionEvent)]
    named = ["block_time" if name == "block_time_s" else name for name in fields]
    assert list(POSITION_EVENTS.columns) == named
    assert sorted(WALLET_EVENTS.columns) == sorted(named)
    assert WALLET_EVENTS.columns == POSITION_EVENTS.columns, "of the same types"


@given(st.lists(_EVENTS, max_size=5))
def test_rows_give_back_the_events(events: list[PositionEvent]) -> None:
    frame = frame_of(events)
    POSITION_EVENTS.schema.validate(frame)
    assert list(position_events_in(frame)) == events
    assert list(position_events_in(event_rows(frame))) == events, "also from the columns of wallet_events"


@given(st.lists(_EVENTS, min_size=1, max_size=5, unique_by=lambda event: (event.signature, event.wallet, event.seq)))
def test_the_order_of_a_wallets_rows_is_that_of_its_events(events: list[PositionEvent]) -> None:
    rows = WALLET_EVENTS.arrange(event_rows(frame_of(events)))
    assert list(position_events_in(rows)) == sorted(events, key=lambda event: (event.wallet, event.order_key))


def test_they_survive_parquet(tmp_path: Path) -> None:
    largest = PositionEvent(
        *("s", 1, None, 1_700_000_000, 5, "0.4", 0, "w", "buy", "m", None, 2**64 - 1, "o", 9, 2**64 - 1, "", ""),
        *(5_000, 0, -2_039_280),
    )
    store = ParquetStore(tmp_path)
    store.write(WALLET_EVENTS.name, 7, event_rows(frame_of([largest])).drop("bucket"))
    read = store.read(WALLET_EVENTS.name, 7)
    assert read is not None
    assert list(position_events_in(read)) == [largest]

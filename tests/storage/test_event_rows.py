"""Events as rows and back, exactly, and through Parquet; every field of every kind has a column that says it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_trades import told_rows

from oof_pipelines.market.events import (
    EventPlace,
    MarketEvent,
    PoolCreated,
    RiskFlag,
    TokenLaunched,
    TokenMintInfo,
    Trade,
    WalletBalance,
)
from oof_pipelines.market.from_decoded import market_events_of
from oof_pipelines.storage.parquet.decoded_rows import Place, frames_of, rows_of
from oof_pipelines.storage.parquet.market_rows import event_of, events_of, risk_frame, row_of
from oof_pipelines.storage.parquet.market_schemas import MARKET_EVENTS, RISK_FLAGS
from oof_pipelines.storage.parquet.schemas import DECODED_DATASETS
from oof_pipelines.storage.parquet.store import ParquetStore

KINDS_OF_EVENTS = get_args(MarketEvent)
COLUMNS = list(MARKET_EVENTS.columns)
# The widest that the columns hold: sums of u64 amounts, and the last second of the century.
_AMOUNTS = st.integers(0, 10**37)
_PLACES = st.builds(
    EventPlace,
    signature=st.text("abc123", min_size=1, max_size=8),
    slot=st.integers(0, 2**62),
    tx_index=st.none() | st.integers(0, 2**31 - 2),
    block_time_s=st.integers(0, 4_102_444_800),
    log_idx=st.integers(-1, 2**31 - 1),
    ordinal=st.integers(0, 2**31 - 1),
)
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)


def _values(made: type[MarketEvent]) -> dict[str, st.SearchStrategy[Any]]:
    values: dict[str, st.SearchStrategy[Any]] = {}
    for field in msgspec.structs.fields(made):
        name, kind = field.name, str(field.type)
        if name == "place":
            values[name] = _PLACES
        elif name == "reserve_kind":
            values[name] = st.sampled_from(["", "vault", "virtual"])
        elif name.endswith("decimals"):
            values[name] = st.integers(0, 255)
        elif name == "share_bps":
            values[name] = st.integers(0, 10_000)
        elif field.type is bool:
            values[name] = st.booleans()
        else:
            values[name] = _AMOUNTS if name.endswith("_raw") else _TEXT
        if "None" in kind:
            values[name] = st.none() | values[name]
    return values


_EVENTS = st.one_of(*(st.builds(made, **_values(made)) for made in KINDS_OF_EVENTS))


@given(_EVENTS)
def test_an_event_comes_back_from_its_row(event: MarketEvent) -> None:
    row = row_of(event)
    assert len(row) == len(COLUMNS)
    assert event_of(row) == event
    as_read = [
        Decimal(value) if name.endswith("_raw") and value is not None else value
        for name, value in zip(COLUMNS, row, strict=True)
    ]
    assert event_of(as_read) == event


@given(st.lists(_EVENTS.filter(lambda event: not isinstance(event, RiskFlag | WalletBalance)), max_size=8))
def test_events_come_back_from_a_frame_of_the_schema(events: list[MarketEvent]) -> None:
    rows = frames_of(
        {name: [row_of(e) for e in events] if name == MARKET_EVENTS.name else [] for name in DECODED_DATASETS}
    )
    frame = rows[MARKET_EVENTS.name]
    assert list(events_of(MARKET_EVENTS.schema.validate(frame))) == events


@given(st.lists(st.builds(RiskFlag, **_values(RiskFlag)), max_size=5))
def test_flags_come_back_in_the_files_order(flags: list[RiskFlag]) -> None:
    frame = risk_frame(flags)
    assert list(frame.columns) == COLUMNS
    RISK_FLAGS.schema.validate(frame)
    key = lambda one: (*one.order_key, repr(one))  # noqa: E731 - flags made up may share a place
    assert sorted(events_of(frame), key=key) == sorted(flags, key=key)


@pytest.mark.parametrize("made", KINDS_OF_EVENTS, ids=lambda made: made.KIND)
def test_every_field_changes_the_row(made: type[MarketEvent]) -> None:
    """No two fields share a column, and none is lost."""
    place = EventPlace("s", 1, None, 0, 0, 0)
    names = [field.name for field in msgspec.structs.fields(made) if field.name != "place"]
    numbers = {name: index + 1 for index, name in enumerate(names)}
    row = row_of(made(place, **numbers))
    assert set(numbers.values()) <= {value for value in row if isinstance(value, int)}


def test_columns_say_what_their_names_say() -> None:
    place = EventPlace("s", 7, 2, 1_700_000_000, 65_536, 1)
    trade = Trade(
        place, "p", "v", "pool", "m", "q", True, 10, 20, 6, None, "trader", "signer", "creator", 30, "vault", 40, None
    )
    told = {name: value for name, value in zip(COLUMNS, row_of(trade), strict=True) if value not in ("", None)}
    assert told == {
        "signature": "s",
        "slot": 7,
        "tx_index": 2,
        "block_time": datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        "log_idx": 65_536,
        "kind": "trade",
        "ordinal": 1,
        "program_id": "p",
        "venue": "v",
        "pool": "pool",
        "mint": "m",
        "quote_mint": "q",
        "wallet": "trader",
        "signer": "signer",
        "creator": "creator",
        "is_buy": True,
        "base_raw": 10,
        "quote_raw": 20,
        "base_decimals": 6,
        "wallet_balance_raw": 30,
        "reserve_kind": "vault",
        "base_reserve_raw": 40,
    }


def test_who_made_it_is_the_wallet_too() -> None:
    place = EventPlace("s", 7, 2, 0, 0, 0)
    for event in (
        PoolCreated(place, "p", "v", "pool", "m", "q", "maker"),
        TokenLaunched(place, "p", "v", "m", "q", "pool", "maker", "t", "n", "s", "u"),
    ):
        told = dict(zip(COLUMNS, row_of(event), strict=True))
        assert (told["wallet"], told["creator"]) == ("maker", "maker")
    assert "" in row_of(TokenMintInfo(place, "m", "t", 6, "", None, None))


def test_a_transactions_rows_are_its_events(tmp_path: Path) -> None:
    """Through the one way to rows that days and the feed take, and through a file."""
    rows = [row for row in told_rows() if row.day == told_rows()[0].day and row.decoded is not None]
    wanted: list[MarketEvent] = []
    frames = []
    for row in rows:
        assert row.decoded is not None
        block_time_s = int(row.block_time.timestamp())
        wanted += market_events_of(row.signature, row.slot, row.tx_index, block_time_s, row.decoded)
        frames.append(frames_of(rows_of(Place(row.signature, row.slot, row.tx_index, row.block_time), row.decoded)))
    store = ParquetStore(tmp_path)
    store.write(MARKET_EVENTS.name, rows[0].day, pl.concat([frame[MARKET_EVENTS.name] for frame in frames]))
    stored = store.read(MARKET_EVENTS.name, rows[0].day)
    assert stored is not None
    MARKET_EVENTS.schema.validate(stored)
    found = sorted(events_of(stored), key=lambda event: event.order_key)
    assert found == sorted(wanted, key=lambda event: event.order_key)
    assert len(found) > 100

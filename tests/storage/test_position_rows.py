"""Structs of positions and moments survive the way through their columns, to the last digit."""

from decimal import Context, Decimal, Inexact
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oof_pipelines.detectors.moment import KINDS, Moment
from oof_pipelines.positions.results import BASIS_STATUSES, EXIT_KINDS, Episode, Lot, RealizedTrade
from oof_pipelines.storage.parquet.dataset import Dataset
from oof_pipelines.storage.parquet.position_rows import (
    ColumnOverflowError,
    canonical_json,
    column_of,
    frame_of,
    structs_of,
)
from oof_pipelines.storage.parquet.position_schemas import (
    EPISODES,
    LOTS,
    MOMENT_DATASETS,
    OOF_MOMENTS,
    POSITION_DATASETS,
    REALIZED_TRADES,
    WALLET_EXTREMES,
)
from oof_pipelines.workflows.extreme_rows import ExtremeRow

TYPES: dict[type[msgspec.Struct], Dataset] = {
    Lot: LOTS,
    RealizedTrade: REALIZED_TRADES,
    Episode: EPISODES,
    Moment: OOF_MOMENTS,
    ExtremeRow: WALLET_EXTREMES,
}
MOST = 10**38 - 1
_WIDE = Context(prec=60)

_TEXT = st.text('abcxyzé"\\ 1', max_size=6)
_SECOND = st.integers(0, 4_000_000_000)
_SMALL = st.integers(0, 2**31 - 1)
_BY_NAME: dict[str, Any] = {
    "kind": st.sampled_from([*EXIT_KINDS, *KINDS]),
    "basis_status": st.sampled_from(BASIS_STATUSES),
    "explain": st.recursive(
        _TEXT, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3)
    ).map(lambda value: {"inputs": value}),
    "told": st.dictionaries(_TEXT, _TEXT | st.none(), max_size=3),
    "decimals": st.none() | st.integers(0, 255),
    "is_open": st.booleans(),
}


def _value(name: str, annotation: Any) -> Any:
    if name in _BY_NAME:
        return _BY_NAME[name]
    is_optional = type(None) in getattr(annotation, "__args__", ())
    if name.endswith("_s"):
        value: Any = _SECOND
    elif name.endswith("_e18"):
        value = st.integers(-MOST, MOST)
    elif name.endswith(("_raw", "_lamports")):
        value = st.integers(0, 2**64 - 1)
    elif "Decimal" in str(annotation):
        value = st.integers(-MOST, MOST).map(lambda scaled: Decimal(scaled).scaleb(-18, _WIDE))
    elif "str" in str(annotation):
        value = _TEXT
    else:
        value = _SMALL
    return st.none() | value if is_optional else value


def structs(made: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    fields = {field.name: _value(field.name, field.type) for field in msgspec.structs.fields(made)}
    return st.builds(made, **fields)


@pytest.mark.parametrize("made", TYPES, ids=lambda made: made.__name__)
def test_structs_survive(made: type[msgspec.Struct]) -> None:
    dataset = TYPES[made]

    @settings(max_examples=60, deadline=None)
    @given(st.lists(structs(made), max_size=5))
    def survive(drawn: list[msgspec.Struct]) -> None:
        frame = frame_of(dataset, drawn)
        assert dict(frame.schema) == dataset.columns
        read = structs_of(made, frame)
        assert len(read) == len(drawn)
        assert all(read.count(one) == drawn.count(one) for one in drawn)

    survive()


@pytest.mark.parametrize("made", TYPES, ids=lambda made: made.__name__)
def test_every_column_is_a_field_and_every_field_a_column(made: type[msgspec.Struct]) -> None:
    assert [column_of(name) for name in made.__struct_fields__ if column_of(name) in TYPES[made].columns] == [
        column_of(name) for name in made.__struct_fields__
    ]
    assert sorted(map(column_of, made.__struct_fields__)) == sorted(TYPES[made].columns)


def test_all_datasets_are_tried() -> None:
    assert {dataset.name for dataset in TYPES.values()} == {*POSITION_DATASETS, *MOMENT_DATASETS}


def test_no_structs_make_no_rows() -> None:
    frame = frame_of(LOTS, [])
    assert frame.height == 0
    assert structs_of(Lot, frame) == structs_of(Lot, None) == []


def extreme(**changes: Any) -> ExtremeRow:
    values: dict[str, Any] = {
        "wallet": "w",
        "name": "top_win",
        "source_id": "s",
        "mint": "m",
        "event_at_s": 1,
        "amount_usd_e18": 1,
        "pct": None,
        "signature": "x",
        "slot": 1,
        "told": {},
    }
    return ExtremeRow(**(values | changes))


@pytest.mark.parametrize("amount", [10**38, -(10**38), 2**127, 10**60])
def test_what_has_no_room_is_refused_by_the_name_of_its_column(amount: int) -> None:
    with pytest.raises(ColumnOverflowError, match=r"^amount_usd: "):
        frame_of(WALLET_EXTREMES, [extreme(amount_usd_e18=amount)])


def test_a_decimal_of_more_places_is_never_rounded() -> None:
    with pytest.raises(Inexact):
        frame_of(WALLET_EXTREMES, [extreme(pct=Decimal("0.1234567890123456789"))])


def test_json_is_canonical() -> None:
    assert canonical_json({"b": ["é", {"z": "1", "a": "2"}], "a": None}) == '{"a":null,"b":["é",{"a":"2","z":"1"}]}'

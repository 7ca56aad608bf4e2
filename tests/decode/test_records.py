"""Fields by name: every type, older data that end early, and what is refused."""

import struct

import pytest
from hand_ledger import address, key
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.decode.layout import LayoutError
from oof_pipelines.decode.records import Record, RecordLayout

PLAIN = {"u8": 8, "u16": 16, "u32": 32, "u64": 64, "u128": 128}


def record(layout: str, data: bytes, start: int = 0) -> Record:
    return Record(RecordLayout(layout), data, start)


@given(st.lists(st.tuples(st.sampled_from(sorted(PLAIN)), st.integers(0, 2**128 - 1)), max_size=9))
def test_numbers_come_back_as_they_were_written(fields: list[tuple[str, int]]) -> None:
    values = {f"f{n}": number % 2 ** PLAIN[kind] for n, (kind, number) in enumerate(fields)}
    data = b"".join(
        value.to_bytes(PLAIN[kind] // 8, "little") for (kind, _), value in zip(fields, values.values(), strict=True)
    )
    layout = " ".join(f"f{n}:{kind}" for n, (kind, _) in enumerate(fields))
    found = record(layout, b"skipped" + data, 7)
    assert {name: found[name] for name in values} == values
    longer = record(layout + " more:u64", b"skipped" + data, 7)
    assert "more" not in longer
    assert longer.get("more", -1) == -1


def test_signed_numbers_truths_keys_and_raw_bytes() -> None:
    data = struct.pack("<qb?", -5, -1, True) + key("pool") + b"\1\2\3" + (-7).to_bytes(16, "little", signed=True)
    found = record("a:i64 b:i8 c:bool pool:pubkey raw:[3] wide:i128", data)
    assert (found["a"], found["b"], found["c"]) == (-5, -1, True)
    assert (found["pool"], found["raw"], found["wide"]) == (address("pool"), b"\1\2\3", -7)


def test_what_comes_after_a_text_is_found_whatever_its_length() -> None:
    for name in ("", "Cat", "Кіт" * 30):
        text = name.encode()
        data = struct.pack("<QI", 9, len(text)) + text + struct.pack("<BQBIQQ", 1, 7, 0, 2, 11, 12)
        found = record("first:u64 name:string some:option<u64> none:option<u64> all:vec<u64>", data)
        assert (found["first"], found["name"], found["some"], found["none"]) == (9, name, 7, None)
        assert found["all"] == [11, 12]


def test_older_data_end_before_fields_that_came_later() -> None:
    text = struct.pack("<I", 3) + b"abc"
    found = record("name:string later:u64 latest:string", text)
    assert found["name"] == "abc"
    assert "later" not in found
    with pytest.raises(LayoutError, match="the data end before latest"):
        found["latest"]


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff\xff", b"\5\0\0\0abc", b"\xff\xff\xff\xffabc"])
def test_a_length_beyond_the_data_is_no_text_and_no_list(data: bytes) -> None:
    for layout in ("name:string", "name:vec<u64>", "name:bytes"):
        assert "name" not in record(layout, data)


@given(st.binary(max_size=60))
def test_no_data_break_a_reader(data: bytes) -> None:
    found = record("a:u64 k:pubkey s:string o:option<u32> v:vec<u16> b:bytes z:u128", data)
    for name in ("a", "k", "s", "o", "v", "b", "z"):
        found.get(name)


@pytest.mark.parametrize("layout", ["a:u65", "a:", "a:u8 a:u8", "a:option<x>", "a:[x]", "a:vec<u64"])
def test_a_wrong_layout_is_refused_when_it_is_declared(layout: str) -> None:
    with pytest.raises(ValueError, match="field"):
        RecordLayout(layout)

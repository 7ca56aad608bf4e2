"""What structs look like as JSON: amounts as text, instants in ISO 8601, no digit lost."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oof_pipelines.commands.analyze_json import dollars, json_line, told


class Inner(msgspec.Struct):
    qty_raw: int
    fee_lamports: int | None


class Outer(msgspec.Struct):
    wallet: str
    cost_usd_e18: int | None
    sold_at_s: int | None
    t_event_s: int
    trades: int
    slot: int
    is_open: bool
    share: Decimal | None
    parts: list[Inner]
    explain: dict[str, object]


OUTER = Outer(
    wallet="w",
    cost_usd_e18=1_500_000_000_000_000_001,
    sold_at_s=None,
    t_event_s=1_700_000_000,
    trades=3,
    slot=2**53 + 1,
    is_open=True,
    share=Decimal("0.000000000000000001"),
    parts=[Inner(10**30, None)],
    explain={"qty_raw": "7", "candle": {"at": datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))}},
)


def test_a_struct_is_told_with_text_amounts_and_instants() -> None:
    assert told(OUTER) == {
        "wallet": "w",
        "cost_usd": "1.500000000000000001",
        "sold_at": None,
        "t_event": "2023-11-14T22:13:20Z",
        "trades": 3,
        "slot": str(2**53 + 1),
        "is_open": True,
        "share": "0.000000000000000001",
        "parts": [{"qty_raw": str(10**30), "fee_lamports": None}],
        "explain": {"qty_raw": "7", "candle": {"at": "2026-01-01T00:00:00Z"}},
    }


def test_a_line_is_one_line_of_json() -> None:
    line = json_line(OUTER)
    assert "\n" not in line
    assert json.loads(line) == told(OUTER)


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_dollars_keep_every_digit(value_e18: int) -> None:
    text = dollars(value_e18)
    assert Decimal(text).as_tuple().exponent == -18
    assert int(text.replace(".", "")) == value_e18
    assert "E" not in text


@pytest.mark.parametrize(
    ("at", "text"),
    [(datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"), (datetime(2026, 1, 1, 0, 0, 0, 5, UTC), None)],
)
def test_instants_read_back(at: datetime, text: str | None) -> None:
    shown = told(at)
    assert datetime.fromisoformat(shown) == at
    assert text is None or shown == text

"""Structs of an analysis as JSON: amounts and decimals as text, instants in ISO 8601, units that JSON shows dropped.

The rule goes by the name's end, so that every struct of positions, moments and coverage is told in the same way:
`cost_usd_e18` becomes `cost_usd`, text with 18 places; `qty_raw` and `fee_lamports` become text; `sold_at_s` and `t_event_s`
become `sold_at` and `t_event`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

import msgspec

PLACES = 18
_DOLLARS = "_e18"
_SECONDS = "_s"
_TEXT_ENDINGS = ("_raw", "_lamports")
_LARGEST_SAFE = 2**53
_EXACT = Context(prec=120)


def told(value: Any) -> Any:
    """`value` (a struct, a mapping, a list or a plain value) as JSON has it."""
    if isinstance(value, msgspec.Struct):
        return dict(_told_field(name, getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, Mapping):
        return dict(_told_field(str(name), inner) for name, inner in value.items())
    if isinstance(value, (list, tuple)):
        return [told(inner) for inner in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_SAFE:
        return str(value)
    return value


def json_name(field: str) -> str:
    """What JSON calls a struct's field."""
    return field.removesuffix(_DOLLARS).removesuffix(_SECONDS)


def _told_field(name: str, value: Any) -> tuple[str, Any]:
    if name.endswith(_DOLLARS):
        return json_name(name), None if value is None else dollars(value)
    if name.endswith(_TEXT_ENDINGS) and isinstance(value, int):
        return name, str(value)
    if name.endswith(_SECONDS) and (value is None or isinstance(value, int)):
        return json_name(name), None if value is None else instant(datetime.fromtimestamp(value, UTC))
    return name, told(value)


def dollars(value_e18: int) -> str:
    """Whole 10^-18 as plain text with 18 places."""
    return format(Decimal(value_e18).scaleb(-PLACES, _EXACT), "f")


def instant(at: datetime) -> str:
    """ISO 8601 in UTC, with a Z."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def json_line(value: Any) -> str:
    """One line of JSON."""
    return json.dumps(told(value), ensure_ascii=False, separators=(",", ":"))

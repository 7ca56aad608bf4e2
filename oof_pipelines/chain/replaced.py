"""A value with some of its fields changed."""

from typing import Any, TypeVar

T = TypeVar("T")


def replaced(value: T, **changes: Any) -> T:
    """The same as `value` but for the fields named; of a msgspec struct and of the class compiled from one."""
    unknown: Any = value
    made: T = unknown.__replace__(**changes)
    return made

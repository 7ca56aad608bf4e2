"""Yellowstone transactions recorded as JSON, read into the messages of a stream.

Two forms: camelCase with base58 for signatures, and snake_case; both have byte arrays for keys and data.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from oof_pipelines.chain.base58 import decode_base58
from oof_pipelines.transport.geyser_wire import geyser_pb2


def recorded_updates(folder: Path) -> Iterator[tuple[str, geyser_pb2.SubscribeUpdateTransaction]]:
    """(signature, update) of every file."""
    for path in sorted(folder.glob("*.json")):
        value = json.loads(path.read_text())
        update = geyser_pb2.SubscribeUpdateTransaction(slot=int(value["slot"]))
        inner = value["transaction"]
        if "message" in inner:
            fill(update.transaction, {"transaction": inner, "meta": value["meta"], "signature": inner["signatures"][0]})
        else:
            fill(update.transaction, inner)
        yield path.stem, update


def fill(message: Message, value: dict[str, Any]) -> None:
    """Set the fields of `message` that `value` names, in either case."""
    named = {snake(name): one for name, one in value.items()}
    for field in message.DESCRIPTOR.fields:
        one = named.get(field.name)
        if one is None:
            continue
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            if field.is_repeated:
                for item in one:
                    fill(getattr(message, field.name).add(), item)
            else:
                getattr(message, field.name).SetInParent()
                fill(getattr(message, field.name), one)
        elif field.is_repeated:
            getattr(message, field.name).extend(scalar(field, item) for item in one)
        else:
            setattr(message, field.name, scalar(field, one))


def scalar(field: FieldDescriptor, value: Any) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return (
            decode_base58(value)
            if isinstance(value, str)
            else bytes(value["data"] if isinstance(value, dict) else value)
        )
    if field.type in (FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_INT64) and isinstance(value, str):
        return int(value)
    return value


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()

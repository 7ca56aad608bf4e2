"""logsSubscribe over a WebSocket that comes back."""

from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from oof_pipelines.interfaces import Dropped, HeardLog, Subscribed
from oof_pipelines.transport.node_socket import Message, NodeSocket, decode_message
from oof_pipelines.transport.wire_types import SignatureText, SlotNumber


class _Value(msgspec.Struct):
    signature: SignatureText
    err: Any = None
    logs: list[str] | None = None


class _Context(msgspec.Struct):
    slot: SlotNumber


class _Result(msgspec.Struct):
    context: _Context
    value: _Value


class _Parameters(msgspec.Struct):
    result: _Result
    subscription: int


class _Message(msgspec.Struct):
    method: str | None = None
    params: _Parameters | None = None


_message_decoder = msgspec.json.Decoder(_Message)


class LogSocket(NodeSocket):
    """A `LogSource` over WebSocket endpoints, taken in turn."""

    def listen(self, target: str) -> AsyncGenerator[Subscribed | HeardLog | Dropped, None]:
        """Announcements of `target` for ever; only cancelling ends it."""
        filter_ = target if target in ("all", "allWithVotes") else {"mentions": [target]}
        return self.subscribe("logsSubscribe", [filter_, {"commitment": "confirmed"}], _read_notification)


def _read_notification(message: Message) -> HeardLog | None:
    decoded = decode_message(_message_decoder, message)
    if decoded.method != "logsNotification" or decoded.params is None:
        return None
    result = decoded.params.result
    value = result.value
    return HeardLog(value.signature, result.context.slot, value.err is not None, tuple(value.logs or ()))

"""accountSubscribe over a WebSocket that comes back.

Only the slot of a change is taken from it: its data come without a write version, and of two changes in one slot a node may
tell the last alone.
"""

from collections.abc import AsyncGenerator

import msgspec

from oof_pipelines.account_interfaces import HeardChange
from oof_pipelines.interfaces import Dropped, Subscribed
from oof_pipelines.transport.node_socket import Message, NodeSocket, decode_message
from oof_pipelines.transport.wire_types import SlotNumber


class _Context(msgspec.Struct):
    slot: SlotNumber


class _Result(msgspec.Struct):
    context: _Context


class _Parameters(msgspec.Struct):
    result: _Result
    subscription: int


class _Message(msgspec.Struct):
    method: str | None = None
    params: _Parameters | None = None


_message_decoder = msgspec.json.Decoder(_Message)
# The data are asked for in full and not read: an empty slice of them would do, and not every node takes one.
_CONFIG = {"encoding": "base64", "commitment": "confirmed"}


class AccountSocket(NodeSocket):
    """An `AccountSource` over WebSocket endpoints, taken in turn."""

    def listen(self, account: str) -> AsyncGenerator[Subscribed | HeardChange | Dropped, None]:
        """Changes of `account` for ever; only cancelling ends it."""

        def read(message: Message) -> HeardChange | None:
            decoded = decode_message(_message_decoder, message)
            if decoded.method != "accountNotification" or decoded.params is None:
                return None
            return HeardChange(account, decoded.params.result.context.slot)

        return self.subscribe("accountSubscribe", [account, _CONFIG], read)

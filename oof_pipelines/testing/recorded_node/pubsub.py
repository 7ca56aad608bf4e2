"""The subscriptions of the node's sockets, and what a subscriber is sent."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from oof_pipelines.testing.recorded_node.chain_view import FINALIZED, Chain
from oof_pipelines.testing.recorded_node.json_rpc import (
    METHOD_NOT_FOUND,
    Request,
    RpcError,
    commitment_of,
    config,
    invalid_params,
    pubkey_param,
    required,
)
from oof_pipelines.testing.recorded_node.ledger import Entry


@dataclass(eq=False, slots=True)
class Listener:
    """One socket. `send` returns once the text is handed to the network; `cut` ends the connection without a word.

    `heard` counts its announcements.
    """

    send: Callable[[bytes], Awaitable[None]]
    cut: Callable[[], None]
    heard: int = 0
    is_cut: bool = False


@dataclass(eq=False, slots=True)
class Subscription:
    """One logsSubscribe, accountSubscribe (of `account`) or slotSubscribe; the first two go along the ledger (`is_logs`).

    `mentions` are positions in the ledger; None is everything. It is silent until `is_active`, so that its number is sent
    before its first notification.
    """

    number: int
    listener: Listener
    is_logs: bool
    commitment: str = FINALIZED
    mentions: frozenset[int] | None = None
    has_votes: bool = True
    account: str | None = None
    is_active: bool = False

    @property
    def kind(self) -> str:
        """How its notifications are called: logs, account or slot."""
        if self.account is not None:
            return "account"
        return "logs" if self.is_logs else "slot"

    def hears(self, position: int, entry: Entry) -> bool:
        """Whether this goes along the ledger and the entry at `position` concerns it."""
        if not self.is_active or not self.is_logs:
            return False
        if self.mentions is not None:
            return position in self.mentions
        return self.has_votes or not entry.is_vote


class _Meta(msgspec.Struct, rename="camel"):
    err: msgspec.Raw = msgspec.Raw(b"null")
    log_messages: list[str] | None = None


class _Body(msgspec.Struct):
    meta: _Meta | None = None


_body_decoder = msgspec.json.Decoder(_Body)
_NO_DATA = (
    b'{"data":["","base64"],"executable":false,"lamports":0,"owner":"11111111111111111111111111111111",'
    b'"rentEpoch":18446744073709551615,"space":0}'
)


@dataclass(slots=True)
class SubscriptionTable:
    """All subscriptions of all sockets; `on_change` is called when one becomes active or ends."""

    chain: Chain
    on_change: Callable[[], None] = lambda: None
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def call(self, listener: Listener, request: Request) -> tuple[bytes, Subscription | None]:
        """The result of a socket's request, and the subscription to activate once it is sent. Raises `RpcError`.

        As on a validator, a socket answers subscription methods and nothing else.
        """
        if request.method == "logsSubscribe":
            return self._add(self._logs(listener, request.params))
        if request.method == "accountSubscribe":
            return self._add(self._account(listener, request.params))
        if request.method == "slotSubscribe":
            return self._add(Subscription(next(self._numbers), listener, is_logs=False))
        if request.method in ("logsUnsubscribe", "slotUnsubscribe", "accountUnsubscribe"):
            self._remove(listener, required(request.params, 0), request.method.removesuffix("Unsubscribe"))
            return b"true", None
        raise RpcError(METHOD_NOT_FOUND, "Method not found")

    def activate(self, subscription: Subscription) -> None:
        """Let `subscription` hear from now on."""
        subscription.is_active = True
        self.chain.start()
        if subscription.is_logs:
            self.chain.has_been_listened_to = True
        self.on_change()

    def forget(self, listener: Listener) -> None:
        """Drop every subscription of a socket that has gone."""
        for subscription in [one for one in self.subscriptions.values() if one.listener is listener]:
            subscription.is_active = False
            del self.subscriptions[subscription.number]
        self.on_change()

    def active(self, *, is_logs: bool) -> list[Subscription]:
        """The subscriptions of one kind that hear, oldest first."""
        return [one for one in self.subscriptions.values() if one.is_active and one.is_logs == is_logs]

    def _add(self, subscription: Subscription) -> tuple[bytes, Subscription]:
        self.subscriptions[subscription.number] = subscription
        return str(subscription.number).encode(), subscription

    def _logs(self, listener: Listener, params: list[Any]) -> Subscription:
        wanted = required(params, 0)
        commitment = commitment_of(config(params, 1), is_processed_allowed=True)
        subscription = Subscription(next(self._numbers), listener, is_logs=True, commitment=commitment)
        if wanted in ("all", "allWithVotes"):
            subscription.has_votes = wanted == "allWithVotes"
            return subscription
        addresses = wanted.get("mentions") if isinstance(wanted, dict) else None
        if not isinstance(addresses, list):
            raise invalid_params("Invalid params: expected `all`, `allWithVotes` or `mentions`.")
        if len(addresses) != 1:
            raise invalid_params("Invalid Request: Only 1 address supported")
        subscription.mentions = frozenset(self.chain.ledger.positions_of_address(pubkey_param(addresses[0])))
        return subscription

    def _account(self, listener: Listener, params: list[Any]) -> Subscription:
        """A node tells of an account once a slot; which transactions mention it is what is recorded of its changes."""
        account = pubkey_param(required(params, 0))
        commitment = commitment_of(config(params, 1), is_processed_allowed=True)
        entries = self.chain.ledger.entries
        last = {entries[at].slot: at for at in self.chain.ledger.positions_of_address(account)}
        subscription = Subscription(next(self._numbers), listener, is_logs=True, commitment=commitment)
        subscription.account, subscription.mentions = account, frozenset(last.values())
        return subscription

    def _remove(self, listener: Listener, number: Any, kind: str) -> None:
        found = self.subscriptions.get(number) if isinstance(number, int) and not isinstance(number, bool) else None
        if found is None or found.listener is not listener or found.kind != kind:
            raise invalid_params("Invalid subscription id.")
        found.is_active = False
        del self.subscriptions[found.number]
        self.on_change()


def logs_value(chain: Chain, entry: Entry) -> bytes:
    """The `result` of a logsNotification, err and logs as recorded; logs that are null or no logs become an empty list.

    A body that cannot be read (any more) is announced all the same: one odd recording must not silence the others.
    """
    try:
        meta = _body_decoder.decode(chain.ledger.read_body(entry, "base64")).meta or _Meta()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        meta = _Meta(err=msgspec.Raw(entry.err))
    return b'{"context":{"slot":%d},"value":{"signature":"%s","err":%s,"logs":%s}}' % (
        chain.slot_of(entry),
        entry.signature.encode(),
        bytes(meta.err),
        msgspec.json.encode(meta.log_messages or []),
    )


def account_value(chain: Chain, account: str, slot: int) -> bytes:
    """The `result` of an accountNotification: the account as it is after `slot`, empty where nothing is recorded of it."""
    return b'{"context":{"slot":%d},"value":%s}' % (slot, _account_text(chain, account, slot))


def _account_text(chain: Chain, account: str, slot: int) -> bytes:
    told = chain.ledger.accounts.account_json(account, slot)
    return _NO_DATA if told is None else msgspec.json.encode(told)


def slot_value(chain: Chain, slot: int) -> bytes:
    """The `result` of a slotNotification."""
    root = min(slot, chain.view().tip_slot(FINALIZED))
    parent = max(0, slot - 1)
    number = chain.ledger.slot_number(slot)
    if number:
        parent = chain.ledger.slots[number - 1]
    return b'{"parent":%d,"root":%d,"slot":%d}' % (parent, root, slot)


def notification(kind: str, value: bytes, number: int) -> bytes:
    """The message that carries `value` to subscription `number`; `kind` is logs, account or slot."""
    return b'{"jsonrpc":"2.0","method":"%sNotification","params":{"result":%s,"subscription":%d}}' % (
        kind.encode(),
        value,
        number,
    )
